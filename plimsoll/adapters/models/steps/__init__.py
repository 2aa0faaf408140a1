"""The steps of a training run, one after another, each leaving its result in the run's folder.

    validate    what is wrong with the data; a stop ends the run
    split       what is learnt from, and what is held out and not looked at until `evaluate`
    candidates  families tuned and compared on the same folds; the one to take
    calibrate   the one taken, made of all training rows: calibration, model, bootstrap members
    evaluate    how good it is on the rows held out
    fairness    how groups of people fare, and whether less unequal models are as good
    publish     report, card and version

A finished step is read again instead of taken again. Within a step each trial, fold and fit
is a piece of its own, so whoever goes on for a killed worker repeats one piece at most.
"""

import json
import time
from collections.abc import Callable

from plimsoll.adapters.models.pieces import write_json
from plimsoll.adapters.models.steps.calibrate import calibrate
from plimsoll.adapters.models.steps.candidates import candidates
from plimsoll.adapters.models.steps.evaluate import evaluate
from plimsoll.adapters.models.steps.fairness import fairness
from plimsoll.adapters.models.steps.publish import publish
from plimsoll.adapters.models.steps.split import split
from plimsoll.adapters.models.steps.validate import validate
from plimsoll.adapters.models.steps.work import Said, Stop, TrainingWork, said_before, told_by
from plimsoll.domain.models.training import StepResult, TrainingPlan, TrainingStep, TrainingStopped

__all__ = ["TrainingWork", "take", "told_by"]

TAKEN: dict[TrainingStep, Callable[[TrainingWork], Said]] = {
    TrainingStep.VALIDATE: validate,
    TrainingStep.SPLIT: split,
    TrainingStep.CANDIDATES: candidates,
    TrainingStep.CALIBRATE: calibrate,
    TrainingStep.EVALUATE: evaluate,
    TrainingStep.FAIRNESS: fairness,
    TrainingStep.PUBLISH: publish,
}


def take(step: TrainingStep, work: TrainingWork) -> StepResult:
    """Takes a step, or reads what it said when it was taken before.

    Raises TrainingStopped when the step before is missing or stopped, or the folder is another run's.
    Whatever `work.progress` raises comes through; what was finished stays.
    """
    work.folder.mkdir(parents=True, exist_ok=True)
    _same_run(work)
    before = said_before(work, step)
    if before is not None:
        return before.model_copy(update={"resumed": True})
    _its_turn(work, step)
    began = time.monotonic()
    try:
        sentence, figures, told = TAKEN[step](work)
        stopped = False
    except Stop as stop:
        sentence, figures, told, stopped = str(stop), {}, stop.told, True
    result = StepResult(
        step=step, sentence=sentence, stopped=stopped, figures=figures, seconds=round(time.monotonic() - began, 3)
    )
    write_json(work.folder / f"{step}.json", {"result": result, "told": told})
    return result


# ---------------------------------------------------------------- whose turn it is


def _same_run(work: TrainingWork) -> None:
    about = {
        "product": work.product.id,
        "pack": work.product.digest,
        "plan": work.plan.model_dump(mode="json"),
        "rows": len(work.examples),
        "bads": int(work.examples.bad.sum()),
    }
    path = work.folder / "run.json"
    if not path.exists():
        write_json(path, about)
        return
    begun = json.loads(path.read_bytes())
    # A plan of before a field was added means what it meant.
    begun["plan"] = TrainingPlan.model_validate(begun.get("plan") or {}).model_dump(mode="json")
    other = [name for name, value in about.items() if begun.get(name) != value]
    if other:
        raise TrainingStopped(
            f"This run was begun with another {' and '.join(other)}: start a new run, or bring back what it began with."
        )


def _its_turn(work: TrainingWork, step: TrainingStep) -> None:
    for before in list(TrainingStep)[: list(TrainingStep).index(step)]:
        said = said_before(work, before)
        if said is None:
            raise TrainingStopped(f"The step {step} needs {before} first.")
        if said.stopped:
            raise TrainingStopped(f"The run ended at {before}: {said.sentence}")
