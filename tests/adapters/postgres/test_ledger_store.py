"""The record: insert-only, chained by one sealer, and verified by reading everything again (F29)."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from plimsoll.adapters.postgres.ledger.chain import Sealer, Verification
from plimsoll.domain.ledger import digest, entry, link
from plimsoll.domain.values import Outcome
from tests.adapters.postgres.test_casework import a_run, a_verdict
from tests.builders import NOW, a_sound_application
from tests.house import House, a_house, in_background, until
from tests.stack_fixtures import Database

INSERT_ONLY = ("ledger_entry", "ledger_seal", "decision", "score", "review_verdict")


async def a_record(house: House, applications: int = 4) -> list[str]:
    """A few decided applications, sealed and checkpointed."""
    made = [await house.accept(a_sound_application()) for _ in range(applications)]
    for application in made:
        case = await house.ports.casework.load(application)
        await house.ports.casework.record(case, a_verdict(Outcome.APPROVE), None, NOW, a_run("record"))
    await house.ports.sealer.seal_once()
    return made


async def verified(house: House) -> Verification:
    return await house.ports.verifier.verify()


@contextmanager
def as_owner(house: House, *disabled: str) -> Iterator[psycopg.Connection]:
    """The schema's owner, who can disable triggers: the insider the chain is there for."""
    with psycopg.connect(house.database.owner_url, autocommit=True) as connection:
        for table in disabled:
            connection.execute(f"alter table {table} disable trigger user")
        yield connection
        for table in disabled:
            connection.execute(f"alter table {table} enable trigger user")


# Insert-only --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def a_full_record(migrated, tmp_path_factory) -> AsyncIterator[Database]:
    """A database with an entry, a seal and a decision in it, for attempts that must all fail."""
    made = migrated.create_database(template="migrated")
    async with a_house(tmp_path_factory.mktemp("house"), made, faked=True) as house:
        await a_record(house, 1)
        yield made


@pytest.mark.parametrize("table", INSERT_ONLY)
@pytest.mark.parametrize("change", ["update {} set {} = {}", "delete from {}", "truncate {} cascade"])
async def test_the_application_role_cannot_change_the_record(a_full_record: Database, table: str, change: str):
    column = {"ledger_seal": "seq"}.get(table, "id")
    with psycopg.connect(a_full_record.app_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(change.format(table, column, column))


@pytest.mark.parametrize("table", INSERT_ONLY)
async def test_even_a_superuser_in_replica_mode_cannot_change_the_record(a_full_record: Database, table: str):
    with psycopg.connect(a_full_record.superuser_url) as connection:
        connection.execute("set session_replication_role = replica")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="insert-only"):
            connection.execute(f"truncate {table} cascade")


@pytest.mark.parametrize(
    "attempt", ["drop table ledger_entry", "alter table ledger_entry disable trigger user", "create table x (a int)"]
)
async def test_the_application_role_may_neither_alter_nor_make_a_table(a_full_record: Database, attempt: str):
    with psycopg.connect(a_full_record.app_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(attempt)


# The chain ----------------------------------------------------------------------------------------


async def test_the_chain_links_every_entry_in_order(house: House):
    await a_record(house)
    seals = await house.rows(
        "select s.*, e.digest from ledger_seal s join ledger_entry e on e.id = s.entry_id order by seq"
    )
    assert [seal["seq"] for seal in seals] == list(range(1, len(seals) + 1))
    last = bytes(32)
    for seal in seals:
        assert bytes(seal["prev"]) == last
        assert bytes(seal["hash"]) == link(seal["seq"], seal["entry_id"], last, bytes(seal["digest"]))
        last = bytes(seal["hash"])
    assert len(seals) == (await house.row("select count(*) as n from ledger_entry"))["n"]


async def test_sealing_twice_seals_nothing_new(house: House):
    await a_record(house)
    assert await house.ports.sealer.seal_once() == 0


async def test_an_honest_record_verifies_with_all_its_rows(house: House):
    await a_record(house, 3)
    found = await verified(house)
    assert found.ok, found
    assert found.entries == found.sealed
    assert found.rows == 6  # applications and decisions
    assert found.checkpoints == 1


async def test_two_sealers_take_turns_and_never_fork_the_chain(house: House):
    sealers = [Sealer(house.ports.database) for _ in range(3)]
    async with in_background(sealers[0].run(0.01)), in_background(sealers[1].run(0.01)):
        for _ in range(5):
            await asyncio.gather(*(house.accept(a_sound_application()) for _ in range(8)), sealers[2].seal_once())
        await until(lambda: everything_sealed(house), 10)
    assert (await verified(house)).ok


async def test_a_sealer_takes_over_where_one_died(house: House):
    async with in_background(Sealer(house.ports.database).run(0.01)):
        await house.accept(a_sound_application())
        await until(lambda: everything_sealed(house), 10)
    await house.accept(a_sound_application())
    assert await house.ports.sealer.seal_once() == 1
    assert (await verified(house)).ok


async def test_an_entry_committed_late_is_sealed_behind_earlier_ones(house: House):
    """Ids are drawn before commit: a slow transaction's entry has a lower id than ones already sealed."""
    slow = entry("x.slow", application=None, actor="act_1", reason="r", request="q", at=NOW)
    async with house.ports.database.transaction() as transaction:
        await transaction.execute(
            "insert into ledger_entry (kind, body, digest) values ('x.slow', %s, %s)", (slow.body, slow.digest)
        )
        await house.accept(a_sound_application())
        await house.ports.sealer.seal_once()
    assert await house.ports.sealer.seal_once() == 1
    order = await house.rows("select entry_id from ledger_seal order by seq")
    assert [row["entry_id"] for row in order] != sorted(row["entry_id"] for row in order)
    assert (await verified(house)).ok


async def everything_sealed(house: House) -> bool:
    counted = await house.row(
        "select (select count(*) from ledger_entry) = (select count(*) from ledger_seal) as equal"
    )
    return counted["equal"]


# What the verifier finds --------------------------------------------------------------------------


async def test_an_entry_edited_by_the_owner_is_named(house: House):
    await a_record(house)
    with as_owner(house, "ledger_entry") as owner:
        owner.execute("update ledger_entry set body = replace(convert_from(body, 'UTF8'), 'approve', 'decline')::bytea "
                      "where kind = 'decision.made' and id = (select max(id) from ledger_entry)")  # fmt: skip
    await blames(house, "do not hash to its digest", entry_id="select max(id) from ledger_entry")


async def test_an_entry_edited_together_with_its_digest_is_named(house: House):
    await a_record(house)
    with as_owner(house, "ledger_entry") as owner:
        owner.execute("update ledger_entry set body = 'x'::bytea, digest = sha256('x'::bytea) where id = 3")
    await blames(house, "its hash does not fit entry 3", entry_id="select 3")


async def test_a_chain_rewritten_from_the_edit_on_meets_the_signed_checkpoint(house: House):
    """An owner who forges entry, digest and every later link still cannot sign."""
    await a_record(house)
    with as_owner(house, "ledger_entry", "ledger_seal") as owner:
        owner.execute("update ledger_entry set body = '{}'::bytea, digest = sha256('{}'::bytea) where id = 3")
        last = bytes(32)
        for seq, entry_id, its_digest in owner.execute(
            "select s.seq, e.id, e.digest from ledger_seal s join ledger_entry e on e.id = s.entry_id order by seq"
        ).fetchall():
            made = link(seq, entry_id, last, its_digest)
            owner.execute("update ledger_seal set prev = %s, hash = %s where seq = %s", (last, made, seq))
            last = made
    await blames(house, "a signed checkpoint says another hash")


async def test_a_deleted_entry_is_named(house: House):
    await a_record(house)
    with as_owner(house, "ledger_entry") as owner:
        owner.execute("delete from ledger_entry where id = 4")
    await blames(house, "its entry 4 is gone")


async def test_a_tail_that_was_cut_is_caught_by_the_checkpoint_outside(house: House):
    await a_record(house)
    with as_owner(house, "ledger_entry", "ledger_seal") as owner:
        owner.execute(
            "delete from ledger_entry where id >= (select entry_id from ledger_seal order by seq desc limit 1)"
        )
        owner.execute("delete from ledger_seal where seq = (select max(seq) from ledger_seal)")
    await blames(house, "the chain was cut")


async def test_reordered_seals_are_named(house: House):
    await a_record(house)
    with as_owner(house, "ledger_seal") as owner:
        owner.execute("update ledger_seal set seq = 1000 where seq = 2")
        owner.execute("update ledger_seal set seq = 2 where seq = 3")
        owner.execute("update ledger_seal set seq = 3 where seq = 1000")
    found = await blames(house, "does not follow")
    assert found.seq == 2


async def test_a_seal_taken_out_is_named_by_its_number(house: House):
    await a_record(house)
    with as_owner(house, "ledger_seal") as owner:
        owner.execute("delete from ledger_seal where seq = 2")
    assert (await blames(house, "missing")).seq == 2


async def test_a_forged_checkpoint_is_named(house: House):
    await a_record(house)
    file = house.settings.home_dir / "checkpoints" / "ledger.jsonl"
    mark = json.loads(file.read_text().splitlines()[-1])
    file.write_text(json.dumps(mark | {"hash": "00" * 32}) + "\n")
    await blames(house, "carries no valid signature")


async def test_a_checkpoint_torn_by_a_crash_is_dropped_and_the_next_one_is_whole(house: House):
    await a_record(house)
    file = house.settings.home_dir / "checkpoints" / "ledger.jsonl"
    file.write_text(file.read_text() + file.read_text()[:25])
    assert (await verified(house)).checkpoints == 1
    await a_record(house)
    assert (await verified(house)).checkpoints == 2


async def test_a_line_among_the_checkpoints_that_says_nothing_counts_as_forged(house: House):
    await a_record(house)
    file = house.settings.home_dir / "checkpoints" / "ledger.jsonl"
    file.write_text("gibberish\n" + file.read_text())
    await blames(house, "carries no valid signature")


async def test_an_application_edited_behind_the_ledgers_back_is_named(house: House):
    edited = (await a_record(house))[1]
    await house.ports.database.run(
        "update application set body_sealed = '\\x00', body_digest = sha256('\\x00') where id = %(id)s", {"id": edited}
    )
    await blames(house, f"application {edited}: it has no ledger entry")


async def test_sealed_bytes_swapped_under_their_digest_are_named(house: House):
    edited = (await a_record(house))[1]
    await house.ports.database.run("update application set body_sealed = '\\x00' where id = %(id)s", {"id": edited})
    await blames(house, f"application {edited}: its sealed bytes were altered")


async def test_a_decision_without_an_entry_is_named(house: House):
    (application,) = await a_record(house, 1)
    with as_owner(house, "decision") as owner:
        owner.execute(
            "insert into decision (id, application_id, round, outcome, outcome_source, adverse_action, policy_version,"
            " policy_digest, body_sealed, body_digest, decided_by, decided_at) values ('dec_smuggled', %s, 2,"
            " 'approve', 'rule', false, '1', '', 'x', sha256('x'), 'act_system', now())",
            (application,),
        )
    await blames(house, "decision dec_smuggled: it has no ledger entry")


async def test_an_old_entry_that_nobody_sealed_is_named(house: House):
    await a_record(house)
    made = entry("x.done", application=None, actor="act_1", reason="r", request="q", at=NOW)
    await house.ports.database.run(
        "insert into ledger_entry (kind, body, digest, recorded_at) values ('x', %(body)s, %(digest)s, now() - "
        "interval '1 hour')",
        {"body": made.body, "digest": made.digest},
    )
    await blames(house, "not sealed: is a worker running?")


async def test_a_fresh_entry_may_wait_a_moment_for_its_seal(house: House):
    await house.accept(a_sound_application())
    assert (await verified(house)).ok


async def test_entries_hash_to_what_postgres_hashes_them_to(house: House):
    await a_record(house, 1)
    for row in await house.rows("select body, digest, sha256(body) as theirs from ledger_entry"):
        assert digest(bytes(row["body"])) == bytes(row["digest"]) == bytes(row["theirs"])


async def blames(house: House, sentence: str, entry_id: str | None = None) -> Verification:
    found: Any = await verified(house)
    assert not found.ok
    assert sentence in found.problem
    if entry_id:
        assert found.entry == next(iter((await house.row(entry_id)).values()))
    return found


# What anyone can read is vouched for, too ----------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("decision", "update decision set outcome = 'decline'"),
        ("decision", "update decision set adverse_action = true"),
        ("application", "update application set amount = amount + 1"),
        ("application", "update application set external_id = 'somebody else'"),
    ],
)
async def test_a_readable_column_that_was_altered_is_named(house: House, table: str, change: str):
    await a_record(house, 2)
    with as_owner(house, table) as owner:
        owner.execute(f"{change} where id = (select min(id) from {table})")
    found = await verified(house)
    assert found.problem is not None
    assert table in found.problem
    assert "a column was altered" in found.problem


async def test_a_decision_that_was_deleted_is_missed(house: House):
    await a_record(house, 2)
    with as_owner(house, "decision") as owner:
        owner.execute("delete from decision where id = (select min(id) from decision)")
    found = await verified(house)
    assert found.problem is not None
    assert "the decision row is gone" in found.problem


async def test_a_status_that_nothing_on_record_explains_is_named(house: House):
    application = await house.accept(a_sound_application())
    await house.rows("update application set status = 'withdrawn' where id = %(id)s returning id", id=application)
    await house.ports.sealer.seal_once()
    found = await verified(house)
    assert found.problem is not None
    assert "disagree on `withdrawn`" in found.problem
