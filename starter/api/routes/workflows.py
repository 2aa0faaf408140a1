"""Runs as Postgres knows them: what goes on, what waits, on whom. Works with Temporal down."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.values import Status
from starter.api.auth import Needs
from starter.api.presenting import list_item, page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from starter.engine.resuming import resume_waiting_on, retry_now
from starter.engine.runs import RUNS
from workflows import names

router = APIRouter(prefix="/v1/workflows", tags=["workflows"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_WORKFLOWS))]
Resumer = Annotated[Actor, Depends(Needs(Permission.RESUME))]
Kind = Literal["training", "retraining", "rollout", "intervention"]


class Because(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500, description="goes on record")


@router.get("", summary="Runs, newest first, with what each waits on")
async def list_runs(
    actor: Reader,
    house: House,
    status: Annotated[list[Status] | None, Query(description="any of these; repeat it")] = None,
    waiting_on: str | None = None,
    stuck: Annotated[bool, Query(description="neither decided nor parked a quarter of an hour after it came")] = False,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> JSONResponse:
    rows = await house.ports.reading.applications(
        limit=limit + 1, statuses=status, waiting_on=waiting_on, stuck=stuck, after=after
    )
    return answer_json(page([_run(house, row) for row in rows], limit))


@router.get("/summary", summary="How many are where, and the sources' health")
async def summary(actor: Reader, house: House) -> JSONResponse:
    counts = await house.ports.reading.standing()
    sources = await house.ports.gate.states()
    names_of_sources = dict.fromkeys(terms.name for product in house.ports.products.all() for terms in product.sources)
    engine = "ok" if house.engine.connected else "away"
    others = await house.ports.open_runs.counts()
    return answer_json(
        counts | {"others": others, "sources": sources, "source_names": list(names_of_sources), "engine": engine}
    )


@router.get("/others", summary="Runs that are no application's and have not ended, newest first")
async def others(
    actor: Reader,
    house: House,
    kind: Kind | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> JSONResponse:
    """Trainings, retrainings, roll-outs and interventions, with what each waits on, and until when."""
    rows = await house.ports.open_runs.under_way(kind, after, limit + 1)
    named = [row | {"ui": house.run_link(RUNS[row["kind"]].id_of(row["id"]))} for row in rows]
    return answer_json(page(named, limit))


@router.post("/resume", summary="Try everything parked on a source again, now")
async def resume(waiting_on: str, why: Because, request: Request, actor: Resumer, house: House) -> dict[str, Any]:
    """503 while Temporal is away: nothing is on record then, and what is parked goes on by itself."""
    client = house.engine.client
    await house.ports.acts.note(
        "source.resumed", source=waiting_on, by=actor, reason=why.reason, request=request.state.request_id,
        now=datetime.now(UTC),
    )  # fmt: skip
    return {"waiting_on": waiting_on, "resumed": await resume_waiting_on(house.ports, client, waiting_on)}


@router.post("/retry/{application}", summary="Try what one case waits to try again, now")
async def retry(application: str, why: Because, request: Request, actor: Resumer, house: House) -> dict[str, Any]:
    """`retried`: how many of its steps; 0 when it waits for a person or for nothing."""
    row = await house.ports.reading.case(application)
    client = house.engine.client
    await house.ports.acts.note(
        "application.retried", application=application, by=actor, reason=why.reason,
        request=request.state.request_id, now=datetime.now(UTC),
    )  # fmt: skip
    return {"application": application, "retried": await retry_now(client, row)}


def _run(house: Running, row: dict[str, Any]) -> dict[str, Any]:
    workflow_id = names.underwriting_id(row["id"], row["round"], row["run_suffix"])
    return list_item(row) | {
        "workflow_id": workflow_id,
        "type": "UnderwriteApplication",
        "ui": house.run_link(workflow_id),
    }
