"""A random forest whose trees are added up as log-odds, which makes its reasons exact.

A forest of scikit-learn averages probabilities. Averaging each leaf's log-odds instead keeps
every direction (the logarithm rises) and makes the forest a sum, so that contributions need
no sampling. This forest takes no gaps together with directions, so every gap is completed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.models.families import THREADS, Floats, Labels, Layout, skops_files
from plimsoll.adapters.models.families.completion import COMPLETION, Completion, read, write
from plimsoll.adapters.models.families.trees import Tree, TreeAttributor, TreeMembers, Trees
from plimsoll.domain.models.features import Matrix

MODEL, MEMBERS = "model.skops", "members.skops"
MEMBER_TREES = 30
# Of so many rows a tree learns what it can hold; the others are other trees' rows. Twice as many took 2.7 times as long
# and ranked no better.
MOST_ROWS_OF_A_TREE = 10_000


class ForestModel:
    def __init__(self, native: Any, completion: Completion) -> None:
        self.native, self.completion = native, completion
        self.trees = trees_of([native])

    def raw_log_odds(self, rows: Matrix) -> Floats:
        return self.trees.raw(self.completion.of(rows))


class ForestAttributor:
    def __init__(self, model: ForestModel, layout: Layout, reference: Matrix) -> None:
        completion = model.completion
        self._completion = completion
        self._exact = TreeAttributor(model.trees, completion.layout(layout).owners, completion.of(reference))

    def contributions(self, rows: Matrix) -> Floats:
        return self._exact.contributions(self._completion.of(rows))


class Forest:
    name = "forest"
    algorithm = "Random forest, monotone, its trees averaged as log-odds"
    quick = False
    files = (MODEL, MEMBERS, COMPLETION)

    def defaults(self, rows: int) -> dict[str, Any]:
        return {"trees": 200, "depth": 8, "least": int(np.clip(rows / 500, 5, 100)), "share": 0.4}

    def suggest(self, trial: Any, rows: int) -> dict[str, Any]:
        return {
            "trees": 200,
            "depth": trial.suggest_int("depth", 4, 12),
            "least": trial.suggest_int("least", 5, max(10, min(rows // 100, 200)), log=True),
            "share": trial.suggest_float("share", 0.15, 0.8),
        }

    def smaller(self, settings: dict[str, Any]) -> dict[str, Any]:
        return {**settings, "trees": min(settings["trees"], MEMBER_TREES)}

    def fit(
        self,
        layout: Layout,
        rows: Matrix,
        bad: Labels,
        settings: dict[str, Any],
        seed: int,
        weights: Floats | None = None,
        like: Any = None,
    ) -> ForestModel:
        from sklearn.ensemble import RandomForestClassifier

        everywhere = np.ones(rows.shape[1], dtype=np.bool_)
        completion = like.completion if like else Completion.learnt(layout, rows, everywhere)
        native = RandomForestClassifier(
            n_estimators=settings["trees"],
            max_depth=settings["depth"],
            min_samples_leaf=settings["least"],
            max_features=settings["share"],
            max_samples=MOST_ROWS_OF_A_TREE if len(rows) > MOST_ROWS_OF_A_TREE else None,
            monotonic_cst=list(completion.layout(layout).signs),
            n_jobs=THREADS,
            random_state=seed,
        )
        return ForestModel(native.fit(completion.of(rows), bad, sample_weight=weights), completion)

    def save(self, model: ForestModel, members: Sequence[ForestModel], folder: Path) -> tuple[int, ...]:
        skops_files.write(model.native, folder / MODEL)
        skops_files.write([member.native for member in members], folder / MEMBERS)
        write(model.completion, folder)
        return tuple(len(member.trees) for member in members)

    def load(self, folder: Path, member_sizes: Sequence[int]) -> tuple[ForestModel, TreeMembers]:
        completion = read(folder)
        natives = skops_files.read(folder / MEMBERS)
        members = TreeMembers(trees_of(natives), member_sizes, np.zeros(len(natives)), completion)
        return ForestModel(skops_files.read(folder / MODEL), completion), members

    def attributor(self, model: ForestModel, layout: Layout, reference: Matrix) -> ForestAttributor:
        return ForestAttributor(model, layout, reference)


def trees_of(natives: Sequence[Any]) -> Trees:
    """All trees of all forests, each leaf as its log-odds, shared out evenly within its forest."""
    return Trees([_tree(grown.tree_, len(native.estimators_)) for native in natives for grown in native.estimators_])


def _tree(grown: Any, trees: int) -> Tree:
    leaf = grown.children_left < 0
    share = grown.value[:, 0, 1] / grown.value[:, 0, :].sum(axis=1)
    least = 1.0 / (2.0 * grown.n_node_samples[leaf].min() + 2.0)
    held = np.clip(share, least, 1.0 - least)
    return Tree(
        feature=grown.feature.astype(np.int64),
        threshold=grown.threshold.astype(np.float64),
        absent_left=np.zeros(len(leaf), dtype=np.bool_),
        left=np.where(leaf, -1, grown.children_left).astype(np.int64),
        right=np.where(leaf, -1, grown.children_right).astype(np.int64),
        value=np.log(held / (1.0 - held)) / trees,
    )
