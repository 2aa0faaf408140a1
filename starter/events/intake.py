"""The door for what happens on accounts: many lines at once, each judged alone.

Lines are read strictly. A bad one is named and kept apart; the rest is committed when this
returns. Sending the same lines again changes nothing, so there is no idempotency key.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plimsoll.domain.access import Actor
from plimsoll.domain.errors import FieldsInvalid, InvalidRequest, TooLarge
from plimsoll.domain.values import Value
from plimsoll.domain.watching.batch import Batch
from plimsoll.domain.watching.events import Feed
from plimsoll.domain.watching.reading import Read, read_records
from plimsoll.ports.watching import RejectedLine, RejectedLineStore, TransactionLog
from starter.intake import first_line, no_constant, no_duplicates, whole_number

MOST_LINES = 10_000
SLICE = 500  # lines between two breaths of the event loop
LONGEST_LINE = 8_000


class Problem(Value):
    line: int
    problem: str


class Taken(Value):
    """What became of the lines of one call."""

    new: int = 0
    repeated: int = 0
    rejected: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class TransactionIntake:
    log: TransactionLog
    rejected: RejectedLineStore

    async def take(
        self, raw: bytes, *, feed: Feed, actor: Actor, request: str, source: str = "api", first: int = 1
    ) -> Taken:
        """Commits the events among these lines, and names the rest; `first` is the number of the first line.

        Raises InvalidRequest (no lines, not UTF-8), TooLarge, FieldsInvalid (the only line is bad), Unavailable.
        """
        lines = _lines(raw)
        now = datetime.now(UTC)
        bad: list[RejectedLine] = []
        batches = []
        for start in range(0, len(lines), SLICE):
            some = lines[start : start + SLICE]
            read, refused = _read(some, now, feed)
            bad += [
                RejectedLine(first + some[place].number, problem, some[place].content) for place, problem in refused
            ]
            batches.append(read.batch)
            await asyncio.sleep(0)
        accepted = await self.log.accept(Batch.joined(batches), now=now)  # together, in the order of the lines
        bad.sort(key=lambda line: line.number)
        await self.rejected.keep(bad, feed=feed, source=source, actor=actor, request=request, now=now)
        if bad and len(lines) == 1:
            raise FieldsInvalid(bad[0].problem)
        problems = tuple(Problem(line=line.number, problem=line.problem) for line in bad)
        return Taken(new=accepted.new, repeated=accepted.repeated, rejected=len(bad), problems=problems)


@dataclass(frozen=True)
class _Line:
    number: int  # from 0
    content: bytes


def _lines(raw: bytes) -> list[_Line]:
    lines = [_Line(number, line) for number, line in enumerate(raw.split(b"\n")) if line.strip()]
    if not lines:
        raise InvalidRequest("The body holds no line: send one JSON object a line.")
    if len(lines) > MOST_LINES:
        raise TooLarge(f"{len(lines):,} lines: send at most {MOST_LINES:,} in a request.")
    return lines


def _read(lines: list[_Line], now: datetime, feed: Feed) -> tuple[Read, list[tuple[int, str]]]:
    """What these lines hold, and the places of those that hold no event, with the reason."""
    records, places, refused = [], [], []
    for place, line in enumerate(lines):
        record = read_line(line.content)
        if isinstance(record, str):
            refused.append((place, record))
        else:
            records.append(record)
            places.append(place)
    read = read_records(records, now, feed)
    return read, refused + [(places[bad.place], bad.problem) for bad in read.rejected]


def read_line(line: bytes) -> dict[str, Any] | str:
    """The object in a line, numbers with the digits they were written with; or why there is none."""
    if len(line) > LONGEST_LINE:
        return f"The line has {len(line):,} bytes: an event has at most {LONGEST_LINE:,}."
    try:
        found = _DECODER.decode(line.decode())
    except RecursionError:
        return "The line is nested too deeply to be an event."
    except (ValueError, UnicodeError) as error:
        return f"The line is not JSON we accept: {first_line(error)}."
    return found if isinstance(found, dict) else f"The line is a JSON {type(found).__name__}: an event is an object."


_DECODER = json.JSONDecoder(
    parse_float=str, parse_int=whole_number, parse_constant=no_constant, object_pairs_hook=no_duplicates
)
