"""What is wrong with data before anybody learns from it: said by column, with the figures that say so.

Leaks are looked for in three ways. *Known at*: whoever knows the data says when each column
was first known; that alone finds a leak without a signal. *Names* that mean something after
the decision. *Figures*: a column that alone nearly settles how it ended, alone or relative to
another; values that occur with one ending only; days after the application; an amount that is
another one but for later changes. No figure can find a column that has no signal in these
rows, such as a balance that is nought for every loan that has ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import exp, lgamma, log
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.lenders_file import headings
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.models.metrics import auc
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec, KnownAt
from plimsoll.domain.values import Value

FEWEST_OF_EACH = 25  # five folds of five
FEW_OF_EACH = 200
ROWS_LOOKED_AT = 20_000
ROWS_OF_PAIRS = 4_000
MOST_PAIRED = 80

NEARLY_SETTLES, MAY_SETTLE = 0.95, 0.85  # AUC of one column alone
TOGETHER_SETTLES, TOGETHER_GAINS = 0.90, 0.08  # of one column relative to another, and over either alone
PURE, PURE_ROWS, BY_CHANCE = 0.98, 30, 1e-9
SAME_AS, ONE_SIDED, ALIKE = 0.2, 0.99, 0.9
ADDS_UP, ONCE, A_CENT = 0.99, 0.01, 0.011  # share of the rows; how far a part's weight may be from 1; rounding of each
FEWEST_NOUGHTS = 10
LATER_DAYS = 0.02
MOSTLY_MISSING, NEARLY_EMPTY = 0.6, 0.98
OWN_VALUE_EACH = 0.98
REPEATED_ROWS = 0.01

CANNOT_BE_SEEN = (
    "A column that is known only after the decision and has no signal in these rows (a balance that is nought once a "
    "loan has ended, a flag that nobody has yet) is found by `known_at` alone; for {count} of {all} columns nobody "
    "said when they were known."
)

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]


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
class _Look:
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


def check(
    examples: Examples,
    features: Sequence[FeatureSpec] = (),
    *,
    known_at: Mapping[str, KnownAt] | None = None,
    limits: Mapping[str, tuple[float | None, float | None]] | None = None,
    asked_amount: str | None = None,
) -> DataReport:
    """Everything found in the columns. A leak stops when one of the features would read it.

    `known_at` vouches for a column, or says that it came later; `limits` are the smallest and
    largest value a column may have; `asked_amount` is the column with what was applied for.
    """
    used = frozenset(spec.name for spec in features)
    look = _Look(examples, used, known_at or {})
    if not _outcome_can_be_learnt(look):
        return _report(look)
    _against_declarations(look, features, limits or {})
    _repetitions(look)
    rows = _some_rows(len(examples), ROWS_LOOKED_AT)
    bad = examples.bad[rows]
    numbers: dict[str, Numbers] = {}
    for name, column in examples.columns.items():
        _one_column(look, name, column)
        _when_it_was_known(look, name, column)
        part = column[rows]
        if part.dtype.kind in "fiu":
            numbers[name] = part.astype(np.float64)
        _what_it_settles(look, name, part, bad)
    _relative_to_another(look, numbers, bad)
    _later_versions(look, numbers, asked_amount)
    _beside_a_leak(look, asked_amount)
    return _report(look)


def _report(look: _Look) -> DataReport:
    order = {Severity.STOP: 0, Severity.WARN: 1}
    unsaid = sum(name not in look.known_at for name in look.examples.columns)
    count = len(look.examples.columns)
    return DataReport(
        rows=len(look.examples),
        target_rate=round(look.examples.target_rate, 6) if len(look.examples) else None,
        columns=count,
        findings=tuple(sorted(look.findings, key=lambda finding: order[finding.severity])),
        cannot_be_seen=CANNOT_BE_SEEN.format(count=unsaid, all=count) if unsaid else "",
    )


# ---------------------------------------------------------------- the outcome


def _outcome_can_be_learnt(look: _Look) -> bool:
    count, bads = len(look.examples), int(look.examples.bad.sum())
    fewest = min(bads, count - bads)
    if count == 0:
        look.tell(Severity.STOP, "empty", None, "There is not one labelled application: nothing can be learnt.")
    elif fewest == 0:
        ended = "badly" if bads else "well"
        sentence = f"All {count} applications ended {ended}: a model needs both endings to tell them apart."
        look.tell(Severity.STOP, "one_class", None, sentence, rows=count, bads=bads)
    elif fewest < FEWEST_OF_EACH:
        sentence = f"{count} rows hold only {fewest} of the rarer ending; training needs {FEWEST_OF_EACH} at least."
        look.tell(Severity.STOP, "too_few", None, sentence, rows=count, bads=bads)
    elif fewest < FEW_OF_EACH:
        sentence = f"Only {fewest} of the rarer ending: every figure below has a wide interval."
        look.tell(Severity.WARN, "few", None, sentence, rows=count, bads=bads)
    if count and fewest >= FEWEST_OF_EACH and fewest / count < 0.005:
        sentence = f"{bads / count:.2%} ended badly: check that the target means what it says."
        look.tell(Severity.WARN, "target_rate", None, sentence, rows=count, bads=bads)
    return fewest >= FEWEST_OF_EACH


# ---------------------------------------------------------------- against what was declared


def _against_declarations(
    look: _Look, features: Sequence[FeatureSpec], limits: Mapping[str, tuple[float | None, float | None]]
) -> None:
    for spec in features:
        column = look.examples.columns.get(spec.name)
        if column is None:
            sentence = (
                f"The feature {spec.name} has no column: nobody's value is known, so nothing can be learnt of it."
            )
            look.tell(Severity.STOP, "absent", spec.name, sentence)
        elif spec.kind is FeatureKind.NUMBER:
            _is_a_number(look, spec.name, column)
        else:
            _is_one_of_its_values(look, spec, column)
    for name, (low, high) in limits.items():
        if name in look.examples.columns and look.examples.columns[name].dtype.kind in "fiu":
            _is_within(look, name, look.examples.columns[name], low, high)


def _is_a_number(look: _Look, name: str, column: Column) -> None:
    if column.dtype.kind in "fiu":
        infinite = int(np.isinf(column.astype(np.float64)).sum())
        if infinite:
            look.tell(
                Severity.STOP, "type", name, f"{name} is infinite in {infinite} rows; use a number or nothing.",
                rows=infinite,
            )  # fmt: skip
        return
    strangers = [value for value in column if value is not None and not _reads_as_number(value)]
    if strangers:
        sentence = (
            f"{name} is declared a number, but {len(strangers)} rows hold something else, such as {strangers[0]!r}."
        )
        look.tell(Severity.STOP, "type", name, sentence, rows=len(strangers))


def _reads_as_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _is_one_of_its_values(look: _Look, spec: FeatureSpec, column: Column) -> None:
    counts = _counts(column)
    strangers = {value: count for value, count in counts.items() if value is not None and value not in spec.values}
    rows = sum(strangers.values())
    if not rows:
        return
    share = rows / max(len(column), 1)
    first = max(strangers, key=lambda value: strangers[value])
    sentence = f"{rows} rows ({share:.1%}) of {spec.name} hold none of its declared values, most often {first!r}."
    look.tell(Severity.STOP if share > 0.5 else Severity.WARN, "values", spec.name, sentence, rows=rows)


def _is_within(look: _Look, name: str, column: Column, low: float | None, high: float | None) -> None:
    known = column[~np.isnan(column.astype(np.float64))]
    beyond = int((known < low).sum() if low is not None else 0) + int((known > high).sum() if high is not None else 0)
    if beyond:
        bounds = " to ".join("…" if bound is None else f"{bound:g}" for bound in (low, high))
        sentence = f"{beyond} rows of {name} lie outside {bounds}: it goes from {known.min():g} to {known.max():g}."
        look.tell(Severity.WARN, "range", name, sentence, rows=beyond)


# ---------------------------------------------------------------- rows and columns by themselves


def _repetitions(look: _Look) -> None:
    examples = look.examples
    if examples.references is not None:
        counts = _counts(examples.references)
        twice = sum(count - 1 for count in counts.values() if count > 1)
        if twice:
            sentence = f"{twice} rows repeat a reference: the same case would be learnt from and tested on."
            look.tell(Severity.WARN, "reference_twice", None, sentence, rows=twice)
    wanted = look.used & set(examples.columns) or set(examples.columns)
    if not wanted:
        return
    digest = examples.bad.astype(np.uint64)
    with np.errstate(over="ignore"):
        for name in sorted(wanted):
            digest = digest * np.uint64(0x100000001B3) ^ _hashed(examples.columns[name])
    twice = len(digest) - len(np.unique(digest))
    if twice > REPEATED_ROWS * len(digest):
        sentence = f"{twice} rows ({twice / len(digest):.1%}) repeat another in every column and in how they ended."
        look.tell(Severity.WARN, "row_twice", None, sentence, rows=twice)


def _one_column(look: _Look, name: str, column: Column) -> None:
    missing = _missing(column)
    share = float(missing.mean())
    known = column[~missing]
    if share >= NEARLY_EMPTY:
        look.tell(Severity.WARN, "empty_column", name, f"{name} is empty in {share:.1%} of the rows.", missing=share)
    elif share >= MOSTLY_MISSING:
        look.tell(Severity.WARN, "missing", name, f"{name} is missing in {share:.0%} of the rows.", missing=share)
    if len(known) == 0:
        return
    distinct = len(_counts(known)) if known.dtype == object else len(np.unique(known))
    if distinct == 1:
        sentence = f"{name} is {known[0]!s} wherever it is known: it tells nobody from anybody."
        if known.dtype.kind in "fiu" and known[0] == 0:
            sentence += (
                " If it is a balance or an event of later, it was settled before these rows were read: say known_at."
            )
        look.tell(Severity.WARN, "constant", name, sentence, value=str(known[0]))
    elif distinct >= OWN_VALUE_EACH * len(known) and len(known) >= FEW_OF_EACH and _could_name_a_case(known):
        sentence = f"{name} has a value of its own in nearly every row ({distinct} of {len(known)}): it names the case."
        look.tell(Severity.STOP if name in look.used else Severity.WARN, "id", name, sentence, distinct=distinct)


def _could_name_a_case(known: Column) -> bool:
    """Words, or whole numbers that follow each other closely; amounts have gaps and fractions."""
    if known.dtype == object:
        return all(isinstance(value, str) for value in known)
    if known.dtype.kind not in "fiu":
        return False
    numbers = known.astype(np.float64)
    whole = bool((numbers == np.round(numbers)).all())
    return (whole and (numbers.max() - numbers.min()) <= 20 * len(numbers)) or (
        whole and bool(np.all(np.diff(numbers) > 0))
    )


# ---------------------------------------------------------------- leaks


def _when_it_was_known(look: _Look, name: str, column: Column) -> None:
    said = look.known_at.get(name)
    if said is KnownAt.AFTER:
        look.leak("known_at", name, f"{name} is known only after the decision, whatever it says about the outcome.")
    elif said is None and headings.after_the_fact(name):
        look.leak("name", name, f"{name} is, by its name, known only after the decision.")
    applied = look.examples.applied_on
    if applied is not None and column.dtype.kind == "M":
        known = ~np.isnat(column) & ~np.isnat(applied)
        later = float((column[known] > applied[known]).mean()) if known.any() else 0.0
        if later >= LATER_DAYS:
            sentence = f"{name} lies after the day of application in {later:.1%} of the rows that have it."
            look.leak("later_day", name, sentence, share=round(later, 4))


def _what_it_settles(look: _Look, name: str, column: Column, bad: Flags) -> None:
    missing = _missing(column)
    if 0 < missing.sum() < len(missing):
        _missing_tells(look, name, missing, bad)
    if missing.all():
        return
    if column.dtype.kind in "fiu":
        area = _area_of_number(column[~missing].astype(np.float64), bad[~missing])
        _one_ending_only(look, name, _unusual(column, missing), bad, _usual_of(column, missing))
    elif column.dtype == object:
        codes, words = _codes(column)
        area = _area_of_words(codes, len(words), bad)
        for place, word in enumerate(words):
            if word is not None and _one_ending_only(look, name, codes == place, bad, None, word):
                break
    else:
        area = _area_of_number(column[~missing].astype("datetime64[D]").astype(np.float64), bad[~missing])
    if area >= MAY_SETTLE:
        how = "nearly settles" if area >= NEARLY_SETTLES else "goes very far in settling"
        sentence = f"{name} alone {how} how it ended (AUC {area:.3f}): was it known before the decision?"
        if area >= NEARLY_SETTLES:
            look.leak("settles", name, sentence, auc=round(area, 4))
        else:
            look.tell(Severity.WARN, "settles", name, sentence, auc=round(area, 4))


def _missing_tells(look: _Look, name: str, missing: Flags, bad: Flags) -> None:
    area = _either_way(auc(bad.astype(np.int64), missing.astype(np.float64)))
    if area >= MAY_SETTLE:
        sentence = (
            f"Whether {name} is missing goes far in settling how it ended (AUC {area:.3f}): it is filled in later."
        )
        look.leak("missing_tells", name, sentence, auc=round(area, 4))
        return
    for rows, where in ((missing, "missing"), (~missing, "known")):
        share, count = float(bad[rows].mean()), int(rows.sum())
        if _is_pure(share, count, float(bad.mean())):
            ended = "badly" if share > 0.5 else "well"
            sentence = f"Where {name} is {where} ({count} rows looked at), {max(share, 1 - share):.1%} ended {ended}."
            if share > 0.5:
                look.leak("missing_tells", name, sentence, rows=count, bad=round(share, 4))
            else:
                look.tell(Severity.WARN, "one_ending_mostly", name, sentence, rows=count, bad=round(share, 4))
            return


def _one_ending_only(look: _Look, name: str, rows: Flags, bad: Flags, usual: Any = None, word: Any = None) -> bool:
    """Values that bad endings alone have are the ending's doing. Good endings alone may have a good reason."""
    count = int(rows.sum())
    share = float(bad[rows].mean()) if count else 0.0
    if not _is_pure(share, count, float(bad.mean())):
        return False
    what = f"{name} is {word!r}" if word is not None else f"{name} is other than {usual:g}"
    ended = "badly" if share > 0.5 else "well"
    sentence = f"Where {what} ({count} rows looked at), {max(share, 1 - share):.1%} ended {ended}."
    if share > 0.5:
        look.leak("one_ending_only", name, sentence, rows=count, bad=round(share, 4))
    else:
        look.tell(Severity.WARN, "one_ending_mostly", name, sentence, rows=count, bad=round(share, 4))
    return True


def _is_pure(share: float, count: int, whole: float) -> bool:
    """One ending nearly alone, among enough rows that chance does not make it."""
    if count < PURE_ROWS:
        return False
    if share >= PURE:
        return whole < 0.9 and _tail(round(share * count), count, whole) < BY_CHANCE
    return 1 - share >= PURE and 1 - whole < 0.9 and _tail(round((1 - share) * count), count, 1 - whole) < BY_CHANCE


def _relative_to_another(look: _Look, numbers: Mapping[str, Numbers], bad: Flags) -> None:
    """A payment says little alone and nearly everything beside the amount that was lent."""
    rows = _some_rows(len(bad), ROWS_OF_PAIRS)
    labels = bad[rows].astype(np.int64)
    if labels.sum() in (0, len(labels)):
        return
    part = {name: values[rows] for name, values in numbers.items()}
    part = {name: values for name, values in part.items() if _can_be_a_share(values)}
    alone = {
        name: _area_of_number(values[~np.isnan(values)], bad[rows][~np.isnan(values)]) for name, values in part.items()
    }
    names = sorted(part, key=lambda name: -alone[name])[:MOST_PAIRED]
    told: set[str] = set()
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            # The one with more to say alone comes first: the amount that was lent says next to nothing.
            if one in told or alone[one] >= NEARLY_SETTLES:
                break
            area = _area_of_ratio(part[one], part[other], labels)
            if area >= TOGETHER_SETTLES and area - max(alone[one], alone[other]) >= TOGETHER_GAINS:
                sentence = (
                    f"{one} beside {other} nearly settles how it ended (AUC of their ratio {area:.3f}, of {one} alone "
                    f"{alone[one]:.3f}): it looks like something that was paid or lost afterwards."
                )
                look.leak("settles_with", one, sentence, auc=round(area, 4), alone=round(alone[one], 4), beside=other)
                told.add(one)


def _later_versions(look: _Look, numbers: Mapping[str, Numbers], asked_amount: str | None) -> None:
    """An amount that is another one in many rows, less in the others and never more: what became of it."""
    names = [name for name, values in numbers.items() if _can_be_a_share(values) and len(np.unique(values)) > 50]
    for later in names:
        if later == asked_amount:
            continue
        for first in names:
            found = _is_later_version(numbers[later], numbers[first]) if first != later else None
            if found:
                same, less = found
                sentence = (
                    f"{later} is {first} in {same:.0%} of the rows, less in {less:.0%} and hardly ever more: "
                    "it looks like that amount as it became afterwards."
                )
                look.leak("later_version", later, sentence, same=round(same, 4), less=round(less, 4), of=first)
                break


def _beside_a_leak(look: _Look, asked_amount: str | None) -> None:
    """What is too weak for figures of its own is betrayed by a leak that was found: as a part of it, or by being
    nought exactly where it is nought."""
    found = {finding.column for finding in look.findings if finding.check in LEAKS}
    sure = [finding.column for finding in look.findings if finding.check in SURE_LEAKS]
    columns = {
        name: np.nan_to_num(column.astype(np.float64), nan=0.0)
        for name, column in look.examples.columns.items()
        if column.dtype.kind in "fiu" and name != asked_amount
    }
    columns = {name: values for name, values in columns.items() if values.min() >= 0 and values.max() > values.min()}
    for leak in dict.fromkeys(name for name in sure if name in columns):
        parts = _parts_of(leak, columns)
        for name in parts:
            if name not in found:
                found.add(name)
                sentence = (
                    f"{name} is a part of {leak}, which is the sum of {' and '.join(parts)} in nearly every row: "
                    "it was known when the whole was."
                )
                look.leak("part_of_leak", name, sentence, of=leak, parts=list(parts))
        for name in _nought_with(columns[leak], {name: columns[name] for name in columns if name not in found}):
            found.add(name)
            sentence = (
                f"{name} is nought where {leak} is, and hardly anywhere else: what made the one nought, after the "
                "decision, made the other so."
            )
            look.leak("nought_with_leak", name, sentence, of=leak)


def _parts_of(leak: str, columns: Mapping[str, Numbers]) -> tuple[str, ...]:
    """The columns that add up to it, each counted once; none when they do not."""
    rows = _some_rows(len(columns[leak]), ROWS_OF_PAIRS)
    some = {name: values[rows] for name, values in columns.items() if name != leak}
    names = [name for name, values in some.items() if (values != 0).sum() >= PURE_ROWS and values.std() > 0]
    if not names:
        return ()
    design = np.stack([some[name] for name in names], axis=1)
    width = design.std(axis=0)
    whole = columns[leak][rows]
    weights = np.linalg.lstsq(design / width, whole, rcond=1e-9)[0] / width
    parts = [place for place, weight in enumerate(weights) if abs(weight - 1.0) < ONCE]
    left = np.abs(whole - design[:, parts].sum(axis=1))
    adds_up = float((left <= A_CENT * max(len(parts), 1)).mean()) >= ADDS_UP
    return tuple(names[place] for place in parts) if adds_up and len(parts) > 1 else ()


def _nought_with(leak: Numbers, others: Mapping[str, Numbers]) -> list[str]:
    nought = leak == 0
    count = int(nought.sum())
    if count < FEWEST_NOUGHTS or count > len(leak) / 2:
        return []
    found = []
    for name, values in others.items():
        hits, elsewhere = int((values[nought] == 0).sum()), float((values[~nought] == 0).mean())
        if hits >= PURE * count and _tail(hits, count, elsewhere) < BY_CHANCE:
            found.append(name)
    return found


def _is_later_version(later: Numbers, first: Numbers) -> tuple[float, float] | None:
    known = ~np.isnan(later) & ~np.isnan(first) & ((later != 0) | (first != 0))
    if known.sum() < FEW_OF_EACH:
        return None
    later, first = later[known], first[known]
    near = np.abs(later - first) <= 1e-6 * np.maximum(np.abs(first), 1.0)
    same, less = float(near.mean()), float((~near & (later < first)).mean())
    differing = 1.0 - same
    if not SAME_AS <= same < 1.0 or differing * len(later) < PURE_ROWS or less < ONE_SIDED * differing:
        return None
    alike = float(np.corrcoef(later, first)[0, 1]) if later.std() and first.std() else 0.0
    return (same, less) if alike >= ALIKE else None


# ---------------------------------------------------------------- figures


def _area_of_number(values: Numbers, bad: Flags) -> float:
    if len(values) < FEW_OF_EACH or bad.sum() in (0, len(bad)):
        return 0.5
    return _either_way(auc(bad.astype(np.int64), values))


def _area_of_words(codes: npt.NDArray[np.int64], count: int, bad: Flags) -> float:
    """Each word as its share of bads among every second row, judged on the others: rare words prove nothing."""
    learnt = np.arange(len(codes)) % 2 == 0
    if not 0 < bad[~learnt].sum() < (~learnt).sum():
        return 0.5
    rows = np.bincount(codes[learnt], minlength=count)
    bads = np.bincount(codes[learnt], weights=bad[learnt].astype(np.float64), minlength=count)
    shares = (bads + 5 * bad.mean()) / (rows + 5)
    return _either_way(auc(bad[~learnt].astype(np.int64), shares[codes[~learnt]]))


def _area_of_ratio(one: Numbers, other: Numbers, labels: npt.NDArray[np.int64]) -> float:
    known = ~np.isnan(one) & ~np.isnan(other) & (other > 0)
    if known.sum() < FEW_OF_EACH or labels[known].sum() in (0, known.sum()):
        return 0.5
    return _either_way(auc(labels[known], one[known] / other[known]))


def _can_be_a_share(values: Numbers) -> bool:
    known = values[~np.isnan(values)]
    return len(known) >= FEW_OF_EACH and bool(known.min() >= 0) and len(np.unique(known[:1000])) > 10


def _either_way(area: float) -> float:
    return max(area, 1.0 - area)


def _usual_of(column: Column, missing: Flags) -> float:
    values, counts = np.unique(column[~missing], return_counts=True)
    return float(values[counts.argmax()])


def _unusual(column: Column, missing: Flags) -> Flags:
    """Rows with another value than the one that most rows have; none where no value is that usual."""
    values, counts = np.unique(column[~missing], return_counts=True)
    if counts.max() < 0.5 * counts.sum():
        return np.zeros(len(column), dtype=np.bool_)
    return ~missing & (column != values[counts.argmax()])


def _tail(hits: int, count: int, chance: float) -> float:
    """Chance of at least so many hits among `count`."""
    chance = min(max(chance, 1e-12), 1 - 1e-12)
    total = 0.0
    for number in range(hits, count + 1):
        ways = lgamma(count + 1) - lgamma(number + 1) - lgamma(count - number + 1)
        term = exp(ways + number * log(chance) + (count - number) * log(1 - chance))
        total += term
        if term < total * 1e-12:
            break
    return min(total, 1.0)


def _missing(column: Column) -> Flags:
    if column.dtype == object:
        return np.fromiter((value is None or value != value for value in column), dtype=np.bool_, count=len(column))
    if column.dtype.kind == "M":
        return np.isnat(column)
    return np.isnan(column.astype(np.float64))


def _codes(column: Column) -> tuple[npt.NDArray[np.int64], list[Any]]:
    places: dict[Any, int] = {}
    plain = (None if value is None or value != value else value for value in column)
    codes = np.fromiter((places.setdefault(value, len(places)) for value in plain), dtype=np.int64, count=len(column))
    return codes, list(places)


def _counts(column: Column) -> dict[Any, int]:
    codes, values = _codes(column.tolist() if column.dtype != object else column)
    return dict(zip(values, np.bincount(codes, minlength=len(values)).tolist(), strict=True))


def _hashed(column: Column) -> npt.NDArray[np.uint64]:
    if column.dtype == object:
        codes, _ = _codes(column)
        mixed = codes.astype(np.uint64)
    else:
        mixed = np.nan_to_num(column.astype(np.float64), nan=-1.5e300).view(np.uint64)
    return mixed * np.uint64(0x9E3779B97F4A7C15) ^ (mixed >> np.uint64(29))


def _some_rows(count: int, most: int) -> npt.NDArray[np.int64]:
    """Spread over the whole, always the same."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))
