"""Policies that were in force stay readable, with the decisions made by each."""

from datetime import timedelta

import pytest

from plimsoll.domain.errors import NotFound
from plimsoll.domain.underwriting.policy import parse_policy
from tests.applicants import the_policy, the_product
from tests.builders import NOW
from tests.decided import decided
from tests.house import House

LIVE = the_policy().policy(the_product())
STRICTER = parse_policy(LIVE.content.replace("> 20000", "> 9000").encode(), "stricter")


async def test_a_version_is_kept_once_with_the_day_it_was_first_seen(house: House):
    versions = house.ports.policy_versions
    await versions.keep("consumer-credit", LIVE, NOW)
    await versions.keep("consumer-credit", STRICTER, NOW + timedelta(days=1))
    await versions.keep("consumer-credit", LIVE, NOW + timedelta(days=2))
    assert [(row["digest"], row["kept_at"]) for row in await versions.listed("consumer-credit")] == [
        (STRICTER.digest, NOW + timedelta(days=1)),
        (LIVE.digest, NOW),
    ]
    assert await versions.content("consumer-credit", STRICTER.digest) == STRICTER.content.encode()


async def test_decisions_are_counted_by_the_policy_that_made_them(house: House):
    versions = house.ports.policy_versions
    await versions.keep("consumer-credit", LIVE, NOW)
    application = await decided(house)
    made = await house.row("select policy_digest from decision where application_id = %(id)s", id=application)
    await versions.keep("consumer-credit", LIVE.model_copy(update={"digest": made["policy_digest"]}), NOW)
    rows = {row["digest"]: row for row in await versions.listed("consumer-credit")}
    assert (rows[LIVE.digest]["decisions"], rows[LIVE.digest]["first_at"]) == (0, None)
    assert (rows[made["policy_digest"]]["decisions"], rows[made["policy_digest"]]["last_at"]) == (1, NOW)


async def test_another_products_version_is_not_found(house: House):
    await house.ports.policy_versions.keep("consumer-credit", LIVE, NOW)
    assert await house.ports.policy_versions.listed("business") == []
    with pytest.raises(NotFound, match="No policy of business"):
        await house.ports.policy_versions.content("business", LIVE.digest)
