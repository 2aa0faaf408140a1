"""`plimsoll transactions …` and `plimsoll repayments …`: what happens on accounts, from files and at a chosen pace."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starter.cli.printing import DONE, FAILED, AsJson, AsRole, as_json, note, readable, table
from starter.cli.remote import Remote, key_of

if TYPE_CHECKING:
    from plimsoll.domain.watching.events import Feed
    from plimsoll.ports.watching import FileProgress
    from plimsoll.settings import Settings
    from starter.events.files import EventFile, EventSet, Portion
    from starter.events.replaying import History, Sent

app = typer.Typer(help="What happens on customers' accounts: from files, at a chosen pace.", no_args_is_help=True)
repayments = typer.Typer(help="Repayments, and what fell due.", no_args_is_help=True)

SHOWN = 20
DEFAULT_ROLE = "channel"
FORMATS = "events, taiwan (the folder of the shipped set), berka (the folder of the challenge's files)"

AFile = Annotated[
    Path, typer.Argument(callback=readable, help="CSV, Parquet or JSON lines; .gz, too, but for Parquet.")
]
AFormat = Annotated[str, typer.Option("--format", help=f"What the file holds: {FORMATS}.")]
Columns = Annotated[
    list[str] | None, typer.Option(metavar="FIELD=COLUMN", help="Which column holds a field: amount=value. Repeatable.")
]
Always = Annotated[
    list[str] | None, typer.Option(metavar="FIELD=VALUE", help="What is true of every line: currency=EUR. Repeatable.")
]
IgnoreOthers = Annotated[bool, typer.Option("--ignore-others", help="Leave out columns that are no field.")]
Separator = Annotated[str | None, typer.Option(help="Between the columns of a CSV; found by itself.")]
Again = Annotated[bool, typer.Option("--again", help="From the beginning, although it was done or begun before.")]


@app.command("load")
def load(
    file: AFile,
    format: AFormat = "events",
    column: Columns = None,
    always: Always = None,
    ignore_others: IgnoreOthers = False,
    separator: Separator = None,
    again: Again = False,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Loads events straight into Postgres, by COPY: for history and nightly files, on the machine of the house.

    A bad line is named and kept apart; the rest goes in. The same file twice changes nothing, and one that was
    interrupted goes on where it stopped.
    """
    from plimsoll.domain.watching.events import Feed

    return _load(file, format, Feed.TRANSACTIONS, column, always, ignore_others, separator, again, role, json)


@repayments.command("load")
def load_repayments(
    file: AFile,
    column: Columns = None,
    always: Always = None,
    ignore_others: IgnoreOthers = False,
    separator: Separator = None,
    again: Again = False,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Loads repayments, and what fell due, as `plimsoll transactions load` does."""
    from plimsoll.domain.watching.events import Feed

    return _load(file, "events", Feed.REPAYMENTS, column, always, ignore_others, separator, again, role, json)


@app.command("replay")
def replay(
    file: AFile,
    speed: Annotated[
        float | None, typer.Option(min=0.001, help="Times faster than it happened: 86400 is a day a second.")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.01, help="Events a second.")] = None,
    format: AFormat = "events",
    column: Columns = None,
    always: Always = None,
    ignore_others: IgnoreOthers = False,
    separator: Separator = None,
    again: Again = False,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Sends history through the API in the order in which it could be known; as fast as it is taken without a pace.

    A replay that was interrupted goes on where it stopped. The file is held in memory.
    """
    from starter.events.replaying import Checkpoint, History, Pace
    from starter.events.replaying import replay as send_again

    if speed and rate:
        raise typer.BadParameter("Say --speed or --rate, not both.")
    with Remote(role or DEFAULT_ROLE, timeout=120) as api:
        found = _source(api.settings, file, format, None, column, always, ignore_others, separator)
        history = History.of(found)
        checkpoint = Checkpoint(api.settings.home_dir, found.digest())
        if again:
            checkpoint.clear()
        before = checkpoint.read().lines
        for product in _long_past(history, api.settings):
            note(
                f"The time of product {product} is long past these events: their customers count as silent, and "
                "nobody is handed over. Replay them under a product of their own."
            )
        if before:
            note(f"Goes on behind {before:,} lines that were sent before.")
        with _bar(len(history.lines), "events") as advance:

            def told(sent: "Sent", moment: Any) -> None:
                advance(sent.lines, f"{moment:%Y-%m-%d %H:%M}")

            sent = send_again(history, Pace(rate, speed), checkpoint, lambda lines: _post(api, lines), told)
    if history.rejected:
        note(f"{history.rejected:,} lines of the file are no events and were not sent: `load` names each.")
    shown = {"lines": sent.lines, "new": sent.new, "repeated": sent.repeated, "rejected": sent.rejected}
    if json:
        as_json(shown)
    else:
        print(f"{sent.new:,} new, {sent.repeated:,} were here already, {sent.rejected:,} rejected.")
    return FAILED if sent.rejected or history.rejected else DONE


@app.command("rejected")
def rejected(
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Lines that were not taken in, and why."""
    with Remote(role or "analyst") as api:
        rows = api.get("/v1/transactions/rejected", limit=limit)["data"]
    if json:
        for row in rows:
            as_json(row)
    else:
        table({"at": "at", "from": "source", "line": "line", "problem": "problem"}, rows)
    return DONE


def _long_past(history: "History", settings: "Settings") -> list[str]:
    """Products that have another time; unknown to whom may only send."""
    from plimsoll.domain.errors import PlimsollError

    try:
        with Remote("analyst", settings) as api:
            stream = api.get("/v1/customers/stream")
    except PlimsollError:
        return []
    return history.long_past(stream["clocks"], timedelta(days=stream["silent_after_days"]))


def _post(api: Remote, lines: bytes) -> dict[str, Any]:
    answer, _ = api.post_lines("/v1/transactions", lines)
    return answer


def _source(
    settings: "Settings",
    file: Path,
    format: str,
    feed: "Feed | None",
    column: list[str] | None,
    always: list[str] | None,
    ignore_others: bool,
    separator: str | None,
) -> "EventFile | EventSet":
    from starter.events.files import Dictionary, EventFile, EventSet

    if format != "events":
        from plimsoll.wiring.watching import event_set

        return EventSet(file, event_set(format, file))
    dictionary = Dictionary(_pairs(column, "--column"), _pairs(always, "--always"), ignore_others)
    found = EventFile(file, dictionary, separator, feed)
    _ = found.size
    return found


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    from plimsoll.domain.errors import InvalidRequest

    pairs = [word.partition("=") for word in given or []]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise InvalidRequest(f"{option} is written FIELD=…, for example `{option} currency=EUR`.")
    return {name: value for name, _, value in pairs}


def _load(
    file: Path,
    format: str,
    feed: "Feed",
    column: list[str] | None,
    always: list[str] | None,
    ignore_others: bool,
    separator: str | None,
    again: bool,
    role: str | None,
    json: bool,
) -> int:
    import asyncio

    from plimsoll.settings import load_settings

    settings = load_settings()
    source = _source(settings, file, format, feed, column, always, ignore_others, separator)
    progress, before = asyncio.run(_loaded(settings, source, role or DEFAULT_ROLE, again))
    return _told(progress, before, file, json)


async def _loaded(
    settings: "Settings", source: "EventFile | EventSet", role: str, again: bool
) -> tuple["FileProgress", "FileProgress"]:
    """How far the file is now, and how far it was before."""
    from datetime import UTC, datetime

    from plimsoll.domain.access import Permission
    from plimsoll.wiring import open_ports
    from starter.events.loading import load as load_file

    async with open_ports(settings, wait_for_database=3) as ports:
        actor = await ports.access.actor_of_key(key_of(settings, role))
        actor.must(Permission.SEND_TRANSACTIONS)
        name = source.path.name
        begun = await ports.watch.loads.begin(source.digest(), "load", name, actor=actor, now=datetime.now(UTC))
        if begun.ended_at and not again:
            return begun, begun
        if again:
            begun = begun.model_copy(update={"lines": 0, "new": 0, "repeated": 0, "rejected": 0, "ended_at": None})
        if begun.lines:
            note(f"Goes on behind line {begun.lines:,}, where it stopped before.")
        with _bar(None, "lines") as advance:
            shown = 0

            def told(progress: "FileProgress", portion: "Portion") -> None:
                nonlocal shown
                for line in portion.rejected[: max(0, SHOWN - shown)]:
                    note(f"line {line.number}: {line.problem}")
                shown += len(portion.rejected)
                advance(progress.lines, f"{progress.rejected:,} rejected" if progress.rejected else "")

            return await load_file(ports.watch, source, name, begun, actor=actor, told=told), begun


def _told(progress: "FileProgress", before: "FileProgress", file: Path, json: bool) -> int:
    if progress == before:
        note(f"{file.name} was loaded on {before.ended_at:%Y-%m-%d %H:%M} UTC already; --again reads it once more.")
    counts = progress.model_dump(include={"lines", "new", "repeated", "rejected"})
    if progress == before:
        counts |= {"new": 0, "repeated": progress.new + progress.repeated}
    if json:
        as_json(counts)
    else:
        kept = ": `plimsoll transactions rejected` lists them" if counts["rejected"] else ""
        print(
            f"{counts['new']:,} new, {counts['repeated']:,} were here already, {counts['rejected']:,} rejected{kept}."
        )
    sys.stdout.flush()
    return FAILED if counts["rejected"] else DONE


@contextmanager
def _bar(total: int | None, unit: str) -> Iterator[Any]:
    """Progress on stderr, with the pace; `advance(done, said)` moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.completed:,.0f} " + unit), BarColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=total, said="")
        yield lambda done, said: progress.update(bar, completed=done, said=said)
