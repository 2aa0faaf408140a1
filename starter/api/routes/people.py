"""Persons, whether they applied or are watched: how much there is of one, and its erasure."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/people", tags=["people"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ))]
Eraser = Annotated[Actor, Depends(Needs(Permission.ERASE_PEOPLE))]


class Because(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500, description="Goes on record for good: name nobody in it.")


@router.get("/{person}", summary="How much there is of one person")
async def show(person: str, actor: Reader, house: House) -> JSONResponse:
    """By `per_…`, by one of their applications or by the lender's own id. `erased_at` says when they were erased."""
    return answer_json(await house.ports.erasing.about(person))


@router.post("/{person}/erase", summary="Erase a person everywhere, for good")
async def erase(person: str, because: Because, request: Request, actor: Eraser, house: House) -> JSONResponse:
    """Open applications are withdrawn, episodes end; transactions, risks, addresses and consents are deleted, and the
    key that opens the rest is destroyed. Decisions and ledger keep ids, codes and digests. Again changes nothing."""
    erased = await house.ports.erasing.erase(
        person, by=actor, reason=because.reason, request=request.state.request_id, now=datetime.now(UTC)
    )
    return answer_json(erased.model_dump(mode="json"))
