"""What happens on customers' accounts: sent in as JSON lines, and what of it was not taken."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.watching.events import Feed
from starter.api.auth import Needs
from starter.api.presenting import page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1", tags=["transactions"])
House = Annotated[Running, Depends(running)]
MAY_SEND = (Permission.SEND_TRANSACTIONS,)
MAY_READ_REJECTED = (Permission.SEND_TRANSACTIONS, Permission.READ_CUSTOMERS)
Sender = Annotated[Actor, Depends(Needs(*MAY_SEND))]
LINES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One event a line.",
        "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/transactions", summary="Send transactions and what else happened, one JSON object a line", openapi_extra=LINES
)
async def send_transactions(request: Request, actor: Sender, house: House) -> JSONResponse:
    """Up to 10,000 lines and 8 MiB: `transaction_id`, `customer`, `occurred_at`, `amount`, `currency`, `direction`
    and what docs/transactions.md names besides.

    200 `{"new", "repeated", "rejected", "problems": [{"line", "problem"}]}`: a bad line is named and the rest goes
    in; what comes again under its `transaction_id` changes nothing. 422 when the only line is bad.
    """
    return await _taken(request, actor, house, Feed.TRANSACTIONS)


@router.post("/repayments", summary="Send repayments and what fell due, one JSON object a line", openapi_extra=LINES)
async def send_repayments(request: Request, actor: Sender, house: House) -> JSONResponse:
    """The same lines as transactions, of kind `repayment` (when they name none) or `payment_due`."""
    return await _taken(request, actor, house, Feed.REPAYMENTS)


@router.get("/transactions/rejected", summary="Lines that were not taken in, the newest first")
async def rejected(
    actor: Annotated[Actor, Depends(Needs(*MAY_READ_REJECTED))],
    house: House,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    after: Annotated[int | None, Query(ge=1, description="The `id` the last page ended with.")] = None,
    feed: Feed | None = None,
) -> JSONResponse:
    """Each with where it stood and what is wrong. What it said is not kept; a line that came twice is listed once."""
    rows = await house.ports.watch.rejected.listed(limit=limit + 1, before=after, feed=feed)
    return answer_json(page(rows, limit))


async def _taken(request: Request, actor: Actor, house: Running, feed: Feed) -> JSONResponse:
    taken = await house.transactions.take(
        await request.body(), feed=feed, actor=actor, request=request.state.request_id
    )
    return JSONResponse(taken.model_dump())
