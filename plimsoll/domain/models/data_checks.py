"""What is wrong with data before anybody learns from it: said by column, with the figures that say so.

Leaks are looked for in `leaks`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plimsoll.domain.models.column_figures import FEW_OF_EACH, Numbers, counts_of, hashed, missing_in, some_rows
from plimsoll.domain.models.data_findings import DataReport, Look, Severity
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.models.leaks import (
    beside_a_leak,
    later_versions,
    relative_to_another,
    what_it_settles,
    when_it_was_known,
)
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec, KnownAt

FEWEST_OF_EACH = 25  # five folds of five
ROWS_LOOKED_AT = 20_000
MOSTLY_MISSING, NEARLY_EMPTY = 0.6, 0.98
OWN_VALUE_EACH = 0.98
REPEATED_ROWS = 0.01
CANNOT_BE_SEEN = (
    "A column that is known only after the decision and has no signal in these rows (a balance that is nought once a "
    "loan has ended, a flag that nobody has yet) is found by `known_at` alone; for {count} of {all} columns nobody "
    "said when they were known."
)


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
    look = Look(examples, used, known_at or {})
    if not _outcome_can_be_learnt(look):
        return _report(look)
    _against_declarations(look, features, limits or {})
    _repetitions(look)
    rows = some_rows(len(examples), ROWS_LOOKED_AT)
    bad = examples.bad[rows]
    numbers: dict[str, Numbers] = {}
    for name, column in examples.columns.items():
        _one_column(look, name, column)
        when_it_was_known(look, name, column)
        part = column[rows]
        if part.dtype.kind in "fiu":
            numbers[name] = part.astype(np.float64)
        what_it_settles(look, name, part, bad)
    relative_to_another(look, numbers, bad)
    later_versions(look, numbers, asked_amount)
    beside_a_leak(look, asked_amount)
    return _report(look)


def _report(look: Look) -> DataReport:
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


def _outcome_can_be_learnt(look: Look) -> bool:
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
    look: Look, features: Sequence[FeatureSpec], limits: Mapping[str, tuple[float | None, float | None]]
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


def _is_a_number(look: Look, name: str, column: Column) -> None:
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


def _is_one_of_its_values(look: Look, spec: FeatureSpec, column: Column) -> None:
    counts = counts_of(column)
    strangers = {value: count for value, count in counts.items() if value is not None and value not in spec.values}
    rows = sum(strangers.values())
    if not rows:
        return
    share = rows / max(len(column), 1)
    first = max(strangers, key=lambda value: strangers[value])
    sentence = f"{rows} rows ({share:.1%}) of {spec.name} hold none of its declared values, most often {first!r}."
    look.tell(Severity.STOP if share > 0.5 else Severity.WARN, "values", spec.name, sentence, rows=rows)


def _is_within(look: Look, name: str, column: Column, low: float | None, high: float | None) -> None:
    known = column[~np.isnan(column.astype(np.float64))]
    beyond = int((known < low).sum() if low is not None else 0) + int((known > high).sum() if high is not None else 0)
    if beyond:
        bounds = " to ".join("…" if bound is None else f"{bound:g}" for bound in (low, high))
        sentence = f"{beyond} rows of {name} lie outside {bounds}: it goes from {known.min():g} to {known.max():g}."
        look.tell(Severity.WARN, "range", name, sentence, rows=beyond)


# ---------------------------------------------------------------- rows and columns by themselves


def _repetitions(look: Look) -> None:
    examples = look.examples
    if examples.references is not None:
        counts = counts_of(examples.references)
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
            digest = digest * np.uint64(0x100000001B3) ^ hashed(examples.columns[name])
    twice = len(digest) - len(np.unique(digest))
    if twice > REPEATED_ROWS * len(digest):
        sentence = f"{twice} rows ({twice / len(digest):.1%}) repeat another in every column and in how they ended."
        look.tell(Severity.WARN, "row_twice", None, sentence, rows=twice)


def _one_column(look: Look, name: str, column: Column) -> None:
    missing = missing_in(column)
    share = float(missing.mean())
    known = column[~missing]
    if share >= NEARLY_EMPTY:
        look.tell(Severity.WARN, "empty_column", name, f"{name} is empty in {share:.1%} of the rows.", missing=share)
    elif share >= MOSTLY_MISSING:
        look.tell(Severity.WARN, "missing", name, f"{name} is missing in {share:.0%} of the rows.", missing=share)
    if len(known) == 0:
        return
    distinct = len(counts_of(known)) if known.dtype == object else len(np.unique(known))
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
