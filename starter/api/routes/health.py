"""Alive, ready, and the numbers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from plimsoll.domain.errors import Unavailable
from starter.api.running import Running, running

router = APIRouter(tags=["health"])
House = Annotated[Running, Depends(running)]


@router.get("/healthz", summary="The process is alive")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Each part, and whether work is accepted")
async def readyz(house: House) -> JSONResponse:
    """200 while Postgres answers: without Temporal work is accepted and decided later."""
    parts: dict[str, Any] = {"postgres": "ok", "temporal": "ok" if house.engine.connected else "away"}
    status = 200
    try:
        await house.ports.database.check()
    except Unavailable:
        parts["postgres"], status = "away", 503
    return JSONResponse({"status": "ready" if status == 200 else "not ready", "parts": parts}, status)


@router.get("/metrics", summary="Prometheus metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
