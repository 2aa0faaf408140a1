"""Which model scores a case: dealt at the first step and kept, whatever is released or breaks meanwhile (F22, F23)."""

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plimsoll.adapters.models.scorer import ModelScorer
from plimsoll.adapters.models.shelf import ModelFolder
from plimsoll.adapters.postgres.models.registry import CachedLineups
from plimsoll.domain.access import Role
from plimsoll.domain.models.assignment import position
from plimsoll.domain.models.registry import RoleName
from starter.loops.shadowing import Shadowing
from starter.models.registrar import Registrar
from tests.activities.test_steps import do, express
from tests.builders import a_minors_application, a_pull, a_sound_application, a_step
from tests.fakes import FakeLineups
from tests.house import House
from tests.versions import a_models_folder


@dataclasses.dataclass
class Floor:
    """A house with a real scorer, a real registry, and three approved versions: nobody remembers roles."""

    house: House
    models: list[str]
    place: Path

    async def plays(self, number: int, role: RoleName, share: float = 0.0) -> None:
        ports = self.house.ports
        office = Registrar(ports.registry, ports.live, ports.shelf, ports.products, "req_1")
        by = await self.house.somebody(Role.MODEL_OWNER)
        await office.give_role(self.models[number], role, by, "try it", share)

    async def version(self, number: int) -> str:
        return (await self.house.ports.registry.find(self.models[number])).version

    async def score_of(self, application: str) -> dict:
        return (await self.house.case(application))["score"]

    @asynccontextmanager
    async def a_shadow_of_old(self) -> AsyncIterator[None]:
        """The steps of these tests carry a clock of their own, behind the role's: it is set back meanwhile."""
        change, database = "update model_role set since = %(since)s where role = 'shadow'", self.house.ports.database
        row = await self.house.row("select since from model_role where role = 'shadow'")
        await database.run(change, {"since": datetime(2000, 1, 1, tzinfo=UTC)})
        try:
            yield
        finally:
            await database.run(change, row)

    def shadowing(self) -> Shadowing:
        ports = self.house.ports
        return Shadowing(ports.shadows, ports.casework, ports.live, ports.scorer, ports.products)


@pytest.fixture
async def floor(house: House, tmp_path: Path) -> AsyncIterator[Floor]:
    place = tmp_path / "shelf"
    versions = a_models_folder(place, versions=3)
    registry = house.ports.registry
    house.ports = dataclasses.replace(
        house.ports,
        scorer=ModelScorer(place),
        shelf=ModelFolder(place),
        live=CachedLineups(registry, keep=0.0),
    )
    ada, bob = await house.staff(Role.MODEL_OWNER), await house.staff(Role.MODEL_APPROVER)
    office = Registrar(registry, house.ports.live, house.ports.shelf, house.ports.products, "req_1")
    models = []
    for manifest in versions:
        record = await office.register("consumer-credit", manifest.version, ada)
        await office.propose(record.id, ada, "measured")
        await office.approve(record.id, bob, "read the report")
        models.append(record.id)
    yield Floor(house, models, place)
    await house.must_verify()


async def in_flight(house: House) -> str:
    """Let through the screen, waiting for its sources."""
    application = await house.accept(a_sound_application())
    await do(house, "screen", a_step(application))
    return application


async def scored(house: House, application: str) -> None:
    for source in ("bureau", "bank", "registry"):
        await do(house, "pull", a_pull(application, source))
    await do(house, "score", a_step(application))


async def test_a_case_keeps_the_model_it_began_with_over_a_promotion_and_back(floor: Floor):
    await floor.plays(0, RoleName.CHAMPION)
    early = await in_flight(floor.house)
    await floor.plays(1, RoleName.CHAMPION)
    late = await in_flight(floor.house)
    await floor.plays(0, RoleName.CHAMPION)
    for application, expected in ((early, 0), (late, 1)):
        await scored(floor.house, application)
        assert (await floor.score_of(application))["model"]["version"] == await floor.version(expected)


async def test_the_arm_is_the_one_anybody_can_work_out(floor: Floor):
    await floor.plays(0, RoleName.CHAMPION)
    await floor.plays(1, RoleName.CHALLENGER, share=0.5)
    salt = (await floor.house.ports.registry.lineup("consumer-credit")).salt
    arms = set()
    for _ in range(12):
        application = await in_flight(floor.house)
        row = await floor.house.row("select person_id, model_pin from application where id = %(id)s", id=application)
        arm = "challenger" if position(salt, row["person_id"]) < 0.5 else "champion"
        assert row["model_pin"]["arm"] == arm
        arms.add(arm)
    assert arms == {"champion", "challenger"}


async def test_roles_changed_at_random_never_move_a_case_that_has_begun(floor: Floor):
    await floor.plays(0, RoleName.CHAMPION)
    chance, begun = random.Random(7), {}
    for turn in range(6):
        for _ in range(2):
            application = await in_flight(floor.house)
            row = await floor.house.row("select model_pin from application where id = %(id)s", id=application)
            begun[application] = row["model_pin"]["version"]
        champion = turn % 3
        await floor.plays(champion, RoleName.CHAMPION)
        other = (champion + 1) % 3
        await floor.plays(other, RoleName.CHALLENGER, share=chance.choice([0.1, 0.25, 0.5, 1.0]))
    await asyncio.gather(*(scored(floor.house, application) for application in begun))
    found = {application: (await floor.score_of(application))["model"]["version"] for application in begun}
    assert found == begun
    assert len(set(begun.values())) > 1


async def test_two_workers_at_the_first_step_agree_on_one_model(floor: Floor):
    await floor.plays(0, RoleName.CHAMPION)
    application = await floor.house.accept(a_sound_application())
    case = await floor.house.ports.casework.load(application)
    pins = [(await floor.house.ports.registry.find(model)).pin() for model in floor.models]
    found = await asyncio.gather(*(floor.house.ports.casework.pinned(case, pin) for pin in pins))
    assert len({case.model_pin for case in found}) == 1


@pytest.mark.parametrize("damage", ["flipped", "missing"])
async def test_a_challenger_that_cannot_be_used_is_answered_for_by_the_champion_and_flagged(floor: Floor, damage: str):
    await floor.plays(0, RoleName.CHAMPION)
    await floor.plays(1, RoleName.CHALLENGER, share=1.0)
    file = floor.place / "consumer-credit" / await floor.version(1) / "model.cbm"
    file.write_bytes(file.read_bytes()[:-1] + b"x") if damage == "flipped" else file.unlink()
    application = await floor.house.accept(a_sound_application())
    assert (await express(floor.house, application)).settled
    score = await floor.score_of(application)
    assert (score["model"]["version"], score["model"]["arm"]) == (await floor.version(0), "challenger")
    assert score["flags"] == ["pinned_model_unusable"]


async def test_a_champion_that_cannot_be_used_is_waited_for(floor: Floor):
    await floor.plays(0, RoleName.CHAMPION)
    (floor.place / "consumer-credit" / await floor.version(0) / "model.cbm").unlink()
    application = await floor.house.accept(a_sound_application())
    assert (await express(floor.house, application)).blocked_by == "model_unavailable"


async def test_a_case_that_began_without_any_model_is_dealt_when_it_is_scored(floor: Floor):
    application = await in_flight(floor.house)
    await floor.plays(2, RoleName.CHAMPION)
    await scored(floor.house, application)
    assert (await floor.score_of(application))["model"]["version"] == await floor.version(2)


async def test_a_knocked_out_case_is_dealt_to_no_model(floor: Floor):
    await floor.plays(0, RoleName.CHAMPION)
    application = await floor.house.accept(a_minors_application())
    await express(floor.house, application)
    row = await floor.house.row("select model_pin from application where id = %(id)s", id=application)
    assert row["model_pin"] is None


# Shadows ------------------------------------------------------------------------------------------


async def test_a_shadow_scores_what_was_scored_on_the_same_facts_and_decides_nothing(floor: Floor):
    """The versions hold the same files, so on the same facts they must say the same."""
    await floor.plays(0, RoleName.CHAMPION)
    await floor.plays(1, RoleName.SHADOW)
    applications = [await floor.house.accept(a_sound_application()) for _ in range(3)]
    for application in applications:
        await express(floor.house, application)
    before = [await floor.house.case(application) for application in applications]
    async with floor.a_shadow_of_old():
        assert await floor.shadowing().score_some() == 3
    rows = await floor.house.rows("select * from prediction order by application_id")
    assert [row["application_id"] for row in rows] == sorted(applications)
    for row in rows:
        said = (await floor.score_of(row["application_id"]))["sample_probability"]
        assert (row["kind"], row["sample_probability"], row["features"]) == ("shadow", said, None)
    assert [await floor.house.case(application) for application in applications] == before


async def test_a_shadow_is_asked_once_about_each_case_and_finds_what_it_missed(floor: Floor):
    await floor.plays(0, RoleName.CHAMPION)
    await floor.plays(1, RoleName.SHADOW)
    async with floor.a_shadow_of_old():
        await express(floor.house, await floor.house.accept(a_sound_application()))
        one, other = floor.shadowing(), floor.shadowing()
        await asyncio.gather(one.score_some(), other.score_some())
        assert await one.score_some() == await other.score_some() == 0
        assert len(await floor.house.rows("select 1 from prediction")) == 1


async def test_without_a_shadow_nothing_is_owed(floor: Floor):
    await floor.plays(0, RoleName.CHAMPION)
    await express(floor.house, await floor.house.accept(a_sound_application()))
    assert await floor.shadowing().score_some() == 0


def test_the_fake_of_roles_speaks_as_the_real_one():
    assert set(dir(CachedLineups)) - set(dir(object)) - {"_fresh"} <= set(dir(FakeLineups))
