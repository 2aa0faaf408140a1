"""Deny by default; verdicts and keys in different hands."""

import pytest

from plimsoll.domain.access import PERMISSIONS, SYSTEM, Permission, Role
from plimsoll.domain.errors import NotAllowed
from tests.builders import an_actor


def test_every_role_is_given_its_permissions_explicitly():
    assert set(PERMISSIONS) == set(Role)


def test_somebody_without_a_role_may_do_nothing():
    assert not any(SYSTEM.may(permission) for permission in Permission)


def test_an_actor_with_two_roles_may_do_what_either_may():
    both = an_actor(Role.CHANNEL, Role.REVIEWER)
    assert both.may(Permission.SUBMIT)
    assert both.may(Permission.REVIEW)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.REVIEWER, Role.SENIOR_REVIEWER}))
def test_only_reviewers_give_verdicts(role: Role):
    assert not an_actor(role).may(Permission.REVIEW)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMIN}))
def test_only_an_admin_makes_keys(role: Role):
    assert not an_actor(role).may(Permission.MANAGE_KEYS)


def test_a_channel_reads_its_own_applications_only():
    channel = an_actor(Role.CHANNEL)
    assert channel.may(Permission.READ_OWN)
    assert not channel.may(Permission.READ)


def test_a_refusal_names_the_actor_the_role_and_what_is_missing():
    with pytest.raises(NotAllowed, match=r"Ada \(analyst\) may not do this: .* reviews:answer"):
        an_actor(Role.ANALYST, name="Ada").must(Permission.REVIEW)
