"""What providers of accounts tell us by themselves: that there is something new. No key: each proves itself."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from plimsoll.domain.errors import NotFound, NotSignedIn
from starter.api.running import Running, running
from starter.engine.schedules import sync_now

router = APIRouter(prefix="/v1/feeds", tags=["transactions"])
House = Annotated[Running, Depends(running)]


@router.post("/{provider}/webhook", summary="Something is new at a provider, signed by it", status_code=202)
async def hear(provider: str, request: Request, house: House) -> JSONResponse:
    """202: its accounts are read now, each by the run that its schedule starts. 401 when the signature does not fit.

    The notice says only that there is something; what it is comes from the provider's own pages.
    """
    names = house.ports.watch.feeds.names_of(provider)
    if not names:
        raise NotFound(f"There is no feed of {provider} here.")
    body = await request.body()
    if not await house.ports.watch.feeds.fits(provider, request.headers, body, int(time.time())):
        raise NotSignedIn("The signature does not fit the notice.")
    for name in names:
        await sync_now(house.engine.client, name)
    return JSONResponse({"syncing": len(names)}, 202)
