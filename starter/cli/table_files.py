"""Tables a person brings, CSV, Parquet or JSON lines: read line by line, so that their size does not matter."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from plimsoll.domain.errors import InvalidRequest

WITH_HEADING = (".csv", ".tsv", ".txt")
SEPARATORS = (",", ";", "\t", "|")
ROWS_AT_ONCE = 5000

Record = dict[str, Any]
Check = Callable[[Sequence[str]], None]


@dataclass(frozen=True)
class Line:
    """One line of a file: what it says, or why it says nothing; and how far into the file it ends."""

    number: int
    record: Record
    problem: str | None
    position: int


class TableFile:
    """Everything raises InvalidRequest for a file that is not what it seems."""

    def __init__(self, path: Path, separator: str | None = None, *, holds: str = "line") -> None:
        """`holds` is the word for what a line is, in sentences about it."""
        self._path = path
        self._separator = separator
        self._holds = holds

    @property
    def size(self) -> int:
        """In the unit of `Line.position`."""
        try:
            size = self._path.stat().st_size
        except OSError as error:
            raise InvalidRequest(f"{self._path} cannot be read: {error.strerror}.") from None
        if self._path.is_dir() or not size:
            raise InvalidRequest(f"{self._path} holds no {self._holds}: it is {'a folder' if size else 'empty'}.")
        return size

    def lines(self, check: Check = lambda names: None, columns: Sequence[str] | None = None) -> Iterator[Line]:
        """Every line. `check` sees the names of the columns first, where the file has a heading; Parquet reads
        no other than `columns`."""
        kind = Path(self._path.name.removesuffix(".gz")).suffix.lower()
        if kind == ".parquet":
            yield from self._parquet(check, columns)
        elif kind in WITH_HEADING:
            yield from self._csv(check)
        else:
            yield from self._json_lines()

    def _csv(self, check: Check) -> Iterator[Line]:
        with self._path.open("rb") as raw:
            text = io.TextIOWrapper(self._unpacked(raw), encoding="utf-8-sig", newline="")
            try:
                heading = text.readline()
                between = self._separator or separator_of(heading)
                names = next(csv.reader([heading], delimiter=between), [])
                check(names)
                rows = csv.reader(text, delimiter=between)
                for row in rows:
                    if row:
                        yield _row(1 + rows.line_num, names, row, raw.tell())
            except UnicodeDecodeError:
                raise InvalidRequest(f"{self._path} is not UTF-8 text: save it as UTF-8.") from None
            except csv.Error as error:
                raise InvalidRequest(f"{self._path} is not CSV: {error}.") from None

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
            return Line(number, {}, f"{_a(self._holds)} is a JSON object", position)
        return Line(number, record, None, position)

    def _parquet(self, check: Check, columns: Sequence[str] | None) -> Iterator[Line]:
        import pyarrow
        import pyarrow.parquet

        try:
            with pyarrow.parquet.ParquetFile(self._path) as file:
                names, total, size = file.schema_arrow.names, file.metadata.num_rows, self.size
                check(names)
                wanted = None if columns is None else [name for name in columns if name in names]
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


def _row(number: int, names: list[str], row: list[str], position: int) -> Line:
    record = dict(zip(names, row, strict=False))
    wrong = f"it has {len(row)} columns, the heading {len(names)}" if len(row) != len(names) else None
    return Line(number, record, wrong, position)


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
