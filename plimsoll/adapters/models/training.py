"""The quick way to a model: CatBoost as planned, cross-validated, calibrated, made a version at once.

The same rows, seed and library versions give the same files and so the same version. The
whole way, with candidates, comparison and fairness, is in `steps/`.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.calibrating import calibrated
from plimsoll.adapters.models.curves import curves_of
from plimsoll.adapters.models.families import Floats, Labels, family_named, layout_of
from plimsoll.adapters.models.folder import Manifest
from plimsoll.adapters.models.folds import folds_of
from plimsoll.adapters.models.making import Made, bootstrap_members, published
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models import metrics
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.features import Matrix, matrix
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Value

FAMILY = "catboost"


class TooFewRows(InvalidRequest):
    code = "too_few_rows"


MANY_ROWS = 10_000  # from here on other folds tell nothing new: one repeat will do


class Plan(Value):
    """How to train. The defaults were chosen on the training part by repeated cross-validation (docs/models.md)."""

    depth: int = 4
    trees: int = 200
    learning_rate: float = 0.05
    members: int = 20
    member_trees: int = 80
    member_learning_rate: float = 0.12
    folds: int = 5
    repeats: int = 3  # of the cross-validation, with other folds each time
    seed: int = 0

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "depth": self.depth,
            "trees": self.trees,
            "learning_rate": self.learning_rate,
            "l2_leaf_reg": 3.0,
        }

    @property
    def member_settings(self) -> dict[str, Any]:
        return self.settings | {"trees": self.member_trees, "learning_rate": self.member_learning_rate}


def train(product: Product, examples: Examples, models: Path, *, created_at: str, plan: Plan | None = None) -> Manifest:
    """A new version under `models/<product.model>/`, not live yet. Raises TooFewRows."""
    began = time.monotonic()
    plan = plan or Plan(repeats=1 if len(examples.bad) >= MANY_ROWS else 3)
    rows, bad = matrix(product.features, examples.columns), examples.bad.astype(np.int64)
    _check_size(bad, plan)
    family = family_named(FAMILY)
    out_of_fold, area_by_repeat = cross_validated(product, rows, bad, plan)
    calibration = calibrated(out_of_fold, bad)
    model = family.fit(layout_of(product.features), rows, bad, plan.settings, plan.seed)
    members = bootstrap_members(product, rows, bad, family, model, plan.member_settings, plan.members, plan.seed)
    probability = calibration.probability(out_of_fold)
    figures = _metrics(bad, probability, area_by_repeat, plan)
    return published(
        models,
        Made(
            product=product,
            examples=examples,
            family=family,
            family_name=FAMILY,
            model=model,
            members=len(members),
            write=lambda folder: family.save(model, members, folder),
            calibration=calibration,
            out_of_fold=out_of_fold,
        ),
        created_at=created_at,
        seed=plan.seed,
        plan=plan.model_dump(),
        metrics=figures,
        beside={files.REPORT: _report(product, bad, probability, plan, figures)},
        seconds=round(time.monotonic() - began, 1),
    )


def cross_validated(product: Product, rows: Matrix, bad: Labels, plan: Plan) -> tuple[Floats, list[float]]:
    """Log-odds of every row by models that did not see it (mean over repeats), and the AUC of each repeat."""
    family, layout = family_named(FAMILY), layout_of(product.features)
    repeats = []
    for repeat in range(plan.repeats):
        out_of_fold = np.zeros(len(bad))
        for fold in folds_of(bad, plan.folds, plan.seed + repeat):
            model = family.fit(layout, rows[~fold], bad[~fold], plan.settings, plan.seed)
            out_of_fold[fold] = model.raw_log_odds(rows[fold])
        repeats.append(out_of_fold)
    return np.mean(repeats, axis=0), [metrics.auc(bad, scores) for scores in repeats]


def _check_size(bad: Labels, plan: Plan) -> None:
    fewest = min(int(bad.sum()), int(len(bad) - bad.sum()))
    if fewest < 5 * plan.folds:
        raise TooFewRows(
            f"{len(bad)} rows hold only {fewest} of the rarer outcome; training needs {5 * plan.folds} at least."
        )


def _report(product: Product, bad: Labels, probability: Floats, plan: Plan, figures: dict[str, Any]) -> str:
    """What a page draws. No card: who needs one takes the whole way."""
    evaluated = metrics.full_report(
        bad,
        probability,
        cost_of_bad=product.risk.cost_of_bad,
        cost_of_good_declined=product.risk.cost_of_good_declined,
        seed=plan.seed,
    )
    told = {"name": product.model, "metrics": {**evaluated, **figures}, "curves": curves_of(evaluated)}
    return json.dumps(told, indent=1) + "\n"


def _metrics(bad: Labels, probability: Floats, area_by_repeat: list[float], plan: Plan) -> dict[str, Any]:
    repeats = f", mean of {plan.repeats} repeats" if plan.repeats > 1 else ""
    return {
        **metrics.report(bad, probability, plan.seed),
        "auc_by_repeat": [round(area, 4) for area in area_by_repeat],
        "measured_on": f"out of fold, {plan.folds} folds{repeats}, on the training rows",
    }
