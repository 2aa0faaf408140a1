"""How each application ended, read from one column of a lender's file."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.lenders_file.columns import MISSING_WORDS, TextColumn
from plimsoll.domain.lenders_file.headings import near
from plimsoll.domain.values import Value

ENDINGS = npt.NDArray[np.int8]
BAD, GOOD, NOT_YET = 1, 0, -1
FEWEST_OF_EACH = 25  # five folds of five
SHOWN = 8


class TargetUnclear(InvalidRequest):
    """It cannot be said who ended badly; the message names column, values and what to write instead."""

    code = "target_unclear"


class Target(Value):
    """Which column says how it ended, and with which words."""

    column: str
    bad_values: tuple[str, ...]
    good_values: tuple[str, ...] = ()  # all the others when there are none


def split_target(text: str) -> tuple[str, tuple[str, ...]]:
    """`status=charged off|default` as the column and the bad values; no values for the column alone."""
    column, equals, values = text.partition("=")
    return column.strip(), tuple(value.strip() for value in values.split("|") if value.strip()) if equals else ()


def find_column(wanted: str, headings: Sequence[str]) -> str:
    """The heading that is meant, whatever its case. Raises TargetUnclear with the nearest ones."""
    if wanted in headings:
        return wanted
    alike = [heading for heading in headings if heading.casefold() == wanted.casefold()]
    if len(alike) == 1:
        return alike[0]
    close = near(wanted, headings)
    meant = f"did you mean {' or '.join(repr(name) for name in close)}?" if close else "the columns are: "
    rest = "" if close else ", ".join(headings[:30]) + (" …" if len(headings) > 30 else "")
    raise TargetUnclear(f"The file has no column {wanted!r}; {meant}{rest}")


def target_of(column: TextColumn, bad: Sequence[str], good: Sequence[str] = ()) -> Target:
    """Raises TargetUnclear when the words are not in the column, or nobody or everybody ended badly."""
    present = _present(column)
    if not present:
        raise TargetUnclear(f"The column {column.heading!r} is empty: it cannot say how anything ended.")
    if not bad:
        bad = _ones(column.heading, present)
    target = Target(
        column=column.heading,
        bad_values=_found(column.heading, bad, present),
        good_values=_found(column.heading, good, present),
    )
    _check_both(column, target)
    return target


def endings(column: TextColumn, target: Target) -> ENDINGS:
    """Per row: bad, good, or not ended yet (or nobody knows)."""
    bad, good = set(target.bad_values), set(target.good_values)
    said = [_ending(word, bad, good) for word in column.words]
    return column.spread(np.array(said, dtype=np.int8), NOT_YET)


def taken_as_good(column: TextColumn, target: Target) -> dict[str, int]:
    """The words that nobody called good or bad, and how often each stands there: they count as good endings."""
    if target.good_values:
        return {}
    return {word: count for word, count in _present(column).items() if word not in target.bad_values}


def _ending(word: str, bad: set[str], good: set[str]) -> int:
    if word in bad:
        return BAD
    if word in good:
        return GOOD
    return NOT_YET if good or word.lower() in MISSING_WORDS else GOOD


def _present(column: TextColumn) -> dict[str, int]:
    """Each word of the column and how often it stands there, most frequent first."""
    counted = zip(column.words, column.counts.tolist(), strict=True)
    used = {word: count for word, count in counted if count and word.lower() not in MISSING_WORDS}
    return dict(sorted(used.items(), key=lambda item: -item[1]))


def _ones(heading: str, present: dict[str, int]) -> tuple[str, ...]:
    """Zero and one need no saying: one is bad."""
    as_numbers = {word: _as_number(word) for word in present}
    if set(as_numbers.values()) <= {0.0, 1.0}:
        ones = tuple(word for word, number in as_numbers.items() if number == 1.0)
        if ones:
            return ones
        raise TargetUnclear(f"Every row of {heading!r} is 0: there is nobody to learn from who ended badly.")
    if {word.lower() for word in present} <= {"true", "false"}:
        return tuple(word for word in present if word.lower() == "true")
    raise TargetUnclear(
        f"{heading!r} holds {listed(present)}; say which of them is bad: --target {heading!r}=VALUE (several: A|B)."
    )


def _as_number(word: str) -> float | None:
    try:
        return float(word.replace(",", "."))
    except ValueError:
        return None


def _found(heading: str, wanted: Sequence[str], present: dict[str, int]) -> tuple[str, ...]:
    by_plain: dict[str, list[str]] = {}
    for word in present:
        by_plain.setdefault(word.casefold(), []).append(word)
    found: list[str] = []
    for value in wanted:
        words = [value] if value in present else by_plain.get(value.casefold()) or _same_number(value, present)
        if not words:
            close = near(value, present)
            meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise TargetUnclear(
                f"{value!r} is no value of {heading!r}, which holds {listed(present)}{meant}.".replace("?.", "?")
            )
        found += [word for word in words if word not in found]
    return tuple(found)


def _same_number(value: str, present: dict[str, int]) -> list[str]:
    number = _as_number(value)
    return [word for word in present if number is not None and _as_number(word) == number]


def _check_both(column: TextColumn, target: Target) -> None:
    said = endings(column, target)
    bads, goods = int((said == BAD).sum()), int((said == GOOD).sum())
    if not goods or not bads:
        one = "badly" if bads else "well"
        raise TargetUnclear(
            f"With {target.column!r} every one of {bads + goods:,} applications ended {one}; a model needs both. "
            "Choose another value or another column."
        )
    if min(bads, goods) < FEWEST_OF_EACH:
        raise TargetUnclear(
            f"With {target.column!r} {bads:,} applications ended badly and {goods:,} well; "
            f"training needs at least {FEWEST_OF_EACH} of each."
        )


def listed(present: dict[str, int]) -> str:
    shown = ", ".join(f"{word!r} ({count:,})" for word, count in list(present.items())[:SHOWN])
    return shown + (f" and {len(present) - SHOWN:,} more" if len(present) > SHOWN else "")
