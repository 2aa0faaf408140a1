"""One run of RetrainModel as everybody sees it: why, what was tried against the champion, what came of it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from plimsoll.domain.errors import Conflict
from plimsoll.domain.models.retraining import Cause
from plimsoll.domain.models.retraining_gate import Comparison, Verdict
from plimsoll.domain.models.training import TrainingPlan
from plimsoll.domain.models.training_run import Trigger
from plimsoll.domain.values import Value


class RetrainingState(StrEnum):
    RUNNING = "running"
    CHALLENGER = "challenger"  # a version passed the gate and may be proposed
    REJECTED = "rejected"  # nothing that was tried did, or nothing could be compared
    HELD_BACK = "held_back"  # something asked, and it was too early
    STOPPED = "stopped"  # the training was: by a check of the data, or by a person
    FAILED = "failed"  # a defect, or patience was over


class RetrainingUnderWay(Conflict):
    code = "retraining_under_way"


class Candidate(StrEnum):
    """What is tried against the champion."""

    RECALIBRATED = "recalibrated"  # the champion, with its level set by newer labels
    RETRAINED = "retrained"


class HeldOutRows(Value):
    """What both are asked: applications from `since` on whose labels were known on the day of the retraining."""

    since: date
    rows: int
    bads: int


class LabelsKnown(Value):
    """What the data say on the day of a retraining: how many labels, and what of them can be held out."""

    known: int
    held_out: HeldOutRows | None = None
    why_not: str | None = None  # why nothing can be compared


class TriedOut(Value):
    """One candidate held against the champion, or why it could not be."""

    candidate: Candidate
    version: str | None = None
    model_id: str | None = None  # registered
    comparison: Comparison | None = None
    why_not: str | None = None

    @property
    def passed(self) -> bool:
        return self.comparison is not None and self.comparison.verdict is Verdict.CHALLENGER

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is no challenger."""
        return (self.why_not,) if self.why_not else self.comparison.reasons if self.comparison else ()


class RetrainingRun(Value):
    id: str
    product: str
    state: RetrainingState
    trigger: Trigger
    asked: str  # in words, by whoever or whatever asked
    plan: TrainingPlan
    causes: tuple[Cause, ...] = ()
    champion_id: str | None = None
    training_id: str | None = None
    labels_known: int | None = None
    held_out: HeldOutRows | None = None
    tried: tuple[TriedOut, ...] = ()
    why: str | None = None  # why it ended as it did, in a sentence or some
    challenger_id: str | None = None
    requested_by: str
    started_at: datetime
    changed_at: datetime
    ended_at: datetime | None = None
    requested_by_name: str | None = None
    champion: str | None = None  # name@version
    challenger: str | None = None

    @property
    def wanted(self) -> bool:
        return self.state is RetrainingState.RUNNING

    @property
    def today(self) -> date:
        """Its own day: no label that was known later is read, however long it runs."""
        return self.started_at.date()

    def what_was_tried(self, candidate: Candidate) -> TriedOut | None:
        return next((each for each in self.tried if each.candidate is candidate), None)

    def with_tried(self, found: TriedOut) -> tuple[TriedOut, ...]:
        """Tried again, after a worker died, it counts once."""
        return (*(each for each in self.tried if each.candidate is not found.candidate), found)


class CameOf(Value):
    """How a retraining ends."""

    state: RetrainingState
    why: str
    challenger_id: str | None = None


def came_of(run: RetrainingRun, no_version: str | None = None) -> CameOf:
    """What was tried, added up: retrained before recalibrated. `no_version` says why there is no retrained one."""
    for candidate in (Candidate.RETRAINED, Candidate.RECALIBRATED):
        found = run.what_was_tried(candidate)
        if found and found.passed:
            checks = found.comparison.checks if found.comparison else ()
            why = " ".join([PASSED[candidate], *(check.sentence for check in checks[:1])])
            return CameOf(state=RetrainingState.CHALLENGER, why=why, challenger_id=found.model_id)
    reasons = [f"{REFUSED[each.candidate]} {' '.join(each.reasons)}" for each in run.tried]
    if no_version:
        return CameOf(state=RetrainingState.STOPPED, why=" ".join([no_version, *reasons]))
    return CameOf(state=RetrainingState.REJECTED, why=" ".join(reasons))


PASSED = {
    Candidate.RETRAINED: "The retrained version passed every check.",
    Candidate.RECALIBRATED: "The champion calibrated anew passed every check.",
}
REFUSED = {Candidate.RETRAINED: "Retrained:", Candidate.RECALIBRATED: "Champion calibrated anew:"}


def labels_then(manifest_data: dict[str, Any]) -> int:
    """How many labels were known when a version was trained; older versions say only what they learnt from."""
    return int(manifest_data.get("labels_known") or manifest_data.get("rows") or 0)
