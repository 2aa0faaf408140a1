"""What retraining gives on LendingClub's loans of 2007-11: looking back, and as it would have been lived.

Looking back, every loan's end is known: 2007-09 against 2007-10, asked on 2011. Lived, a month
at a time, a model may learn only from labels that were known on that very day; the label is
fixed, bad within twelve months on book, so that it is known a year after the issue and not
sooner for bad loans than for good ones. Read from the folder that PLIMSOLL_REAL_DATA names.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.domain.models import metrics
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.out_of_time import LearntWhatIsHeldOut, OutOfTime, TooLittleHeldOut, out_of_time
from plimsoll.domain.models.retraining import RetrainingTerms
from plimsoll.domain.models.retraining_gate import Comparison, HeldOut, Verdict, compare
from plimsoll.domain.underwriting.product import FeatureSpec
from plimsoll.wiring.labelled import lendingclub_loans
from plimsoll.wiring.models import trial_model

LABEL_MONTHS = 12
APPROVING = 0.8  # LendingClub's loans were all granted: a cut is needed to speak of approvals at all
FIRST, LAST = date(2009, 7, 1), date(2011, 12, 1)
TERMS = RetrainingTerms()
NEW_YEAR_2011 = np.datetime64("2011-01-01")


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    root = os.environ.get("PLIMSOLL_REAL_DATA")
    if not root:
        yield {"kind": "retraining", "skipped": "PLIMSOLL_REAL_DATA names no folder with the real data"}
        return
    yield looking_back(Path(root))
    yield from lived(Path(root), every_months=6 if quick else 1)


# Looking back -----------------------------------------------------------------------------------


def looking_back(root: Path) -> dict[str, Any]:
    """With hindsight: all ends are read, also those nobody knew at the time. And what was known then gives this."""
    features, loans = lendingclub_loans(root)
    asked = loans.take(issued(loans) >= NEW_YEAR_2011)
    before = loans.take(issued(loans) < NEW_YEAR_2011)
    champion = trial_model(features, before.take(issued(before) < np.datetime64("2010-01-01")))
    challenger = trial_model(features, before)
    known = trial_model(features, before.known_by(date(2011, 1, 1)))
    bad = asked.bad.astype(np.int64)
    found = compare(
        HeldOut(since=date(2011, 1, 1), bad=bad),
        champion.tried("2007-09", asked.columns, APPROVING),
        challenger.tried("2007-10", asked.columns, APPROVING),
        TERMS,
    )
    return {
        "kind": "retraining",
        "part": "looking back",
        "asked_on": len(asked),
        "champion_2007_09": rounded(metrics.auc(bad, champion.probabilities(asked.columns))),
        "challenger_2007_10": rounded(metrics.auc(bad, challenger.probabilities(asked.columns))),
        "difference": [rounded(found.checks[0].figures[key]) for key in ("difference", "low", "high")],
        "verdict": found.verdict,
        "reasons": list(found.reasons),
        "of_ends_known_on_2011_01_01": {
            "rows": known.rows,
            "auc": rounded(metrics.auc(bad, known.probabilities(asked.columns))),
        },
    }


# As it would have been lived --------------------------------------------------------------------


@dataclass
class Served:
    """What loans were scored by whom, as the months went by."""

    rows: list[Any] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)  # by the first model, never retrained
    gated: list[Any] = field(default_factory=list)  # by whoever the gate let through
    always: list[Any] = field(default_factory=list)  # by the newest model, gate or no gate


def lived(root: Path, *, every_months: int, first: date = FIRST, last: date = LAST) -> Iterator[dict[str, Any]]:
    """A month at a time. Whoever passes the gate is taken to be approved and released on the same day."""
    features, loans = lendingclub_loans(root, within_months=LABEL_MONTHS)
    served = Served()
    kept = champion = None
    for today in months(first, last, every_months):
        known = loans.known_by(today)
        newest = trial_model(features, known)
        if kept is None or champion is None:
            kept = champion = newest
            told: dict[str, Any] = {"verdict": "first model", "learnt": newest.rows}
        else:
            told, champion = tried_anew(features, loans, today, champion)
        yield {
            "kind": "retraining",
            "part": "lived",
            "on": str(today),
            "labels_known": len(known),
            "bads_known": int(known.bad.sum()),
            "newest_label_known_on": str(known_on(known).max()),
        } | told
        _serve(served, loans, today, every_months, {"kept": kept, "gated": champion, "always": newest})
    yield from _how_it_went(root, loans, served)


def tried_anew(
    features: tuple[FeatureSpec, ...], loans: Examples, today: date, champion: Any
) -> tuple[dict[str, Any], Any]:
    """What the gate says on that day, and who is champion afterwards."""
    try:
        split = out_of_time(loans, today, TERMS)
        challenger = trial_model(features, split.learnt)
        found = _compared(split, champion, challenger)
    except (TooLittleHeldOut, LearntWhatIsHeldOut) as error:
        return {"verdict": "waits", "why": error.message}, champion
    told = {
        "verdict": found.verdict,
        "learnt": challenger.rows,
        "held_out_since": str(split.since),
        "held_out": found.rows,
        "bads": found.bads,
        "difference": [rounded(found.checks[0].figures[key]) for key in ("difference", "low", "high")],
        "unmet": [check.requirement for check in found.checks if not check.met],
    }
    return told, challenger if found.verdict is Verdict.CHALLENGER else champion


def _compared(split: OutOfTime, champion: Any, challenger: Any) -> Comparison:
    columns = split.held_out.columns
    return compare(
        HeldOut(since=split.since, bad=split.held_out.bad.astype(np.int64)),
        champion.tried("champion", columns, APPROVING),
        challenger.tried("challenger", columns, APPROVING),
        TERMS,
    )


def _serve(served: Served, loans: Examples, today: date, every_months: int, models: dict[str, Any]) -> None:
    until = np.datetime64(today, "M") + np.timedelta64(every_months, "M")
    rows = np.flatnonzero((issued(loans) >= np.datetime64(today)) & (issued(loans) < until.astype("datetime64[D]")))
    asked = loans.take(rows)
    served.rows.append(rows)
    for name, model in models.items():
        getattr(served, name).append(model.probabilities(asked.columns))


def _how_it_went(root: Path, loans: Examples, served: Served) -> Iterator[dict[str, Any]]:
    """Once all labels are known: what each way of living would have ranked, by its own label and by the final end."""
    rows = np.concatenate(served.rows)
    scores = {name: np.concatenate(getattr(served, name)) for name in ("kept", "gated", "always")}
    _, ended = lendingclub_loans(root)
    for label, examples in ((f"bad within {LABEL_MONTHS} months", loans), ("charged off in the end", ended)):
        bad = examples.bad[rows].astype(np.int64)
        yield {
            "kind": "retraining",
            "part": "lived, in the end",
            "label": label,
            "rows": len(rows),
            "bad": rounded(float(bad.mean())),
            "auc": {name: rounded(metrics.auc(bad, score)) for name, score in scores.items()},
            "predicted": {name: rounded(float(score.mean())) for name, score in scores.items()},
            "gated_against_kept": _difference(bad, scores["gated"], scores["kept"]),
            "always_against_kept": _difference(bad, scores["always"], scores["kept"]),
        }


def _difference(bad: Any, ours: Any, theirs: Any) -> list[float]:
    found = metrics.delong_difference(bad, ours, theirs)
    return [rounded(bound) for bound in (found.difference, found.low, found.high)]


def months(first: date, last: date, every: int) -> Iterator[date]:
    month: Any = np.datetime64(first, "M")
    while month <= np.datetime64(last, "M"):
        yield month.astype("datetime64[D]").astype(object)
        month += np.timedelta64(every, "M")


def issued(examples: Examples) -> Any:
    return examples.applied_on


def known_on(examples: Examples) -> Any:
    return examples.label_known_on


def rounded(value: float) -> float:
    return round(float(value), 4)
