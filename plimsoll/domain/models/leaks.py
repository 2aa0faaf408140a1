"""Columns that were not known when they are to be used, found by what they give away.

Leaks are looked for in three ways. *Known at*: whoever knows the data says when each column
was first known; that alone finds a leak without a signal. *Names* that mean something after
the decision. *Figures*: a column that alone nearly settles how it ended, alone or relative to
another; values that occur with one ending only; days after the application; an amount that is
another one but for later changes. No figure can find a column that has no signal in these
rows, such as a balance that is nought for every loan that has ended.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from plimsoll.domain.lenders_file import headings
from plimsoll.domain.models.column_figures import (
    FEW_OF_EACH,
    Flags,
    Numbers,
    area_of_number,
    area_of_ratio,
    area_of_words,
    can_be_a_share,
    chance_of_so_many,
    codes_of,
    either_way,
    missing_in,
    some_rows,
    unusual,
    usual_of,
)
from plimsoll.domain.models.data_findings import LEAKS, SURE_LEAKS, Look, Severity
from plimsoll.domain.models.examples import Column
from plimsoll.domain.models.metrics import auc
from plimsoll.domain.underwriting.product import KnownAt

ROWS_OF_PAIRS = 4_000
MOST_PAIRED = 80
NEARLY_SETTLES, MAY_SETTLE = 0.95, 0.85  # AUC of one column alone
TOGETHER_SETTLES, TOGETHER_GAINS = 0.90, 0.08  # of one column relative to another, and over either alone
PURE, PURE_ROWS, BY_CHANCE = 0.98, 30, 1e-9
NEARLY_PURE, LIKELIER = 0.9, 20.0  # a few wrong labels hide a leak; the odds of a bad ending against everybody's
SAME_AS, ONE_SIDED, ALIKE = 0.2, 0.99, 0.9
ADDS_UP, ONCE, A_CENT = 0.99, 0.01, 0.011  # share of the rows; how far a part's weight may be from 1; rounding of each
FEWEST_NOUGHTS = 10
LATER_DAYS = 0.02
KNOWN_BEFORE = "was it known before the decision?"


def when_it_was_known(look: Look, name: str, column: Column) -> None:
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


def what_it_settles(look: Look, name: str, column: Column, bad: Flags) -> None:
    missing = missing_in(column)
    if 0 < missing.sum() < len(missing):
        _missing_tells(look, name, missing, bad)
    if missing.all():
        return
    if column.dtype.kind in "fiu":
        area = area_of_number(column[~missing].astype(np.float64), bad[~missing])
        _one_ending_only(look, name, unusual(column, missing), bad, usual_of(column, missing))
    elif column.dtype == object:
        codes, words = codes_of(column)
        area = area_of_words(codes, len(words), bad)
        for place, word in enumerate(words):
            if word is not None and _one_ending_only(look, name, codes == place, bad, None, word):
                break
    else:
        area = area_of_number(column[~missing].astype("datetime64[D]").astype(np.float64), bad[~missing])
    if area >= MAY_SETTLE:
        how = "nearly settles" if area >= NEARLY_SETTLES else "goes very far in settling"
        sentence = f"{name} alone {how} how it ended (AUC {area:.3f}): {KNOWN_BEFORE}"
        if area >= NEARLY_SETTLES:
            look.leak("settles", name, sentence, auc=round(area, 4))
        else:
            look.tell(Severity.WARN, "settles", name, sentence, auc=round(area, 4))


def _missing_tells(look: Look, name: str, missing: Flags, bad: Flags) -> None:
    area = either_way(auc(bad.astype(np.int64), missing.astype(np.float64)))
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
        if _is_nearly_pure(share, count, float(bad.mean())):
            sentence = f"Where {name} is {where} ({count} rows looked at), {share:.1%} ended badly: {KNOWN_BEFORE}"
            look.tell(Severity.WARN, "missing_tells", name, sentence, rows=count, bad=round(share, 4))
            return


def _one_ending_only(look: Look, name: str, rows: Flags, bad: Flags, usual: Any = None, word: Any = None) -> bool:
    """Values that bad endings alone have are the ending's doing. Good endings alone may have a good reason."""
    count = int(rows.sum())
    share = float(bad[rows].mean()) if count else 0.0
    what = f"{name} is {word!r}" if word is not None else f"{name} is other than {usual:g}"
    if _is_nearly_pure(share, count, float(bad.mean())):
        sentence = f"Where {what} ({count} rows looked at), {share:.1%} ended badly: {KNOWN_BEFORE}"
        look.tell(Severity.WARN, "one_ending_only", name, sentence, rows=count, bad=round(share, 4))
        return True
    if not _is_pure(share, count, float(bad.mean())):
        return False
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
        return whole < 0.9 and chance_of_so_many(round(share * count), count, whole) < BY_CHANCE
    return (
        1 - share >= PURE
        and 1 - whole < 0.9
        and chance_of_so_many(round((1 - share) * count), count, 1 - whole) < BY_CHANCE
    )


def _is_nearly_pure(share: float, count: int, whole: float) -> bool:
    """Bad endings so far above everybody's that hardly anything known beforehand could tell them so well."""
    if not NEARLY_PURE <= share < PURE or count < PURE_ROWS or not 0 < whole < 1:
        return False
    likelier = share / (1 - share) * (1 - whole) / whole
    return likelier >= LIKELIER and chance_of_so_many(round(share * count), count, whole) < BY_CHANCE


def relative_to_another(look: Look, numbers: Mapping[str, Numbers], bad: Flags) -> None:
    """A payment says little alone and nearly everything beside the amount that was lent."""
    rows = some_rows(len(bad), ROWS_OF_PAIRS)
    labels = bad[rows].astype(np.int64)
    if labels.sum() in (0, len(labels)):
        return
    part = {name: values[rows] for name, values in numbers.items()}
    part = {name: values for name, values in part.items() if can_be_a_share(values)}
    alone = {
        name: area_of_number(values[~np.isnan(values)], bad[rows][~np.isnan(values)]) for name, values in part.items()
    }
    names = sorted(part, key=lambda name: -alone[name])[:MOST_PAIRED]
    told: set[str] = set()
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            # The one with more to say alone comes first: the amount that was lent says next to nothing.
            if one in told or alone[one] >= NEARLY_SETTLES:
                break
            area = area_of_ratio(part[one], part[other], labels)
            if area >= TOGETHER_SETTLES and area - max(alone[one], alone[other]) >= TOGETHER_GAINS:
                sentence = (
                    f"{one} beside {other} nearly settles how it ended (AUC of their ratio {area:.3f}, of {one} alone "
                    f"{alone[one]:.3f}): it looks like something that was paid or lost afterwards."
                )
                look.leak("settles_with", one, sentence, auc=round(area, 4), alone=round(alone[one], 4), beside=other)
                told.add(one)


def later_versions(look: Look, numbers: Mapping[str, Numbers], asked_amount: str | None) -> None:
    """An amount that is another one in many rows, less in the others and never more: what became of it."""
    names = [name for name, values in numbers.items() if can_be_a_share(values) and len(np.unique(values)) > 50]
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


def beside_a_leak(look: Look, asked_amount: str | None) -> None:
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
    rows = some_rows(len(columns[leak]), ROWS_OF_PAIRS)
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
        if hits >= PURE * count and chance_of_so_many(hits, count, elsewhere) < BY_CHANCE:
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
