"""What a mistyped command line is told: one sentence with the value in it, and the right exit code."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import cast

import pytest

from plimsoll.domain.errors import InvalidRequest
from starter.cli.bulk import AT_ONCE, Line, read_applications, send_all
from starter.cli.main import run
from starter.cli.remote import ApiAway, Remote


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("demo --applicants many", "'many' should be a valid integer"),
        ("apply - --wait -4", "'-4' should be greater than or equal to 0"),
        ("product new a --from README.md --target y --refer-share 3", "'3' should be less than or equal to 0.9"),
    ],
)
def test_a_value_of_the_wrong_sort_is_named(monkeypatch, capsys, line: str, said: str):
    assert typed(monkeypatch, line) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("text", "said"), [("{", "broken.json is not JSON"), ("{}", "'nodes' is missing")])
def test_an_older_policy_that_cannot_be_read_is_no_part_that_is_away(
    monkeypatch, capsys, tmp_path: Path, text: str, said: str
):
    monkeypatch.chdir(tmp_path)
    Path("broken.json").write_text(text)
    assert typed(monkeypatch, "policy diff consumer-credit broken.json") == 1
    heard = capsys.readouterr().err
    assert heard.startswith("broken.json is")
    assert said in heard


@pytest.mark.parametrize(
    "line",
    [
        "contact consent C-1 --give sms --withdraw sms --reason why",
        "contact flag C-1 --add disputed --remove disputed --reason why",
    ],
)
def test_two_options_that_exclude_each_other_are_refused_before_anybody_is_asked(monkeypatch, capsys, line: str):
    assert typed(monkeypatch, line) == 2
    assert "exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        "apply nothing.csv",
        "contact load nothing.csv --reason why",
        "outcome load nothing.csv",
        "product new a --from nothing.csv --target y",
        "score nothing.csv",
        "transactions load nothing.csv",
    ],
)
def test_a_file_that_is_not_there_is_a_mistake_in_the_call(monkeypatch, capsys, line: str):
    assert typed(monkeypatch, line) == 2
    heard = capsys.readouterr()
    assert heard.out == ""
    assert "nothing.csv cannot be read: No such file or directory.\n" in heard.err


def test_a_slip_in_an_application_over_many_lines_is_told_once():
    with pytest.raises(InvalidRequest, match=r"This is not JSON: .*line 3"):
        read_applications('{\n "amount": "5.00"\n "term_months": 6\n}', ".json", None, cast(Remote, None))


def test_a_bad_line_among_good_ones_is_named_and_the_others_go_on():
    lines = read_applications('{"amount": "5.00"}\n{"amount"', ".jsonl", None, cast(Remote, None))
    assert [line.problem is None for line in lines] == [True, False]


def test_an_api_that_goes_away_in_the_middle_of_a_file_is_said_once_and_no_further_line_is_tried():
    tried = []

    class Goes:
        def post(self, path: str, body: dict, headers: dict) -> tuple[dict, int]:
            tried.append(body["external_id"])
            if len(tried) > 20:
                raise ApiAway("nobody answers")
            return {"id": body["external_id"], "outcome": None}, 202

    lines = [Line(number, {"external_id": f"A-{number}"}) for number in range(1, 501)]
    answered = []
    with pytest.raises(ApiAway, match="send the whole file again"):
        answered.extend(line.number for line, _ in send_all(Goes(), lines, 0, None))  # type: ignore[arg-type]
    assert len(tried) <= 20 + AT_ONCE
    assert answered == sorted(answered)


def test_it_says_its_version(monkeypatch, capsys):
    assert typed(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"{version('plimsoll')}\n"


def typed(monkeypatch: pytest.MonkeyPatch, line: str) -> int:
    monkeypatch.setattr(sys, "argv", ["plimsoll", *line.split()])
    return run()
