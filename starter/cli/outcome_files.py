"""Outcomes from a file, whatever its columns and words are called."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from plimsoll.domain.errors import InvalidRequest
from starter.cli.table_files import Line, Record, TableFile

FIELDS = ("application_id", "external_id", "product", "label", "mark", "observed_on", "known_on", "amount")
BAD_WORDS = frozenset({"bad", "1", "1.0", "true", "yes"})
GOOD_WORDS = frozenset({"good", "0", "0.0", "false", "no"})


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

    def check(self, names: Sequence[str]) -> None:
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


class OutcomeFile(TableFile):
    """A table of outcomes, in this file's own words."""

    def __init__(self, path: Path, dictionary: Dictionary, separator: str | None = None) -> None:
        super().__init__(path, separator, holds="outcome")
        self._dictionary = dictionary

    def outcomes(self) -> Iterator[Line]:
        return self.lines(self._dictionary.check, [self._dictionary.column(name) for name in FIELDS])
