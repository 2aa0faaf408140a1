"""Experiments: two models compared, with the sample said beforehand."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.models.experiments import Question
from plimsoll.domain.models.registry import must_be_applied_for
from starter.api.auth import Needs
from starter.api.presenting import page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/experiments", tags=["experiments"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_MODELS))]
Releaser = Annotated[Actor, Depends(Needs(Permission.RELEASE_MODELS))]
Holder = Annotated[Actor, Depends(Needs(Permission.HOLD_RELEASES))]
Json = dict[str, Any]


class Word(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=200)


@router.post("", status_code=201, summary="Plan one: how many it takes, and how long")
async def plan(question: Question, request: Request, actor: Releaser, house: House) -> JSONResponse:
    """Nothing is dealt out yet. 409 unless challenger and champion are approved versions of the product's model."""
    product = house.ports.products.get(question.product)
    must_be_applied_for(product)
    row = await house.ports.experiments.plan(
        question, product, by=actor, request=request.state.request_id, now=datetime.now(UTC)
    )
    return answer_json(shown(row), 201)


@router.get("", summary="Experiments, newest first")
async def listed(
    actor: Reader,
    house: House,
    product: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Json:
    rows = await house.ports.experiments.newest(product=product, after=after, limit=limit + 1)
    return page([shown(row) for row in rows], limit)


@router.get("/{experiment}", summary="One experiment: plan, state, last reading")
async def show(experiment: str, actor: Reader, house: House) -> JSONResponse:
    return answer_json(shown(await house.ports.experiments.get(experiment)))


@router.post("/{experiment}/start", summary="Deal out applicants: the challenger gets its share")
async def start(experiment: str, word: Word, request: Request, actor: Releaser, house: House) -> JSONResponse:
    """409 beside another experiment or a roll-out of the model, or when another version became champion since."""
    row = await house.ports.experiments.start(
        experiment, by=actor, reason=word.reason, request=request.state.request_id, now=datetime.now(UTC)
    )
    return answer_json(shown(row))


@router.post("/{experiment}/stop", summary="Deal out no more; what was dealt can be read once it is ripe")
async def stop(experiment: str, word: Word, request: Request, actor: Holder, house: House) -> JSONResponse:
    row = await house.ports.experiments.stop(
        experiment, by=actor, reason=word.reason, request=request.state.request_id, now=datetime.now(UTC)
    )
    return answer_json(shown(row))


@router.post("/{experiment}/reading", summary="Read it today: difference, interval, p, and what may be concluded")
async def read(experiment: str, request: Request, actor: Reader, house: House) -> JSONResponse:
    """A planned look that is due is taken and goes on record; any other reading carries no verdict."""
    row = await house.ports.experiments.get(experiment)
    reading = await house.ports.experiments.read(
        experiment,
        house.ports.products.get(row["product"]),
        by=actor,
        request=request.state.request_id,
        now=datetime.now(UTC),
    )
    return answer_json(reading.model_dump(mode="json") | {"experiment": experiment})


def shown(row: Json) -> Json:
    """Without what only the dealing needs."""
    plan = {name: value for name, value in row["plan"].items() if name != "salt"}
    kept = ("id", "name", "product", "state", "planned_at", "started_at", "stopped_at", "reading")
    return {name: row[name] for name in kept} | {
        "plan": plan,
        "planned_by": row["planned_by_name"],
        "champion": {"id": row["champion_id"], "version": row["champion_version"]},
        "challenger": {"id": row["challenger_id"], "version": row["challenger_version"]},
    }
