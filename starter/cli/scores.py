"""`plimsoll score FILE`: scores for every row of a table, without opening a case."""

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from plimsoll.domain.errors import FieldsInvalid, InvalidRequest
from starter.cli.printing import DONE, FAILED, AsJson, AsRole, as_json, note, readable
from starter.cli.remote import Remote

if TYPE_CHECKING:
    from starter.cli.table_files import Line

AT_ONCE = 2000
SHOWN = 20  # refused rows that are named one by one
NAMED = 10  # columns in one sentence
ANSWER = ("score", "probability_of_default", "sample_probability", "model_version", "reasons", "warnings")


def add_to(app: typer.Typer) -> None:
    app.command("score")(score)


def score(
    file: Annotated[
        Path, typer.Argument(callback=readable, help="CSV, Parquet or JSON lines; a column for each feature.")
    ],
    product: Annotated[str, typer.Option(help="Whose live model is asked.")] = "consumer-credit",
    out: Annotated[Path | None, typer.Option(help="Where the answers go, as CSV; to the screen when left out.")] = None,
    key: Annotated[
        str | None, typer.Option(help="Column with your own reference: kept in the answer, and it picks the arm.")
    ] = None,
    reasons: Annotated[bool, typer.Option("--reasons", help="With the principal reasons.")] = False,
    separator: Annotated[str | None, typer.Option(help="Between the columns of a CSV; found by itself.")] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Scores a table. A row that does not fit the model is named and left out; the others are scored.

    An empty cell means that nobody knows. Every score is logged, and no case is opened.
    """
    from starter.cli.table_files import TableFile

    table = TableFile(file, separator, holds="row")
    told: Counter[str] = Counter()
    size = table.size  # first: a file that is none gets its sentence, and no heading of answers
    with Remote(role or "channel", timeout=120) as api, _writer(out, json) as answers:
        columns = _Columns(api.get(f"/v1/products/{product}")["features"], key)
        lines = table.lines(columns.check, columns.wanted)
        for answered, line in _with_progress(_scored(api, product, columns, lines, reasons, told), size):
            answers.write(line, columns.reference(line), answered)
    note(f"{told['scored']:,} rows scored, {told['refused']:,} refused.")
    return FAILED if told["refused"] else DONE


class _Columns:
    """Cells of this file as the features of a model."""

    def __init__(self, features: list[dict[str, Any]], key: str | None) -> None:
        self._numbers = {feature["name"]: feature["kind"] == "number" for feature in features}
        self._key = key

    @property
    def wanted(self) -> list[str]:
        return [*self._numbers, *([self._key] if self._key else [])]

    def check(self, names: Any) -> None:
        if self._key and self._key not in names:
            raise InvalidRequest(f"The file has no column {self._key!r} for --key; it has {_some(names)}.")
        lacking = [name for name in self._numbers if name not in names]
        if lacking:
            raise InvalidRequest(
                f"The file has no column {_some(map(repr, lacking))}; it has {_some(names)}. "
                "A feature nobody knows needs its column, too: leave its cells empty."
            )

    def row(self, line: "Line") -> dict[str, Any]:
        features = {name: self._cell(name, line.record.get(name)) for name in self._numbers}
        reference = self.reference(line)
        return {"features": features} | ({"subject": reference} if reference else {})

    def reference(self, line: "Line") -> str | None:
        value = line.record.get(self._key) if self._key else None
        return None if value in (None, "") else str(value)

    def _cell(self, name: str, value: Any) -> Any:
        if value is None or value == "":
            return None
        if not self._numbers[name]:
            return str(value)
        try:
            return float(value)
        except (TypeError, ValueError):
            return value  # for the API to name


def _some(names: Iterable[str]) -> str:
    first = list(names)
    more = f" and {len(first) - NAMED} more" if len(first) > NAMED else ""
    return ", ".join(first[:NAMED]) + more


def _scored(
    api: Remote, product: str, columns: _Columns, lines: Iterator["Line"], reasons: bool, told: Counter[str]
) -> Iterator[tuple[dict[str, Any], "Line"]]:
    while batch := list(islice(lines, AT_ONCE)):
        fit = []
        for line in batch:
            if line.problem:
                _refuse(told, line, line.problem)
            else:
                fit.append(line)
        yield from _asked(api, product, columns, fit, reasons, told)


def _asked(
    api: Remote, product: str, columns: _Columns, lines: list["Line"], reasons: bool, told: Counter[str]
) -> Iterator[tuple[dict[str, Any], "Line"]]:
    """Asks again without the rows that were named, until the rest is answered."""
    while lines:
        body = {"product": product, "rows": [columns.row(line) for line in lines], "reasons": reasons}
        try:
            answers = api.post("/v1/scores/batch", body)[0]["data"]
        except FieldsInvalid as error:
            lines = _without_the_named(lines, error, told)
            continue
        told["scored"] += len(answers)
        yield from zip(answers, lines, strict=True)
        return


def _without_the_named(lines: list["Line"], error: FieldsInvalid, told: Counter[str]) -> list["Line"]:
    problems: dict[int, list[str]] = {}
    for found in error.details.get("fields", []):  # type: ignore[attr-defined]
        place, _, field = found["field"].removeprefix("rows[").partition("].")
        if not place.isdigit():
            raise error
        problems.setdefault(int(place), []).append(f"{field.removeprefix('features.')} {found['problem']}")
    if not problems:
        raise error
    for place, sentences in problems.items():
        _refuse(told, lines[place], "; ".join(sentences))
    return [line for place, line in enumerate(lines) if place not in problems]


def _refuse(told: Counter[str], line: "Line", problem: str) -> None:
    told["refused"] += 1
    if told["refused"] <= SHOWN:
        note(f"line {line.number}: {problem}")
    elif told["refused"] == SHOWN + 1:
        note("… and more")


class _writer:
    """Answers as CSV, or as JSON lines for programs. A file that is refused leaves none, and overwrites none."""

    def __init__(self, out: Path | None, json: bool) -> None:
        self._json = json
        self._out = out
        self._file: TextIO | None = None

    def __enter__(self) -> "_writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:
            self._begun()
        if self._file is not None and self._file is not sys.stdout:
            self._file.close()

    def write(self, line: "Line", reference: str | None, answer: dict[str, Any]) -> None:
        if self._json:
            as_json({"line": line.number, "reference": reference} | answer)
            return
        words = {
            "model_version": answer["model"]["version"],
            "reasons": " | ".join(reason["text"] for reason in answer["reasons"]),
            "warnings": " | ".join(answer["warnings"]),
        }
        csv.writer(self._begun()).writerow((line.number, reference, *((answer | words)[name] for name in ANSWER)))

    def _begun(self) -> TextIO:
        """With its heading, unless it is for programs."""
        if self._file is None:
            self._file = self._out.open("w", newline="", encoding="utf-8") if self._out else sys.stdout
            if not self._json:
                csv.writer(self._file).writerow(("line", "reference", *ANSWER))
        return self._file


def _with_progress(
    answers: Iterator[tuple[dict[str, Any], "Line"]], size: int
) -> Iterator[tuple[dict[str, Any], "Line"]]:
    """A bar on stderr while somebody looks."""
    if not sys.stderr.isatty():
        yield from answers
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("scoring", total=size)
        for answer, line in answers:
            progress.update(bar, completed=line.position)
            yield answer, line
