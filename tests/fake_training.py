"""A workshop, a shelf and a mirror that work without files and in no time, and do what a test tells them."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from plimsoll.domain.models.registry import Registration
from plimsoll.domain.models.scoring import ModelRefused, ModelUnavailable
from plimsoll.domain.models.training import Progress, StepResult, TrainingStep
from plimsoll.domain.models.training_run import TrainingRun
from tests.port_contracts.test_model_registries import a_version


def nothing(progress: Progress) -> None:
    """The step is done at once."""


@dataclass
class FakeWorkshop:
    """`doing[step]` is what a step does besides; `stops[step]` the sentence with which it ends the run."""

    doing: dict[str, Callable[[Progress], None]] = field(default_factory=dict)
    stops: dict[str, str] = field(default_factory=dict)
    taken: Counter = field(default_factory=Counter)
    begun: threading.Event = field(default_factory=threading.Event)
    defects: set[str] = field(default_factory=set)  # steps that break whenever they are taken
    gives: str | None = None  # the version every run gives; one of its own otherwise

    def fetch(self, run: TrainingRun, progress: Progress) -> str:
        self._do("fetch", progress)
        return "100 labelled applications, 30.0% of them bad."

    def take(self, step: TrainingStep, run: TrainingRun, progress: Progress) -> StepResult:
        self._do(step, progress)
        sentence = self.stops.get(step, f"{step} is done.")
        return StepResult(step=step, sentence=sentence, stopped=step in self.stops, figures={"n": 100}, seconds=0.1)

    def published(self, run: TrainingRun) -> tuple[str, str]:
        version = a_version(self.gives or run.id)
        return version.name, version.version

    def _do(self, step: str, progress: Progress) -> None:
        self.taken[step] += 1
        progress(f"{step} …", 1, 2)
        self.begun.set()
        if step in self.defects:
            raise ZeroDivisionError
        self.doing.get(step, nothing)(progress)


@dataclass
class FakeShelf:
    """Versions that need no files; `tampered` and `gone` are refused."""

    versions: dict[str, Registration] = field(default_factory=dict)
    tampered: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def put(self, version: Registration) -> Registration:
        self.versions[version.version] = version
        return version

    def read(self, name: str, version: str) -> Registration:
        if version in self.tampered:
            raise ModelRefused(f"model.cbm of {name} {version} is not the file that was trained: its digest differs.")
        found = self._known(name, version)
        if found is None or version in self.gone:
            raise ModelUnavailable(f"Version {version} of the model {name} is not here; restore or retrain it.")
        return found

    def report(self, name: str, version: str) -> dict[str, Any] | None:
        found = self._known(name, version)
        return {"metrics": found.manifest["metrics"]} if found else None

    def card(self, name: str, version: str) -> str | None:
        return "# A card" if self._known(name, version) else None

    def live_before(self, name: str) -> str | None:
        return None

    def _known(self, name: str, version: str) -> Registration | None:
        found = self.versions.get(version)
        return found if found and found.name == name else None


@dataclass
class FakeMirror:
    """Counts how often it was told; `fails` is what it raises instead."""

    told: int = 0
    fails: Exception | None = None

    async def catch_up(self) -> None:
        if self.fails:
            raise self.fails
        self.told += 1
