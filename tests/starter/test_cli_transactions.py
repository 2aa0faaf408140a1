"""Events from files: loaded by COPY, replayed through the API, each bad line named, nothing twice."""

import asyncio
import csv
import gzip
import io
import json
import sys
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from plimsoll.domain.access import Role
from plimsoll.settings import ROOT
from tests.customers_events import a_line
from tests.house import until
from tests.stack_fixtures import Database
from tests.starter.serving import Served, a_served_house


@pytest.fixture
async def served(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("DATABASE_URL", database.app_url)
    async with a_served_house(tmp_path / "home", database, monkeypatch, Role.CHANNEL) as served:
        yield served


def a_csv(path: Path, lines: list[dict[str, Any]]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def json_lines(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def a_parquet(path: Path, lines: list[dict[str, Any]]) -> Path:
    from datetime import datetime
    from decimal import Decimal

    import pyarrow
    import pyarrow.parquet

    rows = [
        {
            **line,
            "occurred_at": datetime.fromisoformat(line["occurred_at"]),
            "amount": Decimal(line["amount"]),
            "failed": False,
        }
        for line in lines
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


async def run(served: Served, *words: Any) -> int:
    """In a thread, since it runs a loop of its own."""
    return await asyncio.to_thread(served.run, *map(str, words))


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


async def rows_of(served: Served) -> list[dict[str, Any]]:
    return await served.house.rows(
        "select occurred_at, amount, currency, direction, category, channel, failed from transaction_in_words "
        "order by occurred_at, amount"
    )


async def test_events_keep_the_order_of_the_file_though_some_customers_are_new(served, tmp_path, monkeypatch):
    monkeypatch.setattr("starter.events.files.BLOCK", 1 << 12)  # bytes: some forty lines a portion
    new, known = [f"c-{number}" for number in range(40)], ["c-0"] * 40
    lines = [a_line(customer=name, amount=f"{number}.50") for number, name in enumerate([*new, *known] * 4)]
    await run(served, "transactions", "load", a_csv(tmp_path / "e.csv", lines))
    rows = await served.house.rows("select amount from transaction order by seq")
    assert [str(row["amount"]) for row in rows] == [f"{number}.5000" for number in range(len(lines))]


@pytest.mark.parametrize("name", ["e.csv", "e.csv.gz", "e.jsonl", "e.parquet"])
async def test_a_file_of_any_form_holds_the_same_events(served, tmp_path, capsys, name: str):
    lines = [a_line(amount=f"{number}.50", customer=f"c-{number % 7}") for number in range(40)]
    write = {"e.jsonl": json_lines, "e.parquet": a_parquet}.get(name, a_csv)
    assert await run(served, "transactions", "load", write(tmp_path / name, lines), "--json") == 0
    assert answer(capsys) == {"lines": 40, "new": 40, "repeated": 0, "rejected": 0}
    rows = await rows_of(served)
    assert [str(row["amount"]) for row in rows] == [f"{number}.5000" for number in range(40)]
    assert rows[0]["category"] == "groceries"


async def test_the_same_file_twice_changes_nothing_and_says_so(served, tmp_path, capsys):
    file = a_csv(tmp_path / "e.csv", [a_line() for _ in range(5)])
    assert await run(served, "transactions", "load", file) == 0
    assert await run(served, "transactions", "load", file, "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[-1])["new"] == 0
    assert "loaded on" in said.err
    assert await run(served, "transactions", "load", file, "--again", "--json") == 0
    assert answer(capsys) == {"lines": 5, "new": 0, "repeated": 5, "rejected": 0}


async def test_one_in_a_hundred_is_garbage_and_all_else_goes_in(served, tmp_path, capsys):
    lines = [a_line(customer=f"c-{number % 20}") for number in range(1000)]
    for number in range(0, 1000, 100):
        lines[number] |= {"amount": "-1", "currency": "EUR"} if number % 200 else {"currency": "XYZ"}
    file = a_csv(tmp_path / "e.csv", lines)
    with file.open("a") as more:
        more.write("too,few,cells\n")
    assert await run(served, "transactions", "load", file, "--json") == 1
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[-1]) == {"lines": 1001, "new": 990, "repeated": 0, "rejected": 11}
    assert "line 2: `currency` is 'XYZ'" in said.err
    assert "line 1002: The line has 3 columns, the heading 9" in said.err
    assert await run(served, "transactions", "rejected", "--as", "channel", "--json") == 0
    assert len(capsys.readouterr().out.splitlines()) == 11


async def test_what_was_interrupted_goes_on_behind_the_last_portion(served, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("starter.events.files.AT_ONCE", 10)
    file = a_csv(tmp_path / "e.csv", [a_line() for _ in range(35)])
    assert await run(served, "transactions", "load", file) == 0
    await served.house.ports.database.run("update transaction_load set lines = 20, new = 20, ended_at = null")
    capsys.readouterr()
    assert await run(served, "transactions", "load", file, "--json") == 0
    said = capsys.readouterr()
    assert "Goes on behind line 20" in said.err
    assert json.loads(said.out.splitlines()[-1]) == {"lines": 35, "new": 20, "repeated": 15, "rejected": 0}


async def test_columns_may_have_other_names_and_lack_what_is_true_of_all(served, tmp_path, capsys):
    lines = [{"id": "1", "who": "c", "when": "2026-03-30", "value": "7", "sign": "debit", "note": "x"}]
    named = ["--column", "transaction_id=id", "--column", "customer=who", "--column", "occurred_at=when",
             "--column", "amount=value", "--column", "direction=sign", "--always", "currency=EUR"]  # fmt: skip
    file = a_csv(tmp_path / "e.csv", lines)
    assert await run(served, "transactions", "load", file, *named) == 1
    assert "'note' is no field of an event" in capsys.readouterr().err
    assert await run(served, "transactions", "load", file, *named, "--ignore-others", "--json") == 0
    assert answer(capsys)["new"] == 1


async def test_repayments_come_from_a_file_too(served, tmp_path, capsys):
    lines = [a_line(direction=None, category=None, channel=None) for _ in range(3)]
    assert await run(served, "repayments", "load", a_csv(tmp_path / "r.csv", lines), "--json") == 0
    assert answer(capsys)["new"] == 3
    assert {row["kind"] for row in await served.house.rows("select kind from transaction_in_words")} == {"repayment"}


async def test_who_may_not_send_may_not_load(served, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PLIMSOLL_API_KEY", await served.house.key_for(Role.ANALYST))
    assert await run(served, "transactions", "load", a_csv(tmp_path / "e.csv", [a_line()])) == 4


@pytest.mark.parametrize("content", ["", "transaction_id\n"])
async def test_a_file_without_events_is_refused_or_empty_and_never_a_traceback(served, tmp_path, content, capsys):
    file = tmp_path / "e.csv"
    file.write_text(content)
    assert await run(served, "transactions", "load", file) == (1 if not content else 0)
    assert "Traceback" not in capsys.readouterr().err


async def test_a_replay_sends_everything_in_the_order_in_which_it_was_known(served, tmp_path, capsys):
    days = ["2026-03-05", "2026-03-01", "2026-03-03"]
    file = json_lines(tmp_path / "e.jsonl", [a_line(occurred_at=day) for day in days])
    assert await run(served, "transactions", "replay", file, "--json") == 0
    assert answer(capsys) == {"lines": 3, "new": 3, "repeated": 0, "rejected": 0}
    rows = await served.house.rows("select occurred_at::date::text as day from transaction order by seq")
    assert {row["day"] for row in rows} == set(days)


async def test_a_replay_has_one_pace(served, tmp_path, capsys):
    file = json_lines(tmp_path / "e.jsonl", [a_line()])
    assert await run(served, "transactions", "replay", file, "--rate", "5", "--speed", "5") == 2
    assert "not both" in capsys.readouterr().err


async def test_the_shipped_accounts_go_in_as_events_of_2005(served, tmp_path, capsys):
    shipped = ROOT / "data" / "taiwan" / "default_of_credit_card_clients.csv.gz"
    with gzip.open(shipped, "rt") as whole, gzip.open(tmp_path / shipped.name, "wt") as few:
        few.writelines(islice(whole, 4))  # three accounts below the heading
    assert await run(served, "transactions", "load", tmp_path, "--format", "taiwan", "--json") == 0
    said = answer(capsys)
    assert said["new"] == said["lines"] > 3 * 12
    kept = await served.house.rows("select kind, count(*) as n from transaction_in_words group by kind")
    assert {row["kind"]: row["n"] for row in kept}["account_opened"] == 3
    (row,) = await served.house.rows("select count(*) as n, min(product) as product from customer")
    assert (row["n"], row["product"]) == (3, "taiwan-card")
    assert await run(served, "transactions", "load", tmp_path, "--format", "taiwan", "--again", "--json") == 0
    assert answer(capsys)["new"] == 0


async def test_a_load_that_was_killed_goes_on_and_nothing_is_doubled_or_lost(served, tmp_path, capsys):
    count = 60_000
    file = a_csv(tmp_path / "e.csv", [a_line(customer=f"c-{number % 50}") for number in range(count)])
    command = [sys.executable, "-m", "starter.cli.main", "transactions", "load", str(file)]
    nowhere = asyncio.subprocess.DEVNULL
    loading = await asyncio.create_subprocess_exec(*command, stdout=nowhere, stderr=nowhere)

    async def begun() -> bool:
        assert loading.returncode is None, "it ended before it could be killed"
        return bool(await served.house.rows("select 1 from transaction_load where lines > 0"))

    try:
        await until(begun, what="the first portion to be on record")
    finally:
        loading.kill()
        await loading.wait()
    (stopped,) = await served.house.rows("select lines, ended_at from transaction_load")
    assert 0 < stopped["lines"] < count
    assert stopped["ended_at"] is None
    assert await run(served, "transactions", "load", file, "--json") == 0
    said = answer(capsys)
    assert (said["lines"], said["new"] + said["repeated"], said["rejected"]) == (count, count, 0)
    (stored,) = await served.house.rows(
        "select count(*) as n, count(distinct key) as keys, (select count(*) from transaction_key) as kept "
        "from transaction"
    )
    assert (stored["n"], stored["keys"], stored["kept"]) == (count, count, count)


async def test_a_set_nobody_knows_is_refused_by_name(served, tmp_path, capsys):
    assert await run(served, "transactions", "load", tmp_path, "--format", "mars") == 1
    assert "choose events, berka, taiwan" in capsys.readouterr().err
