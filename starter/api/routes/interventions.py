"""Interventions: who is helped, where each stands, and whether it helps."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, field_validator

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.outreach import hold_out
from plimsoll.domain.outreach.episode import EpisodeState, Trigger, TriggerSource
from plimsoll.domain.values import RiskLevel
from starter.api.auth import Needs
from starter.api.presenting import money, page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from workflows import names

router = APIRouter(prefix="/v1/interventions", tags=["interventions"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_CUSTOMERS))]
Helper = Annotated[Actor, Depends(Needs(Permission.INTERVENE))]
Why = Annotated[str, Field(min_length=3, max_length=500, description="goes on record")]


class Begin(BaseModel):
    model_config = ConfigDict(extra="forbid")
    person: str = Field(description="`per_…`, as a customer's page says")
    product: str = "consumer-credit"
    level: RiskLevel = RiskLevel.HIGH
    asked_for_help: bool = Field(default=False, description="the customer did: then nobody is held back")
    reason: Why

    @field_validator("person")
    @classmethod
    def ours(cls, person: str) -> str:
        if not person.startswith("per_"):
            raise ValueError(f"{person!r} is no id of ours: write per_…, as `plimsoll customer show` says it")
        return person


class Because(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Why


@router.get("", summary="Interventions, newest first")
async def list_interventions(
    actor: Reader,
    house: House,
    person: str | None = None,
    state: EpisodeState | None = None,
    level: RiskLevel | None = None,
    arm: Annotated[str | None, Query(description="`hold_out`, or a strategy")] = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> JSONResponse:
    rows = await house.ports.outreach.interventions.newest(
        person=person, state=state, level=level, arm=arm, after=after, limit=limit + 1
    )
    return answer_json(page([_shown(house, row) for row in rows], limit))


@router.get("/strategies", summary="The strategy table in force, and what its hold-out can find out")
async def strategies(actor: Reader, house: House) -> JSONResponse:
    table = house.ports.outreach.strategies.table()
    planned = hold_out.plan_effect(table, await house.ports.outreach.effect.monthly(datetime.now(UTC)))
    return answer_json({"table": table.model_dump(mode="json"), "plan": planned.model_dump(mode="json")})


@router.get("/effect", summary="Does it help? Treated against held out, as assigned, with intervals")
async def effect(actor: Reader, house: House) -> JSONResponse:
    """Episodes count at 30, 60 and 90 days once they are that old. No verdict before the planned sample is in."""
    table = house.ports.outreach.strategies.table()
    now = datetime.now(UTC)
    followed = await house.ports.outreach.effect.followed(table.outcome_days, now)
    planned = hold_out.plan_effect(table, await house.ports.outreach.effect.monthly(now))
    return answer_json(
        {
            "plan": planned.model_dump(mode="json"),
            "effect": [each.model_dump(mode="json") for each in hold_out.read_effect(table, followed)],
            "arms": [each.model_dump(mode="json") for each in hold_out.read_arms(table, followed)],
            "counts": [each.model_dump(mode="json") for each in followed],
        }
    )


@router.get("/accounting", summary="Triggers against what became of each")
async def accounting(actor: Reader, house: House) -> JSONResponse:
    return answer_json(await house.ports.outreach.interventions.accounting())


@router.get("/{intervention}", summary="One episode: why, its steps, calls, answers, promises, and how it went")
async def show(intervention: str, actor: Reader, house: House) -> JSONResponse:
    story = await house.ports.outreach.interventions.story(intervention)
    said = {"replies": await house.ports.outreach.hearing.replies(intervention)}
    return answer_json(_shown(house, story) | said)


@router.post("", summary="Begin one by hand", status_code=201)
async def start(wanted: Begin, request: Request, actor: Helper, house: House) -> JSONResponse:
    """409 with the rule that stands against it. With one open it is told of the level; nothing is doubled."""
    now = datetime.now(UTC)
    trigger = Trigger(
        person=wanted.person,
        product=wanted.product,
        level=wanted.level,
        at=now,
        source=TriggerSource.PERSON,
        asked_for_help=wanted.asked_for_help,
    )
    came = await house.ports.outreach.interventions.start(trigger, **_said(actor, wanted.reason, request), now=now)
    assert came.intervention is not None  # whatever stood against it was a Conflict
    row = await house.ports.outreach.interventions.story(came.intervention)
    return answer_json(_shown(house, row), status=201 if came.opened else 200)


@router.post("/{intervention}/cancel", summary="Nothing more is done; how it goes is still looked at")
async def cancel(intervention: str, why: Because, request: Request, actor: Helper, house: House) -> JSONResponse:
    await house.ports.outreach.interventions.cancel(
        intervention, **_said(actor, why.reason, request), now=datetime.now(UTC)
    )
    return await show(intervention, actor, house)


def _said(actor: Actor, reason: str, request: Request) -> dict[str, Any]:
    return {"by": actor, "reason": reason, "request": request.state.request_id}


def _shown(house: Running, row: dict[str, Any]) -> dict[str, Any]:
    workflow_id = names.intervention_id(row["id"])
    amounts = {
        name: [each | {field: money(each[field])} for each in row[name]]
        for name, field in (("commitments", "amount"), ("outcomes", "paid"))
        if name in row
    }
    return row | amounts | {"workflow_id": workflow_id, "ui": house.run_link(workflow_id)}
