"""Whoever is told of drift, and where pages are kept, in memory."""

import hashlib
from collections.abc import Sequence
from typing import Any

from plimsoll.adapters.messages.webhook import AlertNotTaken
from plimsoll.domain.errors import NotFound, Unavailable
from plimsoll.domain.monitoring.drift import Drift


class FakeAlertSink:
    """Takes what it is told, unless it is away; a key told twice is one alert."""

    def __init__(self, wanted: bool = True) -> None:
        self.wanted = wanted
        self.away = False
        self.tried = 0
        self.taken: dict[str, dict[str, Any]] = {}

    async def send(self, key: str, event: dict[str, Any]) -> None:
        self.tried += 1
        if self.away:
            raise AlertNotTaken("The alert webhook did not answer (ConnectError).")
        self.taken[key] = event


class FakePages:
    """Pages of one line; it cannot draw while `broken`."""

    def __init__(self) -> None:
        self.broken = False
        self.kept: dict[str, bytes] = {}

    def draw(self, report: str, product: str, drift: Drift, title: str, remarks: Sequence[str]) -> tuple[str, str]:
        if self.broken:
            raise Unavailable("The page of this report could not be drawn (TimeoutExpired).")
        return self.keep(report, product, f"<!DOCTYPE html>{title}: {' '.join(remarks)}".encode())

    def keep(self, report: str, product: str, page: bytes) -> tuple[str, str]:
        self.kept[f"{product}/{report}.html.gz"] = page
        return f"{product}/{report}.html.gz", hashlib.sha256(page).hexdigest()

    def read(self, name: str | None, digest: str | None) -> bytes:
        if not name or name not in self.kept:
            raise NotFound("This report has no page here: only the newest are kept. Its figures are in the report.")
        if hashlib.sha256(self.kept[name]).hexdigest() != digest:
            raise Unavailable("The page of this report was changed after it was drawn: it is not shown.")
        return self.kept[name]
