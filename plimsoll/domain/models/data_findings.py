"""What checks of data say: a finding by column, and all of them together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from plimsoll.domain.models.examples import Examples
from plimsoll.domain.underwriting.product import KnownAt
from plimsoll.domain.values import Value


class Severity(StrEnum):
    STOP = "stop"
    WARN = "warn"


class Finding(Value):
    """One thing that is wrong or odd."""

    severity: Severity
    check: str  # which check, for programs
    column: str | None
    sentence: str
    figures: dict[str, Any]


# Checks whose finding means "this was not known when it is to be used".
LEAKS = (
    "known_at",
    "name",
    "settles",
    "settles_with",
    "one_ending_only",
    "missing_tells",
    "later_day",
    "later_version",
    "part_of_leak",
    "nought_with_leak",
)
# A column that is nothing but an earlier amount as it became betrays nobody else.
SURE_LEAKS = tuple(name for name in LEAKS if name not in ("later_version", "part_of_leak", "nought_with_leak"))


class DataReport(Value):
    rows: int
    target_rate: float | None
    columns: int
    findings: tuple[Finding, ...]
    cannot_be_seen: str = ""

    @property
    def stops(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.STOP)

    @property
    def leaks(self) -> dict[str, str]:
        """Column -> the first sentence that betrays it."""
        found: dict[str, str] = {}
        for finding in self.findings:
            if finding.check in LEAKS and finding.column is not None:
                found.setdefault(finding.column, finding.sentence)
        return found


@dataclass
class Look:
    """The rows as the checks read them."""

    examples: Examples
    used: frozenset[str]
    known_at: Mapping[str, KnownAt]
    findings: list[Finding] = field(default_factory=list)

    def tell(self, severity: Severity, check: str, column: str | None, sentence: str, **figures: Any) -> None:
        self.findings.append(Finding(severity=severity, check=check, column=column, sentence=sentence, figures=figures))

    def leak(self, check: str, column: str, sentence: str, **figures: Any) -> None:
        """Stops when a model is to read the column and nobody vouched for it."""
        vouched = self.known_at.get(column) in (KnownAt.APPLICATION, KnownAt.DECISION)
        stops = column in self.used and not vouched
        if vouched:
            sentence = f"{sentence} It is vouched for as known at {self.known_at[column].value}."
        self.tell(Severity.STOP if stops else Severity.WARN, check, column, sentence, **figures)
