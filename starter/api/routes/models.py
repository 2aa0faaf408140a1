"""Models: which there are, what they are worth, and their way from training to a role."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.models.registry import ModelRecord, ModelState, RoleName
from starter.api.auth import Needs
from starter.api.presenting import page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from starter.models.comparing import side_by_side
from starter.models.registrar import Registrar

router = APIRouter(prefix="/v1/models", tags=["models"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_MODELS))]
Trainer = Annotated[Actor, Depends(Needs(Permission.TRAIN_MODELS))]
Proposer = Annotated[Actor, Depends(Needs(Permission.PROPOSE_MODELS))]
Approver = Annotated[Actor, Depends(Needs(Permission.APPROVE_MODELS))]
Releaser = Annotated[Actor, Depends(Needs(Permission.RELEASE_MODELS))]
Reference = Annotated[str, "`mdl_…`, `name@version` (its beginning will do), or a name: then what is live"]


class NewVersion(BaseModel):
    model_config = ConfigDict(extra="forbid")
    product: str = Field(min_length=1, max_length=80)
    version: str = Field(min_length=1, max_length=80, description="its folder below the models of the product")


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500, description="goes on record")


class NewRole(Said):
    role: RoleName
    share: float = Field(default=0.0, ge=0, le=1, description="of applicants, the challenger's")
    product: str | None = Field(default=None, max_length=80, description="refused when the version is another's")


def registrar(request: Request, house: House) -> Registrar:
    ports = house.ports
    return Registrar(ports.registry, ports.live, ports.shelf, ports.products, request.state.request_id)


Office = Annotated[Registrar, Depends(registrar)]


@router.get("", summary="Versions of models, newest first")
async def list_models(
    actor: Reader,
    house: House,
    product: str | None = None,
    name: str | None = None,
    state: ModelState | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> JSONResponse:
    found = await house.ports.registry.find_all(limit=limit + 1, after=after, name=name, product=product, state=state)
    return answer_json(page([model_object(record) for record in found], limit))


@router.post("", status_code=201, summary="Register a trained version that lies in the models folder")
async def register(new: NewVersion, actor: Trainer, office: Office) -> JSONResponse:
    """Every file is held against its digest first. Registering it again finds it."""
    return answer_json(model_object(await office.register(new.product, new.version, actor)), 201)


@router.get("/{reference}", summary="One version: data, quality, roles, who trained, proposed and approved it")
async def show(reference: Reference, actor: Reader, house: House) -> JSONResponse:
    return answer_json(model_object(await house.ports.registry.find(reference)))


@router.get("/{reference}/report", summary="All that was measured of it, and its card")
async def report(reference: Reference, actor: Reader, house: House) -> JSONResponse:
    record = await house.ports.registry.find(reference)
    measured = await asyncio.to_thread(house.ports.shelf.report, record.name, record.version)
    card = await asyncio.to_thread(house.ports.shelf.card, record.name, record.version)
    return answer_json({"model": model_object(record), "report": measured, "card": card})


@router.get("/{reference}/comparison", summary="Beside another version, on the rows neither has learnt from")
async def compare(reference: Reference, other: Reference, actor: Reader, house: House) -> JSONResponse:
    """The difference in AUC with DeLong's paired interval and p, and what that says in words. Takes seconds: the
    product's data are read."""
    one, two = await house.ports.registry.find(reference), await house.ports.registry.find(other)
    found = await side_by_side(house.ports, one, two, datetime.now(UTC))
    return answer_json(found.model_dump(mode="json"))


@router.get("/{reference}/history", summary="What the ledger says of it, oldest first")
async def history(reference: Reference, actor: Reader, house: House) -> JSONResponse:
    record = await house.ports.registry.find(reference)
    entries = await house.ports.registry.history(record.id)
    return answer_json({"data": entries, "has_more": False, "after": None})


@router.post("/{reference}/proposal", summary="Propose it: somebody else approves or rejects")
async def propose(reference: Reference, said: Said, actor: Proposer, office: Office) -> JSONResponse:
    return answer_json(model_object(await office.propose(reference, actor, said.reason)))


@router.post("/{reference}/approval", summary="Approve what somebody else proposed")
async def approve(reference: Reference, said: Said, actor: Approver, office: Office) -> JSONResponse:
    return answer_json(model_object(await office.approve(reference, actor, said.reason)))


@router.post("/{reference}/rejection", summary="Reject what was proposed, for good")
async def reject(reference: Reference, said: Said, actor: Approver, office: Office) -> JSONResponse:
    return answer_json(model_object(await office.reject(reference, actor, said.reason)))


@router.post("/{reference}/retirement", summary="Retire a version that plays no role")
async def retire(reference: Reference, said: Said, actor: Releaser, office: Office) -> JSONResponse:
    return answer_json(model_object(await office.retire(reference, actor, said.reason)))


@router.post("/{reference}/role", summary="Give an approved version a role: champion, challenger or shadow")
async def give_role(reference: Reference, new: NewRole, actor: Releaser, office: Office) -> JSONResponse:
    """It takes the role from whoever had it, from the next application on; those under way keep the model they
    began with."""
    return answer_json(
        model_object(await office.give_role(reference, new.role, actor, new.reason, new.share, new.product))
    )


@router.delete("/{name}/roles/{role}", summary="Leave the challenger's or the shadow's role empty")
async def clear_role(
    name: str, role: RoleName, actor: Releaser, office: Office, reason: Annotated[str, Query(min_length=3)]
) -> JSONResponse:
    record = await office.clear_role(name, role, actor, reason)
    return answer_json(model_object(record) if record else None)


def model_object(record: ModelRecord) -> dict[str, Any]:
    """The model of interfaces.md: `role` is the first it plays, actors go by their names."""
    manifest = record.manifest
    features = [feature["name"] for feature in manifest.get("features", [])]
    people = {who: record.names.get(getattr(record, who) or "") for who in ("created_by", "proposed_by", "approved_by")}
    return {
        "id": record.id,
        "name": record.name,
        "version": record.version,
        "digest": record.digest,
        "product": record.product,
        "algorithm": record.algorithm,
        "state": record.state,
        "role": next((held.role for held in record.roles), None),
        "roles": [held.model_dump() | {"set_by": record.names.get(held.set_by, held.set_by)} for held in record.roles],
        **people,
        "created_at": record.created_at,
        "proposed_at": record.proposed_at,
        "approved_at": record.approved_at,
        "note": record.note,
        "training_id": record.training_id,
        "has_report": record.report_digest is not None,
        "blockers": list(manifest.get("blockers") or ()),
        "metrics": manifest.get("metrics") or {},
        "data": manifest.get("data") or {},
        "features": features,
        "files": manifest.get("files") or {},
        "links": {"self": f"/v1/models/{record.id}", "report": f"/v1/models/{record.id}/report"},
    }
