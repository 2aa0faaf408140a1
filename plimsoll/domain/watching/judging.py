"""A block of customers judged as of a moment: signals, probability, level, factors, and whom to hand over.

Batch, replay and the live stream come through here; they differ in who is in the block.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.calibration import corrected
from plimsoll.domain.models.examples import Column
from plimsoll.domain.outreach.episode import Factor
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import RiskLevel, Value
from plimsoll.domain.watching.factors import factors
from plimsoll.domain.watching.levels import NO_ROW, RANKS, level_of, levels
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.signals import PLACE, columns, signals
from plimsoll.domain.watching.state import NEVER, Records

Floats = npt.NDArray[np.float64]
DAY_SECONDS = 86_400


class Probability(Protocol):
    """A model that is asked for many at once."""

    @property
    def name(self) -> str:
        """name@version"""
        ...

    @property
    def product(self) -> Product: ...

    @property
    def features(self) -> Sequence[str]: ...

    def probabilities(self, columns: Mapping[str, Column]) -> Floats:
        """On the scale of the training sample."""
        ...

    def contributions(self, columns: Mapping[str, Column]) -> Floats: ...


class Known(Value):
    """What was judged and handed over before."""

    level: RiskLevel
    since: datetime
    as_of: datetime
    handed_at: datetime | None = None
    handed_level: RiskLevel | None = None
    handed_factors: tuple[str, ...] = ()


class Judgement(Value):
    """A customer's risk as of a moment."""

    level: RiskLevel
    probability: float | None
    by_row: str | None
    factors: tuple[Factor, ...]
    model: str | None
    as_of: datetime


@dataclass(frozen=True)
class Judged:
    """A block as arrays: a whole portfolio needs no object for each of its customers."""

    policy: WatchPolicy
    as_of: npt.NDArray[Any]  # datetime64[s], one for each
    matrix: Floats  # of `SIGNALS`
    probability: Floats  # NaN where no model had enough to read
    rank: npt.NDArray[np.int64]
    by: npt.NDArray[np.int64]  # row of the policy
    model: Probability | None

    def __len__(self) -> int:
        return len(self.rank)

    def at_least(self, level: RiskLevel) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.rank >= RANKS[level])

    def explained(self, places: npt.NDArray[np.int64]) -> list[Judgement]:
        """These customers with their factors."""
        weights = self._contributions(places)
        return [self._judgement(int(place), weight) for place, weight in zip(places, weights, strict=True)]

    def _judgement(self, place: int, weights: Mapping[str, float]) -> Judgement:
        row = None if self.by[place] == NO_ROW else self.policy.levels[self.by[place]]
        probability = float(self.probability[place])
        asked = probability == probability
        return Judgement(
            level=level_of(self.rank[place]),
            probability=probability if asked else None,
            by_row=row.name if row else None,
            factors=factors(row, self.matrix[place], weights, self.policy.words),
            model=self.model.name if self.model is not None and asked else None,
            as_of=self.as_of[place].item().replace(tzinfo=UTC),
        )

    def _contributions(self, places: npt.NDArray[np.int64]) -> list[Mapping[str, float]]:
        found: list[Mapping[str, float]] = [{} for _ in places]
        asked = np.flatnonzero(~np.isnan(self.probability[places]))
        if self.model is None or not len(asked):
            return found
        rows, names = self.model.contributions(_of_model(self.model, self.matrix[places[asked]])), self.model.features
        for at, row in zip(asked.tolist(), rows.tolist(), strict=True):
            found[at] = dict(zip(names, row, strict=True))
        return found


def judge(
    policy: WatchPolicy, states: Records, as_of: npt.NDArray[Any] | np.datetime64, model: Probability | None
) -> Judged:
    """Raises ReadsTheFuture when a state holds what was known later."""
    moments = np.broadcast_to(np.asarray(as_of).astype("M8[s]"), (len(states),))
    matrix = signals(states, moments, policy.days_off)
    matrix[silent(policy, states["newest"], moments)] = np.nan
    probability = _probability(policy, matrix, model)
    rank, by = levels(policy.levels, probability, matrix)
    return Judged(policy, moments, matrix, probability, rank, by, model)


def silent(policy: WatchPolicy, newest: npt.NDArray[Any], moments: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Of whom nothing is heard any more, by the day of their newest event: nothing is concluded from that, and what
    was judged last stays."""
    today = moments.astype("M8[s]").astype("M8[D]").astype(np.int64)
    return (newest == NEVER) | (today - newest > policy.silent_after_days)


def _probability(policy: WatchPolicy, matrix: Floats, model: Probability | None) -> Floats:
    found = np.full(len(matrix), np.nan)
    if model is None or not len(matrix):
        return found
    read = [PLACE[name] for name in model.features if name in PLACE]
    known = (~np.isnan(matrix[:, read])).mean(axis=1) if read else np.zeros(len(matrix))
    enough = known >= max(policy.model_needs, 1e-9)
    if enough.any():
        risk = model.product.risk
        sample = model.probabilities(_of_model(model, matrix[enough]))
        found[enough] = corrected(sample, risk.sample_bad_rate, risk.portfolio_bad_rate)
    return found


def _of_model(model: Probability, matrix: Floats) -> dict[str, Column]:
    known = columns(matrix)
    return {name: known[name] for name in model.features if name in known}


# Handing over --------------------------------------------------------------------------------


def asks_for_help(policy: WatchPolicy, judgement: Judgement, before: Known | None) -> bool:
    """Whether an intervention is to hear of it: a risk that is new, has risen, has other reasons, or goes on."""
    if judgement.level.severity < policy.hand_over_from.severity:
        return False
    if before is None or before.handed_at is None or before.handed_level is None:
        return True
    if judgement.level.severity > before.handed_level.severity:
        return True
    new_reasons = {factor.feature for factor in judgement.factors} - set(before.handed_factors)
    goes_on = judgement.as_of - before.handed_at >= timedelta(days=policy.remind_after_days)
    return bool(new_reasons) or goes_on
