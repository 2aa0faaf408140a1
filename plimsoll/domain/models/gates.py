"""Gates of a release: how the new model compares with the old one on live applications.

Every reading carries an interval, because the usual limits (latency +20 %, errors +5 points,
predictions +15 %) lie inside the noise of a small arm: a gate is breached only when the whole
interval is beyond its limit, and passed only when the whole interval is within.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from plimsoll.domain.values import Value

Numbers = npt.NDArray[np.float64]
RESAMPLES = 400
Interval = tuple[float, float]


class Measure(StrEnum):
    LATENCY = "latency"  # 95th percentile of the score step, new over old, less one
    ERRORS = "errors"  # share of failed or fallen-back scorings, new less old
    PREDICTION_SHIFT = "prediction_shift"  # mean probability of default, new over old, distance from one
    REASON_MIX = "reason_mix"  # total variation distance between the principal reasons
    CALIBRATION = "calibration"  # defaults seen over expected among matured loans, distance from one
    FAIRNESS = "fairness"  # loss of the adverse impact ratio, 1 - new / old


class GateVerdict(StrEnum):
    PASS = "pass"
    WAIT = "wait"  # too few, or the interval reaches across the limit
    BREACH = "breach"


class Gate(Value):
    """One limit, with the number below which nothing is concluded."""

    measure: Measure
    limit: float
    minimum_n: int  # in the smaller arm
    confidence: float = 0.95


class GateReading(Value):
    measure: Measure
    value: float | None  # None: there was nothing to measure
    interval: Interval | None
    limit: float
    n_new: int
    n_old: int
    minimum_n: int
    verdict: GateVerdict


@dataclass(frozen=True)
class Arm:
    """What one model did in the window. Durations in milliseconds, probabilities as shares."""

    durations: Numbers = field(default_factory=lambda: np.zeros(0))
    scored: int = 0
    failed: int = 0
    probabilities: Numbers = field(default_factory=lambda: np.zeros(0))
    reasons: Mapping[str, int] = field(default_factory=dict)  # principal reason -> applications
    matured: Numbers = field(default_factory=lambda: np.zeros(0))  # predictions whose outcome is known
    bad: int = 0  # of the matured
    approvals: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # group -> approved, all


Estimate = tuple[float, Interval] | None


def read_gate(gate: Gate, new: Arm, old: Arm) -> GateReading:
    n_new, n_old = (_COUNTS[gate.measure](arm) for arm in (new, old))
    enough = min(n_new, n_old) >= gate.minimum_n
    estimate = _MEASURES[gate.measure](new, old, gate.confidence) if enough else None
    return GateReading(
        measure=gate.measure,
        value=estimate[0] if estimate else None,
        interval=estimate[1] if estimate else None,
        limit=gate.limit,
        n_new=n_new,
        n_old=n_old,
        minimum_n=gate.minimum_n,
        verdict=_verdict(gate, estimate),
    )


def _verdict(gate: Gate, estimate: Estimate) -> GateVerdict:
    if estimate is None:
        return GateVerdict.WAIT
    _, (low, high) = estimate
    if low > gate.limit:
        return GateVerdict.BREACH
    return GateVerdict.PASS if high <= gate.limit else GateVerdict.WAIT


def latency(new: Arm, old: Arm, confidence: float) -> Estimate:
    """Ratio of 95th percentiles less one, percentile bootstrap (fixed seed, so that a replay agrees)."""
    random = np.random.default_rng(0)

    def tail(durations: Numbers) -> Numbers:
        drawn = random.choice(durations, size=(RESAMPLES, len(durations)))
        return np.quantile(drawn, 0.95, axis=1)

    value = float(np.quantile(new.durations, 0.95) / np.quantile(old.durations, 0.95)) - 1
    return value, _middle(tail(new.durations) / tail(old.durations) - 1, confidence)


def errors(new: Arm, old: Arm, confidence: float) -> Estimate:
    """Difference of two shares with Newcombe's hybrid score interval (1998, method 10)."""
    p, q = new.failed / new.scored, old.failed / old.scored
    p_low, p_high = wilson(new.failed, new.scored, confidence)
    q_low, q_high = wilson(old.failed, old.scored, confidence)
    low = p - q - float(np.hypot(p - p_low, q_high - q))
    high = p - q + float(np.hypot(p_high - p, q - q_low))
    return p - q, (low, high)


def prediction_shift(new: Arm, old: Arm, confidence: float) -> Estimate:
    """|ratio of means - 1|, by the delta method on the logarithm of the ratio."""
    means = new.probabilities.mean(), old.probabilities.mean()
    variance = sum(
        arm.probabilities.var(ddof=1) / len(arm.probabilities) / mean**2
        for arm, mean in zip((new, old), means, strict=True)
    )
    return _distance_from_one(float(means[0] / means[1]), float(np.sqrt(variance)), confidence)


def reason_mix(new: Arm, old: Arm, confidence: float) -> Estimate:
    """Total variation distance, plus and minus what chance alone makes of two arms of these sizes.

    The distance of two samples of one mix is never zero, so its noise is drawn from the pooled
    mix and taken off before a limit is held against it.
    """
    codes = sorted({*new.reasons, *old.reasons})
    counts = np.array([[arm.reasons.get(code, 0) for code in codes] for arm in (new, old)], dtype=np.float64)
    sizes = counts.sum(axis=1)
    pooled = counts.sum(axis=0) / sizes.sum()
    random = np.random.default_rng(0)
    drawn = [random.multinomial(int(size), pooled, RESAMPLES) / size for size in sizes]
    noise = float(np.quantile(0.5 * np.abs(drawn[0] - drawn[1]).sum(axis=1), confidence))
    value = float(0.5 * np.abs(counts[0] / sizes[0] - counts[1] / sizes[1]).sum())
    return value, (max(0.0, value - noise), min(1.0, value + noise))


def calibration(new: Arm, old: Arm, confidence: float) -> Estimate:
    """Defaults seen over defaults expected of the new model's matured loans; Wilson on what was seen."""
    expected = float(new.matured.mean())
    if expected <= 0:
        return None
    low, high = (bound / expected for bound in wilson(new.bad, len(new.matured), confidence))
    value = abs(new.bad / len(new.matured) / expected - 1)
    nearest = 0.0 if low <= 1 <= high else min(abs(low - 1), abs(high - 1))
    return value, (nearest, max(abs(low - 1), abs(high - 1)))


def fairness(new: Arm, old: Arm, confidence: float) -> Estimate:
    """How much of the adverse impact ratio is lost, in the group that loses most.

    The ratio compares a group's approval rate with that of all others; its logarithm is about
    normal, with the variances of four shares.
    """
    losses = [_lost(group, new, old, confidence) for group in sorted({*new.approvals} & {*old.approvals})]
    known = [loss for loss in losses if loss is not None]
    return max(known, key=lambda loss: loss[0]) if known else None


def _lost(group: str, new: Arm, old: Arm, confidence: float) -> Estimate:
    shares = [share for arm in (new, old) for share in _two_shares(arm, group)]
    if any(approved == 0 or approved == total for approved, total in shares):
        return None  # a ratio of nothing, or of everybody, has no interval
    rates = [approved / total for approved, total in shares]
    ratio = (rates[0] / rates[1]) / (rates[2] / rates[3])
    spread = float(np.sqrt(sum((1 - rate) / approved for rate, (approved, _) in zip(rates, shares, strict=True))))
    reach = float(np.exp(_z(confidence) * spread))
    return 1 - ratio, (1 - ratio * reach, 1 - ratio / reach)


def _two_shares(arm: Arm, group: str) -> tuple[tuple[int, int], tuple[int, int]]:
    others = [counts for name, counts in arm.approvals.items() if name != group]
    return arm.approvals[group], (sum(approved for approved, _ in others), sum(total for _, total in others))


def wilson(count: int, total: int, confidence: float) -> Interval:
    """Wilson's score interval of a share (1927)."""
    z = _z(confidence)
    centre = (count + z * z / 2) / (total + z * z)
    reach = z * float(np.sqrt(count * (total - count) / total + z * z / 4)) / (total + z * z)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def _distance_from_one(ratio: float, spread_of_log: float, confidence: float) -> tuple[float, Interval]:
    reach = float(np.exp(_z(confidence) * spread_of_log))
    low, high = ratio / reach - 1, ratio * reach - 1
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return abs(ratio - 1), (nearest, max(abs(low), abs(high)))


def _middle(drawn: Numbers, confidence: float) -> Interval:
    edge = (1 - confidence) / 2
    low, high = np.quantile(drawn, [edge, 1 - edge])
    return float(low), float(high)


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


_MEASURES: dict[Measure, Callable[[Arm, Arm, float], Estimate]] = {
    Measure.LATENCY: latency,
    Measure.ERRORS: errors,
    Measure.PREDICTION_SHIFT: prediction_shift,
    Measure.REASON_MIX: reason_mix,
    Measure.CALIBRATION: calibration,
    Measure.FAIRNESS: fairness,
}
_COUNTS: dict[Measure, Callable[[Arm], int]] = {
    Measure.LATENCY: lambda arm: len(arm.durations),
    Measure.ERRORS: lambda arm: arm.scored,
    Measure.PREDICTION_SHIFT: lambda arm: len(arm.probabilities),
    Measure.REASON_MIX: lambda arm: sum(arm.reasons.values()),
    Measure.CALIBRATION: lambda arm: len(arm.matured),
    Measure.FAIRNESS: lambda arm: min((total for _, total in arm.approvals.values()), default=0),
}
