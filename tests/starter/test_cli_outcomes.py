"""`plimsoll outcome …` against a served API: files of every kind, bad lines kept apart, twice is once."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from plimsoll.domain.values import Outcome
from tests.applicants import the_set
from tests.decided import decided
from tests.house import House
from tests.starter.serving import Served

SEEN = date(2026, 9, 1)


async def count(house: House) -> int:
    return (await house.row("select count(*) as n from outcome"))["n"]


async def loans(house: House, *numbers: str) -> None:
    for number in numbers:
        await decided(house, external_id=number)


async def test_a_csv_goes_in_its_bad_lines_are_named_and_loading_it_twice_changes_nothing(
    served: Served, tmp_path: Path, capsys
):
    await loans(served.house, "L-1", "L-2", "L-3")
    file = tmp_path / "ends.csv"
    file.write_text(
        "external_id,label,observed_on,amount\nL-1,good,2026-09-01,1800.00\nL-2,bad,2026-09-01,\n"
        "L-9,bad,2026-09-01,\nL-3,perhaps,2026-09-01,\nL-3,good,2026-09-01\nL-3,good,2026-99-01,\n"
    )
    assert served.run("outcome", "load", str(file), "--json") == 1
    told = capsys.readouterr()
    kept = [json.loads(line) for line in (tmp_path / "ends.csv.refused.jsonl").read_text().splitlines()]
    assert json.loads(told.out)["recorded"] == 2
    assert [line["line"] for line in kept] == [4, 5, 6, 7]
    for sentence in ("line 4: There is no application 'L-9'.", "line 5: the label 'perhaps' is neither good nor bad",
                     "line 6: it has 3 columns, the heading 4", "line 7: `observed_on` is '2026-99-01'"):  # fmt: skip
        assert sentence in told.err
    served.run("outcome", "load", str(file))
    assert "0 recorded, 2 were on record already, 4 refused" in capsys.readouterr().out
    assert await count(served.house) == 2


async def test_a_file_with_its_own_columns_words_and_days_is_explained_by_options(served: Served, tmp_path: Path):
    await loans(served.house, "L-1", "L-2")
    file = tmp_path / "enden.csv"
    file.write_bytes("﻿Nummer;Stand;Tag\nL-1;ausgefallen;01.09.2026\nL-2;bezahlt;02.09.2026\n".encode())
    columns = [f"--column={pair}" for pair in ("external_id=Nummer", "label=Stand", "observed_on=Tag")]
    words = ["--bad=ausgefallen", "--good=bezahlt", "--day-format=%d.%m.%Y"]
    assert served.run("outcome", "load", str(file), *columns, *words) == 0
    rows = await served.house.rows("select bad, observed_on, source from outcome order by observed_on")
    assert [(row["bad"], row["source"]) for row in rows] == [(True, "file"), (False, "file")]


async def test_parquet_and_json_lines_say_the_same(served: Served, tmp_path: Path, capsys):
    import pyarrow
    import pyarrow.parquet

    await loans(served.house, "L-1", "L-2")
    table = pyarrow.table(
        {"external_id": ["L-1", "L-2"], "label": [1, 0], "observed_on": [SEEN, SEEN], "amount": [12.3, None]}
    )
    pyarrow.parquet.write_table(table, tmp_path / "ends.parquet")
    (tmp_path / "ends.jsonl").write_text(
        '{"external_id": "L-1", "label": "bad", "observed_on": "2026-09-01", "amount": 12.30}\n\n'
        '{"external_id": "L-2", "label": "good", "observed_on": "2026-09-01"}\n'
    )
    assert served.run("outcome", "load", str(tmp_path / "ends.parquet")) == 0
    assert served.run("outcome", "load", str(tmp_path / "ends.jsonl"), "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["repeated"] == 2
    row = await served.house.row("select amount from outcome where bad")
    assert row["amount"] == Decimal("12.30")


async def test_more_lines_than_one_request_holds_go_in_and_stay_in_order(served: Served, tmp_path: Path, capsys):
    application = await decided(served.house)
    lines = [f"{application},good,2026-09-01"] * 1200 + ["app_none,good,2026-09-01"] * 30
    file = tmp_path / "many.csv"
    file.write_text("application_id,label,observed_on\n" + "\n".join(lines) + "\n")
    served.run("outcome", "load", str(file))
    told = capsys.readouterr()
    assert "1 recorded, 1199 were on record already, 30 refused" in told.out
    assert "line 1202: There is no application 'app_none'." in told.err
    assert "… and 10 more." in told.err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds no outcome: it is empty"),
        (b"id,outcome\n1,good\n", "has no column 'label', 'observed_on', 'external_id'; it has id, outcome"),
        (b"external_id,label,observed_on\n\xe4,good,2026-09-01\n", "is not UTF-8 text"),
    ],
)
async def test_a_file_that_cannot_be_read_is_one_sentence(
    served: Served, tmp_path: Path, capsys, content: bytes, sentence: str
):
    (tmp_path / "x.csv").write_bytes(content)
    assert served.run("outcome", "load", str(tmp_path / "x.csv")) == 1
    assert sentence in capsys.readouterr().err


async def test_a_file_that_is_no_parquet_is_one_sentence(served: Served, tmp_path: Path, capsys):
    (tmp_path / "x.parquet").write_text("no")
    assert served.run("outcome", "load", str(tmp_path / "x.parquet")) == 1
    assert "is not Parquet" in capsys.readouterr().err


async def test_the_shipped_labels_go_to_the_held_out_who_are_decided_and_to_nobody_else(served: Served, capsys):
    held_out, training = the_set().held_out()[:3], the_set().training()[0]
    for row in (*held_out, training):
        await decided(served.house, Outcome.APPROVE, external_id=row.reference, at=datetime.now(UTC))
    assert served.run("outcome", "shipped") == 0
    told = capsys.readouterr()
    assert "297 of the 300 are not decided yet" in told.err
    rows = await served.house.rows(
        "select a.external_id, o.bad from outcome o join application a on a.id = o.application_id"
    )
    assert {row["external_id"]: row["bad"] for row in rows} == {row.reference: row.bad for row in held_out}


async def test_what_is_on_record_about_one_is_shown(served: Served, tmp_path: Path, capsys):
    application = await decided(served.house)
    served.run("outcome", "show", application)
    assert f"Nothing is known yet of what became of {application}." in capsys.readouterr().out
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps({"application_id": application, "label": "bad", "observed_on": "2026-09-01"}))
    served.run("outcome", "load", str(file))
    capsys.readouterr()
    served.run("outcome", "show", application, "--json")
    assert json.loads(capsys.readouterr().out)["label"] == "bad"


async def test_performance_is_printed_with_what_it_cannot_say(served: Served, tmp_path: Path, capsys):
    for number in range(30):
        await decided(served.house, probability=0.01 + number / 100, external_id=f"P-{number}")
    lines = [f"P-{number},{'bad' if number % 5 == 4 else 'good'},2026-09-01" for number in range(30)]
    (tmp_path / "ends.csv").write_text("external_id,label,observed_on\n" + "\n".join(lines) + "\n")
    assert served.run("outcome", "load", str(tmp_path / "ends.csv")) == 0
    capsys.readouterr()
    assert served.run("model", "performance", "consumer-credit") == 0
    said = capsys.readouterr().out
    assert "30 of 30 have an outcome" in said
    assert "seen 20.0% bad (9.5% to 37.3%)" in said
    assert "AUC 0." in said
    assert "Nobody was declined" in said
    assert served.run("model", "performance", "consumer-credit", "--json") == 0
    assert json.loads(capsys.readouterr().out)["overall"]["bads"] == 6
