"""Applications: submit, read, list, trace, live state, withdraw."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.values import Outcome, Status
from starter.api.auth import Needs
from starter.api.presenting import case_object, decision_object, in_their_words, list_item, page
from starter.api.running import Running, running
from starter.api.unswayed import covered, covers
from starter.engine.client import live_state
from workflows import names

router = APIRouter(prefix="/v1/applications", tags=["applications"])

Reader = Annotated[Actor, Depends(Needs(Permission.READ, Permission.READ_OWN))]
House = Annotated[Running, Depends(running)]
LONGEST_WAIT = 25.0
MAY_SUBMIT = (Permission.SUBMIT,)


@router.post("", status_code=202, summary="Submit one application")
async def submit(request: Request, actor: Annotated[Actor, Depends(Needs(*MAY_SUBMIT))], house: House) -> JSONResponse:
    """201 decided within `Prefer: wait=SECONDS` · 202 accepted, see `Location` · 200 the answer this key got before.

    The body is one application of a product (`GET /v1/products/{id}` has the schema and an example);
    the header `Idempotency-Key` is required.
    """
    house.admission.must_have_room()
    accepted = await house.intake.submit(
        await request.body(),
        key=request.headers.get("idempotency-key"),
        actor=actor,
        request=request.state.request_id,
    )
    seconds = wait_asked(request.headers.get("prefer"))
    if seconds and not accepted.replayed:
        await house.bell.wait(accepted.application, min(seconds, LONGEST_WAIT))
    headers = {"Location": f"/v1/applications/{accepted.application}"}
    if accepted.replayed:
        headers["Idempotency-Replayed"] = "true"
    if not seconds and not accepted.replayed:
        return JSONResponse(receipt(accepted.application), 202, headers)
    answer = await read(house, accepted.application, actor)
    decided = answer["outcome"] is not None
    status = 200 if accepted.replayed else 201 if decided else 202
    return answer_json(answer, status, headers)


@router.get("", summary="List applications, newest first")
async def list_applications(
    actor: Reader,
    house: House,
    status: Status | None = None,
    outcome: Outcome | None = None,
    product: str | None = None,
    external_id: str | None = None,
    waiting_on: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> dict[str, Any]:
    """`after` continues where the last page ended; `waiting_on` names a source."""
    rows = await house.ports.reading.applications(
        limit=limit + 1,
        statuses=[status] if status else None,
        outcome=outcome,
        product=product,
        external_id=external_id,
        waiting_on=waiting_on,
        after=after,
        mine=own_only(actor),
    )
    return page([list_item(row) for row in rows], limit)


@router.get("/{application}", summary="Where one application stands")
async def show(application: str, actor: Reader, house: House) -> JSONResponse:
    return answer_json(await read(house, application, actor))


@router.get("/{application}/case", summary="Everything a reviewer weighs")
async def case(
    application: str, actor: Annotated[Actor, Depends(Needs(Permission.READ))], house: House
) -> JSONResponse:
    return answer_json(await read_case(house, application, actor))


@router.get("/{application}/trace", summary="Every step with inputs, outputs, durations, attempts, versions")
async def trace(
    application: str, actor: Annotated[Actor, Depends(Needs(Permission.READ))], house: House
) -> JSONResponse:
    found = await read_case(house, application, actor)
    history = await house.ports.reading.history(application)
    return answer_json(found | {"ledger": in_their_words(history, house.product_of(found))})


@router.get("/{application}/workflow", summary="What its run does now, from Temporal")
async def workflow(
    application: str, actor: Annotated[Actor, Depends(Needs(Permission.READ_WORKFLOWS))], house: House
) -> JSONResponse:
    """Raises 503 while Temporal is away: `GET /v1/applications/{id}` says from Postgres what it waits on."""
    row = await house.ports.reading.case(application)
    workflow_id = names.underwriting_id(application, row["round"], row["run_suffix"])
    state = await live_state(house.engine.client.get_workflow_handle(workflow_id))
    return answer_json(state | {"ui": house.run_link(workflow_id, state["run_id"])})


class Withdrawal(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=200)


@router.post("/{application}/withdraw", summary="Withdraw it before it is decided")
async def withdraw(
    application: str,
    withdrawal: Withdrawal,
    request: Request,
    actor: Annotated[Actor, Depends(Needs(Permission.WITHDRAW))],
    house: House,
) -> JSONResponse:
    await house.ports.applications.withdraw(
        application,
        actor=actor,
        own_only=own_only(actor) is not None,
        reason=withdrawal.reason,
        request=request.state.request_id,
        now=datetime.now(UTC),
    )
    house.bell.ring(application)
    return answer_json(await read(house, application, actor))


class Copy(BaseModel):
    """A file about a case that somebody takes out of the house."""

    model_config = ConfigDict(extra="forbid")
    form: Literal["auditor", "applicant"]
    mark: str = Field(pattern="^[0-9A-F]{5}-[0-9A-F]{5}$", description="as it stands on the file")
    content: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file")


@router.post("/{application}/copies", status_code=204, summary="Put a copy on record before it is handed out")
async def note_copy(
    application: str,
    copy: Copy,
    request: Request,
    actor: Annotated[Actor, Depends(Needs(Permission.READ))],
    house: House,
) -> None:
    await house.ports.acts.note(
        "application.copied", application=application, by=actor, reason=f"for the {copy.form}",
        request=request.state.request_id, now=datetime.now(UTC), form=copy.form, copy=copy.mark, content=copy.content,
    )  # fmt: skip


# Below the routes -------------------------------------------------------------------------------


async def read(house: Running, application: str, actor: Actor) -> dict[str, Any]:
    row = await house.ports.reading.case(application, own_only(actor))
    steps = await house.ports.reading.steps(application, row["round"])
    shown = decision_object(row, house.product_of(row), steps)
    return covered(shown) if covers(house, row["product"], row["review"], actor) else shown


async def read_case(house: Running, application: str, actor: Actor) -> dict[str, Any]:
    row = await house.ports.reading.case(application)
    steps = await house.ports.reading.steps(application, row["round"])
    shown = case_object(row, house.product_of(row), steps)
    return covered(shown) if covers(house, row["product"], row["review"], actor) else shown


def own_only(actor: Actor) -> str | None:
    """Whoever may not read everything reads what they sent in themselves."""
    return None if actor.may(Permission.READ) else actor.id


def wait_asked(prefer: str | None) -> float:
    """Seconds of `Prefer: wait=N` (RFC 7240); 0 when absent or not a number."""
    found = re.search(r"\bwait=(\d{1,3})\b", prefer or "")
    return float(found.group(1)) if found else 0.0


def receipt(application: str) -> dict[str, Any]:
    link = f"/v1/applications/{application}"
    return {"id": application, "application_id": application, "status": Status.RECEIVED, "outcome": None,
            "links": {"self": link, "trace": f"{link}/trace", "workflow": f"{link}/workflow"}}  # fmt: skip


def answer_json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    from fastapi.encoders import jsonable_encoder

    return JSONResponse(jsonable_encoder(content), status, headers)
