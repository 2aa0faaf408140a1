"""CatBoost: oblivious trees, so that every leaf's contributions fit in one table.

CatBoost reads a gap as the smallest value there is. Along a direction that would make it the
best case or the worst, so gaps of directed columns are completed; others stay gaps.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models.attribution import Table, attribution_table, contributions_of_rows, players_of
from plimsoll.adapters.models.families import THREADS, Floats, Labels, Layout
from plimsoll.adapters.models.families.completion import COMPLETION, Completion, read, write
from plimsoll.domain.models.features import Matrix

MODEL, MEMBERS = "model.cbm", "members.cbm"
MEMBER_TREES = 80
FEW_ROWS = 64  # one gather is quicker for these than a look at each tree
# What CatBoost writes into a model about the moment it was made; cleared, so that the bytes repeat.
MOMENTARY = ("train_finish_time", "model_guid")


class CatBoostModel:
    def __init__(self, native: Any, completion: Completion) -> None:
        self.native, self.completion = native, completion

    def raw_log_odds(self, rows: Matrix) -> Floats:
        return self.native.predict(self.completion.of(rows), prediction_type="RawFormulaVal", thread_count=1)


class CatBoostMembers:
    """All bootstrap members in one model: one call finds every leaf, a sum per member gives its log-odds."""

    def __init__(self, summed: Any, trees: Sequence[int], completion: Completion) -> None:
        self.summed, self._completion = summed, completion
        self._values = summed.get_leaf_values()
        leaves = np.asarray(summed.get_tree_leaf_counts(), dtype=np.int64)
        self._first_leaf = np.concatenate([[0], np.cumsum(leaves)[:-1]])
        self._first_tree = np.concatenate([[0], np.cumsum(trees)[:-1]])

    def raw_log_odds(self, rows: Matrix) -> Floats:
        """(rows, members)"""
        leaves = self.summed.calc_leaf_indexes(self._completion.of(rows), thread_count=1).astype(np.int64)
        return np.add.reduceat(self._values[self._first_leaf + leaves], self._first_tree, axis=1)


class CatBoostAttributor:
    def __init__(self, model: CatBoostModel, table: Table) -> None:
        self.table = table
        self._model = model
        self._players = players_of(table)

    def contributions(self, rows: Matrix) -> Floats:
        leaves = self._model.native.calc_leaf_indexes(self._model.completion.of(rows), thread_count=1)
        if len(rows) <= FEW_ROWS:
            return self.table[np.arange(len(self.table)), leaves.astype(np.int64)].sum(axis=1, dtype=np.float64)
        return contributions_of_rows(self.table, self._players, leaves)


class CatBoost:
    name = "catboost"
    algorithm = "CatBoost gradient boosting, oblivious trees, logistic loss, monotone"
    quick = True
    files = (MODEL, MEMBERS, COMPLETION)

    def defaults(self, rows: int) -> dict[str, Any]:
        """Of a thousand rows two hundred small trees learn all there is; more rows carry more trees."""
        if rows < 5_000:
            return {"depth": 4, "trees": 200, "learning_rate": 0.05, "l2_leaf_reg": 3.0}
        return {"depth": 6, "trees": 500, "learning_rate": 0.05, "l2_leaf_reg": 3.0}

    def suggest(self, trial: Any, rows: int) -> dict[str, Any]:
        return {
            "depth": trial.suggest_int("depth", 3, 7 if rows >= 5_000 else 5),
            "trees": trial.suggest_int("trees", 100, 800 if rows >= 5_000 else 400, step=50),
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
            "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 1.0, 20.0, log=True),
        }

    def smaller(self, settings: dict[str, Any]) -> dict[str, Any]:
        trees = min(settings["trees"], MEMBER_TREES)
        rate = min(0.2, settings["learning_rate"] * settings["trees"] / trees)
        return {**settings, "trees": trees, "learning_rate": rate, "depth": min(settings["depth"], 5)}

    def fit(
        self,
        layout: Layout,
        rows: Matrix,
        bad: Labels,
        settings: dict[str, Any],
        seed: int,
        weights: Floats | None = None,
        like: Any = None,
    ) -> CatBoostModel:
        from catboost import CatBoostClassifier

        completion = like.completion if like else Completion.learnt(layout, rows, _directed_with_gaps(layout, rows))
        native = CatBoostClassifier(
            iterations=settings["trees"],
            learning_rate=settings["learning_rate"],
            depth=settings["depth"],
            l2_leaf_reg=settings["l2_leaf_reg"],
            monotone_constraints=list(completion.layout(layout).signs),
            random_seed=seed,
            thread_count=THREADS,
            verbose=0,
            allow_writing_files=False,
        )
        return CatBoostModel(native.fit(completion.of(rows), bad, sample_weight=weights), completion)

    def save(self, model: CatBoostModel, members: Sequence[CatBoostModel], folder: Path) -> tuple[int, ...]:
        from catboost import sum_models

        write_native(model.native, folder / MODEL)
        write_native(sum_models([member.native for member in members]), folder / MEMBERS)
        write(model.completion, folder)
        return tuple(member.native.tree_count_ for member in members)

    def load(self, folder: Path, member_sizes: Sequence[int]) -> tuple[CatBoostModel, CatBoostMembers]:
        completion = read(folder)
        return (
            CatBoostModel(read_native(folder / MODEL), completion),
            CatBoostMembers(read_native(folder / MEMBERS), member_sizes, completion),
        )

    def attributor(self, model: CatBoostModel, layout: Layout, reference: Matrix) -> CatBoostAttributor:
        owners = model.completion.layout(layout).owners
        return CatBoostAttributor(model, attribution_table(model.native, owners, model.completion.of(reference)))


def _directed_with_gaps(layout: Layout, rows: Matrix) -> npt.NDArray[np.bool_]:
    return (np.asarray(layout.signs) != 0) & np.isnan(rows).any(axis=0)


def write_native(model: Any, path: Path) -> None:
    about = model.get_metadata()
    for key in [key for key in dict(about) if key.endswith(MOMENTARY)]:  # each member's, too: `model3:model_guid`
        about[key] = ""
    model.save_model(str(path), format="cbm")


def read_native(path: Path) -> Any:
    from catboost import CatBoostClassifier

    return CatBoostClassifier().load_model(str(path), format="cbm")
