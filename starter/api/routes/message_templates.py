"""Message templates: proposed by one person, approved by another, and only then sent."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import FieldsInvalid
from plimsoll.domain.outreach.templates import Template, problems_of
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/message-templates", tags=["contacts"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_CUSTOMERS))]
Proposer = Annotated[Actor, Depends(Needs(Permission.MANAGE_CONTACTS))]
Approver = Annotated[Actor, Depends(Needs(Permission.APPROVE_MESSAGES))]
Why = Annotated[str, Field(min_length=3, max_length=500)]


class Proposal(BaseModel):
    model_config = ConfigDict(extra="forbid")
    template: Template
    reason: Why


class Approval(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Why
    digest: str | None = Field(default=None, description="of what you have read; refused when it says something else")


class Because(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Why


@router.get("", summary="Every version of every text, and who stands behind it")
async def list_templates(actor: Reader, house: House) -> JSONResponse:
    return answer_json({"data": await house.ports.outreach.templates.all()})


@router.post("", status_code=201, summary="Propose a text")
async def propose(proposal: Proposal, request: Request, actor: Proposer, house: House) -> JSONResponse:
    """Refused (422) with every problem: a missing way out, an amount on a locked screen, a threat, a placeholder nobody
    fills. The same text again is found; other words under a version on record are refused (409)."""
    problems = problems_of(proposal.template, house.ports.outreach.contact_rules())
    if problems:
        fields = [{"field": "template", "problem": problem} for problem in problems]
        raise FieldsInvalid(f"{proposal.template.name} cannot be proposed: {problems[0]}.", fields=fields)
    told = {"by": actor, "reason": proposal.reason, "request": request.state.request_id, "now": datetime.now(UTC)}
    return answer_json(await house.ports.outreach.templates.propose(proposal.template, **told), 201)


@router.post("/{name}/{version}/approve", summary="Approve a text somebody else proposed")
async def approve(
    name: str, version: int, approval: Approval, request: Request, actor: Approver, house: House
) -> JSONResponse:
    told = {"by": actor, "reason": approval.reason, "request": request.state.request_id, "now": datetime.now(UTC)}
    return answer_json(await house.ports.outreach.templates.approve(name, version, approval.digest, **told))


@router.post("/{name}/{version}/retire", summary="Let nobody get a text any more")
async def retire(
    name: str, version: int, because: Because, request: Request, actor: Approver, house: House
) -> JSONResponse:
    told = {"by": actor, "reason": because.reason, "request": request.state.request_id, "now": datetime.now(UTC)}
    return answer_json(await house.ports.outreach.templates.retire(name, version, **told))
