"""`plimsoll score FILE` against a served API: every row is answered or named, whatever the table looks like."""

import csv
import json
from pathlib import Path

import pytest

from plimsoll.domain.models.features import snapshot
from tests.applicants import facts_of_row, the_product, the_set
from tests.starter.serving import Served


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    """Real applicants as the model reads them."""
    product = the_product()
    return [
        {"number": row.reference} | snapshot(product.features, facts_of_row(row)) for row in the_set().held_out()[:40]
    ]


def written(path: Path, rows: list[dict], separator: str = ",") -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), delimiter=separator)
        table.writeheader()
        table.writerows(rows)
    return str(path)


def answers(path: Path) -> list[dict]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("separator", [",", ";"])
async def test_every_row_of_a_table_is_scored_with_its_own_number_beside(
    served_with_a_model: Served, rows: list[dict], tmp_path: Path, separator: str
):
    out = tmp_path / "out.csv"
    table = written(tmp_path / "rows.csv", rows, separator)
    assert served_with_a_model.run("score", table, "--out", str(out), "--key", "number", "--reasons") == 0
    told = answers(out)
    assert [answer["reference"] for answer in told] == [row["number"] for row in rows]
    assert all(0 < float(answer["probability_of_default"]) < 1 for answer in told)
    assert any(answer["reasons"] for answer in told)


async def test_rows_that_do_not_fit_are_named_by_their_line_and_the_others_are_scored(
    served_with_a_model: Served, rows: list[dict], tmp_path: Path, capsys: pytest.CaptureFixture
):
    wrong = [*rows[:3], rows[3] | {"amount": "a lot"}, rows[4] | {"savings_band": "gold"}, *rows[5:8]]
    out = tmp_path / "out.csv"
    assert served_with_a_model.run("score", written(tmp_path / "rows.csv", wrong), "--out", str(out)) == 1
    said = capsys.readouterr().err
    assert "line 5: amount is not a number" in said
    assert "line 6: savings_band is none of the values the model knows" in said
    assert "6 rows scored, 2 refused." in said
    assert [answer["line"] for answer in answers(out)] == ["2", "3", "4", "7", "8", "9"]


async def test_an_empty_cell_is_not_known_and_not_nought(
    served_with_a_model: Served, rows: list[dict], tmp_path: Path, capsys: pytest.CaptureFixture
):
    table = written(tmp_path / "rows.csv", [rows[0], rows[0] | {"amount": ""}, rows[0] | {"amount": 0}])
    assert served_with_a_model.run("score", table, "--json") == 0
    known, unknown, nought = map(json.loads, capsys.readouterr().out.splitlines())
    assert unknown["probability_of_default"] not in (known["probability_of_default"], nought["probability_of_default"])
    assert not unknown["warnings"]
    assert nought["warnings"][0].startswith("amount is 0, outside the ")


async def test_a_table_without_a_feature_says_which_one_it_lacks(
    served_with_a_model: Served, rows: list[dict], tmp_path: Path, capsys: pytest.CaptureFixture
):
    table = written(tmp_path / "rows.csv", [{k: v for k, v in row.items() if k != "amount"} for row in rows])
    assert served_with_a_model.run("score", table) == 1
    told = capsys.readouterr()
    assert "The file has no column 'amount'; it has number, checking_state" in told.err
    assert told.out == ""  # no heading of answers that never come
    assert served_with_a_model.run("score", table, "--key", "my_number") == 1
    said = capsys.readouterr().err
    assert "no column 'my_number' for --key; it has number, checking_state" in said
    assert "leave its cells empty" not in said


async def test_a_file_that_is_refused_leaves_earlier_answers_as_they_are(
    served_with_a_model: Served, tmp_path: Path, capsys: pytest.CaptureFixture
):
    table = written(tmp_path / "rows.csv", [{f"column_{number}": number for number in range(14)}])
    (tmp_path / "answers.csv").write_text("of yesterday")
    assert served_with_a_model.run("score", table, "--out", tmp_path / "answers.csv") == 1
    assert (tmp_path / "answers.csv").read_text() == "of yesterday"
    assert "column_9 and 4 more" in capsys.readouterr().err
