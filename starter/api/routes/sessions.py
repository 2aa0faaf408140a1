"""Console sign-in: a role's key now, an identity provider later. Rows on the server, revocable."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import InvalidRequest
from starter.api.auth import Needs, bearer
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])
House = Annotated[Running, Depends(running)]
Anyone = Annotated[Actor, Depends(Needs(Permission.SIGN_IN))]


@router.post("", status_code=201, summary="Open a session with the key in `Authorization`")
async def sign_in(request: Request, actor: Anyone, house: House) -> dict[str, Any]:
    if bearer(request).startswith("pls_"):
        raise InvalidRequest("A session cannot open another session: sign in with your key.")
    token, ends = await house.ports.access.open_session(actor)
    return {"token": token, "ends_at": ends, "actor": _actor(actor)}


@router.get("/current", summary="Who I am")
async def who_am_i(actor: Anyone) -> dict[str, Any]:
    return _actor(actor)


@router.delete("/current", status_code=204, summary="Sign out")
async def sign_out(request: Request, actor: Anyone, house: House) -> Response:
    await house.ports.access.end_session(bearer(request))
    request.app.state.gatekeeper.forget()
    return Response(status_code=204)


def _actor(actor: Actor) -> dict[str, Any]:
    permissions = sorted(permission for permission in Permission if actor.may(permission))
    return {"id": actor.id, "name": actor.name, "roles": list(actor.roles), "permissions": permissions}
