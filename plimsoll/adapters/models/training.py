"""Train a probability of default: model, calibration, bootstrap members, reasons' table, manifest.

The same rows, seed and library versions give the same files and so the same version.
"""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.attribution import Table, attribution_table
from plimsoll.adapters.models.drift_reference import reference_for, write_reference
from plimsoll.adapters.models.folder import Manifest
from plimsoll.domain import metrics
from plimsoll.domain.calibration import Calibration, on_sample_scale
from plimsoll.domain.drift import DriftReference
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.examples import Examples
from plimsoll.domain.features import Matrix, column_names, matrix, monotone_signs, owners
from plimsoll.domain.novelty import thinned
from plimsoll.domain.product import Product
from plimsoll.domain.values import Value

Labels = npt.NDArray[np.int64]
THREADS = 2
REFERENCE_ROWS = 50
ROWS_FOR_REASONS = 20_000  # enough to know in what shares reasons come first
# What CatBoost writes into a model about the moment it was made; cleared, so that the bytes repeat.
MOMENTARY = ("train_finish_time", "model_guid")


class TooFewRows(InvalidRequest):
    code = "too_few_rows"


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


def train(product: Product, examples: Examples, models: Path, *, created_at: str, plan: Plan | None = None) -> Manifest:
    """A new version under `models/<product.model>/`, not live yet. Raises TooFewRows."""
    plan = plan or Plan()
    rows, bad = matrix(product.features, examples.columns), examples.bad.astype(np.int64)
    _check_size(bad, plan)
    out_of_fold, area_by_repeat = cross_validated(product, rows, bad, plan)
    calibration = calibrated(out_of_fold, bad)
    model = fit(product, rows, bad, plan.trees, plan.learning_rate, plan)
    members = _members(product, rows, bad, plan)
    reference = just_below_the_cut(product, rows, calibration.probability(out_of_fold))
    manifest = Manifest(
        name=product.model,
        product=product.id,
        algorithm="CatBoost gradient boosting, oblivious trees, logistic loss, monotone",
        created_at=created_at,
        seed=plan.seed,
        features=product.features,
        columns=tuple(column_names(product.features)),
        directions=tuple(monotone_signs(product.features)),
        members=len(members),
        member_trees=tuple(member.tree_count_ for member in members),
        cut=product.risk.decline_above,
        reference={"group": f"the {len(reference)} training applicants nearest below the cut", "rows": len(reference)},
        data={"digest": _digest_of(rows, bad), "rows": len(bad), "target_rate": round(float(bad.mean()), 6)},
        plan=plan.model_dump(),
        metrics=_metrics(bad, calibration.probability(out_of_fold), area_by_repeat, plan),
        libraries=_libraries(),
        files={},
    )
    table = attribution_table(model, owners(product.features), reference)
    shares = contributions_of_many(model, table, rows[:: 1 + len(rows) // ROWS_FOR_REASONS])
    drift = reference_for(product, examples, calibration.probability(out_of_fold), shares)
    return _saved(models, manifest, model, members, calibration, rows, table, drift)


def fit(
    product: Product, rows: Matrix, bad: Labels, trees: int, learning_rate: float, plan: Plan, seed: int | None = None
) -> Any:
    """One CatBoost model whose risk moves only in the declared directions."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        iterations=trees,
        learning_rate=learning_rate,
        depth=plan.depth,
        monotone_constraints=monotone_signs(product.features),
        random_seed=plan.seed if seed is None else seed,
        thread_count=THREADS,
        verbose=0,
        allow_writing_files=False,
    )
    return model.fit(rows, bad)


def raw_log_odds(model: Any, rows: Matrix) -> npt.NDArray[np.float64]:
    return model.predict(rows, prediction_type="RawFormulaVal", thread_count=1)


def contributions_of_many(model: Any, table: Table, rows: Matrix) -> npt.NDArray[np.float64]:
    """(rows, features)"""
    leaves = model.calc_leaf_indexes(rows, thread_count=THREADS).astype(np.int64)
    return np.sum([tree[leaves[:, index]] for index, tree in enumerate(table)], axis=0, dtype=np.float64)


def cross_validated(
    product: Product, rows: Matrix, bad: Labels, plan: Plan
) -> tuple[npt.NDArray[np.float64], list[float]]:
    """Log-odds of every row by models that did not see it (mean over repeats), and the AUC of each repeat."""
    repeats = []
    for repeat in range(plan.repeats):
        out_of_fold = np.zeros(len(bad))
        for fold in _folds(bad, plan.folds, plan.seed + repeat):
            inside = ~fold
            model = fit(product, rows[inside], bad[inside], plan.trees, plan.learning_rate, plan)
            out_of_fold[fold] = raw_log_odds(model, rows[fold])
        repeats.append(out_of_fold)
    return np.mean(repeats, axis=0), [metrics.auc(bad, scores) for scores in repeats]


def calibrated(raw: npt.NDArray[np.float64], bad: Labels) -> Calibration:
    """Platt's two numbers by maximum likelihood on out-of-fold log-odds. Raises InvalidRequest.

    Two parameters on purpose: isotonic steps on a few hundred rows would tie applicants that
    the model tells apart, and beta calibration gained nothing here.
    """
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6).fit(raw[:, None], bad)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:
        raise InvalidRequest("The model ranks applicants no better than chance, so it cannot be calibrated.")
    return Calibration(slope=slope, intercept=intercept)


def just_below_the_cut(product: Product, rows: Matrix, probability: npt.NDArray[np.float64]) -> Matrix:
    """The reference for reasons: applicants just good enough (Reg B, comment 9(b)(2)-5, method one)."""
    risk = product.risk
    cut = on_sample_scale(risk.decline_above, risk.sample_bad_rate, risk.portfolio_bad_rate)
    approved = np.flatnonzero(probability <= cut)
    if len(approved) == 0:
        approved = np.argsort(probability)[:REFERENCE_ROWS]
    nearest = approved[np.argsort(-probability[approved], kind="stable")][:REFERENCE_ROWS]
    return rows[np.sort(nearest)]


def _check_size(bad: Labels, plan: Plan) -> None:
    fewest = min(int(bad.sum()), int(len(bad) - bad.sum()))
    if fewest < 5 * plan.folds:
        raise TooFewRows(
            f"{len(bad)} rows hold only {fewest} of the rarer outcome; training needs {5 * plan.folds} at least."
        )


def _folds(bad: Labels, folds: int, seed: int) -> list[npt.NDArray[np.bool_]]:
    """Stratified: bads and goods are dealt out apart."""
    random = np.random.default_rng(seed)
    place = np.empty(len(bad), dtype=np.int64)
    for label in (0, 1):
        members = random.permutation(np.flatnonzero(bad == label))
        place[members] = np.arange(len(members)) % folds
    return [place == fold for fold in range(folds)]


def _members(product: Product, rows: Matrix, bad: Labels, plan: Plan) -> list[Any]:
    """Models of resampled applicants; small, because twenty of them answer for every score."""
    random = np.random.default_rng(plan.seed)
    members = []
    for number in range(plan.members):
        drawn = random.integers(0, len(bad), len(bad))
        members.append(
            fit(
                product, rows[drawn], bad[drawn], plan.member_trees, plan.member_learning_rate, plan, plan.seed + number
            )
        )
    return members


def _metrics(
    bad: Labels, probability: npt.NDArray[np.float64], area_by_repeat: list[float], plan: Plan
) -> dict[str, Any]:
    return {
        **metrics.report(bad, probability, plan.seed),
        "auc_by_repeat": [round(area, 4) for area in area_by_repeat],
        "measured_on": f"out of fold, {plan.folds} folds, mean of {plan.repeats} repeats, on the training rows",
    }


def _saved(
    models: Path,
    manifest: Manifest,
    model: Any,
    members: list[Any],
    calibration: Calibration,
    rows: Matrix,
    table: Table,
    drift: DriftReference,
) -> Manifest:
    """Written beside its place and moved there whole: a version is complete or absent."""
    from catboost import sum_models

    (models / manifest.name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models / manifest.name, prefix=".training-") as beside:
        folder = Path(beside) / "version"
        folder.mkdir()
        _save_native(model, folder / files.MODEL)
        _save_native(sum_models(members), folder / files.MEMBERS)
        (folder / files.CALIBRATION).write_text(calibration.model_dump_json() + "\n")
        np.save(folder / files.ATTRIBUTION, table, allow_pickle=False)
        np.save(folder / files.TRAINING_ROWS, np.ascontiguousarray(thinned(rows)), allow_pickle=False)
        write_reference(folder, drift)
        digests = {name: files.digest_of_file(folder / name) for name in (*files.FILES, files.DRIFT_REFERENCE)}
        manifest = manifest.model_copy(update={"files": digests}).sealed()
        (folder / files.MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n")
        _move_into_place(folder, files.version_folder(models, manifest.name, manifest.version))
    return manifest


def _save_native(model: Any, path: Path) -> None:
    about = model.get_metadata()
    for key in [key for key in dict(about) if key.endswith(MOMENTARY)]:  # each member's, too: `model3:model_guid`
        about[key] = ""
    model.save_model(str(path), format="cbm")


def _move_into_place(folder: Path, place: Path) -> None:
    """The same training again gives the same version: the first one stays."""
    if not place.exists():
        shutil.move(folder, place)


def _digest_of(rows: Matrix, bad: Labels) -> str:
    digest = hashlib.sha256(json.dumps(rows.shape).encode())
    digest.update(np.nan_to_num(rows, nan=-1e9).tobytes())
    digest.update(bad.tobytes())
    return digest.hexdigest()


def _libraries() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("catboost", "numpy", "scikit-learn")}
