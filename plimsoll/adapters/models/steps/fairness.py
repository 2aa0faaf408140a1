"""How groups of people fare, and whether less unequal models are as good."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from plimsoll.adapters.models.alternatives import group_told_by_all, less_unequal_models
from plimsoll.adapters.models.families import Floats
from plimsoll.adapters.models.pieces import alive
from plimsoll.adapters.models.steps.work import (
    HELD_OUT,
    LEARNT_FROM,
    Said,
    TrainingWork,
    model_read,
    part,
    plainly,
    taken,
)
from plimsoll.domain.models.calibration import on_sample_scale
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.fairness import group_report


def fairness(work: TrainingWork) -> Said:
    training, held_out = part(work, LEARNT_FROM), part(work, HELD_OUT)
    if not work.examples.groups:
        sentence = "No sensitive attributes came with the data: how groups fare cannot be said."
        return sentence, {"attributes": []}, {"attributes": {}, "sentence": sentence}
    _, calibration, _ = model_read(work)
    outside = np.load(work.folder / "out_of_fold.npy")
    asked = ~np.isnan(outside)
    seen = {
        "held_out": (held_out, calibration.probability(np.load(work.folder / "held_out.npy"))),
        "out_of_fold": (training.take(asked), calibration.probability(outside[asked])),
    }
    told: dict[str, Any] = {}
    for number, attribute in enumerate(work.examples.groups):
        with alive(work.progress, f"how groups by {attribute} fare", number, len(work.examples.groups)):
            told[attribute] = _of_one_attribute(work, attribute, training, seen)
        name, settings = taken(work)
        told[attribute]["less_unequal"] = less_unequal_models(
            work.product,
            training,
            attribute,
            (name, settings),
            work.folder,
            work.plan,
            work.progress,
            proxies=[row["feature"] for row in told[attribute]["out_of_fold"]["proxies"] if row["proxy"] != "none"],
        )
    ratios = {name: _lowest_ratio(said["held_out"]) for name, said in told.items()}
    known = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    worst = min(known, key=lambda name: known[name], default=None)
    sentence = (
        f"Lowest approval ratio at the product's cut: {known[worst]:.2f} ({worst})."
        if worst is not None
        else "At the product's cut no group is large enough to be compared."
    )
    return sentence, {"attributes": list(told), "lowest_ratio": ratios}, plainly({"attributes": told})


def _of_one_attribute(
    work: TrainingWork, attribute: str, training: Examples, seen: Mapping[str, tuple[Examples, Floats]]
) -> dict[str, Any]:
    risk = work.product.risk
    cut = on_sample_scale(risk.decline_above, risk.sample_bad_rate, risk.portfolio_bad_rate)
    all_tell = group_told_by_all(work.product, training, attribute, work.plan)
    told = {}
    for where, (examples, probability) in seen.items():
        report = group_report(
            attribute,
            examples.groups[attribute],
            examples.bad,
            probability,
            cut=cut,
            features={spec.name: examples.columns[spec.name] for spec in work.product.features},
            all_features_tell=all_tell,
        )
        told[where] = report.model_dump(mode="json") | {"sentences": list(report.sentences)}
    return told


def _lowest_ratio(report: dict[str, Any]) -> float | None:
    at_the_cut = report["at_the_cut"] or {"groups": []}
    return min((group["ratio"] for group in at_the_cut["groups"] if group["ratio"] is not None), default=None)
