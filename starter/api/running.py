"""What a running API process holds, handed to its routes."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Request

from plimsoll.domain.errors import NotFound
from plimsoll.domain.product import Product
from plimsoll.settings import Settings
from plimsoll.wiring import Bell, Ports
from starter.api.admission import Admission
from starter.engine import Engine
from starter.intake import Intake


@dataclass
class Running:
    settings: Settings
    ports: Ports
    engine: Engine
    intake: Intake
    admission: Admission

    @property
    def bell(self) -> Bell:
        return self.ports.bell

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


def running(request: Request) -> Running:
    return request.app.state.running
