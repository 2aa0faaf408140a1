"""Releases of models: begun, held, moved on or taken back by people; the run does the rest."""

import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import EngineUnavailable
from plimsoll.domain.models.registry import must_be_applied_for
from plimsoll.domain.models.rollout import RolloutPlan, RolloutState, usual_plan
from plimsoll.ports import OpenRun
from starter.api.auth import Needs
from starter.api.presenting import page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from starter.engine import runs
from workflows import names

router = APIRouter(prefix="/v1/rollouts", tags=["rollouts"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_MODELS))]
Releaser = Annotated[Actor, Depends(Needs(Permission.RELEASE_MODELS))]
Holder = Annotated[Actor, Depends(Needs(Permission.HOLD_RELEASES))]
Why = Annotated[str, Field(min_length=3, max_length=500, description="goes on record")]


class Begin(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: str = Field(description="`mdl_…`, or `name@version`")
    reason: Why
    plan: RolloutPlan | None = Field(default=None, description="other phases and gates than the usual ones")


class Because(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Why


@router.get("", summary="Roll-outs, newest first")
async def list_rollouts(
    actor: Reader,
    house: House,
    product: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JSONResponse:
    rows = await house.ports.rollouts.newest(product=product, after=after, limit=limit + 1)
    return answer_json(page([_shown(house, row) for row in rows], limit))


@router.get("/{rollout}", summary="One roll-out: phases, gates with their values, and why it moved")
async def show(rollout: str, actor: Reader, house: House) -> JSONResponse:
    row = await house.ports.rollouts.get(rollout)
    evaluations = await house.ports.rollouts.evaluations(rollout)
    return answer_json(_shown(house, row) | {"evaluations": evaluations})


@router.post("", summary="Begin: shadow, then a growing share of applicants", status_code=201)
async def start(wanted: Begin, request: Request, actor: Releaser, house: House) -> JSONResponse:
    """409 for a version nobody approved, beside another roll-out of the model, or beside a running experiment."""
    model = await house.ports.registry.find(wanted.model)
    for product in house.ports.products.all():
        if product.id == model.product:
            must_be_applied_for(product)
    plan = wanted.plan or usual_plan()
    rollout = await house.ports.rollouts.start(model.id, plan, **_said(actor, wanted.reason, request))
    row = await house.ports.rollouts.get(rollout)
    await _begin_run(house, OpenRun(kind="rollout", id=rollout, product=row["product"]))
    return answer_json(_shown(house, row), status=201)


@router.post("/{rollout}/pause", summary="Hold it: shares stay as they are, a breach still goes back")
async def pause(rollout: str, why: Because, request: Request, actor: Holder, house: House) -> JSONResponse:
    return await _moved(house, rollout, house.ports.rollouts.pause, _said(actor, why.reason, request))


@router.post("/{rollout}/resume", summary="Go on from where it was held")
async def resume(rollout: str, why: Because, request: Request, actor: Releaser, house: House) -> JSONResponse:
    return await _moved(house, rollout, house.ports.rollouts.resume, _said(actor, why.reason, request))


@router.post("/{rollout}/promote", summary="To everybody now, whatever the phases say")
async def promote(rollout: str, why: Because, request: Request, actor: Releaser, house: House) -> JSONResponse:
    return await _moved(house, rollout, house.ports.rollouts.promote, _said(actor, why.reason, request))


@router.post("/{rollout}/rollback", summary="Take it back: the old model decides from the next application on")
async def roll_back(rollout: str, why: Because, request: Request, actor: Holder, house: House) -> JSONResponse:
    return await _moved(house, rollout, house.ports.rollouts.roll_back, _said(actor, why.reason, request))


def _said(actor: Actor, reason: str, request: Request) -> dict[str, Any]:
    return {"by": actor, "reason": reason, "request": request.state.request_id, "now": datetime.now(UTC)}


async def _moved(
    house: Running, rollout: str, move: Callable[..., Awaitable[Any]], said: dict[str, Any]
) -> JSONResponse:
    """It took effect in Postgres; the run is only woken, and looks by itself if that fails."""
    await move(rollout, **said)
    if house.engine.connected:
        with contextlib.suppress(EngineUnavailable):
            await runs.tell(house.engine.client, "rollout", rollout, "told")
    return answer_json(_shown(house, await house.ports.rollouts.get(rollout)))


async def _begin_run(house: Running, run: OpenRun) -> None:
    """With Temporal away the reconciler starts it: the row is there."""
    with contextlib.suppress(EngineUnavailable):
        await runs.ensure_run(house.engine.client, run)


def _shown(house: Running, row: dict[str, Any]) -> dict[str, Any]:
    plan, state = RolloutPlan.model_validate(row["plan"]), RolloutState(row["state"])
    workflow_id = names.rollout_id(row["id"])
    return {
        "id": row["id"],
        "product": row["product"],
        "model": {"id": row["model_id"], "name": row["name"], "version": row["model_version"]},
        "before": {"id": row["champion_id"], "name": row["name"], "version": row["champion_version"]},
        "state": state,
        "phase": plan.phases[row["phase"]].name,
        "share": 0.0 if state is RolloutState.ROLLED_BACK else plan.phases[row["phase"]].share,
        "phase_since": row["phase_since"],
        "deadline": row["deadline"],
        "reason": row["reason"],
        "plan": row["plan"],
        "started_by": row["started_by_name"],
        "started_at": row["started_at"],
        "ended_at": row["ended_at"],
        "workflow_id": workflow_id,
        "ui": house.run_link(workflow_id),
    }
