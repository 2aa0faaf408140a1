"""`plimsoll outcome …`: what became of those who were decided about."""

import json as text
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from starter.cli.printing import DONE, FAILED, AsJson, AsRole, as_json, note, readable, table
from starter.cli.remote import Remote

if TYPE_CHECKING:
    from starter.cli.outcome_files import Dictionary, Line, OutcomeFile

app = typer.Typer(help="Outcomes: what became of those who were decided about.", no_args_is_help=True)

AT_ONCE = 500
SHOWN = 20
PRODUCT = "consumer-credit"


@app.command("load")
def load(
    file: Annotated[
        Path, typer.Argument(callback=readable, help="CSV, Parquet or JSON lines; .gz, too, but for Parquet.")
    ],
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=COLUMN", help="Which column holds a field: label=status. Repeatable."),
    ] = None,
    bad: Annotated[
        list[str] | None, typer.Option(help="A word that means bad, such as charged_off. Repeatable.")
    ] = None,
    good: Annotated[list[str] | None, typer.Option(help="A word that means good. Repeatable.")] = None,
    mark: Annotated[str | None, typer.Option(help="What lines speak of that do not say: final.")] = None,
    observed_on: Annotated[str | None, typer.Option(help="Day for lines that have none, YYYY-MM-DD.")] = None,
    known_on: Annotated[str | None, typer.Option(help="Day it was known, for lines that have none: today.")] = None,
    product: Annotated[str | None, typer.Option(help="Product of lines that name none.")] = None,
    day_format: Annotated[str | None, typer.Option(help="How days are written, such as %d.%m.%Y.")] = None,
    separator: Annotated[str | None, typer.Option(help="Between the columns of a CSV; found by itself.")] = None,
    correction: Annotated[bool, typer.Option("--correction", help="These lines replace what is on record.")] = False,
    refused: Annotated[
        Path | None, typer.Option(help="Where refused lines go: beside the file, `<file>.refused.jsonl`.")
    ] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Reports how applications turned out. A bad line is named and kept apart; the rest goes in.

    Fields: application_id or external_id, label (good, bad), observed_on, known_on, amount, mark, product.
    Loading a file twice changes nothing.
    """
    from starter.cli.outcome_files import BAD_WORDS, GOOD_WORDS, Dictionary, OutcomeFile

    given = {"mark": mark, "observed_on": observed_on, "known_on": known_on, "product": product}
    always = {name: value for name, value in given.items() if value} | ({"correction": True} if correction else {})
    dictionary = Dictionary(
        columns=_columns(column or []),
        bad=frozenset(bad) if bad else BAD_WORDS - set(good or ()),
        good=frozenset(good) if good else GOOD_WORDS - set(bad or ()),
        always=always,
        day_format=day_format,
    )
    found = OutcomeFile(file, dictionary, separator)
    with Remote(role or "model_owner") as api, Refusals(refused or Path(f"{file}.refused.jsonl")) as kept:
        tally = _send_all(api, found, dictionary, kept)
    return _told(tally, json)


@app.command("shipped")
def shipped(role: AsRole = None, json: AsJson = False) -> int:
    """What became of the held-out applicants of the shipped set, after `plimsoll demo` decided them.

    Their labels have been seen by nobody before: not by the model, not by the sandbox.
    """
    from plimsoll.settings import load_settings
    from plimsoll.wiring.labelled import shipped_set

    labels = {row.reference: "bad" if row.bad else "good" for row in shipped_set(load_settings()).held_out()}
    tally = Tally(total=len(labels))
    with Remote(role or "model_owner") as api:
        reports = list(_decided_reports(api, labels))
        for answer in _post(api, reports):
            tally.count(answer)
            if answer["result"] == "refused":
                note(answer["problem"])
    waiting = len(labels) - len(reports)
    if waiting:
        note(f"{waiting} of the {len(labels)} are not decided yet: run this again when they are.")
    return _told(tally, json)


@app.command("show")
def show(application: str, role: AsRole = None, json: AsJson = False) -> int:
    """Everything on record about how one application turned out, corrections included."""
    with Remote(role or "analyst") as api:
        rows = api.get("/v1/outcomes", application_id=application)["data"]
    if json:
        for row in rows:
            as_json(row)
    elif not rows:
        print(f"Nothing is known yet of what became of {application}.")
    else:
        table(
            {"mark": "mark", "label": "label", "seen on": "observed_on", "known on": "known_on", "amount": "amount",
             "by": "recorded_by", "through": "source"},
            rows,
        )  # fmt: skip
    return DONE


# Below the verbs --------------------------------------------------------------------------------


@dataclass
class Tally:
    recorded: int = 0
    repeated: int = 0
    refused: int = 0
    total: int = 0
    refused_file: str | None = None

    def count(self, answer: dict[str, Any]) -> None:
        setattr(self, answer["result"], getattr(self, answer["result"]) + 1)


class Refusals:
    """Names refused lines on stderr, the first twenty of them, and keeps all of them in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> "Refusals":
        return self

    def __exit__(self, *error: object) -> None:
        if self._file:
            self._file.close()
        if self.count > SHOWN:
            note(f"… and {self.count - SHOWN} more.")

    def add(self, line: "Line", problem: str) -> None:
        self.count += 1
        if self.count <= SHOWN:
            note(f"line {line.number}: {problem}")
        if self._file is None:
            try:
                self._file = self.path.open("w", encoding="utf-8")
            except OSError as error:
                raise typer.BadParameter(f"{self.path} cannot be written ({error.strerror}): say --refused.") from None
        kept = {"line": line.number, "problem": problem, "said": line.record}
        self._file.write(text.dumps(kept, ensure_ascii=False, default=str) + "\n")


def _columns(given: list[str]) -> dict[str, str]:
    from starter.cli.outcome_files import FIELDS

    pairs = dict(pair.partition("=")[::2] for pair in given)
    wrong = [name for name, column in pairs.items() if name not in FIELDS or not column]
    if wrong:
        raise typer.BadParameter(f"--column {wrong[0]}: write FIELD=COLUMN, FIELD one of {', '.join(FIELDS)}.")
    return pairs


def _send_all(api: Remote, file: "OutcomeFile", dictionary: "Dictionary", kept: Refusals) -> Tally:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from plimsoll.domain.errors import PlimsollError, Unavailable

    tally = Tally()
    columns = (
        TextColumn("reporting outcomes"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[lines]} lines"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=file.size, lines=0)
        for lines in _some_at_a_time(file.outcomes()):
            try:
                _send(api, lines, dictionary, kept, tally)
            except (Unavailable, PlimsollError) as error:
                if tally.total:
                    error.message += f" The first {tally.total} lines are in: load the file again, they change nothing."
                raise
            progress.update(bar, completed=lines[-1].position, lines=tally.total)
    tally.refused_file = str(kept.path) if kept.count else None
    return tally


def _send(api: Remote, lines: list["Line"], dictionary: "Dictionary", kept: Refusals, tally: Tally) -> None:
    from plimsoll.domain.errors import InvalidRequest

    sent: list[tuple[Line, dict[str, Any]]] = []
    refused: list[tuple[Line, str]] = []
    for line in lines:
        try:
            if line.problem:
                raise InvalidRequest(line.problem)
            sent.append((line, dictionary.report(line.record)))
        except InvalidRequest as error:
            refused.append((line, error.message))
    answers = list(_post(api, [body for _, body in sent]))
    for (line, _), answer in zip(sent, answers, strict=True):
        tally.count(answer)
        if answer["result"] == "refused":
            refused.append((line, answer["problem"]))
    tally.refused += len(lines) - len(sent)
    tally.total += len(lines)
    for line, problem in sorted(refused, key=lambda pair: pair[0].number):
        kept.add(line, problem)


def _post(api: Remote, bodies: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for some in _some_at_a_time(bodies):
        found, _ = api.post("/v1/outcomes?source=file", {"outcomes": some})
        yield from found["results"]


def _some_at_a_time(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _decided_reports(api: Remote, labels: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The set has no dates: the day of the decision stands for the day it was seen."""
    from rich.console import Console
    from rich.progress import track

    for number, label in track(labels.items(), "looking for them", console=Console(stderr=True), transient=True):
        found = api.get("/v1/applications", external_id=number, product=PRODUCT, status="decided", limit=1)["data"]
        if found:
            yield {"application_id": found[0]["id"], "label": label, "observed_on": found[0]["decided_at"][:10]}


def _told(tally: Tally, json: bool) -> int:
    if json:
        shown = {"recorded": tally.recorded, "repeated": tally.repeated, "refused": tally.refused}
        as_json(shown | {"refused_file": tally.refused_file})
    else:
        kept = f", kept in {tally.refused_file}" if tally.refused_file else ""
        print(f"{tally.recorded} recorded, {tally.repeated} were on record already, {tally.refused} refused{kept}.")
    sys.stdout.flush()
    return FAILED if tally.refused else DONE
