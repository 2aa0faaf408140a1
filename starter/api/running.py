"""What a running API process holds, handed to its routes."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fastapi import Request

from plimsoll.domain.errors import NotFound
from plimsoll.domain.underwriting.product import Product
from plimsoll.settings import Settings
from plimsoll.wiring import Bell, Ports
from starter.api.admission import Admission
from starter.engine.link import Engine
from starter.events.intake import TransactionIntake
from starter.intake import Intake
from starter.models.scoring import ScoringDesk

FIGURES_KEPT = 10.0


@dataclass
class Running:
    settings: Settings
    ports: Ports
    engine: Engine
    intake: Intake
    scoring: ScoringDesk
    transactions: TransactionIntake
    admission: Admission
    rehearsed: asyncio.Event = field(default_factory=asyncio.Event)  # the first case will wait for nothing
    _counts: dict[str, Any] = field(default_factory=dict)
    _counted_at: float = float("-inf")

    @property
    def bell(self) -> Bell:
        return self.ports.bell

    async def figures(self) -> dict[str, Any]:
        """Counts for `/metrics`, at most ten seconds old: they read whole tables. Raises Unavailable."""
        if time.monotonic() - self._counted_at > FIGURES_KEPT:
            self._counts = await self.ports.reading.counts() | {"backlog": await self.ports.outbox.backlog()}
            self._counted_at = time.monotonic()
        return self._counts | {"engine": float(self.engine.connected)}

    def product_of(self, row: dict[str, Any]) -> Product | None:
        """The pack of a stored application; None when it is not deployed any more."""
        try:
            return self.ports.products.get(row["product"])
        except NotFound:
            return None

    def run_link(self, workflow_id: str, run_id: str = "") -> str | None:
        """The run in Temporal's own UI."""
        if not self.settings.temporal_ui_url:
            return None
        base = self.settings.temporal_ui_url.rstrip("/")
        link = f"{base}/namespaces/{self.settings.temporal_namespace}/workflows/{quote(workflow_id, safe='')}"
        return f"{link}/{run_id}/history" if run_id else link


async def running(request: Request) -> Running:
    """Async although it awaits nothing: FastAPI would send a plain function to a thread."""
    return request.app.state.running
