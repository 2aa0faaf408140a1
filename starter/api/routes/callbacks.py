"""What message gateways tell us by themselves. No key: each proves itself by its signature."""

import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/callbacks", tags=["contacts"])
House = Annotated[Running, Depends(running)]


@router.post("/{gateway}", summary="A receipt, a bounce or an answer, signed by its gateway")
async def hear(gateway: str, request: Request, house: House) -> JSONResponse:
    """200 whether it is new, known or about nobody of ours; 401 when the signature does not fit. Twice, late and in any
    order is harmless."""
    carrier = house.ports.outreach.gateways.named(gateway)
    events = carrier.read_callback(str(request.url), request.headers, await request.body(), int(time.time()))
    heard = await house.ports.outreach.hearing.hear(carrier.name, carrier.channel, events, datetime.now(UTC))
    return answer_json({"heard": heard})
