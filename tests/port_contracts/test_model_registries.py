"""Every registry keeps the promises of the port: Postgres's, with a whole ledger after it, and the fake."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import pytest

from plimsoll.domain.access import Actor, Role
from plimsoll.domain.errors import InvalidRequest, NotFound
from plimsoll.domain.models.registry import (
    ModelRecord,
    ModelState,
    NoReport,
    NotApproved,
    NotInThatState,
    Registration,
    RoleName,
    SelfApproval,
)
from plimsoll.ports import ModelRegistry
from tests.builders import NOW
from tests.fake_registry import FakeRegistry
from tests.house import House


def a_version(of: str = "one", **changes) -> Registration:
    digest = hashlib.sha256(of.encode()).hexdigest()
    version = Registration(
        name="consumer-credit",
        version=digest[:12],
        digest=digest,
        product="consumer-credit",
        algorithm="a table of three lines",
        manifest={
            "files": {"model.cbm": "a" * 64, "calibration.json": "c" * 64},
            "metrics": {"auc": 0.75, "low": -0.0},
        },
        report_digest="b" * 64,
    )
    return version.model_copy(update=changes)


@dataclass
class Office:
    """A registry, and the people who work with it."""

    registry: ModelRegistry
    ada: Actor
    bob: Actor

    @property
    def words(self) -> dict:
        return {"reason": "it is better", "request": "req_1", "now": NOW}

    async def registered(self, of: str = "one", **changes) -> ModelRecord:
        return await self.registry.register(a_version(of, **changes), by=self.ada, request="req_1", now=NOW)

    async def approved(self, of: str = "one") -> ModelRecord:
        record = await self.registered(of)
        await self.registry.propose(record.id, by=self.ada, **self.words)
        return await self.registry.approve(record.id, by=self.bob, **self.words)

    async def plays(self, model: str, role: RoleName, share: float = 0.0) -> ModelRecord:
        return await self.registry.set_role(model, role, share=share, by=self.ada, **self.words)


@pytest.fixture(params=["postgres", "fake"])
async def office(request: pytest.FixtureRequest, house: House) -> AsyncIterator[Office]:
    ada, bob = await house.staff(Role.MODEL_OWNER), await house.staff(Role.MODEL_APPROVER)
    yield Office(house.ports.registry if request.param == "postgres" else FakeRegistry(), ada, bob)
    await house.must_verify()


# From training to approval ------------------------------------------------------------------------


async def test_a_trained_version_is_a_candidate_that_plays_no_role(office):
    record = await office.registered()
    assert (record.state, record.roles, record.created_by) == (ModelState.CANDIDATE, (), office.ada.id)
    assert (await office.registry.lineup("consumer-credit")).champion is None


async def test_registering_the_same_version_again_finds_it(office):
    assert (await office.registered()).id == (await office.registered()).id
    assert len(await office.registry.find_all(limit=10)) == 1


async def test_one_proposes_and_another_approves(office):
    record = await office.approved()
    assert (record.state, record.proposed_by, record.approved_by) == ("approved", office.ada.id, office.bob.id)


async def test_nobody_approves_what_they_proposed(office):
    record = await office.registered()
    await office.registry.propose(record.id, by=office.ada, **office.words)
    with pytest.raises(SelfApproval, match="Four eyes"):
        await office.registry.approve(record.id, by=office.ada, **office.words)
    assert (await office.registry.find(record.id)).state is ModelState.PROPOSED


async def test_a_version_without_a_report_cannot_be_proposed(office):
    record = await office.registered(report_digest=None)
    with pytest.raises(NoReport, match="no report"):
        await office.registry.propose(record.id, by=office.ada, **office.words)


async def test_approval_follows_a_proposal_and_nothing_else(office):
    record = await office.registered()
    for change in (office.registry.approve, office.registry.reject):
        with pytest.raises(NotInThatState, match="is candidate: only a proposed version can be"):
            await change(record.id, by=office.bob, **office.words)


async def test_saying_the_same_again_changes_nothing(office):
    record = await office.approved()
    assert await office.registry.approve(record.id, by=office.bob, **office.words) == record


async def test_a_rejected_version_says_why_and_stays_rejected(office):
    record = await office.registered()
    await office.registry.propose(record.id, by=office.ada, **office.words)
    rejected = await office.registry.reject(record.id, by=office.bob, **office.words | {"reason": "too few rows"})
    assert (rejected.state, rejected.note) == (ModelState.REJECTED, "too few rows")
    with pytest.raises(NotInThatState, match="only a candidate can be proposed"):
        await office.registry.propose(record.id, by=office.ada, **office.words)


# Roles --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", RoleName)
async def test_nothing_plays_a_role_without_approval(office, role):
    record = await office.registered()
    with pytest.raises(NotApproved, match="is candidate and not approved"):
        await office.plays(record.id, role, share=0.1)
    assert await office.registry.lineup("consumer-credit") == (await office.registry.lineup("consumer-credit"))


async def test_a_promoted_version_takes_the_role_from_the_one_before(office):
    old, new = await office.approved("old"), await office.approved("new")
    await office.plays(old.id, RoleName.CHAMPION)
    await office.plays(new.id, RoleName.CHALLENGER, share=0.25)
    await office.plays(new.id, RoleName.CHAMPION)
    lineup = await office.registry.lineup("consumer-credit")
    assert lineup.champion is not None
    assert (lineup.champion.digest, lineup.challenger) == (new.digest, None)
    assert (await office.registry.find(old.id)).roles == ()
    assert lineup.champion.calibration == "c" * 64


async def test_a_growing_share_keeps_its_salt_and_another_challenger_gets_one_of_its_own(office):
    old, one, two = await office.approved("old"), await office.approved("one"), await office.approved("two")
    await office.plays(old.id, RoleName.CHAMPION)
    salts = []
    for model, share in ((one, 0.1), (one, 0.5), (two, 0.5)):
        await office.plays(model.id, RoleName.CHALLENGER, share=share)
        lineup = await office.registry.lineup("consumer-credit")
        assert lineup.share == share
        salts.append(lineup.salt)
    assert salts[0] == salts[1] != salts[2]


async def test_the_champion_does_not_challenge_itself(office):
    record = await office.approved()
    await office.plays(record.id, RoleName.CHAMPION)
    with pytest.raises(NotInThatState, match="is the champion"):
        await office.plays(record.id, RoleName.CHALLENGER, share=0.1)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01])
async def test_a_challenger_needs_a_share_of_applicants(office, share):
    record = await office.approved()
    with pytest.raises(InvalidRequest, match="above 0 and at most 1"):
        await office.plays(record.id, RoleName.CHALLENGER, share=share)


async def test_a_role_can_be_left_empty_but_never_the_champions(office):
    old, new = await office.approved("old"), await office.approved("new")
    await office.plays(old.id, RoleName.CHAMPION)
    await office.plays(new.id, RoleName.SHADOW)
    clear = partial(office.registry.clear_role, "consumer-credit", by=office.ada, **office.words)
    assert (await clear(RoleName.SHADOW)).id == new.id
    assert await clear(RoleName.SHADOW) is None
    with pytest.raises(InvalidRequest, match="needs a champion"):
        await clear(RoleName.CHAMPION)


async def test_who_plays_a_role_cannot_retire(office):
    record = await office.approved()
    await office.plays(record.id, RoleName.CHAMPION)
    with pytest.raises(NotInThatState, match="give that role to another version first"):
        await office.registry.retire(record.id, by=office.ada, **office.words)


async def test_what_was_live_before_is_champion_unless_there_is_one(office):
    why = {"by": office.ada, "request": "start", "now": NOW, "reason": "it decided before"}
    first = await office.registry.adopt(a_version("old"), **why)
    later = await office.registry.adopt(a_version("older"), **why)
    assert (first.plays(RoleName.CHAMPION) is not None, later.roles) == (True, ())


# Finding ------------------------------------------------------------------------------------------


async def test_a_name_means_what_is_live_and_the_newest_where_nothing_is(office):
    old, new = await office.approved("old"), await office.approved("new")
    assert (await office.registry.find("consumer-credit")).id == new.id
    await office.plays(old.id, RoleName.CHAMPION)
    assert (await office.registry.find("consumer-credit")).id == old.id


async def test_the_beginning_of_a_version_is_enough(office):
    record = await office.registered()
    assert (await office.registry.find(f"consumer-credit@{record.version[:6]}")).id == record.id


@pytest.mark.parametrize(
    "reference", ["mdl_nobody", "consumer-credit@ffff", "consumer-credit@", "nothing", "%", "x@%%%%"]
)
async def test_what_is_not_there_is_said_in_one_sentence(office, reference):
    if reference != "consumer-credit@":
        await office.registered()
    with pytest.raises(NotFound, match="There is no model"):
        await office.registry.find(reference)
