"""Candidates tried against each other on the very same folds, and the one to take.

Every piece (one candidate on one fold of one repeat) is a file in the run's folder, so a run
that was killed goes on where it was, and a cancelled one stops between two pieces.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models.calibrating import across, weigh
from plimsoll.adapters.models.directions import broken_directions
from plimsoll.adapters.models.families import Floats, Labels, family_named
from plimsoll.adapters.models.families.additive import bounded_logistic
from plimsoll.adapters.models.families.floor import FLOOR, out_of_fold_part
from plimsoll.adapters.models.folds import areas_by_fold, folds_of, paired
from plimsoll.adapters.models.pieces import alive, write_array, write_json
from plimsoll.adapters.models.tuning import UNBOUND, Field, tuned
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models import metrics
from plimsoll.domain.models.metrics import PairedDifference
from plimsoll.domain.models.training import ENSEMBLE, TrainingPlan

SECONDS = "comparison-seconds.txt"
# A family that answers slowly must rank better by this much than one that answers at once.
WORTH_THE_WAIT = 0.002
FEWEST_FOLDS_OF_THE_FLOOR = 2


def compared(ground: Field) -> dict[str, Any]:
    """All candidates on the same folds, what sets them apart, and the one to take."""
    plan = ground.plan
    settings = _all_tuned(ground)
    raw: dict[str, list[Floats]] = {name: [] for name in ground.names()}
    for repeat in range(plan.repeats):
        if repeat and _seconds_used(ground) > plan.comparison_seconds and not _was_begun(ground, repeat):
            break
        for name in raw:
            raw[name].append(out_of_fold(ground, name, repeat, settings.get(name, {}).get("settings", {})))
    with alive(ground.progress, "adding up what was compared", 0, 1):
        return _added_up(ground, settings, raw)


def _added_up(ground: Field, settings: dict[str, Any], raw: dict[str, list[Floats]]) -> dict[str, Any]:
    plan = ground.plan
    repeats = len(next(iter(raw.values())))
    folds = [folds_of(ground.bad, plan.folds, plan.seed + repeat) for repeat in range(repeats)]
    broken = {name: _broken_as_found(ground, name) for name in raw if name != FLOOR}
    sound = [name for name in plan.families if not broken[name]]
    if plan.ensemble and len(sound) > 1:
        raw[ENSEMBLE] = [
            ensemble_out_of_fold([raw[name][repeat] for name in sound], ground.bad, folds[repeat])
            for repeat in range(repeats)
        ]
        broken[ENSEMBLE] = []
    areas = {
        name: [areas_by_fold(ground.bad, raw[name][repeat], folds[repeat]) for repeat in range(repeats)] for name in raw
    }
    parts = _ensemble_parts(ground, raw, sound) if ENSEMBLE in raw else {}
    rows = [_told(name, areas, settings, broken, plan) for name in raw]
    releasable = [row for row in rows if row["releasable"]]
    chosen = plan.choose or _chosen(releasable)
    return {
        "rows": len(ground.bad),
        "folds": plan.folds,
        "repeats": repeats,
        "repeats_planned": plan.repeats,
        "candidates": sorted(rows, key=lambda row: -row["auc"]),
        "ensemble_weights": parts,
        "chosen": chosen,
        "why": _why(chosen, releasable, plan),
        "cost_of_directions": _cost_of_directions(areas, plan),
        "calibration": calibration_across(raw[chosen][0], ground.bad, folds[0]) if chosen in raw else None,
        "settings": {name: said["settings"] for name, said in settings.items()},
    }


def _ensemble_parts(ground: Field, raw: dict[str, list[Floats]], sound: list[str]) -> dict[str, float]:
    weights = ensemble_weights([np.mean(raw[name], axis=0) for name in sound], ground.bad)
    return {name: round(float(weight), 4) for name, weight in zip(sound, weights, strict=True)}


def _all_tuned(ground: Field) -> dict[str, dict[str, Any]]:
    each = ground.plan.tuning_seconds / max(len(ground.plan.families), 1)
    settings = {family: tuned(ground, family, each) for family in ground.plan.families}
    kind = family_named("catboost")
    return settings | {UNBOUND: settings.get("catboost") or {"settings": kind.defaults(len(ground.bad))}}


def _told(
    name: str,
    areas: dict[str, list[list[float]]],
    settings: dict[str, dict[str, Any]],
    broken: dict[str, list[str]],
    plan: TrainingPlan,
) -> dict[str, Any]:
    """One line of the table."""
    own = np.ravel(areas[name])
    said: dict[str, Any] = {
        "name": name,
        "auc": round(float(np.nanmean(own)), 5),
        "auc_by_repeat": [round(float(np.nanmean(folds)), 5) for folds in areas[name] if not np.isnan(folds).all()],
        "settings": settings.get(name, {}).get("settings"),
        "tuned": settings.get(name, {}).get("tuned", False),
        "broken_directions": broken.get(name),
        "releasable": name not in (FLOOR, UNBOUND) and not broken[name],
        "quick": name in plan.families and family_named(name).quick,
    }
    if FLOOR in areas and name != FLOOR:
        floor = np.ravel(areas[FLOOR])
        same = ~np.isnan(floor)
        said["against_floor"] = paired(own[same].tolist(), floor[same].tolist(), plan.folds)
    return said


def _chosen(releasable: list[dict[str, Any]]) -> str:
    """The best that may be released; one that answers at once unless waiting is worth it. Raises InvalidRequest."""
    if not releasable:
        raise InvalidRequest("Every candidate breaks a mandatory direction, so none may be released.")
    best = max(releasable, key=lambda row: row["auc"])
    quick = max((row for row in releasable if row["quick"]), key=lambda row: row["auc"], default=best)
    return str(quick["name"] if best["auc"] - quick["auc"] < WORTH_THE_WAIT else best["name"])


def _why(chosen: str, releasable: list[dict[str, Any]], plan: TrainingPlan) -> str:
    if plan.choose:
        return f"{chosen} was asked for."
    best = max(releasable, key=lambda row: row["auc"])
    if best["name"] == chosen:
        return f"{chosen} ranks best of those that keep every direction."
    own = next(row for row in releasable if row["name"] == chosen)
    return (
        f"{best['name']} ranks better by {best['auc'] - own['auc']:.4f}, less than the {WORTH_THE_WAIT} "
        f"that a slower answer must be worth, so it is {chosen}."
    )


def _cost_of_directions(areas: dict[str, list[list[float]]], plan: TrainingPlan) -> PairedDifference | None:
    """AUC of CatBoost free to go any way, less that of the same settings held to the directions."""
    if UNBOUND not in areas or "catboost" not in areas:
        return None
    return paired(np.ravel(areas[UNBOUND]).tolist(), np.ravel(areas["catboost"]).tolist(), plan.folds)


def out_of_fold(ground: Field, name: str, repeat: int, settings: dict[str, Any]) -> Floats:
    """Raw log-odds of every row by a model that did not see it; each fold is read again when it was made before.

    What the candidates are held against gets the time that they leave it: folds it did not get to are nan.
    """
    raw = np.full(len(ground.bad), np.nan)
    folds = folds_of(ground.bad, ground.plan.folds, ground.plan.seed + repeat)
    for number, fold in enumerate(folds):
        done_before = _of_fold(ground.folder, name, repeat, number).exists()
        enough = name == FLOOR and repeat * len(folds) + number >= FEWEST_FOLDS_OF_THE_FLOOR
        if enough and not done_before and _seconds_used(ground) > ground.plan.comparison_seconds:
            break
        raw[fold] = _of_one_fold(ground, name, repeat, number, fold, settings)
    return raw


def _of_one_fold(
    ground: Field, name: str, repeat: int, number: int, fold: npt.NDArray[np.bool_], settings: dict[str, Any]
) -> Floats:
    path = _of_fold(ground.folder, name, repeat, number)
    if path.exists():
        return np.load(path, allow_pickle=False)
    text = f"{name}: repeat {repeat + 1} of {ground.plan.repeats}, fold {number + 1} of {ground.plan.folds}"
    began = time.monotonic()
    with alive(ground.progress, text, *_how_far(ground, name, repeat, number)):
        raw, broken = _predicted_outside(ground, name, fold, settings, ground.plan.seed + repeat)
    with (ground.folder / SECONDS).open("a") as lines:
        lines.write(f"{time.monotonic() - began:.1f}\n")
    if repeat == 0 and number == 0:
        write_json(ground.folder / f"directions-{_plainly(name)}.json", broken)
    write_array(path, raw)
    return raw


def predicted_before(folder: Path, name: str, settings: dict[str, Any], number: int) -> Floats | None:
    """What the first repeat said of a fold's rows, of an ensemble the weighted mean; None when it was not asked."""
    weights = settings["weights"] if name.startswith(ENSEMBLE) else {name: 1.0}
    found = {part: _of_fold(folder, part, 0, number) for part in weights}
    if not all(path.exists() for path in found.values()):
        return None
    return np.sum([weights[part] * np.load(path, allow_pickle=False) for part, path in found.items()], axis=0)


def _of_fold(folder: Path, name: str, repeat: int, number: int) -> Path:
    return folder / f"fold-{repeat}-{number}-{_plainly(name)}.npy"


def _seconds_used(ground: Field) -> float:
    """By all who worked on this run: a worker that goes on for a killed one does not get the budget anew."""
    path = ground.folder / SECONDS
    return sum(float(line) for line in path.read_text().splitlines()) if path.exists() else 0.0


def _was_begun(ground: Field, repeat: int) -> bool:
    return any(ground.folder.glob(f"fold-{repeat}-*.npy"))


def _how_far(ground: Field, name: str, repeat: int, number: int) -> tuple[int, int]:
    names, folds = ground.names(), ground.plan.folds
    return (repeat * len(names) + names.index(name)) * folds + number, ground.plan.repeats * len(names) * folds


def _predicted_outside(
    ground: Field, name: str, fold: npt.NDArray[np.bool_], settings: dict[str, Any], seed: int
) -> tuple[Floats, list[str]]:
    """Raw log-odds of the rows outside, and the directions that the model broke there."""
    if name == FLOOR:
        raw = out_of_fold_part(ground.features, ground.examples.columns, ground.bad, ~fold, fold, seed)
        return raw, []
    layout = ground.layout.without_directions() if name == UNBOUND else ground.layout
    kind = family_named("catboost" if name == UNBOUND else name)
    model = kind.fit(layout, ground.rows[~fold], ground.bad[~fold], settings, seed)
    return model.raw_log_odds(ground.rows[fold]), list(broken_directions(model, ground.layout, ground.rows[fold]))


def _broken_as_found(ground: Field, name: str) -> list[str]:
    return json.loads((ground.folder / f"directions-{_plainly(name)}.json").read_text())


def _plainly(name: str) -> str:
    return name.replace(" ", "-")


def ensemble_weights(raw: Sequence[Floats], bad: Labels) -> Floats:
    """Weights of the log-odds, none negative, adding up to 1: so the sum keeps every direction its parts keep."""
    design = np.stack(raw, axis=1)
    width = design.std(axis=0) + 1e-12
    _, beta = bounded_logistic(design / width, bad, 1e-4, [(0.0, None)] * len(raw))
    weights = beta / width
    return weights / weights.sum() if weights.sum() > 0 else np.full(len(raw), 1.0 / len(raw))


def ensemble_out_of_fold(raw: Sequence[Floats], bad: Labels, folds: Sequence[npt.NDArray[np.bool_]]) -> Floats:
    """Each fold is mixed with weights that the other folds gave, or the ensemble would be flattered."""
    mixed = np.empty(len(bad))
    for fold in folds:
        weights = ensemble_weights([part[~fold] for part in raw], bad[~fold])
        mixed[fold] = np.stack([part[fold] for part in raw], axis=1) @ weights
    return mixed


def calibration_across(raw: Floats, bad: Labels, folds: Sequence[npt.NDArray[np.bool_]]) -> dict[str, Any]:
    """Whether the probabilities could be believed: each fold on the curve that the others gave."""
    weighed = weigh(raw, bad, folds)
    probability = across(weighed.taken, raw, bad, folds)
    told, line = metrics.report(bad, probability), metrics.calibration_line(bad, probability)
    kept = {name: told[name] for name in ("ece", "ece_perfect_model_95", "brier_skill")}
    return {
        "method": weighed.taken,
        "log_loss": weighed.log_loss,
        **kept,
        "slope": round(line.slope, 4),
        "slope_interval": [round(bound, 4) for bound in line.slope_interval],
    }
