"""Decisions of the past: find one by any of its names, and prove that its record is what it was."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from plimsoll.domain.access import Actor, Permission
from starter.api.auth import Needs
from starter.api.presenting import list_item
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/decisions", tags=["record"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ))]


@router.get("", summary="Find a case by any of its names")
async def find(
    number: Annotated[str, Query(min_length=1, max_length=200)], actor: Reader, house: House
) -> JSONResponse:
    """`number` is the id of an application, a decision or a review, the lender's own number, or the lender's id of the
    applicant. Newest first, fifty at most."""
    wanted = number.strip()
    rows = await house.ports.reading.proofs.find(wanted, house.ports.vault.fingerprint(wanted.encode()))
    return answer_json({"data": [list_item(row) for row in rows]})


@router.get("/{application}/proof", summary="Hash the record of one case again")
async def prove(application: str, actor: Reader, house: House) -> JSONResponse:
    """Its entries, their links in the chain, and the rows they vouch for. `GET /v1/ledger/verification` reads the whole
    chain, which alone proves that nothing was left out."""
    await house.ports.reading.case(application)
    found = await house.ports.reading.proofs.prove(application)
    return answer_json({"ok": found.problem is None, "checked_at": datetime.now(UTC)} | vars(found))
