"""Models nearly as good under which groups fare less unequally: looked for, and the search kept.

Each alternative is compared with the model taken on the same folds, at the same share of
approvals. A gain in ratio counts when the ranking is not clearly worse. What was learnt for one
attribute is looked at again for the next: only what is weighed by groups is another model.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.models.families import Floats, Layout, family_named, layout_of
from plimsoll.adapters.models.folds import folds_of, paired, thinned_rows
from plimsoll.adapters.models.pieces import alive, write_array, write_json
from plimsoll.domain.models import metrics
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.fairness import FEWEST_MEMBERS, adverse_impact, can_be_compared, reweighed
from plimsoll.domain.models.features import Matrix, matrix
from plimsoll.domain.models.training import Progress, TrainingPlan
from plimsoll.domain.underwriting.product import Product

FOLDS = 5
APPROVING = 0.5
MOST_DROPPED = 4
WORTH_SAYING = 0.01  # of ratio
SIMPLER = ("scorecard", "logistic")


def less_unequal_models(
    product: Product,
    training: Examples,
    attribute: str,
    taken: tuple[str, dict[str, Any]],
    folder: Path,
    plan: TrainingPlan,
    progress: Progress,
    proxies: Sequence[str] = (),
) -> dict[str, Any]:
    """The record of the search: every alternative tried, its ranking and its ratio, and which are worth a look.

    `folder` is the run's, for all of its attributes.
    """
    pieces = folder / f"alternatives-{attribute}"
    pieces.mkdir(parents=True, exist_ok=True)
    chosen = thinned_rows(training.bad.astype(np.int64), plan.tuning_rows, plan.seed)
    examples = training.take(chosen)
    if not can_be_compared(examples.groups[attribute]):
        sentence = "Fewer than two groups are large enough to be compared, so no alternative was looked for."
        return {"approving": APPROVING, "rows": len(examples), "tried": [], "sentence": sentence}
    search = _Search(product, examples, attribute, plan.seed, folder / "alternatives")
    tried = _alternatives(product, taken, proxies)
    rows = []
    for number, (name, about) in enumerate(tried.items()):
        path = pieces / f"{number}.json"
        if not path.exists():
            with alive(progress, f"less unequal by {attribute}: {name}", number, len(tried)):
                write_json(path, {"name": name, **search.judged(about)})
        rows.append(json.loads(path.read_bytes()))
    own = rows[0]
    for row in rows[1:]:
        against = paired(row["auc_by_fold"], own["auc_by_fold"], FOLDS)
        row["against_the_model"] = against.model_dump()
        row["worth_a_look"] = row["ratio"] >= own["ratio"] + WORTH_SAYING and against.is_not_worse
    better = [row["name"] for row in rows[1:] if row["worth_a_look"]]
    sentence = (
        f"{len(better)} of {len(rows) - 1} alternatives bring the groups nearer without ranking clearly worse: "
        f"{', '.join(better)}."
        if better
        else f"None of {len(rows) - 1} alternatives brings the groups nearer without ranking clearly worse."
    )
    return {"approving": APPROVING, "rows": len(examples), "tried": rows, "sentence": sentence}


def group_told_by_all(product: Product, training: Examples, attribute: str, plan: TrainingPlan) -> float | None:
    """AUC with which all features together tell the largest group from the rest; None when nobody can be told."""
    groups = np.array([str(value) for value in training.groups[attribute]])
    names, counts = np.unique(groups, return_counts=True)
    if len(names) < 2 or np.sort(counts)[-2] < FEWEST_MEMBERS:
        return None
    member = (groups == names[counts.argmax()]).astype(np.int64)
    some = thinned_rows(member, plan.tuning_rows, plan.seed)
    rows, member = matrix(product.features, training.take(some).columns), member[some]
    family, layout = family_named("catboost"), layout_of(product.features).without_directions()
    settings = {**family.defaults(0), "trees": 100, "learning_rate": 0.1}
    raw = np.empty(len(member))
    for fold in folds_of(member, 3, plan.seed):
        raw[fold] = family.fit(layout, rows[~fold], member[~fold], settings, plan.seed).raw_log_odds(rows[fold])
    return round(metrics.auc(member, raw), 4)


def _alternatives(
    product: Product, taken: tuple[str, dict[str, Any]], proxies: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The model taken first, then what might be less unequal."""
    name, settings = taken
    free = {"family": name, "settings": settings, "without": (), "reweighed": False}
    tried: dict[str, dict[str, Any]] = {"the model taken": free}
    for feature in list(dict.fromkeys(proxies))[:MOST_DROPPED]:
        tried[f"without {feature}"] = {**free, "without": (feature,)}
    if len(set(proxies)) > 1:
        tried["without all proxies"] = {**free, "without": tuple(dict.fromkeys(proxies))[:MOST_DROPPED]}
    tried["reweighed"] = {**free, "reweighed": True}
    for simpler in SIMPLER:
        if simpler != name:
            tried[simpler] = {**free, "family": simpler, "settings": None}
    if name == "catboost":
        tried["held back"] = {**free, "settings": {**settings, "depth": 2, "l2_leaf_reg": 30.0}}
    return tried


class _Search:
    """`kept` holds what each model said out of fold, whoever asks."""

    def __init__(self, product: Product, examples: Examples, attribute: str, seed: int, kept: Path) -> None:
        self._names = [spec.name for spec in product.features]
        self._rows = matrix(product.features, examples.columns)
        self._layout = layout_of(product.features)
        self._bad = examples.bad.astype(np.int64)
        self._groups = examples.groups[attribute]
        self._folds = folds_of(self._bad, FOLDS, seed)
        self._seed = seed
        self._kept = kept
        self._kept.mkdir(exist_ok=True)

    def judged(self, about: dict[str, Any]) -> dict[str, Any]:
        if about["reweighed"]:
            return self._figures(self._out_of_fold(about))
        path = self._kept / f"{hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]}.npy"
        if not path.exists():
            write_array(path, self._out_of_fold(about))
        return self._figures(np.load(path, allow_pickle=False))

    def _out_of_fold(self, about: dict[str, Any]) -> Floats:
        rows, layout = self._without(about["without"])
        family = family_named(about["family"])
        settings = about["settings"] or family.defaults(len(self._bad))
        raw = np.empty(len(self._bad))
        for fold in self._folds:
            weights = reweighed(self._groups[~fold], self._bad[~fold] == 1) if about["reweighed"] else None
            model = family.fit(layout, rows[~fold], self._bad[~fold], settings, self._seed, weights=weights)
            raw[fold] = model.raw_log_odds(rows[fold])
        return raw

    def _figures(self, raw: Floats) -> dict[str, Any]:
        approved = raw <= np.quantile(raw, APPROVING)
        areas = [metrics.auc(self._bad[fold], raw[fold]) for fold in self._folds]
        return {
            "auc": round(float(np.mean(areas)), 5),
            "auc_by_fold": areas,
            "ratio": round(adverse_impact(self._groups, approved), 4),
            "bad_among_approved": round(float(self._bad[approved].mean()), 4),
        }

    def _without(self, dropped: Sequence[str]) -> tuple[Matrix, Layout]:
        kept = ~np.isin(self._layout.owners, [self._names.index(name) for name in dropped])
        owners = np.unique(self._layout.owners[kept], return_inverse=True)[1].astype(np.int64)
        return self._rows[:, kept], Layout(
            names=tuple(np.array(self._layout.names)[kept]),
            owners=owners,
            signs=tuple(int(sign) for sign in np.array(self._layout.signs)[kept]),
            dummies=self._layout.dummies[kept],
        )
