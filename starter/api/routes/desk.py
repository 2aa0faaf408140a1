"""The reviewer's desk: notes, papers, offers worked out, similar cases, handing up, being away."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.underwriting.desk import check_document_code, checked_paper
from plimsoll.domain.underwriting.facts import Ask
from starter.api.auth import Needs
from starter.api.presenting import list_item
from starter.api.routes.applications import answer_json, own_only
from starter.api.running import Running, running
from starter.api.unswayed import must_see_the_score
from starter.reviewing import offer_of

router = APIRouter(prefix="/v1", tags=["reviews"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ))]
Reviewer = Annotated[Actor, Depends(Needs(Permission.REVIEW))]
# A paper is the applicant's own: who decides on it, and who checks those.
MayOpen = Annotated[Actor, Depends(Needs(Permission.REVIEW, Permission.READ_LEDGER))]
Sender = Annotated[Actor, Depends(Needs(Permission.SUBMIT))]


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=4000, description="kept sealed with the case, for good")


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: str = Field(max_length=60, description="a document of the product's list")


class HandedUp(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500, description="goes on record")


class Away(BaseModel):
    model_config = ConfigDict(extra="forbid")
    until: AwareDatetime


# A case ------------------------------------------------------------------------------------------


@router.post("/applications/{application}/notes", status_code=204, summary="Write down what the next one should know")
async def note(application: str, note: Note, request: Request, actor: Reviewer, house: House) -> None:
    await house.ports.desk.note(application, note.text, by=actor, request=request.state.request_id, now=_now())


@router.get("/applications/{application}/similar", summary="Decided cases nearest in risk, amount and term")
async def similar(application: str, actor: Reader, house: House) -> JSONResponse:
    """At most five, each with its decision and, once it is known, whether it ended `bad`."""
    await must_see_the_score(house, application, actor)
    return answer_json({"data": [list_item(row) for row in await house.ports.reading.similar(application)]})


@router.get("/applications/{application}/offer", summary="What another offer would cost and risk")
async def offer(
    application: str,
    actor: Reviewer,
    house: House,
    amount: Annotated[Decimal, Query(gt=0, max_digits=14, decimal_places=2)],
    term_months: Annotated[int, Query(gt=0, le=480)],
) -> JSONResponse:
    """Priced as a verdict with it would be; nothing is stored."""
    await must_see_the_score(house, application, actor)
    offered = Ask(amount=amount, term_months=term_months)
    return answer_json(await offer_of(house.ports, application, offered, actor, _now()))


# Papers ------------------------------------------------------------------------------------------


@router.post("/reviews/{task}/documents", status_code=204, summary="Ask the applicant for a document")
async def ask_for(task: str, wanted: Wanted, request: Request, actor: Reviewer, house: House) -> None:
    """Told to the lender's own systems as `document.asked`; the case waits, and comes back when it is handed in."""
    row = await house.ports.reviews.task(task)
    terms = house.ports.products.get(row["product"]).review
    check_document_code(terms, wanted.code)
    await house.ports.desk.ask_for(task, wanted.code, terms, by=actor, request=request.state.request_id, now=_now())


@router.put("/applications/{application}/documents/{document}", status_code=204, summary="Hand a document in")
async def hand_in(
    application: str,
    document: str,
    request: Request,
    actor: Sender,
    house: House,
    name: Annotated[str, Query(max_length=200)] = "",
) -> None:
    """The file itself as body, its type as `Content-Type`: PDF, JPEG or PNG of at most 2 MiB. Repeating is safe."""
    paper = checked_paper(name, request.headers.get("content-type", ""), await request.body())
    mine = own_only(actor)
    product, _ = await house.ports.reading.reviewed(application, mine)
    terms = house.ports.products.get(product).review
    await house.ports.desk.hand_in(
        application, document, paper, terms, own_only=mine is not None, by=actor,
        request=request.state.request_id, now=_now(),
    )  # fmt: skip


@router.get("/applications/{application}/documents/{document}", summary="Open a document; goes on record")
async def open_document(application: str, document: str, request: Request, actor: MayOpen, house: House) -> Response:
    paper = await house.ports.desk.open(application, document, by=actor, request=request.state.request_id, now=_now())
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(paper.name)}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(paper.content, media_type=paper.media_type, headers=headers)


# The desk ----------------------------------------------------------------------------------------


@router.post("/reviews/{task}/hand-up", status_code=204, summary="Leave it to a senior reviewer")
async def hand_up(task: str, why: HandedUp, request: Request, actor: Reviewer, house: House) -> None:
    await house.ports.desk.hand_up(task, why.reason, by=actor, request=request.state.request_id, now=_now())


@router.put("/reviews/absence", summary="Be away: what one holds goes back to the queue")
async def leave(away: Away, actor: Reviewer, house: House) -> dict[str, Any]:
    """Colleagues see until when. Taking a case ends it."""
    if away.until <= _now():
        raise InvalidRequest(f"`until` is {away.until:%Y-%m-%d %H:%M} UTC, which is over: say when you are back.")
    return {"given_back": await house.ports.desk.leave(actor, away.until)}


@router.delete("/reviews/absence", status_code=204, summary="Be back")
async def come_back(actor: Reviewer, house: House) -> None:
    await house.ports.desk.come_back(actor)


def _now() -> datetime:
    return datetime.now(UTC)
