"""One run of TrainModel as everybody sees it: who asked, how far it is, what it gave."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from plimsoll.domain.errors import Conflict, InvalidRequest
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.training import TrainingPlan
from plimsoll.domain.values import Value


class TrainingState(StrEnum):
    RUNNING = "running"
    DONE = "done"  # there is a version
    STOPPED = "stopped"  # a check found a reason, or a person stopped it
    FAILED = "failed"  # a defect, or patience was over


class Trigger(StrEnum):
    """Why a model was trained."""

    PERSON = "person"
    PERFORMANCE = "performance"
    DRIFT = "drift"
    MONTHLY = "monthly"
    NEW_DATA = "new_data"


class TrainingUnderWay(Conflict):
    code = "training_under_way"


class TrainingEnded(Conflict):
    code = "training_ended"


class NothingToLearnFrom(InvalidRequest):
    code = "nothing_to_learn_from"


class FinishedStep(Value):
    step: str
    sentence: str
    seconds: float


class TrainingProgress(Value):
    """What is being done, how much of it is done, of how much; and what is finished."""

    step: str
    text: str = ""
    done: int = 0
    of: int = 0
    finished: tuple[FinishedStep, ...] = ()
    model: str | None = None  # what it gave; the same data and plan again give what is there already

    def after(self, step: str, sentence: str, seconds: float) -> "TrainingProgress":
        """A step taken again, after a worker died, counts once."""
        others = tuple(one for one in self.finished if one.step != step)
        return TrainingProgress(
            step=step, text=sentence, finished=(*others, FinishedStep(step=step, sentence=sentence, seconds=seconds))
        )


class TrainingRun(Value):
    id: str
    product: str
    state: TrainingState
    trigger: Trigger
    plan: TrainingPlan
    progress: TrainingProgress | None = None
    findings: dict[str, Any] | None = None
    error: str | None = None  # the sentence that says why there is no version
    requested_by: str
    started_at: datetime
    changed_at: datetime
    ended_at: datetime | None = None
    requested_by_name: str | None = None
    model_id: str | None = None
    model_version: str | None = None

    @property
    def wanted(self) -> bool:
        return self.state is TrainingState.RUNNING


def must_teach(examples: Examples, product: str) -> None:
    """Raises NothingToLearnFrom for a file without rows, or with one ending only."""
    if not len(examples):
        raise NothingToLearnFrom(f"There is not one labelled application of {product}: bring data to learn from.")
    if examples.target_rate in (0.0, 1.0):
        ending = "bad" if examples.target_rate else "good"
        raise NothingToLearnFrom(
            f"All {len(examples)} applications of {product} ended {ending}: a model needs both endings to learn from."
        )
