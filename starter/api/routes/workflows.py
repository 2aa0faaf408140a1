"""Runs as Postgres knows them: what goes on, what waits, on whom. Works with Temporal down."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.values import Status
from starter.api.auth import Needs
from starter.api.presenting import list_item, page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from starter.engine.resuming import resume_waiting_on
from workflows import names

router = APIRouter(prefix="/v1/workflows", tags=["workflows"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_WORKFLOWS))]


@router.get("", summary="Runs, newest first, with what each waits on")
async def list_runs(
    actor: Reader,
    house: House,
    status: Annotated[list[Status] | None, Query(description="any of these; repeat it")] = None,
    waiting_on: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> JSONResponse:
    rows = await house.ports.reading.applications(limit=limit + 1, statuses=status, waiting_on=waiting_on, after=after)
    return answer_json(page([_run(house, row) for row in rows], limit))


@router.get("/summary", summary="How many are where, and the sources' health")
async def summary(actor: Reader, house: House) -> JSONResponse:
    counts = await house.ports.reading.standing()
    sources = await house.ports.gate.states()
    names_of_sources = dict.fromkeys(terms.name for product in house.ports.products.all() for terms in product.sources)
    engine = "ok" if house.engine.connected else "away"
    return answer_json(counts | {"sources": sources, "source_names": list(names_of_sources), "engine": engine})


@router.post("/resume", summary="Try everything parked on a source again, now")
async def resume(
    waiting_on: str, actor: Annotated[Actor, Depends(Needs(Permission.RESUME))], house: House
) -> dict[str, Any]:
    resumed = await resume_waiting_on(house.ports, house.engine.client, waiting_on)
    return {"waiting_on": waiting_on, "resumed": resumed}


def _run(house: Running, row: dict[str, Any]) -> dict[str, Any]:
    workflow_id = names.underwriting_id(row["id"], row["round"], row["run_suffix"])
    return list_item(row) | {
        "workflow_id": workflow_id,
        "type": "UnderwriteApplication",
        "ui": house.run_link(workflow_id),
    }
