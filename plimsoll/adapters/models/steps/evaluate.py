"""How good it is on the rows held out."""

from typing import Any

import numpy as np

from plimsoll.adapters.models.directions import broken_directions
from plimsoll.adapters.models.families import Floats, Labels, layout_of
from plimsoll.adapters.models.families.floor import out_of_fold_part
from plimsoll.adapters.models.pieces import alive, write_array
from plimsoll.adapters.models.steps.work import (
    AMOUNT,
    HELD_OUT,
    LEARNT_FROM,
    Said,
    TrainingWork,
    model_read,
    part,
    plainly,
)
from plimsoll.domain.models import metrics
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.features import matrix

SEGMENTED_BY, SEGMENTS = 4, 12


def evaluate(work: TrainingWork) -> Said:
    training, held_out = part(work, LEARNT_FROM), part(work, HELD_OUT)
    bad = held_out.bad.astype(np.int64)
    model, calibration, _ = model_read(work)
    rows = matrix(work.product.features, held_out.columns)
    with alive(work.progress, "asking about the rows held out", 0, 2):
        raw = model.raw_log_odds(rows)
        probability = calibration.probability(raw)
        risk = work.product.risk
        told = metrics.full_report(
            bad,
            probability,
            cost_of_bad=risk.cost_of_bad,
            cost_of_good_declined=risk.cost_of_good_declined,
            seed=work.plan.seed,
        )
        told["segments"] = _segments(work, held_out, bad, probability)
        told["broken_directions"] = list(broken_directions(model, layout_of(work.product.features), rows))
    # CatBoost as it comes takes an hour for a hundred thousand rows with words; the comparison held it against fewer.
    if work.plan.floor and len(training) <= work.plan.comparison_rows:
        told["against_floor"] = _against_floor(work, training, held_out, raw)
    write_array(work.folder / "held_out.npy", raw)
    low, high = told["auc_interval"]
    believed = "can be believed" if told["calibrated"] else "cannot be believed as they are"
    sentence = f"On {len(bad)} rows held out: AUC {told['auc']:.3f} ({low:.3f}–{high:.3f}); probabilities {believed}."
    shown = ("rows", "target_rate", "auc", "auc_interval", "ks", "gini", "brier", "brier_skill", "ece", "calibrated")
    return sentence, plainly({name: told[name] for name in shown}), plainly(told)


def _against_floor(work: TrainingWork, training: Examples, held_out: Examples, raw: Floats) -> dict[str, Any]:
    """DeLong on the very same rows against CatBoost as it comes."""
    both = np.concatenate([training.bad, held_out.bad]).astype(np.int64)
    columns = {
        spec.name: np.concatenate([training.columns[spec.name], held_out.columns[spec.name]])
        for spec in work.product.features
    }
    inside = np.arange(len(both)) < len(training)
    path = work.folder / "floor.npy"
    if not path.exists():
        with alive(work.progress, "CatBoost's own defaults on the same rows", 1, 2):
            told = out_of_fold_part(work.product.features, columns, both, inside, ~inside, work.plan.seed)
            write_array(path, told)
    floor = np.load(path, allow_pickle=False)
    return metrics.delong_difference(held_out.bad.astype(np.int64), raw, floor).model_dump()


def _segments(work: TrainingWork, held_out: Examples, bad: Labels, probability: Floats) -> dict[str, Any]:
    """By the words that describe a case, by thirds of the amount, by year."""
    told: dict[str, Any] = {}
    words = [spec for spec in work.product.features if spec.values and len(spec.values) <= SEGMENTS]
    for spec in words[:SEGMENTED_BY]:
        told[spec.name] = metrics.by_segment(bad, probability, held_out.columns[spec.name])
    amount = next((spec.name for spec in work.product.features if spec.path == AMOUNT), None)
    if amount is not None:
        values = held_out.columns[amount].astype(np.float64)
        edges = np.nanquantile(values, (1 / 3, 2 / 3))
        thirds = np.array(["lowest third", "middle third", "highest third"], dtype=object)
        told[amount] = metrics.by_segment(bad, probability, thirds[np.searchsorted(edges, values)])
    if held_out.applied_on is not None:
        years = held_out.applied_on.astype("datetime64[Y]").astype(str).astype(object)
        years[np.isnat(held_out.applied_on)] = "no day on file"
        told["year of application"] = metrics.by_segment(bad, probability, years)
    return told
