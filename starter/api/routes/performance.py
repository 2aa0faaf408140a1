"""How forecasts turned out, by vintage, model version and arm."""

import asyncio
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models.performance import performance_report
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/performance", tags=["performance"])


@router.get("", summary="How a product's decisions turned out")
async def performance(
    product: Annotated[str, Query(max_length=60)],
    actor: Annotated[Actor, Depends(Needs(Permission.READ_MODELS))],
    house: Annotated[Running, Depends(running)],
    as_of: date | None = None,
) -> JSONResponse:
    """By month of decision, once its loans are ripe: discrimination, calibration, the matrix at the live cut and what
    it costs; early marks before. `as_of` shows what could be known on an earlier day; `words` say what the figures
    cannot."""
    pack = house.ports.products.get(product)
    today = datetime.now(UTC).date()
    if as_of and as_of > today:
        raise InvalidRequest(f"`as_of` is {as_of}, which is still to come (today is {today}).")
    day = as_of or today
    judged = await house.ports.performance.judged(product, day)
    report = await asyncio.to_thread(performance_report, pack, judged, day)
    return answer_json(report.model_dump(mode="json"))
