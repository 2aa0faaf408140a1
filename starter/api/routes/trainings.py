"""Trainings: begun here, run by Temporal, watched by whoever likes."""

import contextlib
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import EngineUnavailable
from plimsoll.domain.models.training import TrainingPlan, TrainingStep, can_be_trained_by
from plimsoll.domain.models.training_run import TrainingRun, TrainingState, Trigger
from plimsoll.ports import OpenRun
from starter.api.auth import Needs
from starter.api.presenting import page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from starter.engine import runs
from workflows import names

router = APIRouter(prefix="/v1/trainings", tags=["models"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_MODELS))]
Trainer = Annotated[Actor, Depends(Needs(Permission.TRAIN_MODELS))]
STEPS = ["fetch", *TrainingStep]


class NewTraining(BaseModel):
    model_config = ConfigDict(extra="forbid")
    product: str = Field(min_length=1, max_length=80)
    reason: str = Field(min_length=3, max_length=500, description="goes on record")
    plan: TrainingPlan = Field(default=TrainingPlan(), description="what differs from the usual plan")


class Because(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500, description="goes on record")


@router.post("", status_code=202, summary="Train a model on what the product's pack names")
async def begin(new: NewTraining, request: Request, actor: Trainer, house: House) -> JSONResponse:
    """409 while another one of the product runs. It gives a candidate; nothing becomes live by it."""
    product = house.ports.products.get(new.product)
    run = await house.ports.trainings.start(
        product.id,
        can_be_trained_by(new.plan),
        Trigger.PERSON,
        by=actor,
        reason=new.reason,
        request=request.state.request_id,
        now=datetime.now(UTC),
    )
    # With Temporal away the reconciler starts it: the row is there.
    with contextlib.suppress(EngineUnavailable):
        await runs.ensure_run(house.engine.client, OpenRun(kind="training", id=run.id, product=run.product))
    return answer_json(shown(house, run), 202, {"Location": f"/v1/trainings/{run.id}"})


@router.get("", summary="Trainings, newest first")
async def list_trainings(
    actor: Reader,
    house: House,
    product: str | None = None,
    state: TrainingState | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JSONResponse:
    found = await house.ports.trainings.newest(limit=limit + 1, after=after, product=product, state=state)
    return answer_json(page([shown(house, run) for run in found], limit))


@router.get("/{training}", summary="One training: how far it is, what its checks found, what it gave")
async def show(training: str, actor: Reader, house: House) -> JSONResponse:
    return answer_json(shown(house, await house.ports.trainings.get(training)))


@router.post("/{training}/cancel", summary="Stop it: what was finished is kept, no version is made")
async def cancel(training: str, because: Because, request: Request, actor: Trainer, house: House) -> JSONResponse:
    run = await house.ports.trainings.cancel(
        training, by=actor, reason=because.reason, request=request.state.request_id, now=datetime.now(UTC)
    )
    return answer_json(shown(house, run))


def shown(house: Running, run: TrainingRun) -> dict[str, Any]:
    workflow_id = names.training_id(run.id)
    model = {"id": run.model_id, "version": run.model_version} if run.model_id else None
    return {
        "id": run.id,
        "product": run.product,
        "state": run.state,
        "trigger": run.trigger,
        "plan": run.plan.model_dump(mode="json"),
        "steps": STEPS,
        "progress": run.progress.model_dump() if run.progress else None,
        "findings": run.findings,
        "error": run.error,
        "model": model,
        "requested_by": run.requested_by_name,
        "started_at": run.started_at,
        "changed_at": run.changed_at,
        "ended_at": run.ended_at,
        "workflow_id": workflow_id,
        "ui": house.run_link(workflow_id),
        "links": {"self": f"/v1/trainings/{run.id}", "model": f"/v1/models/{run.model_id}" if run.model_id else None},
    }
