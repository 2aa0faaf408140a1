"""What watching a live model needs: references, windows, reports, and who is told."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from plimsoll.domain.access import Actor
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.monitoring.alerts import PastCheck
from plimsoll.domain.monitoring.drift import Drift, DriftReference, Window
from plimsoll.domain.monitoring.drift_report import DriftReport
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Value


class OwedAlert(Value):
    """Something somebody outside is to be told of, with a key under which a repeat is recognised."""

    id: int
    key: str
    event: dict[str, Any]


class AlertOutbox(Protocol):
    """Alerts kept until somebody takes them."""

    async def claim_alerts(self, limit: int) -> Sequence[OwedAlert]: ...

    async def delivered(self, *tasks: int) -> None: ...

    async def given_up(self) -> int: ...


class DriftReferenceStore(Protocol):
    """What each version of a model was trained on, in bins and counts."""

    def of(self, model: str, version: str) -> DriftReference:
        """Raises InvalidRequest when this version has none, ModelRefused when it was altered."""
        ...


class LiveWindowReader(Protocol):
    """What the models of a product were asked."""

    async def read(
        self, product: Product, model: ModelPin, since: datetime, until: datetime, seen: Callable[[int], None]
    ) -> Window:
        """`seen` is told how many rows were read, again and again."""
        ...


class DriftReportStore(Protocol):
    """Drift checks on record."""

    async def find(self, report: str) -> DriftReport | None: ...

    async def get(self, report: str) -> DriftReport:
        """Raises NotFound."""
        ...

    async def past(self, product: str, model_digest: str, before: datetime) -> Sequence[PastCheck]:
        """Checks of this model whose window ended earlier, newest first."""
        ...

    async def save(self, report: DriftReport, by: Actor, request: str) -> None:
        """Once: a report that is there stays as it is."""
        ...

    async def did(self, report: str, kind: str, rule: str, by: Actor, reason: str, now: datetime, **facts: Any) -> None:
        """What an action came to, once for each rule."""
        ...


class ReportPages(Protocol):
    """Pages that people open."""

    def draw(self, report: str, product: str, drift: Drift, title: str, remarks: Sequence[str]) -> tuple[str, str]:
        """Name and digest. CPU-bound and slow; raises Unavailable."""
        ...

    def read(self, name: str | None, digest: str | None) -> bytes:
        """Raises NotFound, Unavailable."""
        ...


class AlertSink(Protocol):
    """Whoever wants to be called when something moved."""

    @property
    def wanted(self) -> bool: ...

    async def send(self, key: str, event: dict[str, Any]) -> None:
        """Raises Unavailable unless it was taken."""
        ...
