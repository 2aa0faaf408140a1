"""Test mode: time passes for one case."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.durations import duration_from
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from starter.engine.fast_forward import fast_forward

router = APIRouter(prefix="/v1/fast-forward", tags=["test mode"])
House = Annotated[Running, Depends(running)]
Tester = Annotated[Actor, Depends(Needs(Permission.LET_TIME_PASS))]


class Span(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str = Field(description="`app_…` or `int_…`")
    duration: str = Field(description="`30d`, `12h`, `90m`")


@router.post("", summary="Lets time pass for one application or intervention, every wait on the way included")
async def pass_time(span: Span, actor: Tester, house: House) -> JSONResponse:
    """Refused in live mode. 202 when the run is still on its way after 25 s; it arrives by itself."""
    arrived = await fast_forward(
        house.settings, house.ports, house.engine.client, span.id, duration_from(span.duration)
    )
    return answer_json({"id": span.id, "passed": span.duration, "arrived": arrived}, status=200 if arrived else 202)
