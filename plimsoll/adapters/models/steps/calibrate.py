"""The one taken, made of all training rows: calibration, model, bootstrap members."""

import shutil
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models.calibrating import best_calibrated
from plimsoll.adapters.models.candidates import predicted_before
from plimsoll.adapters.models.families import Floats, Labels, family_named, layout_of
from plimsoll.adapters.models.folds import folds_of
from plimsoll.adapters.models.making import bootstrap_members
from plimsoll.adapters.models.pieces import alive, write_array
from plimsoll.adapters.models.steps.work import (
    COMPARED,
    LEARNT_FROM,
    MODEL_FOLDER,
    Said,
    TrainingWork,
    part,
    plainly,
    taken,
)
from plimsoll.domain.models import metrics
from plimsoll.domain.models.features import Matrix, matrix

# So many settle a curve; more make it surer, and are asked about while that does not take long.
ENOUGH_TO_CALIBRATE_ON = 20_000
PATIENCE = 300.0  # seconds, for folds of models that the comparison has not fitted


def calibrate(work: TrainingWork) -> Said:
    training = part(work, LEARNT_FROM)
    bad, rows = training.bad.astype(np.int64), matrix(work.product.features, training.columns)
    name, settings = taken(work)
    raw = _out_of_fold(work, rows, bad, name, settings)
    write_array(work.folder / "out_of_fold.npy", raw)
    asked = ~np.isnan(raw)
    raw, labels = raw[asked], bad[asked]
    calibration, weighed = best_calibrated(raw, labels, folds_of(labels, work.plan.folds, work.plan.seed))
    sizes = _model_made(work, rows, bad, name, settings)
    on_own = metrics.full_report(labels, calibration.probability(raw), seed=work.plan.seed)
    told = {
        "family": name,
        "settings": settings,
        "calibration": calibration,
        "calibrations_tried": weighed,
        "member_sizes": list(sizes),
        "out_of_fold": on_own,
    }
    algorithm = family_named(name).algorithm
    figures = {"family": name, "calibration": weighed.taken, "log_loss": weighed.log_loss, "auc": on_own["auc"]}
    sentence = (
        f"{algorithm}: {work.plan.members} bootstrap members, calibrated on {len(raw)} out-of-fold scores "
        f"({weighed.taken.in_words})."
    )
    return sentence, plainly(figures), plainly(told)


def _out_of_fold(work: TrainingWork, rows: Matrix, bad: Labels, name: str, settings: dict[str, Any]) -> Floats:
    """Raw log-odds of rows by models that did not see them, of folds enough to calibrate on; the others are nan."""
    raw = np.full(len(bad), np.nan)
    folds, began = folds_of(bad, work.plan.folds, work.plan.seed), time.monotonic()
    for number, fold in enumerate(folds):
        enough = int((~np.isnan(raw)).sum()) >= ENOUGH_TO_CALIBRATE_ON
        if enough and time.monotonic() - began > PATIENCE:
            break
        raw[fold] = _of_one_fold(work, rows, bad, name, settings, number, fold, len(folds))
    return raw


def _of_one_fold(
    work: TrainingWork,
    rows: Matrix,
    bad: Labels,
    name: str,
    settings: dict[str, Any],
    number: int,
    fold: npt.NDArray[np.bool_],
    of: int,
) -> Floats:
    if len(bad) <= work.plan.comparison_rows:  # then the comparison fitted the very same models
        compared = predicted_before(work.folder / COMPARED, name, settings, number)
        if compared is not None:
            return compared
    path = work.folder / f"calibrate-{number}.npy"
    if not path.exists():
        with alive(work.progress, "calibrating", number, of):
            model = family_named(name).fit(
                layout_of(work.product.features), rows[~fold], bad[~fold], settings, work.plan.seed
            )
            write_array(path, model.raw_log_odds(rows[fold]))
    return np.load(path, allow_pickle=False)


def _model_made(work: TrainingWork, rows: Matrix, bad: Labels, name: str, settings: dict[str, Any]) -> tuple[int, ...]:
    family, of = family_named(name), work.plan.members + 1
    with alive(work.progress, "the model of all training rows", 0, of):
        model = family.fit(layout_of(work.product.features), rows, bad, settings, work.plan.seed)
    members = []
    for number in range(work.plan.members):
        with alive(work.progress, "bootstrap members", number + 1, of):
            members += bootstrap_members(
                work.product, rows, bad, family, model, family.smaller(settings), 1, work.plan.seed + number
            )
    place = work.folder / MODEL_FOLDER
    shutil.rmtree(place, ignore_errors=True)  # half a model of a killed worker
    place.mkdir()
    return family.save(model, members, place)
