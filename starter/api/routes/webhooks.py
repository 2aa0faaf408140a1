"""Who outside is told of stage events, and how far."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/webhooks", tags=["record"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_WORKFLOWS))]
Mover = Annotated[Actor, Depends(Needs(Permission.RESUME))]


class From(BaseModel):
    model_config = ConfigDict(extra="forbid")
    after: int = Field(ge=0, description="the next event told is the first after this `seq`")
    reason: str = Field(min_length=3, max_length=500)


@router.get("", summary="Everybody who is told of stage events: how far, and what stands in the way")
async def list_webhooks(actor: Reader, house: House) -> JSONResponse:
    """`listed` says whether `secrets/webhooks.json` still names them; addresses and secrets are not shown."""
    listed = house.ports.receivers.all()
    rows = await house.ports.deliveries.all()
    shown = [
        {name: row[name] for name in ("name", "seq", "attempts", "not_before", "last_error", "told_at")}
        | {"behind": row["newest"] - row["seq"], "listed": row["name"] in listed}
        | {"types": listed[row["name"]].types if row["name"] in listed else ()}
        for row in rows
    ]
    return answer_json({"data": shown})


@router.post("/{webhook}/from", summary="Tell again from an earlier event, or leave some out")
async def tell_from(webhook: str, begin: From, request: Request, actor: Mover, house: House) -> JSONResponse:
    await house.ports.deliveries.move(
        webhook, begin.after, by=actor, reason=begin.reason, request=request.state.request_id, now=datetime.now(UTC)
    )
    return answer_json({"name": webhook, "seq": begin.after})
