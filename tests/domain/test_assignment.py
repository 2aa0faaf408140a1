"""Arms: dealt by a digest anybody can work out again, the same ever after."""

import hashlib
from itertools import pairwise

import pytest

from plimsoll.domain.models.assignment import Lineup, position
from plimsoll.domain.models.scoring import ModelPin, ModelUnavailable

OLD = ModelPin(name="credit", version="old", digest="0" * 64)
NEW = ModelPin(name="credit", version="new", digest="1" * 64, role="challenger", arm="challenger")
PEOPLE = [f"per_{number:05}" for number in range(20_000)]


def a_lineup(share: float, salt: str = "autumn") -> Lineup:
    return Lineup(name="credit", champion=OLD, challenger=NEW, share=share, salt=salt)


def challenged(share: float, salt: str = "autumn") -> set[str]:
    lineup = a_lineup(share, salt)
    return {person for person in PEOPLE if lineup.assigned(person) == NEW}


def test_a_position_can_be_worked_out_by_hand():
    """printf '%s' 'autumn/per_01' | sha256sum"""
    assert hashlib.sha256(b"autumn/per_01").hexdigest().startswith("f0533b11e875dde1")
    assert position("autumn", "per_01") == 0.9387700003357716 == (0xF0533B11E875DDE1 >> 11) / 2**53


def test_every_position_is_at_least_0_and_below_1():
    positions = [position("autumn", person) for person in PEOPLE]
    assert 0 <= min(positions) < 0.001
    assert 0.999 < max(positions) < 1


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_challenger_gets_its_share_and_no_more(share):
    """Four standard deviations of a fair draw."""
    spread = 4 * (share * (1 - share) / len(PEOPLE)) ** 0.5
    assert abs(len(challenged(share)) / len(PEOPLE) - share) < spread


def test_a_share_that_grows_keeps_everybody_who_was_in():
    shares = [challenged(share) for share in (0.1, 0.25, 0.5, 1.0)]
    assert all(before < after for before, after in pairwise(shares))
    assert shares[-1] == set(PEOPLE)


def test_another_salt_deals_anew():
    both = challenged(0.5) & challenged(0.5, salt="winter")
    assert 0.23 < len(both) / len(PEOPLE) < 0.27


def test_a_share_of_nothing_leaves_everybody_with_the_champion():
    assert not challenged(0.0)


def test_without_a_challenger_the_champion_decides():
    assert Lineup(name="credit", champion=OLD, share=0.5).assigned("per_01") == OLD


def test_without_a_champion_nobody_is_scored():
    with pytest.raises(ModelUnavailable, match="No version of the model credit is live"):
        Lineup(name="credit", challenger=NEW, share=1.0).assigned("per_01")
