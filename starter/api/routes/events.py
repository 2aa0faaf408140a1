"""Stage events: everything that happened, in order, to be followed from any place."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from plimsoll.domain.access import Actor, Permission
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/events", tags=["events"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ))]


@router.get("", summary="What happened after a number, in order: `intervention.triggered`, `decision.made`…")
async def follow(
    actor: Reader,
    house: House,
    after: Annotated[int, Query(ge=0, description="the last number you have")] = 0,
    type: Annotated[list[str] | None, Query(description="beginnings of types, such as `intervention.`")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JSONResponse:
    """Numbers only rise, and nothing is ever put in below one that was given out: keep the last and ask again.

    `next` is what to ask after. It moves on past events of other types, too.
    """
    events = house.ports.stage_events
    newest = await events.newest()
    found = await events.after(after, limit, tuple(type or ()))
    last = found[-1]["seq"] if found else after
    more = len(found) == limit
    return answer_json({"data": found, "next": last if more else max(newest, last), "has_more": more})
