"""How the CLI speaks: one sentence for an error, JSON for programs, short tables for people."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from plimsoll.domain.errors import NotAllowed, NotSignedIn, PlimsollError, Unavailable

AsRole = Annotated[
    str | None, typer.Option("--as", metavar="ROLE", help="Act with the local key of this role.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: one object, or one a line for many.")]

DONE, FAILED, USAGE, UNDECIDED, NOT_ALLOWED, UNAVAILABLE = 0, 1, 2, 3, 4, 5


def readable(file: Path) -> Path:
    """For arguments that name a file: one that cannot be read is a mistake in the call, said before anything else."""
    try:
        if str(file) != "-" and not file.is_dir():
            file.open("rb").close()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}.") from None
    return file


def exit_code(error: PlimsollError) -> int:
    if isinstance(error, NotAllowed | NotSignedIn):
        return NOT_ALLOWED
    return UNAVAILABLE if isinstance(error, Unavailable) else FAILED


def tell(error: Exception, where: str = "") -> None:
    """The sentence, and below it each field that is wrong."""
    message = error.message if isinstance(error, PlimsollError) else str(error)
    note(where + message.replace(": see `fields`.", ":"))
    fields = error.details.get("fields") if isinstance(error, PlimsollError) else None
    for field in fields if isinstance(fields, list) else ():
        note(f"  {field['field']}: {field['problem']}")


def as_json(content: Any) -> None:
    print(json.dumps(content, ensure_ascii=False, default=str))


def note(sentence: str) -> None:
    """Progress and warnings: never on stdout, which belongs to answers."""
    print(sentence, file=sys.stderr)


def quoted(text: str) -> str:
    """What a stranger wrote, on one line; nothing in it reaches the terminal as anything but letters."""
    return f"“{' '.join(''.join(c if c.isprintable() else ' ' for c in text).split())}”"


def table(columns: dict[str, str], rows: Iterable[dict[str, Any]]) -> None:
    """`columns` maps a heading to the field it shows."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns:
        shown.add_column(heading, no_wrap=True)
    for row in rows:
        shown.add_row(*(Text(_cell(row.get(field))) for field in columns.values()))
    # Wider than the terminal rather than torn apart: ids are there to be copied.
    Console(width=max(Console().width, 200)).print(shown, crop=False, soft_wrap=True)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return moment(str(value))


def moment(text: str) -> str:
    """To the second where it is one; UTC, as the API says it."""
    is_one = len(text) >= 19 and text[4:5] == "-" and text[10:11] == "T"
    return text.replace("T", " ")[:19] if is_one else text


def in_words(values: dict[str, Any]) -> str:
    """`{"no_file": False, "score": 410}` as `no_file no, score 410`."""
    return ", ".join(f"{name} {_said(value)}" for name, value in values.items())


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)


def decision(found: dict[str, Any]) -> None:
    """One decision as a person reads it."""
    name = found.get("external_id") or found["application_id"]
    outcome = found["outcome"] or found["status"]
    print(f"{name}: {outcome.replace('_', ' ')}  ({found['application_id']})")
    if found.get("probability_of_default") is not None:
        low, high = found["uncertainty"]["interval"]
        print(
            f"  probability of default {found['probability_of_default']:.2%} "
            f"(90 % interval {low:.2%} to {high:.2%}), score {found['score']}, grade {found.get('grade') or '–'}"
        )
    if found.get("terms"):
        terms = found["terms"]
        print(
            f"  terms {terms['amount']} {terms['currency']} over {terms['term_months']} months, "
            f"APR {float(terms['apr']):.2%}, payment {terms['payment']}, total cost {terms['total_cost']}"
        )
    for reason in found.get("reasons", []):
        print(f"  {reason['rank']}. {reason['text']}  [{reason['code']}]")
    waiting = found.get("waiting_on")
    if waiting:
        what = ", ".join(waiting["what"])
        since, until = moment(str(waiting["since"])), moment(str(waiting["until"]))
        print(f"  waits on {what} since {since} UTC, until {until} at the latest")
    if found.get("review") and not found["outcome"]:
        print(f"  waits for a person: {found['review']['id']} in queue {found['review']['queue']}")
    if found.get("timings", {}).get("processing_ms") is not None:
        print(f"  decided in {found['timings']['processing_ms']:.0f} ms, policy {_pin(found)}")


def _pin(found: dict[str, Any]) -> str:
    policy, model = found.get("policy") or {}, found.get("model") or {}
    by_model = f", model {model['name']}@{model['version']}" if model else ""
    return f"{policy.get('id')}@{policy.get('version')}{by_model}"
