"""When a model is trained anew: what asks for it, and what holds it back.

What the new one is compared on is in `out_of_time.py`, what it must show there in `retraining_gate.py`.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from plimsoll.domain.models.retraining_terms import RetrainingTerms as RetrainingTerms
from plimsoll.domain.models.training_run import Trigger
from plimsoll.domain.values import Value


class LivePerformance(Value):
    """The champion on labels that matured since it was trained."""

    auc: float
    interval: tuple[float, float]
    bads: int
    goods: int


class Standing(Value):
    """What is known on the day the question is asked."""

    labels_learnt: int  # by the champion
    auc_at_training: float
    labels_known: int  # by now
    trained_at: datetime  # the champion
    tried_at: datetime | None = None  # the last retraining, whatever came of it
    labels_then: int | None = None  # known at that try
    performance: LivePerformance | None = None
    drift: tuple[str, ...] = ()  # alerts that ask for a retraining, in words
    asked_by: str | None = None  # the reason a person gave


class Cause(Value):
    """One thing that asks for a new model, with its figures."""

    trigger: Trigger
    sentence: str
    figures: dict[str, Any] = Field(default_factory=dict)


class Due(Value):
    """Whether a model is trained now. `held_back` says why not although something asks."""

    causes: tuple[Cause, ...] = ()
    held_back: str | None = None

    @property
    def now(self) -> bool:
        return bool(self.causes) and self.held_back is None

    @property
    def trigger(self) -> Trigger:
        """What the record names: the gravest."""
        return self.causes[0].trigger


def due(standing: Standing, terms: RetrainingTerms, now: datetime) -> Due:
    """A person is obeyed at once; every other cause waits for new labels and for the rest between two tries."""
    asks = (_by_a_person, _by_performance, _by_drift, _by_new_data, _by_the_month)
    causes = tuple(cause for ask in asks if (cause := ask(standing, terms, now)))
    if not causes or causes[0].trigger is Trigger.PERSON:
        return Due(causes=causes)
    return Due(causes=causes, held_back=_held_back(standing, terms, now))


def _by_a_person(standing: Standing, terms: RetrainingTerms, now: datetime) -> Cause | None:
    return Cause(trigger=Trigger.PERSON, sentence=standing.asked_by) if standing.asked_by else None


def _by_performance(standing: Standing, terms: RetrainingTerms, now: datetime) -> Cause | None:
    live, before = standing.performance, standing.auc_at_training
    if live is None or min(live.bads, live.goods) < terms.fewest_of_an_ending:
        return None
    # Both: a drop that chance explains asks for nothing, nor does a sure one too small to matter.
    if live.auc > before * (1 - terms.auc_lost) or live.interval[1] >= before:
        return None
    low, high = live.interval
    return Cause(
        trigger=Trigger.PERFORMANCE,
        sentence=(
            f"AUC on {live.bads + live.goods:,} labels that matured since is {live.auc:.3f} ({low:.3f}–{high:.3f}); "
            f"at training it was {before:.3f}."
        ),
        figures={"auc": live.auc, "interval": [low, high], "auc_at_training": before, "bads": live.bads},
    )


def _by_drift(standing: Standing, terms: RetrainingTerms, now: datetime) -> Cause | None:
    if not standing.drift:
        return None
    return Cause(trigger=Trigger.DRIFT, sentence=" ".join(standing.drift), figures={"alerts": len(standing.drift)})


def _by_new_data(standing: Standing, terms: RetrainingTerms, now: datetime) -> Cause | None:
    new = standing.labels_known - standing.labels_learnt
    if new < max(terms.fewest_new_labels, terms.new_labels * standing.labels_learnt):
        return None
    return Cause(
        trigger=Trigger.NEW_DATA,
        sentence=f"{new:,} labels are known that the champion has not learnt from; it learnt from "
        f"{standing.labels_learnt:,}.",
        figures={"new": new, "learnt": standing.labels_learnt},
    )


def _by_the_month(standing: Standing, terms: RetrainingTerms, now: datetime) -> Cause | None:
    last = max(standing.trained_at, standing.tried_at or standing.trained_at)
    days = (now - last).days
    if days < terms.every_days:
        return None
    return Cause(
        trigger=Trigger.MONTHLY,
        sentence=f"The last training was {days} days ago; one is due every {terms.every_days}.",
        figures={"days": days},
    )


def _held_back(standing: Standing, terms: RetrainingTerms, now: datetime) -> str | None:
    before = standing.labels_learnt if standing.labels_then is None else standing.labels_then
    if standing.labels_known <= before:
        return f"No label has become known since the last training ({before:,}): there is nothing new to learn."
    if standing.tried_at and now - standing.tried_at < timedelta(days=terms.rest_days):
        return f"The last retraining was on {standing.tried_at:%Y-%m-%d}; {terms.rest_days} days lie between two."
    return None
