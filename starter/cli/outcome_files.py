"""Outcomes from a file: CSV, Parquet or JSON lines, whatever its columns and words are called."""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from plimsoll.domain.errors import InvalidRequest

FIELDS = ("application_id", "external_id", "product", "label", "mark", "observed_on", "known_on", "amount")
TABLES = (".csv", ".tsv", ".txt", ".parquet")
SEPARATORS = (",", ";", "\t", "|")
ROWS_AT_ONCE = 5000
BAD_WORDS = frozenset({"bad", "1", "1.0", "true", "yes"})
GOOD_WORDS = frozenset({"good", "0", "0.0", "false", "no"})

Record = dict[str, Any]


@dataclass(frozen=True)
class Dictionary:
    """How this file says what an outcome says."""

    columns: Mapping[str, str] = field(default_factory=dict)  # our field -> its column, where they differ
    bad: frozenset[str] = BAD_WORDS
    good: frozenset[str] = GOOD_WORDS
    always: Mapping[str, Any] = field(default_factory=dict)  # for every line that says nothing else
    day_format: str | None = None

    def column(self, name: str) -> str:
        return self.columns.get(name, name)

    def check(self, names: list[str]) -> None:
        """Raises InvalidRequest when the table lacks a column it needs, naming those it has."""
        renamed = [column for column in self.columns.values() if column not in names]
        told = {name for name in FIELDS if self.column(name) in names} | set(self.always)
        needed = [name for name in ("label", "observed_on") if name not in told]
        if not {"application_id", "external_id"} & told:
            needed.append("external_id")
        if renamed or needed:
            lacking = ", ".join(repr(name) for name in renamed or needed)
            raise InvalidRequest(
                f"The file has no column {lacking}; it has {', '.join(names)}. "
                "Say which is which, for example `--column label=status`."
            )

    def report(self, record: Record) -> Record:
        """The line as `POST /v1/outcomes` takes it. Raises InvalidRequest for a word nobody explained."""
        found = {name: record.get(self.column(name)) for name in FIELDS}
        said = {name: value for name, value in found.items() if value is not None and value != ""}
        body = {**self.always, **{name: self._value(name, value) for name, value in said.items()}}
        if "application_id" in said:
            body.pop("external_id", None)
        return body

    def _value(self, name: str, value: Any) -> Any:
        if name == "label":
            return self._label(value)
        if name in ("observed_on", "known_on"):
            return self._day(name, value)
        if name == "amount" and isinstance(value, float):
            return f"{value:.2f}"
        return str(value)

    def _label(self, value: Any) -> str:
        word = str(int(value)) if isinstance(value, bool | float) and value in (0, 1) else str(value).strip()
        if word in self.bad or word.lower() in self.bad:
            return "bad"
        if word in self.good or word.lower() in self.good:
            return "good"
        raise InvalidRequest(f"the label {word!r} is neither good nor bad: say `--bad {word!r}` or `--good {word!r}`")

    def _day(self, name: str, value: Any) -> str:
        if isinstance(value, datetime):
            return value.date().isoformat()
        if isinstance(value, date):
            return value.isoformat()
        try:
            if self.day_format:
                return datetime.strptime(str(value).strip(), self.day_format).date().isoformat()
            return date.fromisoformat(str(value).strip()[:10]).isoformat()
        except ValueError:
            shape = self.day_format or "YYYY-MM-DD (another shape: `--day-format %d.%m.%Y`)"
            raise InvalidRequest(f"`{name}` is {str(value)!r}, which is no day written as {shape}") from None


@dataclass(frozen=True)
class Line:
    """One line of a file: what it says, or why it says nothing; and how far into the file it ends."""

    number: int
    record: Record
    problem: str | None
    position: int


class OutcomeFile:
    """A file read line by line, so that its size does not matter."""

    def __init__(self, path: Path, dictionary: Dictionary, separator: str | None = None) -> None:
        self._path = path
        self._dictionary = dictionary
        self._separator = separator

    @property
    def size(self) -> int:
        """In the unit of `Line.position`. Raises InvalidRequest when there is no such file."""
        try:
            size = self._path.stat().st_size
        except OSError as error:
            raise InvalidRequest(f"{self._path} cannot be read: {error.strerror}.") from None
        if self._path.is_dir() or not size:
            raise InvalidRequest(f"{self._path} holds no outcome: it is {'a folder' if size else 'empty'}.")
        return size

    def lines(self) -> Iterator[Line]:
        kind = Path(self._path.name.removesuffix(".gz")).suffix.lower()
        if kind == ".parquet":
            yield from self._parquet()
        elif kind in TABLES:
            yield from self._csv()
        else:
            yield from self._json_lines()

    def _csv(self) -> Iterator[Line]:
        with self._path.open("rb") as raw:
            text = io.TextIOWrapper(self._unpacked(raw), encoding="utf-8-sig", newline="")
            try:
                heading = text.readline()
                names = next(csv.reader([heading], delimiter=self._separator or separator_of(heading)), [])
                self._dictionary.check(names)
                rows = csv.reader(text, delimiter=self._separator or separator_of(heading))
                for row in rows:
                    if row:
                        yield self._row(1 + rows.line_num, names, row, raw.tell())
            except UnicodeDecodeError:
                raise InvalidRequest(f"{self._path} is not UTF-8 text: save it as UTF-8.") from None
            except csv.Error as error:
                raise InvalidRequest(f"{self._path} is not CSV: {error}.") from None

    def _row(self, number: int, names: list[str], row: list[str], position: int) -> Line:
        record = dict(zip(names, row, strict=False))
        wrong = f"it has {len(row)} columns, the heading {len(names)}" if len(row) != len(names) else None
        return Line(number, record, wrong, position)

    def _json_lines(self) -> Iterator[Line]:
        with self._path.open("rb") as raw:
            for number, line in enumerate(self._unpacked(raw), start=1):
                if line.strip():
                    yield self._json_line(number, line, raw.tell())

    def _json_line(self, number: int, line: bytes, position: int) -> Line:
        try:
            # Money keeps the digits it was written with.
            record = json.loads(line, parse_float=str)
        except (ValueError, RecursionError) as error:
            return Line(number, {}, f"this is not JSON ({error})", position)
        if not isinstance(record, dict):
            return Line(number, {}, "an outcome is a JSON object", position)
        return Line(number, record, None, position)

    def _parquet(self) -> Iterator[Line]:
        import pyarrow
        import pyarrow.parquet

        try:
            with pyarrow.parquet.ParquetFile(self._path) as file:
                names, total, size = file.schema_arrow.names, file.metadata.num_rows, self.size
                self._dictionary.check(names)
                wanted = [name for name in (self._dictionary.column(f) for f in FIELDS) if name in names]
                number = 0
                for batch in file.iter_batches(ROWS_AT_ONCE, columns=wanted):
                    for record in batch.to_pylist():
                        number += 1
                        yield Line(number, record, None, size * number // total)
        except (pyarrow.ArrowInvalid, OSError) as error:
            raise InvalidRequest(f"{self._path} is not Parquet: {str(error).splitlines()[0]}.") from None

    def _unpacked(self, raw: BinaryIO) -> Any:
        return gzip.GzipFile(fileobj=raw) if self._path.suffix == ".gz" else raw


def separator_of(heading: str) -> str:
    """The one that cuts the heading into most pieces."""
    return max(SEPARATORS, key=heading.count)
