"""What stands in a column of an unknown table: numbers, days, words or nothing to learn from.

A column comes as text, its distinct words once and a code per row, so that 150,000 rows cost
as much thought as they have different words.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.values import Value

Numbers = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
Codes = npt.NDArray[np.int32]

# What people write where they know nothing; compared in lower case.
MISSING_WORDS = frozenset({
    "", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "nat", "null", "(null)", "#null!", "\\n", "nil", "missing",
    "unknown", "not known", "not available", "not stated", "?", "-", "--", ".", "…", "unbekannt", "nicht bekannt",
    "keine angabe", "k.a.", "k. a.", "inconnu", "non renseigné", "desconocido", "sconosciuto",
})  # fmt: skip
MISSING_AMONG_NUMBERS = MISSING_WORDS | {"none", "keine", "not applicable", "refused", "x"}
# 99, 999 and so on to a thousand million less one, and from 999 on their neighbours 996 to 998; the same below nothing.
SENTINELS = frozenset(
    sign * (10**digits - 1 - step)
    for sign in (1, -1)
    for digits in range(2, 10)
    for step in range(4 if digits > 2 else 1)
)
DATE_FORMATS = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y",
    "%d-%m-%Y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%b-%Y", "%b %Y", "%b-%y", "%Y-%m", "%Y%m%d",
)  # fmt: skip
FIRST_YEAR, LAST_YEAR = 1900, 2100
LOOKED_AT = 3000  # distinct words that settle what a column is
NEARLY_ALL = 0.97
MOST_VALUES = 20  # of a category; the rarer ones become `other`
OTHER = "other"
_UNITS = re.compile(r"[\s  %$€£¥'’]|(?:months?|mths?|monate|years?|yrs?|jahre|eur|usd|gbp|chf|dm)\.?$", re.IGNORECASE)
_COMMA_NUMBER = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+),\d+")
_POINT_NUMBER = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)\.\d+")


class ColumnKind(StrEnum):
    NUMBER = "number"
    ORDINAL = "ordinal"  # words whose order means something
    CATEGORY = "category"
    DAY = "day"
    NAME = "name"  # nearly every row has its own: a number of the case, a person, free text
    CONSTANT = "constant"
    EMPTY = "empty"


@dataclass(frozen=True)
class TextColumn:
    """One column as it stands in the file."""

    heading: str
    words: Sequence[str]  # each distinct text once, without spaces around it
    codes: Codes  # per row its place in `words`; -1 where there is nothing

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.words))

    def numbers(self, decimal: str, missing: Sequence[str] = ()) -> Numbers:
        """Each word as a number, read once however often it is asked for; `missing` are words of this column."""
        if decimal not in self._numbers:
            self._numbers[decimal] = numbers(self.words, decimal)
        if not missing:
            return self._numbers[decimal]
        absent = set(missing)
        places = [place for place, word in enumerate(self.words) if word in absent]
        values = self._numbers[decimal].copy()
        values[places] = np.nan
        return values

    @cached_property
    def _numbers(self) -> dict[str, Numbers]:
        return {}

    def spread(self, values: npt.NDArray, absent: object) -> npt.NDArray:
        """A value per distinct word as a value per row."""
        extended = np.append(values, np.array([absent], dtype=values.dtype))
        return extended[self.codes]


class Reading(Value):
    """What a column was found to hold, with the figures a person would ask for."""

    heading: str
    kind: ColumnKind
    rows: int
    known: int  # rows with a value
    distinct: int
    missing: tuple[str, ...] = ()  # words of this column that seem to mean "nobody knows"
    suspected: tuple[str, ...] = ()  # of those, numbers: a code such as -1 or 9999
    values: tuple[str, ...] = ()  # of a category or ordinal, most frequent (or lowest) first
    rare: int = 0  # different values that became `other`
    smallest: float | None = None
    median: float | None = None
    largest: float | None = None
    whole: bool = False
    typical: str | None = None  # the most frequent value

    @property
    def missing_share(self) -> float:
        return 1 - self.known / self.rows if self.rows else 1.0


def read_column(column: TextColumn, decimal: str = ".") -> Reading:
    """What the column holds."""
    counts = column.counts
    known = np.array([word[:1].isdigit() or word.lower() not in MISSING_WORDS for word in column.words], dtype=bool)
    about = {"heading": column.heading, "rows": len(column.codes)}
    if not (known & (counts > 0)).any():
        return Reading(**about, kind=ColumnKind.EMPTY, known=0, distinct=0, missing=_used(column, ~known, counts))
    sample = _sample(known, counts)
    numeric = _share(_parsed(column, sample, decimal), counts[sample])
    if numeric >= NEARLY_ALL and not _are_days(column, sample, counts):
        return _of_numbers(column, counts, decimal, about)
    if _are_days(column, sample, counts):
        return _of_days(column, counts, known, about)
    return _of_words(column, counts, known, about)


def numbers(words: Sequence[str], decimal: str = ".", missing: Iterable[str] = ()) -> Numbers:
    """Each word as a number, NaN for what is none: units, currency and thousands are read over."""
    extra = {word.lower() for word in missing}
    absent = extra | MISSING_AMONG_NUMBERS
    # A word that begins with a digit is absent only when somebody says so: that saves looking at most of them.
    plain = [
        word if (word[:1].isdigit() and word not in extra) or word.lower() not in absent else "nan" for word in words
    ]
    try:
        if decimal == ".":
            return _finite(np.array(plain, dtype=np.str_).astype(np.float64))
    except ValueError:
        pass
    return _finite(np.array([_number(word, decimal) for word in plain], dtype=np.float64))


def days(words: Sequence[str]) -> Days:
    """Each word as a day, NaT for what is none. The format is the one that most of them have."""
    return _days(words, _format_of(words))


def decimal_mark(columns: Iterable[TextColumn]) -> str:
    """`,` when more cells of the file read as 12,5 than as 12.5."""
    commas = points = 0
    for column in columns:
        for word in column.words[:LOOKED_AT]:
            commas += _COMMA_NUMBER.fullmatch(word) is not None
            points += _POINT_NUMBER.fullmatch(word) is not None
    return "," if commas > points else "."


def in_values(column: TextColumn, values: Sequence[str], missing: Iterable[str] = ()) -> npt.NDArray[np.object_]:
    """Each row as one of these values, `other` where the list has it for the rest, else None."""
    absent = {word.lower() for word in missing} | MISSING_WORDS
    rest = rest_among(values)
    allowed = {value: value for value in values}
    said = [None if word.lower() in absent else allowed.get(word, rest) for word in column.words]
    return column.spread(np.array([*said, None], dtype=object)[:-1], None)


def rest_among(values: Sequence[str]) -> str | None:
    """The value that stands for all that have none of their own."""
    return next((value for value in values if value.casefold() == OTHER), None)


def _sample(known: npt.NDArray[np.bool_], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places of the words to look at: the most frequent, and some from all over."""
    places = np.flatnonzero(known & (counts > 0))
    if len(places) <= LOOKED_AT:
        return places
    frequent = places[np.argsort(-counts[places], kind="stable")[: LOOKED_AT // 2]]
    return np.unique(np.concatenate([frequent, places[:: max(1, len(places) * 2 // LOOKED_AT)]]))


def _parsed(column: TextColumn, sample: npt.NDArray[np.int64], decimal: str) -> npt.NDArray[np.bool_]:
    words = [column.words[place] for place in sample]
    among = np.array([word.lower() in MISSING_AMONG_NUMBERS for word in words])
    return ~np.isnan(numbers(words, decimal)) | among


def _share(claims: npt.NDArray[np.bool_], counts: npt.NDArray[np.int64]) -> float:
    return float((claims * counts).sum() / max(counts.sum(), 1))


def _number(word: str, decimal: str) -> float:
    cleaned = _UNITS.sub("", word)
    thousands = "," if decimal == "." else "."
    cleaned = cleaned.replace(thousands, "").replace(decimal, ".")
    if cleaned.startswith("(") and cleaned.endswith(")"):  # how accountants write less than nothing
        cleaned = f"-{cleaned[1:-1]}"
    try:
        return float(cleaned)
    except ValueError:
        return float("nan")


def _finite(values: Numbers) -> Numbers:
    return np.where(np.isfinite(values), values, np.nan)


def _of_numbers(column: TextColumn, counts: npt.NDArray[np.int64], decimal: str, about: dict) -> Reading:
    values = column.numbers(decimal)
    suspected = suspected_codes(values, counts)
    unknown = np.isnan(values) | np.isin(values, suspected)
    seen = column.spread(np.where(unknown, np.nan, values), np.nan)
    seen = seen[~np.isnan(seen)]
    codes = tuple(word for word, value in zip(column.words, values, strict=True) if value in suspected)
    words = (*_used(column, np.isnan(values), counts), *codes)
    distinct = len(np.unique(seen))
    if distinct <= 1:
        kind = ColumnKind.CONSTANT if distinct else ColumnKind.EMPTY
        return Reading(**about, kind=kind, known=len(seen), distinct=distinct, missing=words)
    return Reading(
        **about,
        kind=ColumnKind.NUMBER,
        known=len(seen),
        distinct=distinct,
        missing=words,
        suspected=codes,
        smallest=float(seen.min()),
        median=float(np.median(seen)),
        largest=float(seen.max()),
        whole=bool((seen == np.round(seen)).all()),
    )


def suspected_codes(values: Numbers, counts: npt.NDArray[np.int64]) -> tuple[float, ...]:
    """Numbers that look like codes for "nobody knows": repeated, and far from all others or below nothing."""
    used = (counts > 0) & ~np.isnan(values)
    distinct = np.unique(values[used])
    total = counts[used].sum()
    if len(distinct) < 3:
        return ()
    found = []
    for value in distinct[np.isin(distinct, list(SENTINELS))]:
        others = distinct[~np.isin(distinct, list(SENTINELS)) | (np.sign(distinct) != np.sign(value))]
        often = counts[used & (values == value)].sum() >= max(3, 0.002 * total)
        if often and len(others) and _far_from(value, others):
            found.append(float(value))
    below = distinct[(distinct < 0) & ~np.isin(distinct, found)]
    # -1 below a long row of counts; among a few codes it is one of them (a status, a repayment in advance).
    if len(below) == 1 and below[0] == -1 and len(distinct) > 20:
        found.append(-1.0)
    return tuple(found)


def _far_from(value: float, others: Numbers) -> bool:
    nearest = others.max() if value > 0 else others.min()
    return abs(value) >= 2 * max(abs(nearest), 1.0) if value > 0 else value <= 2 * min(nearest, 0.0) - 1


def _are_days(column: TextColumn, sample: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> bool:
    words = [column.words[place] for place in sample]
    form = _format_of(words)
    if form is None or (form == "%Y%m%d" and len(words) < 3):
        return False
    return _share(~np.isnat(_days(words, form)), counts[sample]) >= NEARLY_ALL


def _format_of(words: Sequence[str]) -> str | None:
    """The format that reads most of some words; day before month where both would."""
    some = [word for word in words if word.lower() not in MISSING_WORDS][:200]
    if not some or not any(character.isdigit() for character in some[0]):
        return None
    possible = [form for form in DATE_FORMATS if any(_day(word, form) for word in some[:10])]
    read = {form: sum(_day(word, form) is not None for word in some) for form in possible}
    best = max(read, key=lambda form: read[form], default=None)
    return best if best is not None and read[best] >= NEARLY_ALL * len(some) else None


def _days(words: Sequence[str], form: str | None) -> Days:
    found = [None if form is None else _day(word, form) for word in words]
    return np.array([np.datetime64("NaT") if day is None else np.datetime64(day) for day in found], "datetime64[D]")


def _day(word: str, form: str) -> date | None:
    if not 6 <= len(word) <= 32:
        return None
    text = word[:19] if "%H" in form else word
    if form == "%Y-%m-%d" and len(word) > 10 and word[10:].strip("T 0:.Z+") == "":
        text = word[:10]
    try:
        found = datetime.strptime(text, form).date()
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None


def _of_days(column: TextColumn, counts: npt.NDArray[np.int64], known: npt.NDArray[np.bool_], about: dict) -> Reading:
    return Reading(
        **about,
        kind=ColumnKind.DAY,
        known=int(counts[known].sum()),
        distinct=int((known & (counts > 0)).sum()),
        missing=_used(column, ~known, counts),
    )


def _of_words(column: TextColumn, counts: npt.NDArray[np.int64], known: npt.NDArray[np.bool_], about: dict) -> Reading:
    places = np.flatnonzero(known & (counts > 0))
    places = places[np.argsort(-counts[places], kind="stable")]
    words = [column.words[place] for place in places.tolist()]
    total, distinct = int(counts[places].sum()), len(places)
    found = {**about, "known": total, "distinct": distinct, "missing": _used(column, ~known, counts)}
    if distinct == 1:
        return Reading(**found, kind=ColumnKind.CONSTANT, typical=words[0])
    if distinct > 2 * MOST_VALUES and _is_all_different(counts[places], total):
        return Reading(**found, kind=ColumnKind.NAME, typical=words[0])
    ordered = in_order(words)
    if ordered and distinct <= 2 * MOST_VALUES:
        return Reading(**found, kind=ColumnKind.ORDINAL, values=ordered, typical=words[0])
    values, rare = _capped(words, counts[places], total)
    return Reading(**found, kind=ColumnKind.CATEGORY, values=values, rare=rare, typical=words[0])


def _is_all_different(counts: npt.NDArray[np.int64], total: int) -> bool:
    """Nearly every row has words of its own, or the frequent ones say little of the whole."""
    return len(counts) > 0.3 * total or counts[:MOST_VALUES].sum() < 0.2 * total


def _capped(words: Sequence[str], counts: npt.NDArray[np.int64], total: int) -> tuple[tuple[str, ...], int]:
    """The frequent values, and how many rare ones became `other`."""
    enough = max(2, min(30, 0.005 * total))
    kept = [word for word, count in zip(words, counts, strict=True) if count >= enough][:MOST_VALUES]
    kept = kept or list(words[:MOST_VALUES])
    rare = len(words) - len(kept)
    return ((*kept, OTHER) if rare and rest_among(kept) is None else tuple(kept)), rare


def in_order(words: Sequence[str]) -> tuple[str, ...]:
    """The words from low to high when their order can be read off them: A1, A2 · low, high · < 1 year, 10+ years."""
    if len(words) < 3:
        return ()
    for place in (_place_on_a_scale, _place_by_letter, _place_by_number):
        places: list[Any] = [place(word) for word in words]
        if None not in places and len(set(places)) == len(places) and _without_gaps(place, places):
            return tuple(word for _, word in sorted(zip(places, words, strict=True)))
    return ()


def _without_gaps(place: object, places: Sequence[tuple]) -> bool:
    """Letters are a scale when they follow each other: A, B, C, but not A, N, W."""
    if place is not _place_by_letter:
        return True
    letters = sorted({ord(letter) for letter, _ in places})
    return letters == list(range(letters[0], letters[-1] + 1)) or len({number for _, number in places}) > 2


SCALES = (
    ("very low", "low", "medium low", "moderate", "medium", "medium high", "high", "very high"),
    ("very poor", "poor", "fair", "average", "good", "very good", "excellent", "exceptional"),
    ("niedrig", "mittel", "hoch"),
    ("schlecht", "mittel", "gut", "sehr gut"),
)


def _place_on_a_scale(word: str) -> tuple[int, int] | None:
    plain = word.lower().replace("_", " ").replace("-", " ")
    return next(((row, scale.index(plain)) for row, scale in enumerate(SCALES) if plain in scale), None)


def _place_by_letter(word: str) -> tuple[str, int] | None:
    found = re.fullmatch(r"([A-Z])([0-9]{0,2})", word)
    return (found[1], int(found[2] or 0)) if found else None


def _place_by_number(word: str) -> tuple[float, int] | None:
    """`< 1 year` before `1 year`, `10+ years` after `10 years`; words around the number must be the same kind."""
    found = re.fullmatch(r"(<=?|under_?|less than|up to|>=?|over_?|more than)?\s*_?(\d+(?:\.\d+)?)(.*)", word.lower())
    if not found:
        return None
    before = -1 if found[1] and found[1].strip("_ ") in ("<", "<=", "under", "less than", "up to") else 0
    after = 1 if found[1] and not before else int("+" in found[3])
    return float(found[2]), before + after


def _used(column: TextColumn, which: npt.NDArray[np.bool_], counts: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """The words that mean nothing here, but for the empty one, which needs no saying."""
    return tuple(column.words[place] for place in np.flatnonzero(which & (counts > 0)).tolist() if column.words[place])
