"""More versions of the quickly trained model, made without training: the same files under another seed."""

import shutil
from pathlib import Path

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.folder import Manifest
from tests.applicants import quick_models


def a_models_folder(place: Path, versions: int = 1) -> list[Manifest]:
    """A folder of its own with the trained version and others beside it, each with a report; the oldest first."""
    trained, manifest = quick_models()
    found = [another(trained, place, manifest, seed) for seed in range(versions)]
    return sorted(found, key=lambda manifest: manifest.created_at)


def another(trained: Path, place: Path, manifest: Manifest, seed: int) -> Manifest:
    moment = f"2026-06-{seed + 1:02}T00:00:00Z"
    made = manifest.model_copy(update={"seed": seed, "created_at": moment}).sealed()
    target = place / made.name / made.version
    shutil.copytree(trained / manifest.name / manifest.version, target)
    (target / files.MANIFEST).write_text(made.model_dump_json(indent=1) + "\n")
    return made


def without_report(place: Path, manifest: Manifest) -> Manifest:
    """The same version as one of before would be that brought none."""
    kept = {name: digest for name, digest in manifest.files.items() if name != files.REPORT}
    bare = manifest.model_copy(update={"files": kept}).sealed()
    folder = place / bare.name / bare.version
    shutil.copytree(place / manifest.name / manifest.version, folder, ignore=shutil.ignore_patterns(files.REPORT))
    (folder / files.MANIFEST).write_text(bare.model_dump_json(indent=1) + "\n")
    return bare
