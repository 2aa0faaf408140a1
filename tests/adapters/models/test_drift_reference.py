"""What training leaves beside a model for later checks."""

import json
from pathlib import Path

import numpy as np
import pytest

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.drift_reference import DriftReferences, NoReference
from plimsoll.adapters.models.folder import Manifest
from plimsoll.domain.models.scoring import ModelRefused
from plimsoll.domain.monitoring.drift import NO_REASON, Level, Window, measure
from plimsoll.domain.underwriting.reasons import leading_codes, score_reasons
from tests.applicants import examples, quick_models, the_product, the_set


@pytest.fixture(scope="module")
def models() -> Path:
    return quick_models()[0]


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return quick_models()[1]


def test_a_trained_version_has_a_reference_of_all_its_features(models: Path, manifest: Manifest):
    reference = DriftReferences(models).of(manifest.name, manifest.version)
    assert [each.name for each in reference.columns] == [spec.name for spec in the_product().features]
    assert reference.rows == manifest.data["rows"]
    assert reference.score is not None
    assert reference.reason is not None
    assert reference.approval is not None


def test_training_against_itself_has_not_moved(models: Path, manifest: Manifest):
    again = examples(the_set().training())
    drift = measure(DriftReferences(models).of(manifest.name, manifest.version), Window(len(again), again.columns))
    assert drift.level is Level.QUIET
    assert max(each.psi or 0.0 for each in drift.features) == 0.0


def test_no_row_of_training_is_in_the_reference(models: Path, manifest: Manifest):
    kept = json.loads((models / manifest.name / manifest.version / files.DRIFT_REFERENCE).read_text())
    lists = [part for column in kept["columns"] for part in column.values() if isinstance(part, list)]
    assert max(len(part) for part in lists) < manifest.data["rows"] / 3


def test_a_reference_that_was_changed_is_refused(models: Path, manifest: Manifest):
    path = models / manifest.name / manifest.version / files.DRIFT_REFERENCE
    before = path.read_bytes()
    path.write_bytes(before.replace(b'"rows":', b'"rows" :', 1))
    try:
        with pytest.raises(ModelRefused, match="is not the file that training wrote"):
            DriftReferences(models).of(manifest.name, manifest.version)
    finally:
        path.write_bytes(before)


def test_a_model_without_reference_says_what_to_do(tmp_path: Path, manifest: Manifest):
    folder = tmp_path / manifest.name / manifest.version
    folder.mkdir(parents=True)
    older = {name: digest for name, digest in manifest.files.items() if name != files.DRIFT_REFERENCE}
    (folder / files.MANIFEST).write_text(manifest.model_copy(update={"files": older}).model_dump_json())
    with pytest.raises(NoReference, match=r"has no drift reference to compare with: train and release a new version"):
        DriftReferences(tmp_path).of(manifest.name, manifest.version)


def test_the_first_reason_of_many_is_the_first_reason_of_each():
    product = the_product()
    shares = np.random.default_rng(4).normal(0, 0.3, (50, len(product.features)))
    shares[0] = -1.0
    codes = leading_codes(product, product.features, shares)
    for row, code in zip(shares, codes, strict=True):
        by_feature = {spec.name: float(share) for spec, share in zip(product.features, row, strict=True)}
        reasons = score_reasons(product, by_feature, {})
        assert code == (reasons[0].code if reasons else None)
    assert codes[0] is None
    assert NO_REASON
