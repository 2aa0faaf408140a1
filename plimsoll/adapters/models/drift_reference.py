"""`drift_reference.json` beside a model: what its training looked like, in bins and counts."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models import folder as files
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models.calibration import on_sample_scale
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.scoring import ModelRefused
from plimsoll.domain.monitoring.drift import DriftReference, reference_of
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.underwriting.reasons import leading_codes


class NoReference(InvalidRequest):
    """A model of before there was one, or of another making."""

    code = "no_drift_reference"


def reference_for(
    product: Product,
    examples: Examples,
    probability: npt.NDArray[np.float64],
    contributions: npt.NDArray[np.float64] | None = None,
) -> DriftReference:
    """`probability` on the sample's scale and out of fold, so that it is spread as it will be on new applicants;
    `contributions` are (rows, features), in the order of the product's features."""
    risk = product.risk
    return reference_of(
        examples,
        product.features,
        probability=probability,
        reason=None if contributions is None else leading_codes(product, product.features, contributions),
        cut=on_sample_scale(risk.decline_above, risk.sample_bad_rate, risk.portfolio_bad_rate),
    )


def write_reference(folder: Path, reference: DriftReference) -> None:
    (folder / files.DRIFT_REFERENCE).write_text(reference.model_dump_json() + "\n", encoding="utf-8")


class DriftReferences:
    """What each version was trained on, read from beside it and held against the manifest."""

    def __init__(self, models: Path) -> None:
        self._models = models

    def of(self, model: str, version: str) -> DriftReference:
        """Raises NoReference, ModelRefused when it is not the file that training wrote, ModelUnavailable."""
        folder = files.version_folder(self._models, model, version)
        manifest = files.read_manifest(folder)
        if files.DRIFT_REFERENCE not in manifest.files:
            raise NoReference(
                f"The model {model}@{version} has no drift reference to compare with: train and release a new version."
            )
        return DriftReference.model_validate_json(_verified(folder / files.DRIFT_REFERENCE, manifest))


def _verified(path: Path, manifest: Any) -> bytes:
    if not path.exists() or files.digest_of_file(path) != manifest.files[path.name]:
        raise ModelRefused(
            f"{path.name} of {manifest.name}@{manifest.version} is not the file that training wrote: restore it."
        )
    return path.read_bytes()
