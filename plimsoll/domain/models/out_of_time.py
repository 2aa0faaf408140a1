"""What a successor is compared on: the newest applications whose labels are known, from which neither has learnt."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.retraining_terms import RetrainingTerms


class TooLittleHeldOut(InvalidRequest):
    code = "too_little_held_out"


class LearntWhatIsHeldOut(InvalidRequest):
    code = "learnt_what_is_held_out"


@dataclass(frozen=True)
class OutOfTime:
    """`learnt` were made before `since`, `held_out` from then on; every label was known on the day of the split."""

    learnt: Examples
    held_out: Examples
    since: date


def out_of_time(examples: Examples, today: date, terms: RetrainingTerms) -> OutOfTime:
    """The newest applications whose labels are known today are held out; nobody reads a later label.

    Raises TooLittleHeldOut while there is too little on either side to say anything.
    """
    if examples.applied_on is None or examples.label_known_on is None:
        raise TooLittleHeldOut(
            "Without the day of each application and the day its label was known nothing can be held out of time: name "
            "the columns that hold them as `applied_on` and `label_known_on` under [training] in product.toml."
        )
    known = examples.known_by(today)
    must_hold_both_endings(known, "known", terms)
    made: Any = known.applied_on
    since = _hold_out_begins(known, terms)
    learnt, held_out = known.take((made < since) | known.of_before), known.take(made >= since)
    split = OutOfTime(learnt=learnt, held_out=held_out, since=since.astype(object))
    must_hold_both_endings(split.learnt, "left to learn from", terms)
    must_hold_both_endings(split.held_out, "held out", terms)
    return split


def _hold_out_begins(known: Examples, terms: RetrainingTerms) -> Any:
    """The newest `hold_out_days`. Of a short record beside an undated file the newer half, if that holds enough:
    held out whole, it would teach nothing new."""
    made: Any = known.applied_on
    dated = np.sort(made[~np.isnat(made)])
    if not len(dated):
        raise TooLittleHeldOut("No application with a label that is known has a day: nothing can be held out of time.")
    since = dated[-1] - np.timedelta64(terms.hold_out_days - 1, "D")
    if not known.of_before.any():
        return since
    half = max(since, dated[len(dated) // 2])
    bads = known.bad[made >= half]
    enough = min(int(bads.sum()), int((~bads).sum())) >= terms.fewest_of_an_ending
    return half if enough else max(since, dated[0])


def must_hold_both_endings(examples: Examples, which: str, terms: RetrainingTerms) -> None:
    bads = int(examples.bad.sum())
    goods = len(examples) - bads
    if min(bads, goods) < terms.fewest_of_an_ending:
        raise TooLittleHeldOut(
            f"Of the labels {which}, {bads} are bad and {goods} good; a comparison needs "
            f"{terms.fewest_of_an_ending} of each."
        )


def must_not_have_learnt(name: str, learnt_until: date, since: date) -> None:
    """Raises LearntWhatIsHeldOut."""
    if learnt_until >= since:
        raise LearntWhatIsHeldOut(
            f"{name} learnt from applications up to {learnt_until}, and from {since} on they are held out: it would "
            "be asked what it was told."
        )
