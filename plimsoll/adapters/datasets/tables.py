"""Any table in a file as columns of text: CSV whatever its separator, encoding or quotes, plain or gzipped, or Parquet.

Nothing is guessed about values here: that is `plimsoll.domain.lenders_file.columns`.
"""

import codecs
import csv
import gzip
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.lenders_file.columns import TextColumn
from plimsoll.domain.values import Value

SEPARATORS = (",", ";", "\t", "|", " ")
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
LOOKED_AT_LINES = 200
LONGEST_LINE = 1 << 20
GZIP, PARQUET, ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"
CHUNK = 1 << 20


class TableUnreadable(InvalidRequest):
    """The file is no table that can be read; the message says what it is instead."""

    code = "table_unreadable"


class Form(Value):
    """How a text table is written."""

    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'


class Table:
    """Headings, and the columns under them, each read when it is asked for."""

    def __init__(self, arrays: dict[str, Any], form: Form, left_out_rows: int = 0) -> None:
        self._arrays = arrays
        self.form = form
        self.left_out_rows = left_out_rows  # lines with more or fewer cells than headings

    @property
    def headings(self) -> list[str]:
        return list(self._arrays)

    def __len__(self) -> int:
        return len(next(iter(self._arrays.values()), ()))

    def column(self, heading: str) -> TextColumn:
        """Raises TableUnreadable for a heading that is not there."""
        if heading not in self._arrays:
            known = ", ".join(self.headings[:20])
            raise TableUnreadable(f"The file has no column {heading!r} any more; it has {known}.")
        return _text_column(heading, self._arrays[heading])

    def forget(self, heading: str) -> None:
        """Its memory may be used again."""
        self._arrays.pop(heading, None)


def read_table(path: Path, form: Form | None = None, only: Iterable[str] | None = None) -> Table:
    """The table in a file; `only` these headings when given. Raises TableUnreadable in one sentence."""
    first = _first_bytes(path)
    if first.startswith(PARQUET):
        return _read_parquet(path, only)
    if first.startswith(ZIP):
        raise TableUnreadable(f"{path.name} is a spreadsheet or a zip archive; save it as CSV or Parquet.")
    if not first.strip():
        raise TableUnreadable(f"{path.name} is empty: there is no heading and no row in it.")
    return _read_text(path, form or form_of(path), only)


def form_of(path: Path) -> Form:
    """Encoding, separator and quotes, found by looking."""
    encoding = _encoding_of(path)
    with _opened(path) as raw:
        lines = list(itertools.islice(io.TextIOWrapper(raw, encoding=encoding, newline=""), LOOKED_AT_LINES))
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise TableUnreadable(f"{path.name} is empty: there is no heading and no row in it.")
    if "\x00" in lines[0] or len(lines[0]) > LONGEST_LINE:
        raise TableUnreadable(f"{path.name} is not a text table: its first line cannot be read as headings.")
    quote = _quote_of(lines)
    return Form(encoding=encoding, separator=_separator_of(path, lines, quote), quote=quote)


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise TableUnreadable(f"{path} is a folder; name a file in it.")
    if not path.is_file():
        raise TableUnreadable(f"There is no file {path}; check the name.")
    try:
        with path.open("rb") as raw:
            start = raw.read(4)
        if not start.startswith(GZIP):
            return start + _rest(path)
        with _opened(path) as inside:
            return inside.read(4096)
    except (OSError, EOFError) as error:
        raise TableUnreadable(f"{path.name} cannot be read: {error}.") from None


def _rest(path: Path) -> bytes:
    with path.open("rb") as raw:
        return raw.read(4096)[4:]


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as raw:
        zipped = raw.read(2) == GZIP
    return gzip.open(path, "rb") if zipped else path.open("rb")  # type: ignore[return-value]


def _opened_by_arrow(path: Path) -> Any:
    import pyarrow

    with path.open("rb") as raw:
        zipped = raw.read(2) == GZIP
    return pyarrow.input_stream(str(path), compression="gzip" if zipped else None)


def _encoding_of(path: Path) -> str:
    """UTF-8 when all of the file is; else the one of Western Windows, in which every byte is something."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _opened(path) as raw:
        start = raw.read(CHUNK)
        for mark, encoding in BYTE_ORDER_MARKS.items():
            if start.startswith(mark):
                return encoding
        try:
            while start:
                decoder.decode(start)
                start = raw.read(CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _western(path)
    return "utf-8"


def _western(path: Path) -> str:
    with _opened(path) as raw:
        undefined = any(byte in raw.read(CHUNK) for byte in (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"))
    return "latin-1" if undefined else "cp1252"


def _quote_of(lines: Sequence[str]) -> str:
    """Single quotes only where cells begin and end with them and double ones do not."""
    text = "".join(lines)
    doubles, singles = text.count('"'), sum(text.count(f"{separator}'") for separator in SEPARATORS[:4])
    return "'" if not doubles and singles > len(lines) / 2 else '"'


def _separator_of(path: Path, lines: Sequence[str], quote: str) -> str:
    """The one that parts the headings, and the rows into as many cells."""
    best, best_worth = "", (0.0, 0)
    for separator in SEPARATORS:
        rows = list(csv.reader(lines, delimiter=separator, quotechar=quote, skipinitialspace=separator == " "))
        width = len(rows[0])
        body = rows[1:] or rows
        agreeing = sum(len(row) == width for row in body) / len(body)
        if width > 1 and (round(agreeing, 1), width) > best_worth:
            best, best_worth = separator, (round(agreeing, 1), width)
    if not best or best_worth[0] < 0.5:
        raise TableUnreadable(
            f"{path.name} has one column only, or lines of different lengths: neither comma, semicolon, tab, bar nor "
            f"space parts its heading {lines[0].strip()[:80]!r} and its rows alike."
        )
    return best


def _read_text(path: Path, form: Form, only: Iterable[str] | None) -> Table:
    # One thread, and no file of Python's: a thread of Arrow's that lets go of an object of Python's while the
    # interpreter ends aborts the process (apache/arrow 34314): the right sentence, then exit code 134.
    from pyarrow import ArrowInvalid
    from pyarrow import csv as arrow_csv

    headings, lines = _headings(path, form)
    wanted = list(headings) if only is None else [heading for heading in headings if heading in set(only)]
    uneven = _Uneven()
    try:
        with _opened_by_arrow(path) as raw:
            table = arrow_csv.read_csv(
                raw,
                read_options=arrow_csv.ReadOptions(
                    column_names=headings, skip_rows=lines, encoding=_as_arrow_says(form.encoding), use_threads=False
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=form.separator,
                    quote_char=form.quote,
                    newlines_in_values=True,
                    invalid_row_handler=uneven,
                ),
                convert_options=_as_text(headings, wanted),
            )
    except (ArrowInvalid, UnicodeDecodeError) as error:
        raise TableUnreadable(f"{path.name} cannot be read as a table: {str(error).splitlines()[0]}.") from None
    if not len(table):
        raise TableUnreadable(f"{path.name} has headings and no rows.")
    return Table({name: table.column(name) for name in wanted}, form, uneven.count)


class _Uneven:
    """Rows whose cells do not fit the headings are left out and counted."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, row: Any) -> str:
        self.count += 1
        return "skip"


def _as_text(headings: Sequence[str], wanted: Sequence[str]) -> Any:
    import pyarrow
    from pyarrow import csv as arrow_csv

    return arrow_csv.ConvertOptions(
        column_types={heading: pyarrow.string() for heading in headings},
        include_columns=list(wanted),
        strings_can_be_null=False,
        check_utf8=False,
    )


def _as_arrow_says(encoding: str) -> str:
    return "utf-8" if encoding == "utf-8-sig" else encoding  # Arrow reads over the mark by itself


def _headings(path: Path, form: Form) -> tuple[list[str], int]:
    """The headings, each unlike the others, and how many lines they take."""
    with _opened(path) as raw:
        text = io.TextIOWrapper(raw, encoding=form.encoding, newline="")
        reader = csv.reader(text, delimiter=form.separator, quotechar=form.quote)
        row = next((row for row in reader if any(cell.strip() for cell in row)), [])
        return unlike_each_other(row), reader.line_num


def unlike_each_other(row: Sequence[str]) -> list[str]:
    """On one line each; one that stands there twice gets a number, an empty one its place."""
    plain = [" ".join(cell.split()) or f"column {place}" for place, cell in enumerate(row, start=1)]
    seen: Counter[str] = Counter()
    found: list[str] = []
    for heading in plain:
        seen[heading] += 1
        name = heading if seen[heading] == 1 else f"{heading} ({seen[heading]})"
        found.append(name if name not in found else f"{name} [{len(found) + 1}]")
    return found


def _read_parquet(path: Path, only: Iterable[str] | None) -> Table:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise TableUnreadable(f"{path.name} cannot be read as Parquet: {str(error).splitlines()[0]}.") from None
    if not len(table):
        raise TableUnreadable(f"{path.name} has headings and no rows.")
    names = unlike_each_other(table.column_names)
    arrays = dict(zip(names, table.columns, strict=True))
    kept = names if only is None else [name for name in names if name in set(only)]
    return Table({name: arrays[name] for name in kept if not _is_nested(arrays[name])}, Form())


def _is_nested(array: Any) -> bool:
    import pyarrow.types as kinds

    return kinds.is_nested(array.type) or kinds.is_binary(array.type)


def _text_column(heading: str, array: Any) -> TextColumn:
    import pyarrow
    import pyarrow.compute as compute

    text = array if pyarrow.types.is_string(array.type) else compute.cast(array, pyarrow.string())
    encoded = compute.utf8_trim_whitespace(text).combine_chunks().dictionary_encode()
    if isinstance(encoded, pyarrow.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return TextColumn(heading, encoded.dictionary.to_pylist(), codes)
