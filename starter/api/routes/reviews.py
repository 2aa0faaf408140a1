"""Reviews: the queue, and what a person does with a case."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.underwriting.review import Answer, TaskState, check_answer
from starter.api.auth import Needs
from starter.api.presenting import in_their_words, money, page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from starter.api.unswayed import covers

router = APIRouter(prefix="/v1/reviews", tags=["reviews"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_REVIEWS))]
Reviewer = Annotated[Actor, Depends(Needs(Permission.REVIEW))]
WAITING = [TaskState.OPEN, TaskState.CLAIMED, TaskState.SECOND]


class Held(StrEnum):
    """Who holds a task, as whoever asks sees it."""

    MINE = "mine"
    OTHERS = "others"
    FREE = "free"
    APPLICANT = "applicant"  # waits for a document
    SECOND = "second"  # a second approval is owed, whoever holds it


@router.get("", summary="The queue: most urgent first")
async def queue(
    actor: Reader,
    house: House,
    queue: str | None = None,
    state: TaskState | None = None,
    held: Held | None = None,
    mine: bool = False,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> dict[str, Any]:
    """Tasks that wait for a person, unless `state` asks for others. `mine` is short for `held=mine`."""
    states = [state.value] if state else [waiting.value for waiting in WAITING]
    rows = await house.ports.reading.queue(
        queue=queue,
        state=states,
        after=after,
        limit=limit + 1,
        held=Held.MINE if mine else held,
        actor=actor,
    )
    return page([_uncovered(house, row, actor) for row in rows], limit)


@router.get("/summary", summary="How many wait in each queue: free, with whoever asks, overdue")
async def summary(actor: Reader, house: House) -> dict[str, Any]:
    return {
        "data": await house.ports.reading.waiting(actor),
        "away": await house.ports.desk.away(datetime.now(UTC)),
    }


@router.get("/{task}", summary="One review task")
async def show(task: str, actor: Reader, house: House) -> JSONResponse:
    return answer_json(_shown(house, await house.ports.reviews.task(task)))


@router.post("/{task}/claim", summary="Take it: a lease, so that nobody works on it twice")
async def claim(task: str, actor: Reviewer, house: House) -> JSONResponse:
    row = await house.ports.reviews.task(task)
    lease = timedelta(minutes=house.ports.products.get(row["product"]).review.lease_minutes)
    return answer_json(_shown(house, await house.ports.reviews.claim(task, actor, lease)))


@router.post("/{task}/release", summary="Give it back to the queue")
async def release(task: str, actor: Reviewer, house: House) -> JSONResponse:
    return answer_json(_shown(house, await house.ports.reviews.release(task, actor)))


@router.post("/{task}/decision", summary="Decide: first verdict wins, repeating it changes nothing")
async def decide(task: str, answer: Answer, request: Request, actor: Reviewer, house: House) -> JSONResponse:
    """Carries the task's `version` as it was shown. 409 with the winner's verdict when somebody was faster."""
    row = await house.ports.reviews.task(task)
    terms = house.ports.products.get(row["product"]).review
    check_answer(terms, answer, actor, row["amount"])
    decided = await house.ports.reviews.decide(task, answer, actor, terms, request.state.request_id)
    return answer_json(_shown(house, decided))


def _uncovered(house: Running, row: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """The risk stays out of the list, too, where a product wants the reviewer's word first."""
    shown = _shown(house, row)
    return shown | {"probability_of_default": None} if covers(house, row["product"], row, actor) else shown


def _shown(house: Running, row: dict[str, Any]) -> dict[str, Any]:
    hidden = {"answered_by", "claimed_by_id", "closed_at", "request_id", "current_round"}
    shown = {name: value for name, value in row.items() if name not in hidden} | {"amount": money(row["amount"])}
    if "verdicts" in row:
        shown["verdicts"] = in_their_words(row["verdicts"], house.product_of(row))
    return shown
