"""How the portfolio does: counts and rates over decisions."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from plimsoll.domain.access import Actor, Permission
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/portfolio", tags=["portfolio"])


@router.get("", summary="Volume, outcomes, automation")
async def portfolio(
    actor: Annotated[Actor, Depends(Needs(Permission.READ))], house: Annotated[Running, Depends(running)]
) -> JSONResponse:
    counts = await house.ports.reading.counts()
    decided = sum(row["n"] for row in counts["by_outcome"])
    by_person = sum(row["n"] for row in counts["by_outcome"] if row["outcome_source"] == "person")
    approved = sum(row["n"] for row in counts["by_outcome"] if row["outcome"] == "approve")
    return answer_json(
        counts
        | {
            "decided": decided,
            "approval_rate": approved / decided if decided else None,
            "automation_rate": (decided - by_person) / decided if decided else None,
        }
    )
