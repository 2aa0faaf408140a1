"""Retrainings: asked for here, run by Temporal; what was tried against the champion, and what came of it."""

import contextlib
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import EngineUnavailable
from plimsoll.domain.models.retraining_run import RetrainingRun, RetrainingState, TriedOut
from plimsoll.domain.models.training import TrainingPlan, can_be_trained_by
from plimsoll.domain.models.training_run import Trigger
from plimsoll.ports import OpenRun
from starter.api.auth import Needs
from starter.api.presenting import page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from starter.engine import runs
from workflows import names

router = APIRouter(prefix="/v1/retrainings", tags=["models"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_MODELS))]
Trainer = Annotated[Actor, Depends(Needs(Permission.TRAIN_MODELS))]


class NewRetraining(BaseModel):
    model_config = ConfigDict(extra="forbid")
    product: str = Field(min_length=1, max_length=80)
    reason: str = Field(min_length=3, max_length=500, description="goes on record")
    plan: TrainingPlan = Field(
        default=TrainingPlan(), description="what differs from the usual plan; how it is split is the retraining's own"
    )


@router.post("", status_code=202, summary="Train a successor of the champion and hold it against the champion")
async def begin(new: NewRetraining, request: Request, actor: Trainer, house: House) -> JSONResponse:
    """409 while another one of the product runs. It ends with a challenger or a rejection; nothing becomes live by
    it."""
    product = house.ports.products.get(new.product)
    run = await house.ports.retrainings.start(
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
        await runs.ensure_run(house.engine.client, OpenRun(kind="retraining", id=run.id, product=run.product))
    return answer_json(shown(house, run), 202, {"Location": f"/v1/retrainings/{run.id}"})


@router.get("", summary="Retrainings, newest first")
async def list_retrainings(
    actor: Reader,
    house: House,
    product: str | None = None,
    state: RetrainingState | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JSONResponse:
    found = await house.ports.retrainings.newest(limit=limit + 1, after=after, product=product, state=state)
    return answer_json(page([shown(house, run) for run in found], limit))


@router.get(
    "/{retraining}", summary="One retraining: why, what was tried, each check with its figures, what came of it"
)
async def show(retraining: str, actor: Reader, house: House) -> JSONResponse:
    return answer_json(shown(house, await house.ports.retrainings.get(retraining)))


def shown(house: Running, run: RetrainingRun) -> dict[str, Any]:
    workflow_id = names.retraining_id(run.id)
    return {
        "id": run.id,
        "product": run.product,
        "state": run.state,
        "trigger": run.trigger,
        "asked": run.asked,
        "causes": [cause.model_dump(mode="json") for cause in run.causes],
        "champion": _version(run.champion_id, run.champion),
        "labels_known": run.labels_known,
        "held_out": run.held_out.model_dump(mode="json") if run.held_out else None,
        "tried": [_tried(each) for each in run.tried],
        "why": run.why,
        "challenger": _version(run.challenger_id, run.challenger),
        "training": run.training_id,
        "requested_by": run.requested_by_name,
        "started_at": run.started_at,
        "changed_at": run.changed_at,
        "ended_at": run.ended_at,
        "workflow_id": workflow_id,
        "ui": house.run_link(workflow_id),
        "links": {
            "self": f"/v1/retrainings/{run.id}",
            "training": f"/v1/trainings/{run.training_id}" if run.training_id else None,
        },
    }


def _version(model: str | None, called: str | None) -> dict[str, Any] | None:
    return {"id": model, "version": called} if model else None


def _tried(found: TriedOut) -> dict[str, Any]:
    told = found.comparison
    return {
        "candidate": found.candidate,
        "model": found.model_id,
        "version": found.version,
        "passed": found.passed,
        "rows": told.rows if told else None,
        "bads": told.bads if told else None,
        "checks": [check.model_dump(mode="json") for check in told.checks] if told else [],
        "why_not": found.why_not,
    }
