"""Families tuned and compared on the same folds; the one to take."""

import numpy as np

from plimsoll.adapters.models import candidates as trying
from plimsoll.adapters.models.folds import thinned_rows
from plimsoll.adapters.models.steps.work import COMPARED, LEARNT_FROM, Said, TrainingWork, part, plainly


def candidates(work: TrainingWork) -> Said:
    training = part(work, LEARNT_FROM)
    chosen_rows = thinned_rows(training.bad.astype(np.int64), work.plan.comparison_rows, work.plan.seed)
    ground = trying.Field(
        work.product.features, training.take(chosen_rows), work.folder / COMPARED, work.plan, work.progress
    )
    told = trying.compared(ground)
    best = next(row for row in told["candidates"] if row["name"] == told["chosen"])
    against = best.get("against_floor")
    figures = {
        "chosen": told["chosen"],
        "auc": best["auc"],
        "against_floor": None if against is None else against.model_dump(),
        "cost_of_directions": told["cost_of_directions"],
        "candidates": {row["name"]: row["auc"] for row in told["candidates"]},
    }
    return (
        f"{told['why']} AUC {best['auc']:.4f} over {told['repeats']} × {told['folds']} folds.",
        plainly(figures),
        told,
    )
