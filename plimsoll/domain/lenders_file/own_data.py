"""What becomes of each column of a lender's own file: feature, group for the fairness report, date, or left out.

Every choice has a sentence. Nothing here is final: the pack that comes of it is written for
people to read and change.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import numpy as np

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.lenders_file import headings
from plimsoll.domain.lenders_file.columns import (
    MOST_VALUES,
    ColumnKind,
    Numbers,
    Reading,
    TextColumn,
    days,
    numbers,
    read_column,
)
from plimsoll.domain.lenders_file.trends import Flags, Trend, are_codes, trend
from plimsoll.domain.models import data_checks
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.underwriting.product import FeatureKind
from plimsoll.domain.values import Value

TOO_EMPTY, HARDLY_EVER = 0.98, 0.05
A_YEAR = (1950, 2100)
ROWS_LOOKED_AT = 20_000  # for leaks


class Part(StrEnum):
    """What a column is for."""

    TARGET = "target"
    REFERENCE = "reference"
    APPLIED_ON = "applied_on"
    LABEL_KNOWN_ON = "label_known_on"
    FEATURE = "feature"
    GROUP = "group"  # sensitive: kept apart for the fairness report
    LEFT_OUT = "left_out"


class Placed(Value):
    """One column, what it is for, and why."""

    reading: Reading
    part: Part
    why: str
    suspicion: str | None = None  # leak, own_answer, sensitive, reference, day, text, empty, constant, repeated, asked

    @property
    def heading(self) -> str:
        return self.reading.heading


class OwnFeature(Value):
    """A column that a model may read, in product words."""

    heading: str
    name: str
    path: str
    kind: FeatureKind
    concept: str
    label: str
    reading: Reading
    values: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    divide_by: float = 1.0
    trend: Trend | None = None
    note: str = ""

    @property
    def in_frame(self) -> bool:
        """Whether every product's application has it already: amount, term, income."""
        return self.path in FRAME.values()


class OwnData(Value):
    """A lender's file, understood."""

    rows: int
    bads: int
    placed: tuple[Placed, ...]
    features: tuple[OwnFeature, ...]

    def of(self, part: Part) -> list[Placed]:
        return [column for column in self.placed if column.part is part]

    def heading_of(self, part: Part) -> str:
        return next((column.heading for column in self.of(part)), "")

    def at(self, path: str) -> OwnFeature | None:
        return next((feature for feature in self.features if feature.path == path), None)


class Wishes(Value):
    """What the person who brought the file said of its columns. They win over every suspicion but the law's."""

    keep: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()


class WishRefused(InvalidRequest):
    code = "wish_refused"


class NothingToLearnFrom(InvalidRequest):
    code = "nothing_to_learn_from"


AMOUNT, TERM, INCOME = "request.amount", "request.term_months", "financial.monthly_income"
LABELS = {AMOUNT: "Amount asked for", TERM: "Term in months", INCOME: "Monthly income"}
FRAME = {"amount": AMOUNT, "term_months": TERM, "monthly_income": INCOME}

Progress = Callable[[str, int, int], None]


def understand(
    columns: Mapping[str, TextColumn],
    target: str,
    bad: Flags,
    decimal: str = ".",
    wishes: Wishes | None = None,
    progress: Progress = lambda text, done, of: None,
) -> OwnData:
    """`columns` and `bad` hold the same rows, those that have ended."""
    wishes = wishes or Wishes()
    readings = {}
    for done, (heading, column) in enumerate(columns.items()):
        progress("reading columns", done, len(columns))
        readings[heading] = read_column(column, decimal)
    progress("looking for leaks", 0, 1)
    leaks = _leaks(columns, readings, target, bad, decimal)
    placed = _placed(columns, readings, target, wishes, leaks, decimal)
    _choose_one(placed, Part.APPLIED_ON, headings.APPLIED_ON)
    _choose_one(placed, Part.LABEL_KNOWN_ON, headings.LABEL_KNOWN_ON)
    _choose_one(placed, Part.REFERENCE, headings.REFERENCE)
    chosen = [column for column in placed if column.part is Part.FEATURE]
    if not chosen:
        raise NothingToLearnFrom(_nothing_left(placed))
    features = _features(chosen, columns, bad, decimal, progress)
    return OwnData(rows=len(bad), bads=int(bad.sum()), placed=tuple(placed), features=features)


def _leaks(
    columns: Mapping[str, TextColumn], readings: Mapping[str, Reading], target: str, bad: Flags, decimal: str
) -> dict[str, str]:
    """Heading -> the sentence that betrays it, from some of the rows; people's own attributes are not looked at."""
    rows = np.arange(len(bad))
    if len(bad) > ROWS_LOOKED_AT:
        rows = np.sort(np.random.default_rng(0).choice(len(bad), ROWS_LOOKED_AT, replace=False))
    looked_at = {
        heading: _values(columns[heading], reading, decimal)[rows]
        for heading, reading in readings.items()
        if heading != target and reading.kind in _WITH_VALUES and not headings.sensitive(heading)
    }
    applied = _plainest(
        [heading for heading in looked_at if readings[heading].kind is ColumnKind.DAY], headings.APPLIED_ON
    )
    asked = _plainest(list(looked_at), headings.AMOUNT)
    examples = Examples(columns=looked_at, bad=bad[rows], applied_on=looked_at.get(applied))
    return data_checks.check(examples, asked_amount=asked).leaks


_WITH_VALUES = (ColumnKind.NUMBER, ColumnKind.DAY, ColumnKind.CATEGORY, ColumnKind.ORDINAL, ColumnKind.CONSTANT)


def _values(column: TextColumn, reading: Reading, decimal: str) -> Column:
    """As the checks read them: numbers, days, or words. A column of one word is a column of words."""
    if reading.kind is ColumnKind.NUMBER:
        return column.spread(column.numbers(decimal, reading.missing), np.nan)
    if reading.kind is ColumnKind.DAY:
        return column.spread(days(column.words), np.datetime64("NaT"))
    absent = {*reading.missing, ""}
    return column.spread(np.array([None if word in absent else word for word in column.words], dtype=object), None)


def _plainest(wanted: Sequence[str], phrases: Sequence[str]) -> str:
    """The heading that says it most plainly; empty when none does."""
    said = [(_plainness(heading, phrases), place) for place, heading in enumerate(wanted)]
    best = min(said, default=(len(phrases), 0))
    return wanted[best[1]] if best[0] < len(phrases) else ""


def _placed(
    columns: Mapping[str, TextColumn],
    readings: Mapping[str, Reading],
    target: str,
    wishes: Wishes,
    leaks: Mapping[str, str],
    decimal: str,
) -> list[Placed]:
    seen: dict[bytes, str] = {}
    placed = []
    for heading, reading in readings.items():
        if heading == target:
            placed.append(Placed(reading=reading, part=Part.TARGET, why="says how it ended"))
            continue
        found = _by_wish(reading, wishes) or _by_name_and_kind(reading, leaks)
        if found.part in (Part.FEATURE, Part.GROUP):
            found = _unless_repeated(found, columns[heading], seen, decimal)
        placed.append(found)
    return placed


def _by_wish(reading: Reading, wishes: Wishes) -> Placed | None:
    heading = reading.heading
    attribute = headings.sensitive(heading)
    if heading in wishes.leave_out:
        return _out(reading, "you asked to leave it out", "asked")
    if heading in wishes.sensitive:
        return _group(reading, "you")
    if heading not in wishes.keep:
        return None
    if attribute in LAWFULLY_OUT:
        raise WishRefused(
            f"{heading!r} looks like {attribute}, which no model may weigh; rename the column if it is not that."
        )
    if reading.kind not in (ColumnKind.NUMBER, ColumnKind.CATEGORY, ColumnKind.ORDINAL):
        raise WishRefused(f"{heading!r} cannot be kept as a feature: it is {_KINDS[reading.kind]}.")
    return Placed(reading=reading, part=Part.FEATURE, why="you asked to keep it", suspicion="asked")


# Asked for by name they stay out all the same: Reg B 1002.5-6 and its like elsewhere.
LAWFULLY_OUT = frozenset(headings.SENSITIVE) - {"education", "place of residence"}
_KINDS = {
    ColumnKind.DAY: "a date",
    ColumnKind.NAME: "different in nearly every row",
    ColumnKind.CONSTANT: "the same in every row",
    ColumnKind.EMPTY: "empty",
}


def _by_name_and_kind(reading: Reading, leaks: Mapping[str, str]) -> Placed:
    heading, kind = reading.heading, reading.kind
    attribute = headings.sensitive(heading)
    if attribute:
        return _sensitive(reading, attribute)
    if _says_when_the_ending_was_known(reading):
        return Placed(reading=reading, part=Part.LABEL_KNOWN_ON, why="the day from which the ending was known")
    if heading in leaks:
        return _out(reading, f"looks like a leak: {leaks[heading]}", "leak")
    if kind is ColumnKind.EMPTY or reading.missing_share > TOO_EMPTY:
        return _out(reading, f"empty in {reading.missing_share:.1%} of the rows", "empty")
    if kind is ColumnKind.DAY:
        return _day(reading)
    if kind is ColumnKind.CONSTANT:
        return _out(reading, "the same in every row that has a value", "constant")
    if _is_reference(reading):
        return Placed(reading=reading, part=Part.REFERENCE, why="your own number of each application")
    if kind is ColumnKind.NAME:
        return _out(reading, "free text or a name: nearly every row has its own", "text")
    if headings.own_answer(heading):
        return _out(reading, "by its name your own price, grade or decision, made from the application", "own_answer")
    if _is_a_calendar_year(reading):
        return _out(reading, "a calendar year: it says when, not who", "day")
    return Placed(reading=reading, part=Part.FEATURE, why="taken")


def _out(reading: Reading, why: str, suspicion: str) -> Placed:
    return Placed(reading=reading, part=Part.LEFT_OUT, why=why, suspicion=suspicion)


def _sensitive(reading: Reading, attribute: str) -> Placed:
    """A group when it makes groups; who somebody is, and what nobody could report on, is not read at all."""
    many = reading.kind in (ColumnKind.NAME, ColumnKind.DAY) or (reading.rare > MOST_VALUES)
    if attribute in headings.IDENTIFYING or many or reading.kind in (ColumnKind.EMPTY, ColumnKind.CONSTANT):
        return _out(reading, f"sensitive ({attribute}): not read at all", "sensitive")
    return _group(reading, attribute)


def _group(reading: Reading, attribute: str) -> Placed:
    why = "you called it sensitive" if attribute == "you" else f"sensitive ({attribute})"
    return Placed(
        reading=reading, part=Part.GROUP, why=f"{why}: for the fairness report, never a feature", suspicion="sensitive"
    )


def _day(reading: Reading) -> Placed:
    if headings.means(reading.heading, headings.APPLIED_ON):
        return Placed(reading=reading, part=Part.APPLIED_ON, why="the day it was applied for")
    why = (
        "a date: a model could only learn when. Name the day of application as `applied_on`, and the day the ending "
        "was known as `label_known_on`, in product.toml; bring a duration in months"
    )
    return _out(reading, why, "day")


def _says_when_the_ending_was_known(reading: Reading) -> bool:
    """For every row: a day that only bads have would leave training without goods."""
    everywhere = reading.kind is ColumnKind.DAY and reading.missing_share <= HARDLY_EVER
    return everywhere and headings.means(reading.heading, headings.LABEL_KNOWN_ON)


def _is_reference(reading: Reading) -> bool:
    different = reading.known > 0 and reading.distinct >= 0.98 * reading.known and reading.known > 50
    named = headings.is_reference(reading.heading)
    if reading.kind is ColumnKind.NAME:
        return different and (named or not (reading.typical or " ").count(" "))
    if reading.kind is not ColumnKind.NUMBER or not reading.whole or not different:
        return False
    counted = (reading.largest or 0) - (reading.smallest or 0) < 1.2 * reading.rows
    return named or counted


def _is_a_calendar_year(reading: Reading) -> bool:
    of_a_thing = headings.means(reading.heading, ("car", "vehicle", "built", "model", "construction"))
    inside = reading.whole and A_YEAR[0] <= (reading.smallest or 0) and (reading.largest or 9999) <= A_YEAR[1]
    return inside and headings.means(reading.heading, ("year", "jahr", "annee", "vintage", "cohort")) and not of_a_thing


def _unless_repeated(found: Placed, column: TextColumn, seen: dict[bytes, str], decimal: str) -> Placed:
    digest = _digest(column, found.reading, decimal)
    first = seen.setdefault(digest, found.heading)
    if first == found.heading:
        return found
    return _out(found.reading, f"the same as {first!r} in every row", "repeated")


def _digest(column: TextColumn, reading: Reading, decimal: str) -> bytes:
    if reading.kind is ColumnKind.NUMBER:
        content = column.spread(column.numbers(decimal, reading.missing), np.nan).tobytes()
    else:
        content = column.codes.tobytes() + "\x1f".join(column.words).encode()
    return hashlib.sha256(content).digest()


def _choose_one(placed: list[Placed], part: Part, phrases: Sequence[str]) -> None:
    """Of several that could be it, the one with the plainest name; the others are left out and say so."""
    candidates = [place for place, column in enumerate(placed) if column.part is part]
    if len(candidates) < 2:
        return
    best = min(candidates, key=lambda place: (_plainness(placed[place].heading, phrases), place))
    for place in candidates:
        if place != best:
            other = f"not needed: {placed[best].heading!r} is already {placed[best].why}"
            placed[place] = _out(placed[place].reading, other, "day" if "date" in part else "reference")


def _plainness(heading: str, phrases: Sequence[str]) -> int:
    return next((place for place, phrase in enumerate(phrases) if headings.means(heading, (phrase,))), len(phrases))


def _features(
    chosen: Sequence[Placed], columns: Mapping[str, TextColumn], bad: Flags, decimal: str, progress: Progress
) -> tuple[OwnFeature, ...]:
    frame = _frame(chosen)
    taken: list[str] = []
    found = []
    for done, column in enumerate(chosen):
        progress("looking for directions", done, len(chosen))
        feature = _feature(column.reading, columns[column.heading], bad, decimal, frame.get(column.heading), taken)
        taken.append(feature.name)
        found.append(feature)
    return _with_concepts(found)


def _frame(chosen: Sequence[Placed]) -> dict[str, str]:
    """Heading -> path of the application's frame, where the column clearly is that thing."""
    found = {}
    for path, phrases, fits in ((AMOUNT, headings.AMOUNT, _is_money), (TERM, headings.TERM, _is_a_term),
                                (INCOME, headings.INCOME, _is_an_income)):  # fmt: skip
        named = [
            (place, column.heading)
            for column in chosen
            if (place := headings.is_exactly(column.heading, phrases)) is not None and fits(column.reading)
        ]
        if named:
            found[min(named)[1]] = path
    return found


def _is_money(reading: Reading) -> bool:
    return reading.kind is ColumnKind.NUMBER and (reading.smallest or 0) > 0 and reading.missing_share <= HARDLY_EVER


def _is_a_term(reading: Reading) -> bool:
    months = reading.whole and (reading.smallest or 0) >= 1 and (reading.largest or 999) <= 480
    return reading.kind is ColumnKind.NUMBER and months and reading.missing_share <= HARDLY_EVER


def _is_an_income(reading: Reading) -> bool:
    enough = (reading.median or 0) >= 100 and (reading.smallest or 0) >= 0  # a band or a code is no income
    return reading.kind is ColumnKind.NUMBER and enough and reading.missing_share <= 0.2


def _feature(
    reading: Reading, column: TextColumn, bad: Flags, decimal: str, path: str | None, taken: Sequence[str]
) -> OwnFeature:
    name = path.rpartition(".")[2] if path else headings.field_name(reading.heading, taken)
    known = {
        "heading": reading.heading,
        "name": name,
        "path": path or f"financial.{name}",
        "concept": name,
        "label": LABELS.get(path or "", headings.label(reading.heading)),
        "reading": reading,
        "missing": reading.missing,
    }
    if reading.kind is not ColumnKind.NUMBER:
        return _of_words(known, reading, column, bad)
    values = column.spread(column.numbers(decimal, reading.missing), np.nan)
    if path is None and are_codes(values, bad):
        return _of_codes(known, column, decimal, reading)
    yearly = path == INCOME and headings.is_yearly(reading.heading)
    return OwnFeature(
        **known,
        kind=FeatureKind.NUMBER,
        trend=trend(values, bad),
        divide_by=12.0 if yearly else 1.0,
        note="per year in the file, per month in an application" if yearly else "",
    )


def _of_words(known: dict, reading: Reading, column: TextColumn, bad: Flags) -> OwnFeature:
    if reading.kind is ColumnKind.ORDINAL:
        places = {value: float(place) for place, value in enumerate(reading.values)}
        steps = column.spread(np.array([places.get(word, np.nan) for word in column.words]), np.nan)
        note = "the order was read off the words"
        return OwnFeature(**known, kind=FeatureKind.ORDINAL, values=reading.values, trend=trend(steps, bad), note=note)
    note = f"{reading.rare:,} rarer values are `other`" if reading.rare else ""
    return OwnFeature(**known, kind=FeatureKind.CATEGORY, values=reading.values, note=note)


def _of_codes(known: dict, column: TextColumn, decimal: str, reading: Reading) -> OwnFeature:
    numeric: Numbers = column.numbers(decimal, reading.missing)
    used = ~np.isnan(numeric) & (column.counts > 0)
    words = [word for word, is_used in zip(column.words, used, strict=True) if is_used]
    ordered = tuple(sorted(words, key=lambda word: float(numbers([word], decimal)[0])))
    most_frequent = max(words, key=dict(zip(column.words, column.counts.tolist(), strict=True)).__getitem__)
    known = {**known, "reading": reading.model_copy(update={"kind": ColumnKind.CATEGORY, "typical": most_frequent})}
    return OwnFeature(
        **known,
        kind=FeatureKind.CATEGORY,
        values=ordered,
        note="whole numbers that look like codes: risk jumps up and down with them",
    )


def _with_concepts(features: Sequence[OwnFeature]) -> tuple[OwnFeature, ...]:
    """PAY_2 to PAY_6 mean the same to a person, so together they give one reason."""
    stems = [headings.stem(feature.name) for feature in features]
    return tuple(
        feature.model_copy(update={"concept": stem if stems.count(stem) > 1 and not feature.in_frame else feature.name})
        for feature, stem in zip(features, stems, strict=True)
    )


def _nothing_left(placed: Sequence[Placed]) -> str:
    reasons = "; ".join(f"{column.heading}: {column.why}" for column in placed if column.part is not Part.TARGET)
    return f"No column is left for a model to learn from ({reasons[:400]}). Keep one with --keep COLUMN."
