"""From a fitted model to a version in its folder: members, reasons, calibration, manifest."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import plimsoll
from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.drift_reference import reference_for, write_reference
from plimsoll.adapters.models.families import Family, Floats, Labels, layout_of
from plimsoll.adapters.models.folder import Manifest
from plimsoll.domain.models.calibration import Calibration, on_sample_scale
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.features import Matrix, column_names, matrix, monotone_signs, number_ranges
from plimsoll.domain.models.novelty import thinned
from plimsoll.domain.underwriting.product import Product

REFERENCE_ROWS = 50
ROWS_FOR_REASONS = 20_000  # enough to know in what shares reasons come first
LIBRARIES = ("catboost", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Made:
    """A model with all that a score needs, not yet on disk.

    `out_of_fold` are its raw log-odds of `examples`, nan where no model that did not see the row was asked.
    """

    product: Product
    examples: Examples
    family: Family
    family_name: str  # with the parts of an ensemble
    model: Any
    members: int
    write: Callable[[Path], tuple[int, ...]]  # the family's files, and the sizes of the members
    calibration: Calibration
    out_of_fold: Floats


def bootstrap_members(
    product: Product,
    rows: Matrix,
    bad: Labels,
    family: Family,
    model: Any,
    settings: dict[str, Any],
    count: int,
    seed: int,
) -> list[Any]:
    """Models of resampled applicants; small, because all of them answer for every score."""
    random = np.random.default_rng(seed)
    members = []
    for number in range(count):
        drawn = random.integers(0, len(bad), len(bad))
        members.append(
            family.fit(layout_of(product.features), rows[drawn], bad[drawn], settings, seed + number, like=model)
        )
    return members


def just_below_the_cut(product: Product, rows: Matrix, probability: Floats) -> Matrix:
    """The reference for reasons: applicants just good enough (Reg B, comment 9(b)(2)-5, method one)."""
    risk = product.risk
    cut = on_sample_scale(risk.decline_above, risk.sample_bad_rate, risk.portfolio_bad_rate)
    approved = np.flatnonzero(probability <= cut)
    if len(approved) == 0:
        approved = np.argsort(probability)[:REFERENCE_ROWS]
    nearest = approved[np.argsort(-probability[approved], kind="stable")][:REFERENCE_ROWS]
    return rows[np.sort(nearest)]


def published(
    models: Path,
    made: Made,
    *,
    created_at: str,
    seed: int,
    plan: Mapping[str, Any],
    metrics: Mapping[str, Any],
    blockers: tuple[str, ...] = (),
    beside: Mapping[str, str] | None = None,
    about_data: Mapping[str, Any] | None = None,
    seconds: float | None = None,
) -> Manifest:
    """Written beside its place and moved there whole: a version is complete or absent.

    `beside` are files to lie in the version too, such as its card; `about_data` is what else the manifest
    says of the data, such as what was held out.
    """
    product, bad = made.product, made.examples.bad.astype(np.int64)
    rows = matrix(product.features, made.examples.columns)
    asked = ~np.isnan(made.out_of_fold)
    probability = made.calibration.probability(made.out_of_fold[asked])
    reference = just_below_the_cut(product, rows[asked], probability)
    (models / product.model).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models / product.model, prefix=".training-") as passing:
        folder = Path(passing) / "version"
        folder.mkdir()
        sizes = made.write(folder)
        _write_what_scores_need(folder, made, rows, reference, probability)
        for name, text in (beside or {}).items():
            (folder / name).write_text(text, encoding="utf-8")
        manifest = Manifest(
            name=product.model,
            product=product.id,
            algorithm=made.family.algorithm,
            family=made.family_name,
            created_at=created_at,
            seed=seed,
            features=product.features,
            columns=tuple(column_names(product.features)),
            directions=tuple(monotone_signs(product.features)),
            members=made.members,
            member_trees=sizes,
            cut=product.risk.decline_above,
            reference={
                "group": f"the {len(reference)} training applicants nearest below the cut",
                "rows": len(reference),
            },
            data=_learnt_from(made.examples, rows, bad) | dict(about_data or {}),
            plan=dict(plan),
            metrics=dict(metrics),
            libraries=libraries(),
            files={},
            blockers=blockers,
            ranges=number_ranges(product.features, made.examples.columns),
            code=code_digest(),
            seconds=seconds,
        )
        return _sealed(models, folder, manifest)


def _learnt_from(examples: Examples, rows: Matrix, bad: Labels) -> dict[str, Any]:
    told = {"digest": digest_of(rows, bad), "rows": len(bad), "target_rate": round(float(bad.mean()), 6)}
    if examples.applied_on is not None and not np.isnat(examples.applied_on).all():
        # Whatever is held out of this version must be younger (domain/retraining.py).
        told["applied_until"] = str(np.nanmax(examples.applied_on))
    undated = len(bad) if examples.applied_on is None else int(examples.of_before.sum())
    counts = {"undated": undated, "decided_here": examples.count_decided_here}
    return told | {name: count for name, count in counts.items() if count}


def _write_what_scores_need(folder: Path, made: Made, rows: Matrix, reference: Matrix, probability: Floats) -> None:
    product = made.product
    (folder / files.CALIBRATION).write_text(made.calibration.model_dump_json() + "\n")
    attributor: Any = made.family.attributor(made.model, layout_of(product.features), reference)
    if made.family_name == "catboost":
        np.save(folder / files.ATTRIBUTION, attributor.table, allow_pickle=False)
    else:
        np.save(folder / files.REFERENCE, np.ascontiguousarray(reference), allow_pickle=False)
    np.save(folder / files.TRAINING_ROWS, np.ascontiguousarray(thinned(rows)), allow_pickle=False)
    # Only of CatBoost are so many contributions had in seconds; of the others a tenth must do.
    most = ROWS_FOR_REASONS if made.family.quick else ROWS_FOR_REASONS // 10
    some = rows[:: 1 + len(rows) // most]
    drift = reference_for(product, made.examples, probability, attributor.contributions(some))
    write_reference(folder, drift)


def _sealed(models: Path, folder: Path, manifest: Manifest) -> Manifest:
    digests = {
        path.relative_to(folder).as_posix(): files.digest_of_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = manifest.model_copy(update={"files": digests}).sealed()
    (folder / files.MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n")
    place = files.version_folder(models, manifest.name, manifest.version)
    if not place.exists():  # the same training again gives the same version: the first one stays
        shutil.move(folder, place)
    return manifest


def digest_of(rows: Matrix, bad: Labels) -> str:
    digest = hashlib.sha256(json.dumps(rows.shape).encode())
    digest.update(np.nan_to_num(rows, nan=-1e9).tobytes())
    digest.update(bad.tobytes())
    return digest.hexdigest()


@cache
def code_digest() -> str:
    """Of the package's own source, as it lies there: what an installation from elsewhere is held against."""
    package = Path(plimsoll.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        own = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(package).as_posix()} {own}\n".encode())
    return digest.hexdigest()


def libraries() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in LIBRARIES}
