"""Histogram gradient boosting of scikit-learn: takes what is not known as it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.models.families import Floats, Labels, Layout, skops_files
from plimsoll.adapters.models.families.trees import Tree, TreeAttributor, TreeMembers, Trees
from plimsoll.domain.models.features import Matrix

MODEL, MEMBERS = "model.skops", "members.skops"
MEMBER_TREES = 40


class BoostingModel:
    def __init__(self, native: Any) -> None:
        self.native = native
        self.trees = trees_of([native])

    def raw_log_odds(self, rows: Matrix) -> Floats:
        return self.trees.raw(rows)


class Boosting:
    name = "boosting"
    algorithm = "Histogram gradient boosting, logistic loss, monotone"
    quick = False
    files = (MODEL, MEMBERS)

    def defaults(self, rows: int) -> dict[str, Any]:
        if rows < 5_000:
            return {"trees": 100, "learning_rate": 0.05, "leaves": 8, "least": 20, "l2": 1.0}
        return {"trees": 200, "learning_rate": 0.05, "leaves": 24, "least": 50, "l2": 5.0}

    def suggest(self, trial: Any, rows: int) -> dict[str, Any]:
        return {
            "trees": trial.suggest_int("trees", 60, 400 if rows >= 5_000 else 200, step=20),
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
            "leaves": trial.suggest_int("leaves", 4, 31),
            "least": trial.suggest_int("least", 10, 200 if rows >= 5_000 else 40),
            "l2": trial.suggest_float("l2", 0.1, 50.0, log=True),
        }

    def smaller(self, settings: dict[str, Any]) -> dict[str, Any]:
        trees = min(settings["trees"], MEMBER_TREES)
        return {
            **settings,
            "trees": trees,
            "learning_rate": min(0.25, settings["learning_rate"] * settings["trees"] / trees),
        }

    def fit(
        self,
        layout: Layout,
        rows: Matrix,
        bad: Labels,
        settings: dict[str, Any],
        seed: int,
        weights: Floats | None = None,
        like: Any = None,
    ) -> BoostingModel:
        from sklearn.ensemble import HistGradientBoostingClassifier

        native = HistGradientBoostingClassifier(
            max_iter=settings["trees"],
            learning_rate=settings["learning_rate"],
            max_leaf_nodes=settings["leaves"],
            min_samples_leaf=settings["least"],
            l2_regularization=settings["l2"],
            monotonic_cst=list(layout.signs),
            early_stopping=False,
            random_state=seed,
        )
        return BoostingModel(native.fit(rows, bad, sample_weight=weights))

    def save(self, model: BoostingModel, members: Sequence[BoostingModel], folder: Path) -> tuple[int, ...]:
        skops_files.write(model.native, folder / MODEL)
        skops_files.write([member.native for member in members], folder / MEMBERS)
        return tuple(len(member.trees) for member in members)

    def load(self, folder: Path, member_sizes: Sequence[int]) -> tuple[BoostingModel, TreeMembers]:
        members = skops_files.read(folder / MEMBERS)
        bases = np.array([_base(native) for native in members])
        return BoostingModel(skops_files.read(folder / MODEL)), TreeMembers(trees_of(members), member_sizes, bases)

    def attributor(self, model: BoostingModel, layout: Layout, reference: Matrix) -> TreeAttributor:
        return TreeAttributor(model.trees, layout.owners, reference)


def trees_of(natives: Sequence[Any]) -> Trees:
    trees = [_tree(predictor.nodes) for native in natives for (predictor,) in native._predictors]
    return Trees(trees, base=_base(natives[0]) if len(natives) == 1 else 0.0)


def _base(native: Any) -> float:
    return float(np.ravel(native._baseline_prediction)[0])


def _tree(nodes: Any) -> Tree:
    leaf = nodes["is_leaf"].astype(np.bool_)
    return Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        absent_left=nodes["missing_go_to_left"].astype(np.bool_),
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64)),
        value=nodes["value"].astype(np.float64),
    )
