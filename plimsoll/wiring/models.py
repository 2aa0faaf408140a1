"""Models outside a running house: trained at once, compared, looked at, and what is drawn of them.

Libraries that take a second to load are imported by what needs them.
"""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plimsoll.adapters.models import folder
from plimsoll.adapters.models.folder import Manifest
from plimsoll.adapters.models.mlflow_mirror import QUIET, tracking_uri
from plimsoll.adapters.reports.pages import PageFolder
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.training import TrainingPlan
from plimsoll.domain.underwriting.product import FeatureSpec, Product
from plimsoll.settings import Settings
from plimsoll.wiring.labelled import labelled_examples

if TYPE_CHECKING:
    from plimsoll.adapters.models.beside_plain import Beside
    from plimsoll.adapters.models.trials import Trial

MLFLOW = "mlflow"


def train_model(settings: Settings, product: Product, created_at: str) -> Manifest:
    """A new version of the product's model, trained at once on what its pack names; nobody uses it yet."""
    from plimsoll.adapters.models import training

    examples = labelled_examples(settings, product, datetime.fromisoformat(created_at).date())
    return training.train(product, examples, settings.models, created_at=created_at)


def small_model(settings: Settings, product: Product, created_at: str) -> Manifest:
    """A version to measure speed with, made of few rows: as many trees as any, and soon done."""
    from plimsoll.adapters.models.training import Plan, train

    plan = Plan(members=2, folds=2, repeats=1, member_trees=40)
    examples = labelled_examples(settings, product, datetime.fromisoformat(created_at).date())
    some = examples.take(np.arange(0, len(examples), 1 + len(examples) // 3_000))
    return train(product, some, settings.models, created_at=created_at, plan=plan)


def newest_model(settings: Settings, product: Product) -> Manifest | None:
    """The version trained last, live or not; None when nothing was trained."""
    found = folder.versions(settings.models, product.model)
    return found[-1] if found else None


def first_look(features: Sequence[FeatureSpec], examples: Examples, progress: Any) -> tuple[Any, Any, Any]:
    """A quick model of unknown data: figures, out-of-fold probabilities, and the rows they belong to."""
    from plimsoll.adapters.models import first_look as quick

    return quick.first_look(features, dict(examples.columns), examples.bad, progress)


def trial_model(features: Sequence[FeatureSpec], examples: Examples) -> "Trial":
    """A model to compare with another, without making a version."""
    from plimsoll.adapters.models.trials import learn

    return learn(features, examples)


def compare_candidates(
    features: Sequence[FeatureSpec], examples: Examples, folder: Path, plan: TrainingPlan
) -> dict[str, Any]:
    """Every family on the same folds, without making a version; pieces are kept in the folder."""
    from plimsoll.adapters.models.candidates import compared
    from plimsoll.adapters.models.tuning import Field

    return compared(Field(tuple(features), examples, folder, plan))


def beside_plain(
    product: Product, examples: Examples, plain: tuple[Sequence[FeatureSpec], Examples], repeat: int
) -> "Beside":
    """A product's features and a set's plain columns, out of the same folds."""
    from plimsoll.adapters.models import beside_plain as comparing

    features, columns = plain
    return comparing.beside_plain(product.features, examples, features, columns.columns, repeat)


def mlflow_command(settings: Settings, port: int) -> tuple[list[str], dict[str, str]]:
    """Python's arguments and the environment for MLflow's own pages on the mirror's store: two processes."""
    store = settings.home_dir / MLFLOW
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = ["-m", "mlflow", "server", "--backend-store-uri", tracking_uri(store), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    # With job execution on it is nine processes and 2.6 GiB.
    return command, {**os.environ, **QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def drift_pages(folder: Path) -> PageFolder:
    """Where pages of drift checks are drawn and kept."""
    return PageFolder(folder)
