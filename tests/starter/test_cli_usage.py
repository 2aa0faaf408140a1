"""What a mistyped command line is told: one sentence with the value in it, and the right exit code."""

import sys
from pathlib import Path

import pytest

from starter.cli.main import run


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("demo --applicants many", "'many' should be a valid integer"),
        ("apply - --wait -4", "'-4' should be greater than or equal to 0"),
        ("product new a --from x.csv --target y --refer-share 3", "'3' should be less than or equal to 0.9"),
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


def typed(monkeypatch: pytest.MonkeyPatch, line: str) -> int:
    monkeypatch.setattr(sys, "argv", ["plimsoll", *line.split()])
    return run()
