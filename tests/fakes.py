"""Ports that live in the test: they keep their promises, only without the world behind them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from plimsoll.domain.models.assignment import Lineup
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.underwriting.product import Product
from plimsoll.ports import EngineTask
from tests.fake_sources import FakeEvidenceSource

__all__ = ["FakeEvidenceSource", "FakeLineups", "FakeOutbox", "OneProduct", "SilentBell"]

FAKE_PIN = ModelPin(name="consumer-credit", version="fake", digest="f" * 64, calibration="f" * 64)

FAKE_LINEUP = Lineup(name=FAKE_PIN.name, champion=FAKE_PIN)


@dataclass
class FakeLineups:
    """Who plays which role, as the test says; the fake scorer's own version is champion at first."""

    now: dict[str, Lineup] = field(default_factory=lambda: {FAKE_PIN.name: FAKE_LINEUP})

    async def lineup(self, name: str) -> Lineup:
        return self.now.get(name, Lineup(name=name))

    def forget(self) -> None:
        """Nothing is remembered here."""


class OneProduct:
    """Products with a single pack, changed in some fields."""

    def __init__(self, product: Product, **changes: Any) -> None:
        self._product = product.model_copy(update=changes)

    def get(self, product_id: str) -> Product:
        return self._product

    def all(self) -> list[Product]:
        return [self._product]


@dataclass
class SilentBell:
    """Remembers for whom it was rung."""

    rung: list[str] = field(default_factory=list)

    def ring(self, application: str) -> None:
        self.rung.append(application)


@dataclass
class FakeOutbox:
    """Tasks owed to the engine, in memory: claimed once, back again when they failed."""

    due: list[EngineTask] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    failures: list[tuple[int, str, float]] = field(default_factory=list)
    ended: Callable[[str], bool] = lambda application: False

    async def claim(self, limit: int, lane: str = "engine") -> Sequence[EngineTask]:
        taken, self.due = self.due[:limit], self.due[limit:]
        return taken

    async def delivered(self, *tasks: int) -> None:
        self.done += tasks

    async def failed(self, task: int, error: str, again_in: float) -> None:
        self.failures.append((task, error, again_in))

    async def open_cases(self, older_than: timedelta) -> Sequence[EngineTask]:
        return []

    async def has_ended(self, application: str) -> bool:
        return self.ended(application)

    async def start_under_new_id(self, application: str) -> int:
        return 1
