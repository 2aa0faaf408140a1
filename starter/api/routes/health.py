"""Alive, ready, and the numbers."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from plimsoll.domain.errors import Unavailable
from starter.api.running import Running, running

router = APIRouter(tags=["health"])
House = Annotated[Running, Depends(running)]


@router.get("/healthz", summary="The process is alive")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Each part, and whether work is accepted")
async def readyz(house: House) -> JSONResponse:
    """200 once models and policies are read in and while Postgres answers: without Temporal work is accepted and
    decided later."""
    parts: dict[str, Any] = {"postgres": "ok", "temporal": "ok" if house.engine.connected else "away"}
    status = 200
    try:
        await house.ports.database.check()
    except Unavailable:
        parts["postgres"], status = "away", 503
    if not house.rehearsed.is_set():
        parts["decider"], status = "warming up", 503
    return JSONResponse({"status": "ready" if status == 200 else "not ready", "parts": parts}, status)


@router.get("/metrics", summary="Prometheus metrics")
async def metrics(house: House) -> Response:
    """This process's own figures, and the house's as Postgres knows them: the same from every process."""
    figures = generate_latest()
    with contextlib.suppress(Unavailable):  # a scrape while Postgres is away still says how this process does
        figures += generate_latest(HouseFigures(await house.figures()))
    return Response(figures, media_type=CONTENT_TYPE_LATEST)


class HouseFigures(CollectorRegistry):
    """The counts of `Reading.counts`, as metric families."""

    def __init__(self, counts: dict[str, Any]) -> None:
        super().__init__()
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        decisions = CounterMetricFamily(
            "plimsoll_decisions", "Decisions made.", labels=["product", "outcome", "decided_by"]
        )
        for row in self._counts["by_outcome"]:
            decisions.add_metric([row["product"], row["outcome"], row["outcome_source"]], row["n"])
        yield decisions
        standing = GaugeMetricFamily("plimsoll_applications", "Applications by where they stand.", labels=["status"])
        for row in self._counts["by_status"]:
            standing.add_metric([row["status"]], row["n"])
        yield standing
        waiting = GaugeMetricFamily("plimsoll_waiting_on_source", "Cases that wait on a source.", labels=["source"])
        for row in self._counts["waiting_on"]:
            waiting.add_metric([row["source"]], row["n"])
        yield waiting
        yield GaugeMetricFamily(
            "plimsoll_outbox_backlog", "Accepted applications nobody has started yet.", value=self._counts["backlog"]
        )
        yield GaugeMetricFamily(
            "plimsoll_engine_connected", "1 while Temporal is connected.", value=self._counts["engine"]
        )
