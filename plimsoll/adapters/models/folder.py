"""Where models live: `<models>/<name>/<version>/` with a manifest that names every file's digest.

    manifest.json     what it is, what it was trained on, how good it was, digest of each file
    model.cbm         the model (of CatBoost; others: model.skops, model.json, a folder for each part)
    members.cbm       the bootstrap members, summed into one (their leaves tell them apart)
    completion.json   what stands for gaps in directed columns
    calibration.json  from log-odds to probability
    attribution.npy   contribution of each feature per leaf
    training_rows.npy a sample of training rows (features only), for novelty and for completing
                      what a missing source would have said
    reference.npy     rows of the reference group, where contributions are not kept in a table
    report.json, card.md  all that was measured, for programs and for people
    drift_reference.json  bins and counts of training, for what a drift check compares with

A `<models>/<name>/live.json` is how a home of before the registry said what is live (`starter/models/adopting.py`).
"""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from pydantic import Field

from plimsoll.domain.models.scoring import ModelPin, ModelRefused, ModelUnavailable
from plimsoll.domain.underwriting.product import FeatureSpec
from plimsoll.domain.values import Value

MANIFEST = "manifest.json"
MODEL, MEMBERS, CALIBRATION = "model.cbm", "members.cbm", "calibration.json"
ATTRIBUTION, TRAINING_ROWS = "attribution.npy", "training_rows.npy"
REFERENCE = "reference.npy"
REPORT, CARD = "report.json", "card.md"
DRIFT_REFERENCE = "drift_reference.json"
FILES = (MODEL, MEMBERS, CALIBRATION, ATTRIBUTION, TRAINING_ROWS)
# Formats that run code when they are read. None of ours is one, so finding one means tampering.
REFUSED_SUFFIXES = (".pkl", ".pickle", ".joblib", ".dill")
LATER_FIELDS = ("family", "blockers", "ranges")
MAKING = {"created_at", "code", "seconds"}
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class Manifest(Value):
    """Everything worth knowing about one version. `digest` covers what it is, not how it came to be (`MAKING`)."""

    name: str
    version: str = ""  # first twelve characters of the digest
    digest: str = ""
    product: str
    algorithm: str
    family: str = "catboost"  # how its files are read; `ensemble:` names its parts
    created_at: str  # given by the caller
    seed: int
    features: tuple[FeatureSpec, ...]
    columns: tuple[str, ...]
    directions: tuple[int, ...]  # per column: 1 up, -1 down, 0 free
    members: int
    member_trees: tuple[int, ...]  # trees of each member, in the order they were summed
    cut: float  # corrected probability the reference group was chosen by
    reference: dict[str, Any]
    data: dict[str, Any]  # digest, rows, target_rate
    plan: dict[str, Any]
    metrics: dict[str, Any]
    libraries: dict[str, str]
    files: dict[str, str]  # name -> sha256
    blockers: tuple[str, ...] = ()  # why it may not be released
    # Lowest and highest value of each number in training.
    ranges: dict[str, tuple[float, float]] = Field(default_factory=dict)
    code: str = ""  # digest of the program that trained it
    seconds: float | None = None  # that the training took

    def pin(self, role: str = "champion", arm: str = "champion") -> ModelPin:
        return ModelPin(
            name=self.name,
            version=self.version,
            digest=self.digest,
            calibration=self.files[CALIBRATION],
            role=role,
            arm=arm,
        )

    def sealed(self) -> "Manifest":
        digest = self.content_digest()
        return self.model_copy(update={"digest": digest, "version": digest[:12]})

    def content_digest(self) -> str:
        # What later versions of this file added does not count where it says nothing: older digests still hold.
        fields = type(self).model_fields
        added = {
            name for name in LATER_FIELDS if getattr(self, name) == fields[name].get_default(call_default_factory=True)
        }
        content = self.model_dump(mode="json", exclude={"digest", "version"} | MAKING | added)
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def version_folder(models: Path, name: str, version: str) -> Path:
    """Raises ModelRefused for a name that is not a plain folder name."""
    for part in (name, version):
        if not SAFE_NAME.fullmatch(part):
            raise ModelRefused(f"{part!r} is not a model name or version: letters, digits, dot, dash only.")
    return models / name / version


def read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ModelUnavailable(f"There is no model in {folder.name}: {MANIFEST} is missing; train it.") from None
    except ValueError as error:
        raise ModelRefused(f"The manifest of {folder.name} cannot be read: {error}") from None


def verified(folder: Path) -> Manifest:
    """The manifest, after every file was held against its digest. Raises ModelRefused, ModelUnavailable."""
    manifest = read_manifest(folder)
    if manifest.content_digest() != manifest.digest:
        raise ModelRefused(f"The manifest of {manifest.name} {folder.name} was changed after training.")
    for path in folder.rglob("*"):
        if path.suffix in REFUSED_SUFFIXES:
            raise ModelRefused(f"{path.name} in {manifest.name} {folder.name} is a pickle: those run code; remove it.")
    for name in {*_needed(manifest), *manifest.files}:
        _verify_file(folder, name, manifest)
    return manifest


def _needed(manifest: Manifest) -> tuple[str, ...]:
    """What is served from, whether or not the manifest says so."""
    return FILES if manifest.family == "catboost" else (CALIBRATION, REFERENCE, TRAINING_ROWS)


def _verify_file(folder: Path, name: str, manifest: Manifest) -> None:
    if not all(SAFE_NAME.fullmatch(part) for part in name.split("/")):
        raise ModelRefused(
            f"The manifest of {manifest.name} {manifest.version} names a file {name!r} outside its folder."
        )
    path = folder / name
    if not path.exists():
        raise ModelUnavailable(f"{path.name} of {manifest.name} {manifest.version} is missing; restore or retrain it.")
    if digest_of_file(path) != manifest.files.get(name):
        raise ModelRefused(
            f"{path.name} of {manifest.name} {manifest.version} is not the file that was trained: its digest differs."
        )


def versions(models: Path, name: str) -> list[Manifest]:
    """Every version of a name, oldest first. Not verified: for lists."""
    folders = [path.parent for path in (models / name).glob(f"*/{MANIFEST}")]
    return sorted((read_manifest(folder) for folder in folders), key=lambda m: (m.created_at, m.version))


def write_atomically(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
