"""The collectors' queue: calls that people make, and what came of them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.outreach.collecting import Report
from starter.api.auth import Needs
from starter.api.presenting import page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/collector-tasks", tags=["collectors"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_CUSTOMERS))]
Collector = Annotated[Actor, Depends(Needs(Permission.INTERVENE))]
WAITING = ["open", "claimed"]


@router.get("", summary="The queue: most urgent first")
async def queue(
    actor: Reader,
    house: House,
    queue: str | None = None,
    state: Literal["open", "claimed", "answered", "closed"] | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> dict[str, Any]:
    """Tasks that wait for a person, unless `state` asks for others."""
    states = [state] if state else WAITING
    rows = await house.ports.outreach.collectors.queue(states=states, queue=queue, after=after, limit=limit + 1)
    return page(rows, limit)


@router.post("/next", summary="Take the most urgent one whose customer may be called now")
async def take_next(actor: Collector, house: House, queue: str | None = None) -> JSONResponse:
    """`data` is null when nothing can be done now."""
    taken = await house.ports.outreach.collectors.next(actor, datetime.now(UTC), queue)
    return answer_json({"data": taken and await _with_replies(house, taken)})


@router.get("/{task}", summary="One task")
async def show(task: str, actor: Reader, house: House) -> JSONResponse:
    """With what the customer wrote in this episode, `replies`."""
    return answer_json(await _with_replies(house, await house.ports.outreach.collectors.task(task)))


@router.post("/{task}/claim", summary="Take it: a lease, so that nobody calls twice")
async def claim(task: str, actor: Collector, house: House) -> JSONResponse:
    """409 with the rule when the customer may not be called now."""
    taken = await house.ports.outreach.collectors.claim(task, actor, datetime.now(UTC))
    return answer_json(await _with_replies(house, taken))


@router.post("/{task}/call", summary="About to dial: the governor's last word, the number, and what to say")
async def call(task: str, actor: Collector, house: House) -> JSONResponse:
    """The call counts from here on. Only for who holds the task."""
    return answer_json(await house.ports.outreach.collectors.call(task, actor, datetime.now(UTC)))


@router.post("/{task}/release", summary="Give it back to the queue")
async def release(task: str, actor: Collector, house: House) -> JSONResponse:
    return answer_json(await house.ports.outreach.collectors.release(task, actor))


@router.post("/{task}/answer", summary="What came of it: first answer wins, repeating it changes nothing")
async def answer(task: str, report: Report, request: Request, actor: Collector, house: House) -> JSONResponse:
    """Carries the task's `version` as it was shown. A promise names amount and day, a tool what was agreed."""
    return answer_json(
        await house.ports.outreach.collectors.answer(task, report, actor, request.state.request_id, datetime.now(UTC))
    )


async def _with_replies(house: Running, task: dict[str, Any]) -> dict[str, Any]:
    return task | {"replies": await house.ports.outreach.hearing.replies(task["intervention_id"])}
