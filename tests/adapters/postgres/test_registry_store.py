"""Models and roles on record: what anybody changes behind the registry's back shows in `verify`."""

import asyncio
import json

import psycopg
import pytest

from plimsoll.adapters.postgres.models.registry import CachedLineups
from plimsoll.domain.access import Role
from plimsoll.domain.models.registry import RoleName
from tests.builders import NOW
from tests.house import House
from tests.port_contracts.test_model_registries import Office, a_version


@pytest.fixture
async def office(house: House) -> Office:
    """With an approved champion, an approved challenger and a candidate."""
    ada, bob = await house.staff(Role.MODEL_OWNER), await house.staff(Role.MODEL_APPROVER)
    office = Office(house.ports.registry, ada, bob)
    await office.plays((await office.approved("old")).id, RoleName.CHAMPION)
    await office.plays((await office.approved("new")).id, RoleName.CHALLENGER, share=0.1)
    await office.registered("next")
    return office


async def found_by_verify(house: House) -> str:
    await house.ports.sealer.seal_once()
    return (await house.ports.verifier.verify()).problem or ""


TAMPERED = {
    "update model set approved_by = proposed_by where state = 'approved'": "a column was altered",
    "update model set state = 'approved' where state = 'candidate'": "a column was altered",
    "update model set digest = repeat('9', 64) where state = 'candidate'": "a column was altered",
    "update model set manifest = jsonb_set(manifest, '{metrics,auc}', '0.99')": "a column was altered",
    "update model_role set share = 1 where role = 'challenger'": "a column was altered",
    "update model_role set model_id = (select id from model where state = 'candidate')": "a column was altered",
    "delete from model_role where role = 'challenger'": "the model_role row is gone",
    "delete from model where state = 'candidate'": "the model row is gone",
    "insert into model_role select name, 'shadow', model_id, 0, '', set_by, 'x', since from model_role limit 1":
        "it has no ledger entry",
    "insert into model select 'mdl_x', name, 'x', 'x', product, algorithm, state, null, manifest, null, created_by, "
    "created_at from model limit 1": "it has no ledger entry",
}  # fmt: skip


async def test_an_honest_registry_verifies(house: House, office: Office):
    assert await found_by_verify(house) == ""


@pytest.mark.parametrize("change", TAMPERED, ids=lambda change: change[:50])
async def test_whatever_is_changed_behind_the_registrys_back_shows(house: House, office: Office, change: str):
    with psycopg.connect(house.database.owner_url, autocommit=True) as connection:
        connection.execute(change)
    assert TAMPERED[change] in await found_by_verify(house)


async def test_a_role_that_was_given_up_must_not_be_back(house: House, office: Office):
    row = await house.row("select * from model_role where role = 'challenger'")
    await house.ports.registry.clear_role("consumer-credit", RoleName.CHALLENGER, by=office.ada, **office.words)
    with psycopg.connect(house.database.owner_url, autocommit=True) as connection:
        columns = ", ".join(f"%({name})s" for name in row)
        connection.execute(f"insert into model_role ({', '.join(row)}) values ({columns})", row)
    assert "although entry" in await found_by_verify(house)


async def test_every_change_says_who_why_and_which_files(house: House, office: Office):
    rows = await house.rows("select kind, body from ledger_entry where kind like 'model.%%' order by id")
    entries = [json.loads(bytes(row["body"])) for row in rows]
    kinds = ["model.registered", "model.proposed", "model.approved", "model.role_changed"]
    assert [entry["kind"] for entry in entries] == [*kinds, *kinds, "model.registered"]
    assert entries[0]["files"]["model.cbm"] == "a" * 64
    assert [entry["actor"] for entry in entries[:4]] == [office.ada.id, office.ada.id, office.bob.id, office.ada.id]
    assert {entry["reason"] for entry in entries[1:4]} == {"it is better"}
    assert (entries[7]["share"], entries[7]["role"]) == ("0.1", "challenger")


async def test_two_promotions_at_once_leave_one_champion_and_a_whole_record(house: House, office: Office):
    models = [await office.approved(f"rival {number}") for number in range(4)]
    await asyncio.gather(*(office.plays(model.id, RoleName.CHAMPION) for model in models))
    roles = await house.rows("select * from model_role where role = 'champion'")
    assert len(roles) == 1
    assert await found_by_verify(house) == ""


async def test_a_role_is_remembered_for_a_moment_and_forgotten_on_demand(house: House, office: Office):
    cached = CachedLineups(house.ports.registry, keep=60)
    before = await cached.lineup("consumer-credit")
    await house.ports.registry.clear_role("consumer-credit", RoleName.CHALLENGER, by=office.ada, **office.words)
    assert await cached.lineup("consumer-credit") == before
    cached.forget()
    assert (await cached.lineup("consumer-credit")).challenger is None


async def test_registering_leaves_nothing_half_done_when_the_actor_is_unknown(house: House, office: Office):
    nobody = office.ada.model_copy(update={"id": "act_nobody"})
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await house.ports.registry.register(a_version("ghost"), by=nobody, request="req_1", now=NOW)
    assert await found_by_verify(house) == ""
