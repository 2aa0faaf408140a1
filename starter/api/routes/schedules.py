"""What runs by itself: the schedules at Temporal, seen and steered."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from starter.engine import schedules

router = APIRouter(prefix="/v1/schedules", tags=["monitoring"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_SCHEDULES))]
Steerer = Annotated[Actor, Depends(Needs(Permission.RUN_SCHEDULES))]


class Because(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500, description="stands beside the schedule at Temporal")


class Span(BaseModel):
    model_config = ConfigDict(extra="forbid")
    since: AwareDatetime
    until: AwareDatetime


@router.get("", summary="Every schedule: when it runs next, what it ran last, whether it is paused")
async def list_schedules(actor: Reader, house: House) -> JSONResponse:
    return answer_json({"data": await schedules.listed(house.engine.client)})


@router.post("/{schedule:path}/run", summary="Run it now")
async def run_now(schedule: str, actor: Steerer, house: House) -> JSONResponse:
    """Skipped while a run of it is under way."""
    return answer_json(await schedules.run_now(house.engine.client, schedule))


@router.post("/{schedule:path}/pause", summary="Start nothing by itself until it is resumed")
async def pause(schedule: str, because: Because, actor: Steerer, house: House) -> JSONResponse:
    return answer_json(await schedules.pause(house.engine.client, schedule, _note(actor, because)))


@router.post("/{schedule:path}/resume", summary="Start by itself again")
async def resume(schedule: str, because: Because, actor: Steerer, house: House) -> JSONResponse:
    return answer_json(await schedules.resume(house.engine.client, schedule, _note(actor, because)))


@router.post("/{schedule:path}/backfill", summary="Run what was due in a span of the past, one after the other")
async def backfill(schedule: str, span: Span, actor: Steerer, house: House) -> JSONResponse:
    """Each run looks at the window that was due then. It says what the rules would have done, and does nothing."""
    return answer_json(await schedules.backfill(house.engine.client, schedule, span.since, span.until))


@router.get("/{schedule:path}", summary="One schedule")
async def show(schedule: str, actor: Reader, house: House) -> JSONResponse:
    return answer_json(await schedules.shown(house.engine.client, schedule))


def _note(actor: Actor, because: Because) -> str:
    return f"{actor.name}: {because.reason}"
