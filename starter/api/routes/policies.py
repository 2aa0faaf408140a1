"""Policies: the rules in force and before, the cases they must pass, and what a change would have done."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.underwriting.policy import Policy, differences
from plimsoll.ports import PolicyTrial
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from starter.policies import PolicyDesk, summary

router = APIRouter(prefix="/v1/policies", tags=["policies"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_POLICIES))]
Digest = Annotated[str, Query(pattern="^[0-9a-f]{64}$")]


class Proposed(BaseModel):
    """A policy.json as it might become, and how many decided cases to try it on."""

    model_config = ConfigDict(extra="forbid")
    policy: dict[str, Any]
    cases: int = Field(default=200, ge=0, le=1000, description="the newest that are decided")


@router.get("", summary="The policy in force of every product")
async def list_policies(actor: Reader, house: House) -> dict[str, Any]:
    return {"data": await PolicyDesk(house.ports).listed(), "has_more": False, "after": None}


@router.get("/{product}", summary="One policy: its tables, what is wrong with it, its cases, the versions before")
async def show(product: str, actor: Reader, house: House, digest: Digest | None = None) -> JSONResponse:
    """The one in force, or the kept version of this `digest`. Cases are those of the pack as it is now."""
    desk, pack = PolicyDesk(house.ports), house.ports.products.get(product)
    in_force = await desk.in_force(pack)
    trial = await desk.version(pack, digest) if digest else in_force
    return answer_json(
        {"product": pack.id, "title": pack.title, "in_force": trial.policy.digest == in_force.policy.digest}
        | _tables(trial.policy)
        | _tested(trial)
        | {"versions": await desk.versions(pack)}
    )


@router.get("/{product}/changes", summary="What changed from one version to another, rule by rule")
async def changes(
    product: str, before: Digest, actor: Reader, house: House, after: Digest | None = None
) -> dict[str, Any]:
    """To the policy in force when `after` is left out."""
    found = await PolicyDesk(house.ports).changes(house.ports.products.get(product), before, after)
    return {"changes": found}


@router.post("/{product}/trial", summary="Try a changed policy: its faults, its cases, and what it would have said")
async def try_out(product: str, proposed: Proposed, actor: Reader, house: House) -> JSONResponse:
    """Nothing is kept and nothing is decided by it. Both policies are asked anew on the same facts and scores."""
    desk, pack = PolicyDesk(house.ports), house.ports.products.get(product)
    trial = desk.proposed(pack, proposed.policy)
    in_force = await desk.in_force(pack)
    past = await desk.tried_on_the_past(pack, trial, proposed.cases) if proposed.cases else None
    return answer_json(
        summary(trial.policy)
        | {"changes": differences(in_force.policy, trial.policy)}
        | _tested(trial)
        | {"past": past.model_dump(mode="json") if past else None}
    )


def _tables(policy: Policy) -> dict[str, Any]:
    return summary(policy) | {
        "tables": [
            {"id": table.id, "name": table.name,
             "rules": [rule.model_dump(mode="json") for rule in policy.rules if rule.table == table.id]}
            for table in policy.tables
        ],
        "grades": [grade.model_dump(mode="json") for grade in policy.grades],
        "columns": policy.columns,
    }  # fmt: skip


def _tested(trial: PolicyTrial) -> dict[str, Any]:
    return {
        "problems": trial.problems(),
        "cases": [{"name": case.name, "passed": case.passed, "problem": case.problem} for case in trial.run_cases()],
    }
