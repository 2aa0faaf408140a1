"""Files of events: CSV, Parquet or JSON lines, and the real sets there is a reader for, in portions.

A portion is read by column, whatever the form it came in, so that a file of any size goes in at
the same pace and in the same memory.
"""

import csv
import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.watching.batch import Batch
from plimsoll.domain.watching.events import Event, Feed
from plimsoll.domain.watching.reading import FIELDS, Read, read_columns, read_records
from plimsoll.ports.watching import RejectedLine
from starter.events.intake import read_line

AT_ONCE = 10_000
WITH_HEADING = (".csv", ".tsv", ".txt")
SEPARATORS = (",", ";", "\t", "|")
BLOCK = 1 << 20  # bytes of a CSV that are parsed together: some ten thousand events


@dataclass(frozen=True)
class Portion:
    """Some lines of a file that follow each other: their numbers, and what they hold."""

    numbers: Sequence[int]
    batch: Batch
    kept: Sequence[int]  # places of the lines that the rows of the batch stand for
    rejected: Sequence[RejectedLine]
    line: Callable[[int], bytes]  # the JSON line at a place


@dataclass(frozen=True)
class Dictionary:
    """How a table says what an event says."""

    columns: Mapping[str, str] = field(default_factory=dict)  # our field -> its column, where they differ
    always: Mapping[str, str] = field(default_factory=dict)  # for every line
    ignore_others: bool = False

    def fields_of(self, names: Sequence[str]) -> dict[str, str]:
        """Column -> our field. Raises InvalidRequest for a column nobody knows and for one that is not there."""
        found = {name: name for name in names if name in FIELDS and name not in self.columns}
        lacking = [column for column in self.columns.values() if column not in names]
        if lacking:
            raise InvalidRequest(f"The file has no column {lacking[0]!r}; it has {', '.join(names)}.")
        found |= {column: name for name, column in self.columns.items()}
        strange = [name for name in names if name not in found]
        if strange and not self.ignore_others:
            raise InvalidRequest(
                f"{strange[0]!r} is no field of an event: say which one it is (`--column amount={strange[0]}`), or "
                f"`--ignore-others`. Fields: {', '.join(sorted(FIELDS))}."
            )
        return found

    @property
    def digest(self) -> bytes:
        said = [sorted(self.columns.items()), sorted(self.always.items()), self.ignore_others]
        return hashlib.sha256(json.dumps(said).encode()).digest()


class EventFile:
    """Raises InvalidRequest for a file that is not what it seems."""

    def __init__(
        self, path: Path, dictionary: Dictionary | None = None, separator: str | None = None, feed: Feed | None = None
    ) -> None:
        self.path = path
        self.dictionary = dictionary or Dictionary()
        self.feed = feed or Feed.TRANSACTIONS
        self._separator = separator
        unknown = (self.dictionary.columns.keys() | self.dictionary.always.keys()) - FIELDS
        if unknown:
            raise InvalidRequest(f"{min(unknown)!r} is no field of an event; there are {', '.join(sorted(FIELDS))}.")

    @property
    def size(self) -> int:
        """In bytes."""
        try:
            size = self.path.stat().st_size
        except OSError as error:
            raise InvalidRequest(f"{self.path} cannot be read: {error.strerror}.") from None
        if self.path.is_dir() or not size:
            raise InvalidRequest(f"{self.path} holds no events: it is {'a folder' if size else 'empty'}.")
        return size

    def digest(self) -> bytes:
        """Of its bytes, and of how they are read."""
        found = hashlib.sha256(self.dictionary.digest + self.feed.encode())
        with self.path.open("rb") as file:
            while some := file.read(1 << 20):
                found.update(some)
        return found.digest()

    def portions(self, now: datetime, skip: int = 0) -> Iterator[Portion]:
        """Everything after the first lines, in order."""
        kind = Path(self.path.name.removesuffix(".gz")).suffix.lower()
        if kind == ".parquet":
            return self._parquet(now, skip)
        return self._csv(now, skip) if kind in WITH_HEADING else self._json_lines(now, skip)

    # Tables -----------------------------------------------------------------------------------------

    def _csv(self, now: datetime, skip: int) -> Iterator[Portion]:
        import pyarrow
        import pyarrow.csv

        torn: list[Any] = []

        def put_aside(row: Any) -> str:
            torn.append(row)
            return "skip"

        try:
            with self._opened() as raw:
                head = raw.readline()
                separator = self._separator or max(SEPARATORS, key=head.decode("utf-8-sig").count)
                names = next(csv.reader([head.decode("utf-8-sig")], delimiter=separator), [])
                fields = self.dictionary.fields_of(names)
                reader = pyarrow.csv.open_csv(
                    raw,
                    pyarrow.csv.ReadOptions(use_threads=False, column_names=names, block_size=BLOCK),
                    pyarrow.csv.ParseOptions(
                        delimiter=separator, newlines_in_values=True, invalid_row_handler=put_aside
                    ),
                    pyarrow.csv.ConvertOptions(
                        column_types=dict.fromkeys(names, pyarrow.string()),
                        include_columns=list(fields),
                        null_values=[""],
                        strings_can_be_null=True,
                        quoted_strings_can_be_null=True,
                    ),
                )
                yield from self._of_table(reader, fields, torn, now, skip)
        except UnicodeDecodeError:
            raise InvalidRequest(f"{self.path} is not UTF-8 text: save it as UTF-8.") from None
        except (pyarrow.ArrowInvalid, csv.Error, OSError, EOFError) as error:
            if "UTF8" in str(error):
                raise InvalidRequest(f"{self.path} is not UTF-8 text: save it as UTF-8.") from None
            if "Empty CSV" in str(error):  # a heading and nothing below it
                return
            raise InvalidRequest(f"{self.path} is not CSV: {str(error).splitlines()[0]}.") from None

    def _of_table(
        self, rows: Iterable[Any], fields: dict[str, str], torn: list[Any], now: datetime, skip: int
    ) -> Iterator[Portion]:
        """Numbers are those an editor shows, the heading being line 1 (a quoted line break counts for none).

        `torn` fills while rows are read, perhaps ahead of them: rows with too few or too many cells.
        """
        following = 2
        for some in rows:
            columns = {fields[name]: some.column(name).to_pylist() for name in some.schema.names}
            numbers, bad = _numbered(following, len(some), torn)
            following += len(numbers) + len(bad)
            done = following - 2
            if done <= skip:
                continue
            behind = [place for place, number in enumerate(numbers) if number - 2 >= skip]
            if len(behind) < len(numbers):
                columns = {name: [values[place] for place in behind] for name, values in columns.items()}
                numbers = [numbers[place] for place in behind]
                bad = [line for line in bad if line.number - 2 >= skip]
            yield self._of_columns(columns, numbers, bad, now)
        _, bad = _numbered(following, 0, torn)
        if bad:
            yield self._of_columns({}, [], bad, now)

    def _of_columns(
        self, found: Mapping[str, Sequence[Any]], numbers: list[int], bad: list[RejectedLine], now: datetime
    ) -> Portion:
        columns = {name: [value] * len(numbers) for name, value in self.dictionary.always.items()} | dict(found)

        def line(place: int) -> bytes:
            return json.dumps(
                {name: values[place] for name, values in columns.items() if values[place] is not None}
            ).encode()

        return _portion(read_columns(columns, now, self.feed), numbers, line, bad)

    def _parquet(self, now: datetime, skip: int) -> Iterator[Portion]:
        import pyarrow
        import pyarrow.parquet

        try:
            with pyarrow.parquet.ParquetFile(self.path) as file:
                fields = self.dictionary.fields_of(file.schema_arrow.names)
                done = 0
                for rows in file.iter_batches(AT_ONCE, columns=list(fields)):
                    done += len(rows)
                    if done > skip:
                        some = rows.slice(max(0, len(rows) - (done - skip)))
                        numbers = list(range(done - len(some) + 1, done + 1))
                        columns = {fields[name]: _as_text(some.column(name)) for name in some.schema.names}
                        yield self._of_columns(columns, numbers, [], now)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, OSError) as error:
            raise InvalidRequest(f"{self.path} is not Parquet we read: {str(error).splitlines()[0]}.") from None

    # Lines ------------------------------------------------------------------------------------------

    def _json_lines(self, now: datetime, skip: int) -> Iterator[Portion]:
        with self._opened() as raw:
            try:
                lines = ((number, line) for number, line in enumerate(raw, start=1) if line.strip())
                for _ in islice(lines, skip):
                    pass
                while some := list(islice(lines, AT_ONCE)):
                    yield self._of_lines(some, now)
            except (OSError, EOFError) as error:
                raise InvalidRequest(f"{self.path} cannot be read: {error}.") from None

    def _of_lines(self, lines: list[tuple[int, bytes]], now: datetime) -> Portion:
        records, numbers, bad = [], [], []
        for number, line in lines:
            record = read_line(line)
            if isinstance(record, str):
                bad.append(RejectedLine(number, record, line))
            else:
                records.append({**self.dictionary.always, **record} if self.dictionary.always else record)
                numbers.append(number)
        read = read_records(records, now, self.feed)
        return _portion(read, numbers, lambda place: json.dumps(records[place]).encode(), bad)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        with self.path.open("rb") as raw:
            yield gzip.GzipFile(fileobj=raw) if self.path.suffix == ".gz" else raw


@dataclass(frozen=True)
class EventSet:
    """A real set whose reader yields events."""

    path: Path
    events: Callable[[], Iterable[Event]]
    feed: Feed = Feed.TRANSACTIONS

    def digest(self) -> bytes:
        found = hashlib.sha256(b"event set")
        for file in sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]:
            found.update(file.name.encode() + str(file.stat().st_size).encode())
        return found.digest()

    def portions(self, now: datetime, skip: int = 0) -> Iterator[Portion]:
        events = iter(self.events())
        done = sum(1 for _ in islice(events, skip))
        while some := list(islice(events, AT_ONCE)):
            numbers = list(range(done + 1, done + len(some) + 1))
            done += len(some)
            yield _of_events(some, numbers)


def _of_events(events: list[Event], numbers: list[int]) -> Portion:
    def line(place: int) -> bytes:
        return events[place].model_dump_json(exclude_unset=True, exclude_none=True).encode()

    return Portion(numbers, Batch.of(events), range(len(events)), (), line)


def _portion(read: Read, numbers: list[int], line: Callable[[int], bytes], bad: Sequence[RejectedLine]) -> Portion:
    refused = {rejected.place for rejected in read.rejected}
    more = [RejectedLine(numbers[place], problem, line(place)) for place, problem in read.rejected]
    kept = [place for place in range(len(numbers)) if place not in refused] if refused else range(len(numbers))
    everything = sorted([*bad, *more], key=lambda rejected: rejected.number)
    return Portion([*numbers, *(rejected.number for rejected in bad)], read.batch, kept, everything, line)


def _numbered(first: int, count: int, torn: list[Any]) -> tuple[list[int], list[RejectedLine]]:
    """The numbers of so many good rows from here on, and the torn rows between and right behind them."""
    if not torn:
        return list(range(first, first + count)), []
    numbers: list[int] = []
    bad: list[RejectedLine] = []
    number = first
    while len(numbers) < count or (torn and torn[0].number + 1 == number):
        if torn and torn[0].number + 1 == number:  # counted from behind the heading
            row = torn.pop(0)
            problem = f"The line has {row.actual_columns} columns, the heading {row.expected_columns}: mend the line."
            bad.append(RejectedLine(number, problem, row.text.encode()))
        else:
            numbers.append(number)
        number += 1
    return numbers, bad


def _as_text(column: Any) -> list[Any]:
    """Moments and amounts in the digits they stand for, flags and whole numbers as they are."""
    import pyarrow

    kind = column.type
    if pyarrow.types.is_timestamp(kind):
        if kind.tz is None:
            raise pyarrow.ArrowInvalid("a column of moments has no time zone: write them with one")
        whole = column.cast(pyarrow.timestamp("us", "UTC")).cast(pyarrow.timestamp("us"))
        return [None if text is None else f"{text[:10]}T{text[11:19]}{_fraction(text)}Z" for text in
                whole.cast(pyarrow.string()).to_pylist()]  # fmt: skip
    if pyarrow.types.is_boolean(kind) or pyarrow.types.is_integer(kind):
        return list(column.to_pylist())
    return [text or None for text in column.cast(pyarrow.string()).to_pylist()]


def _fraction(text: str) -> str:
    fraction = text[19:].rstrip("0")
    return fraction.ljust(7, "0") if len(fraction) > 1 else ""
