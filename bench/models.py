"""How well each family of models ranks, held against CatBoost's own defaults on the same columns and folds.

South German, Taiwan (without PAY_0 and what is sensitive) and LendingClub (with and without its
own price), each with the directions that must hold. All but the shipped set are read from the
folder that PLIMSOLL_REAL_DATA names. A comparison of all takes hours: with BENCH_KEEP it keeps
its pieces in that folder and goes on from them, with BENCH_SETS it measures some sets only, with
BENCH_ROWS so many rows of each, with BENCH_FAMILIES some families, with BENCH_REPEATS fewer repeats,
and with BENCH_FLOOR=no only how far the probabilities can be believed, which takes a tenth of the time.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.training import TrainingPlan
from plimsoll.domain.underwriting.product import FeatureSpec
from plimsoll.settings import load_settings
from plimsoll.wiring.labelled import examples_of, public_set, shipped_set
from plimsoll.wiring.models import compare_candidates
from plimsoll.wiring.packs import product_packs

SHIPPED = "south-german"
AS_OF = date(2026, 1, 1)
SETS = (SHIPPED, "taiwan", "lendingclub-with-price", "lendingclub-without-price")
FULL = TrainingPlan(comparison_rows=10**9, comparison_seconds=1e9, tuning_seconds=900)
SHORT = TrainingPlan(repeats=2, trials=1, comparison_seconds=60, tuning_seconds=10, families=("catboost", "logistic"))


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    for name in os.environ.get("BENCH_SETS", ",".join(SETS)).split(","):
        root = os.environ.get("PLIMSOLL_REAL_DATA")
        if name != SHIPPED and not root:
            yield {"kind": "models", "set": name, "skipped": "PLIMSOLL_REAL_DATA names no folder with the real data"}
            continue
        features, examples = _shipped() if name == SHIPPED else public_set(name, Path(root or ""))
        yield from _compared(name, features, _some(examples), _plan(quick))


def _some(examples: Examples) -> Examples:
    """So many rows as BENCH_ROWS says, spread over all of them."""
    most = int(os.environ.get("BENCH_ROWS", len(examples)))
    if most >= len(examples):
        return examples
    return examples.take(np.sort(np.random.default_rng(0).permutation(len(examples))[:most]))


def _plan(quick: bool) -> TrainingPlan:
    plan = SHORT if quick else FULL
    families = tuple(os.environ.get("BENCH_FAMILIES", ",".join(plan.families)).split(","))
    repeats, floor = int(os.environ.get("BENCH_REPEATS", plan.repeats)), os.environ.get("BENCH_FLOOR") != "no"
    return plan.model_copy(update={"families": families, "repeats": repeats, "floor": floor})


def _shipped() -> tuple[tuple[FeatureSpec, ...], Examples]:
    settings = load_settings()
    product = product_packs(settings).get("consumer-credit")
    return product.features, examples_of(product, shipped_set(settings).all(), AS_OF)


def _compared(
    name: str, features: tuple[FeatureSpec, ...], examples: Examples, plan: TrainingPlan
) -> Iterator[dict[str, Any]]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as passing:
        kept = Path(os.environ.get("BENCH_KEEP") or passing) / name
        kept.mkdir(parents=True, exist_ok=True)
        found = compare_candidates(features, examples, kept, plan)
    about = {"kind": "models", "set": name, "rows": len(examples), "repeats": found["repeats"], "folds": plan.folds}
    for row in found["candidates"]:
        against = row.get("against_floor")
        yield about | {
            "candidate": row["name"],
            "auc": row["auc"],
            "against_floor": against and [round(bound, 5) for bound in (against.difference, against.low, against.high)],
            "keeps_directions": row["broken_directions"] == [] if row["broken_directions"] is not None else None,
            "chosen": row["name"] == found["chosen"],
        }
    cost = found["cost_of_directions"]
    yield about | {
        "cost_of_directions": cost and [round(bound, 5) for bound in (cost.difference, cost.low, cost.high)],
        "calibration": found["calibration"],
        "ensemble_weights": found["ensemble_weights"],
        "why": found["why"],
        "seconds": round(time.monotonic() - began),
    }
