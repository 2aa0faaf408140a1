"""Report, card and version."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.card import card_of
from plimsoll.adapters.models.curves import curves_of, figures_of
from plimsoll.adapters.models.families import family_named, layout_of
from plimsoll.adapters.models.making import Made, digest_of, just_below_the_cut, published
from plimsoll.adapters.models.pieces import alive
from plimsoll.adapters.models.steps.work import (
    LEARNT_FROM,
    MODEL_FOLDER,
    Said,
    TrainingWork,
    model_read,
    part,
    plainly,
    said_before,
    told_by,
)
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.features import matrix
from plimsoll.domain.models.release import blockers
from plimsoll.domain.models.training import TrainingStep

ROWS_OF_IMPORTANCE = 1_000


def publish(work: TrainingWork) -> Said:
    training = part(work, LEARNT_FROM)
    model, calibration, said = model_read(work)
    evaluated = told_by(work.folder, TrainingStep.EVALUATE)
    reasons = blockers(
        work.product, work.product.features, broken_directions=tuple(evaluated.get("broken_directions", ()))
    )
    with alive(work.progress, "what each feature adds, and the report", 0, 1):
        report = _report(work, training, said, reasons)
    with alive(work.progress, "writing the version", 0, 1):
        manifest = published(
            work.models,
            Made(
                product=work.product,
                examples=training,
                family=family_named(said["family"]),
                family_name=said["family"],
                model=model,
                members=work.plan.members,
                write=lambda folder: _copied(work.folder / MODEL_FOLDER, folder, said["member_sizes"]),
                calibration=calibration,
                out_of_fold=np.load(work.folder / "out_of_fold.npy"),
            ),
            created_at=work.created_at,
            seed=work.plan.seed,
            plan=work.plan.model_dump(mode="json"),
            metrics=figures_of(evaluated, "on rows held out"),
            blockers=reasons,
            beside={
                files.REPORT: json.dumps(report, indent=1) + "\n",
                files.CARD: card_of(report),
            },
            about_data=_rule_read(work),
            seconds=report["seconds"],
        )
    figures = {
        "name": manifest.name,
        "version": manifest.version,
        "digest": manifest.digest,
        "releasable": not reasons,
        "blockers": list(reasons),
        "report": str(files.version_folder(work.models, manifest.name, manifest.version) / files.REPORT),
    }
    may = "may be proposed." if not reasons else f"may not be released: {reasons[0]}"
    return f"{manifest.name} {manifest.version} is made and {may}", figures, figures


def _rule_read(work: TrainingWork) -> dict[str, Any]:
    path = work.folder / "held_out.json"
    return json.loads(path.read_bytes()) if path.exists() else {}  # split before the rule was written down


def _report(work: TrainingWork, training: Examples, said: dict[str, Any], reasons: tuple[str, ...]) -> dict[str, Any]:
    steps = {step: said_before(work, step) for step in list(TrainingStep)[:-1]}
    product = work.product
    comparison = told_by(work.folder, TrainingStep.CANDIDATES)
    importance = _importance(work, training)
    return plainly(
        {
            "name": product.model,
            "product": {"id": product.id, "title": product.title, "pack": product.digest},
            "algorithm": family_named(said["family"]).algorithm,
            "family": said["family"],
            "settings": said["settings"],
            "who": work.who,
            "created_at": work.created_at,
            "seconds": round(sum(found.seconds for found in steps.values() if found), 1),
            "plan": work.plan,
            "data": {
                "rows": len(work.examples),
                "target_rate": round(work.examples.target_rate, 5),
                "digest": digest_of(matrix(product.features, training.columns), training.bad.astype(np.int64)),
                "checks": told_by(work.folder, TrainingStep.VALIDATE),
                "split": told_by(work.folder, TrainingStep.SPLIT),
            },
            "features": [spec.model_dump(mode="json") for spec in product.features],
            "comparison": comparison,
            "candidates": comparison["candidates"],
            "importance": importance,
            "curves": curves_of(told_by(work.folder, TrainingStep.EVALUATE)),
            "calibration": said["calibration"],
            "calibrations_tried": said.get("calibrations_tried"),
            "out_of_fold": said["out_of_fold"],
            "metrics": told_by(work.folder, TrainingStep.EVALUATE),
            "fairness": told_by(work.folder, TrainingStep.FAIRNESS),
            "blockers": list(reasons),
            "steps": {str(step): found.sentence for step, found in steps.items() if found},
            "libraries": _libraries(),
        }
    )


def _importance(work: TrainingWork, training: Examples) -> list[dict[str, Any]]:
    """The share of each feature in all that was added or taken off, over some training rows."""
    model, calibration, said = model_read(work)
    rows = matrix(work.product.features, training.columns)
    outside = np.load(work.folder / "out_of_fold.npy")
    asked = ~np.isnan(outside)
    reference = just_below_the_cut(work.product, rows[asked], calibration.probability(outside[asked]))
    family, layout = family_named(said["family"]), layout_of(work.product.features)
    some = rows[:: 1 + len(rows) // ROWS_OF_IMPORTANCE]
    told = np.abs(family.attributor(model, layout, reference).contributions(some)).mean(axis=0)
    shares = told / max(float(told.sum()), 1e-12)
    return [
        {
            "feature": work.product.features[place].name,
            "concept": work.product.features[place].concept,
            "share": round(float(shares[place]), 5),
        }
        for place in np.argsort(-shares)
    ]


def _libraries() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("catboost", "numpy", "optuna", "scikit-learn", "scipy", "skops")}


def _copied(place: Path, folder: Path, sizes: list[int]) -> tuple[int, ...]:
    shutil.copytree(place, folder, dirs_exist_ok=True)
    return tuple(sizes)
