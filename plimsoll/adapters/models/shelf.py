"""Trained versions as the registry reads them: what the manifest says, once every file was held against it."""

import json
from pathlib import Path
from typing import Any

from plimsoll.adapters.models import folder as files
from plimsoll.domain.models.registry import Registration
from plimsoll.domain.models.scoring import ModelUnavailable

REPORT, CARD = "report.json", "card.md"
# How a home of before the registry said what is live; renamed once the registry knows.
LIVE, ADOPTED = "live.json", "live.json.adopted"


class ModelFolder:
    def __init__(self, models: Path) -> None:
        self.place = models

    def read(self, name: str, version: str) -> Registration:
        """Raises ModelRefused, ModelUnavailable."""
        folder = files.version_folder(self.place, name, version)
        if not folder.is_dir():
            raise ModelUnavailable(f"Version {version} of the model {name} is not here; restore or retrain it.")
        manifest = files.verified(folder)
        report = folder / REPORT
        return Registration(
            name=manifest.name,
            version=manifest.version,
            digest=manifest.digest,
            product=manifest.product,
            algorithm=manifest.algorithm,
            manifest=manifest.model_dump(mode="json"),
            report_digest=files.digest_of_file(report) if report.exists() else None,
            blockers=tuple(getattr(manifest, "blockers", ())),
        )

    def report(self, name: str, version: str) -> dict[str, Any] | None:
        """All that was measured; None when the version has none."""
        path = files.version_folder(self.place, name, version) / REPORT
        return json.loads(path.read_bytes()) if path.exists() else None

    def card(self, name: str, version: str) -> str | None:
        path = files.version_folder(self.place, name, version) / CARD
        return path.read_text(encoding="utf-8") if path.exists() else None

    def live_before(self, name: str) -> str | None:
        """The version that decided before there was a registry."""
        try:
            return json.loads(files.version_folder(self.place, name, LIVE).read_text())["version"]
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def was_adopted(self, name: str) -> None:
        """The registry knows what is live: the file must not say anything any more."""
        place = files.version_folder(self.place, name, LIVE)
        if place.exists():
            place.rename(place.with_name(ADOPTED))
