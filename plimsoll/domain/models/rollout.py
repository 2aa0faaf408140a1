"""A release of a model in phases: shadow, 10 %, 25 %, 50 %, 100 %, the old one kept a while.

Phases and gates are data. Input drift is no gate on purpose: the old model sees the same
input, so going back would cure nothing (it asks for retraining instead).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import model_validator

from plimsoll.domain.models.gates import Gate, GateReading, GateVerdict, Measure
from plimsoll.domain.values import Value


class RolloutState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (RolloutState.PROMOTED, RolloutState.ROLLED_BACK, RolloutState.CANCELLED)


class Phase(Value):
    name: str
    share: float  # of applicants decided by the new model; 0 is shadow
    lasts: timedelta
    minimum_n: int = 0  # applications by the new model before the phase may end


class RolloutPlan(Value):
    phases: tuple[Phase, ...]
    gates: tuple[Gate, ...]
    evaluate_every: timedelta = timedelta(minutes=15)
    waits_at_most: timedelta = timedelta(days=7)  # beyond a phase's own time, for numbers to come in; then a person
    keeps_old: timedelta = timedelta(days=7)

    @model_validator(mode="after")
    def _only_grows(self) -> "RolloutPlan":
        shares = [phase.share for phase in self.phases]
        if not shares or shares != sorted(shares) or shares[0] < 0 or shares[-1] != 1.0:
            raise ValueError(f"phases must grow from 0 or more up to a share of 1, not {shares}")
        return self


def usual_plan() -> RolloutPlan:
    """The product's default: 10 % for 48 h, 25 % and 50 % for 24 h each, the old one kept a week."""
    return RolloutPlan(
        phases=(
            Phase(name="shadow", share=0.0, lasts=timedelta(hours=24), minimum_n=200),
            Phase(name="10 %", share=0.10, lasts=timedelta(hours=48), minimum_n=100),
            Phase(name="25 %", share=0.25, lasts=timedelta(hours=24), minimum_n=200),
            Phase(name="50 %", share=0.50, lasts=timedelta(hours=24), minimum_n=300),
            Phase(name="100 %", share=1.0, lasts=timedelta(0)),
        ),
        gates=(
            Gate(measure=Measure.LATENCY, limit=0.20, minimum_n=100),
            Gate(measure=Measure.ERRORS, limit=0.05, minimum_n=50),
            Gate(measure=Measure.PREDICTION_SHIFT, limit=0.15, minimum_n=200),
            Gate(measure=Measure.REASON_MIX, limit=0.15, minimum_n=200),
            Gate(measure=Measure.CALIBRATION, limit=0.25, minimum_n=200),
            Gate(measure=Measure.FAIRNESS, limit=0.20, minimum_n=100),
        ),
    )


class Move(StrEnum):
    STAY = "stay"
    ADVANCE = "advance"
    ROLL_BACK = "roll_back"
    ASK_A_PERSON = "ask_a_person"  # the time is over and the numbers still say nothing


class Judgement(Value):
    move: Move
    reason: str


def judge(
    plan: RolloutPlan, phase: Phase, readings: Sequence[GateReading], since: datetime, now: datetime
) -> Judgement:
    """What one evaluation period concludes. A breach goes back at once, whatever the clock says."""
    breached = [reading for reading in readings if reading.verdict is GateVerdict.BREACH]
    if breached:
        return Judgement(move=Move.ROLL_BACK, reason="; ".join(map(in_words, breached)))
    if now < since + phase.lasts:
        return Judgement(move=Move.STAY, reason=f"{phase.name} lasts until {since + phase.lasts:%Y-%m-%d %H:%M} UTC")
    seen = max((reading.n_new for reading in readings), default=0)
    if seen >= phase.minimum_n and all(map(_does_not_object, readings)):
        return Judgement(move=Move.ADVANCE, reason=f"no gate objects after {phase.name} ({seen} applications)")
    if now < since + phase.lasts + plan.waits_at_most:
        return Judgement(move=Move.STAY, reason=_what_is_missing(phase, readings, seen))
    return Judgement(move=Move.ASK_A_PERSON, reason=_what_is_missing(phase, readings, seen))


def in_words(reading: GateReading) -> str:
    """`latency 0.412 (0.233 to 0.590), limit 0.2, 812 against 7,411`."""
    if reading.value is None or reading.interval is None:
        return f"{reading.measure} not measured: {min(reading.n_new, reading.n_old):,} of {reading.minimum_n:,} needed"
    low, high = reading.interval
    return (
        f"{reading.measure} {reading.value:.3f} ({low:.3f} to {high:.3f}), limit {reading.limit:g}, "
        f"{reading.n_new:,} against {reading.n_old:,}"
    )


def _does_not_object(reading: GateReading) -> bool:
    """Passed; or too few to measure, as outcomes always are in the first weeks; or undecided but within."""
    return reading.value is None or reading.verdict is GateVerdict.PASS or reading.value <= reading.limit


def _what_is_missing(phase: Phase, readings: Sequence[GateReading], seen: int) -> str:
    if seen < phase.minimum_n:
        return f"{phase.name} has seen {seen:,} of {phase.minimum_n:,} applications"
    return "undecided: " + "; ".join(in_words(reading) for reading in readings if not _does_not_object(reading))


class RolloutView(Value):
    """Where a roll-out stands, as its run and its readers see it."""

    rollout: str
    product: str
    state: RolloutState
    plan: RolloutPlan
    phase: int
    since: datetime
    deadline: datetime | None
    ended: bool
    new_digest: str
    old_digest: str
    started_at: datetime

    @property
    def now_in(self) -> Phase:
        return self.plan.phases[self.phase]

    @property
    def in_shadow(self) -> bool:
        return self.now_in.share == 0

    def look_again(self, now: datetime) -> datetime:
        """The next evaluation; the end of the phase when that comes first; the end of keeping the old model."""
        if self.state is RolloutState.PROMOTED:
            return self.deadline or now
        following = now + self.plan.evaluate_every
        return min(following, self.deadline) if self.deadline and self.deadline > now else following
