"""API keys: made, listed, revoked by an admin."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission, Role
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/keys", tags=["keys"])
House = Annotated[Running, Depends(running)]
Admin = Annotated[Actor, Depends(Needs(Permission.MANAGE_KEYS))]


class NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid")
    actor: str = Field(min_length=1, max_length=120, description="who holds it; made if unknown")
    roles: list[Role] = Field(min_length=1)
    name: str = Field(min_length=1, max_length=120, description="what it is for")


@router.post("", status_code=201, summary="Make a key: it is shown this once")
async def create(new: NewKey, request: Request, actor: Admin, house: House) -> dict[str, Any]:
    key = await house.ports.access.create_key(
        new.actor, new.roles, name=new.name, by=actor, request=request.state.request_id
    )
    return {"key": key, "actor": new.actor, "roles": new.roles, "name": new.name}


@router.get("", summary="All keys, without their secrets")
async def list_keys(actor: Admin, house: House) -> JSONResponse:
    return answer_json({"data": await house.ports.access.keys(), "has_more": False, "after": None})


@router.delete("/{key}", status_code=204, summary="Revoke a key and every session opened with it")
async def revoke(key: str, request: Request, actor: Admin, house: House) -> Response:
    await house.ports.access.revoke_key(key, by=actor, request=request.state.request_id)
    request.app.state.gatekeeper.forget()
    return Response(status_code=204)
