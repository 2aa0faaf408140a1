"""What MLflow shows of a version: read back from a store of its own."""

from datetime import datetime

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.making import code_digest
from plimsoll.adapters.models.mlflow_mirror import drawn_curves, mirror, tracking_uri
from plimsoll.adapters.models.shelf import ModelFolder
from plimsoll.domain.models.registry import ModelRecord, ModelState
from tests.applicants import quick_models


def a_record() -> ModelRecord:
    models, manifest = quick_models()
    found = ModelFolder(models).read(manifest.name, manifest.version)
    return ModelRecord(
        id="mdl_1", state=ModelState.CANDIDATE, created_by="act_1", names={"act_1": "Ada"},
        created_at=datetime.fromisoformat(manifest.created_at), **found.model_dump(exclude={"blockers"}),
    )  # fmt: skip


def test_a_run_shows_whose_code_and_data_made_it_how_long_it_took_and_its_curves(tmp_path):
    from mlflow.tracking import MlflowClient

    models, manifest = quick_models()
    mirror(tmp_path, models, [a_record().model_dump(mode="json")])
    client = MlflowClient(tracking_uri(tmp_path))
    (version,) = client.search_model_versions(f"name = '{manifest.name}'")
    run = client.get_run(version.run_id)
    assert run.data.tags["code_digest"] == manifest.code == code_digest()
    assert run.data.tags["data_digest"] == manifest.data["digest"]
    assert run.data.tags["mlflow.user"] == "Ada"
    assert run.info.end_time - run.info.start_time == round(1_000 * manifest.seconds)
    plots = {one.path for one in client.list_artifacts(version.run_id, "plots")}
    assert plots == {f"plots/{name}.svg" for name in ("roc", "calibration", "gains", "cost")}


def test_a_curve_is_a_picture_with_its_name(tmp_path):
    models, manifest = quick_models()
    report = files.version_folder(models, manifest.name, manifest.version) / files.REPORT
    drawings = dict(drawn_curves(report))
    assert drawings["roc"].startswith("<svg")
    assert "roc: bads found against goods called bad" in drawings["roc"]
    assert drawings["gains"].count(",") > 10
    assert dict(drawn_curves(tmp_path / "report.json")) == {}


def test_what_made_a_version_is_no_part_of_what_it_is():
    _, manifest = quick_models()
    other = manifest.model_copy(update={"code": "another", "seconds": 99.0, "created_at": "2030-01-01T00:00:00Z"})
    assert other.content_digest() == manifest.digest
