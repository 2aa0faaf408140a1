"""Customers as they are watched: who is at risk, why, and how it came to that."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from activities.watching import READER, watch_of
from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import NotFound
from plimsoll.domain.values import RiskLevel
from plimsoll.domain.watching.levels import level_of
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.portrait import kept_record, portrait
from starter.api.auth import Needs
from starter.api.presenting import page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/customers", tags=["customers"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_CUSTOMERS))]


@router.get("", summary="Customers who are watched, the highest risk first")
async def list_customers(
    actor: Reader,
    house: House,
    level: RiskLevel | None = None,
    product: Annotated[str | None, Query(description="as the lender calls the customer's product")] = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> JSONResponse:
    """Probability is null where no model had enough to read: then `row` names the rule that gave the level. Of who is
    `silent` nothing was heard for long: the judgement is the last one before that."""
    rows = await house.ports.watch.portraits.worst_first(
        severity=None if level is None else level.severity, product=product, after=after, limit=limit + 1
    )
    policy = house.ports.watch.policy()
    return answer_json(page([_listed(row) | _silent(policy, row) for row in rows], limit))


@router.get("/stream", summary="How far the stream is read, and how many customers are at each level")
async def stream(actor: Reader, house: House) -> JSONResponse:
    cursor = await house.ports.watch.watched.cursor(READER) or {}
    newest = await house.ports.watch.log.newest()
    counts = await house.ports.watch.portraits.counts()
    return answer_json(
        {
            "read_up_to": cursor.get("seq", 0),
            "newest": newest,
            "behind": newest - cursor.get("seq", 0),
            "watermark": cursor.get("watermark"),
            "silent_after_days": house.ports.watch.policy().silent_after_days,
            "clocks": await house.ports.watch.watched.times(),
            "moved_at": cursor.get("moved_at"),
            "events": cursor.get("events", 0),
            "judged": cursor.get("judged", 0),
            "triggers": cursor.get("triggers", 0),
            "levels": {level: counts.get(level.severity, 0) for level in reversed(RiskLevel)},
        }
    )


@router.get("/{customer}", summary="One customer: signals, own rhythm, risk and its history")
async def show(customer: str, actor: Reader, house: House) -> JSONResponse:
    """By `per_…` or by the lender's own id."""
    row = await house.ports.watch.portraits.find(customer)
    record, drawn = kept_record(row["state"], row["layout"]), None
    if record is not None:
        at = max(row["as_of"] or row["newest_at"], row["newest_at"])
        drawn = portrait(record, at, house.ports.watch.policy()).model_dump(mode="json")
    changes = await house.ports.watch.portraits.changes(row["id"])
    kept = ("id", "reference", "product", "region", "zone", "opened_on", "newest_at", "due_on")
    return answer_json(
        {name: row[name] for name in kept}
        | _silent(house.ports.watch.policy(), row)
        | {"risk": None if row["severity"] is None else _risk(row)}
        | {"portrait": drawn, "history": [_risk(change) | {"before": _before(change)} for change in changes]}
    )


@router.post("/{customer}/score", summary="Judge one customer now")
async def score(customer: str, actor: Reader, house: House) -> JSONResponse:
    """On demand, and written down. Nothing is handed over: an intervention is begun by `/v1/interventions`."""
    row = await house.ports.watch.portraits.find(customer)
    if not await watch_of(house.ports).look_at(row["id"], datetime.now(UTC)):
        raise NotFound(f"Nothing was read yet of what happened on the accounts of {row['id']}: try again in a moment.")
    return await show(row["id"], actor, house)


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], "product": row["product"], "region": row["region"], **_risk(row)}


def _silent(policy: WatchPolicy, row: dict[str, Any]) -> dict[str, bool]:
    return {"silent": policy.is_silent(row["newest_at"], row["watermark"])}


def _risk(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("probability", "factors", "because", "as_of", "judged_at", "model")
    optional = {name: row[name] for name in ("since", "help") if name in row}
    return {"level": level_of(row["severity"]), "row": row["by_row"]} | {name: row[name] for name in kept} | optional


def _before(change: dict[str, Any]) -> RiskLevel | None:
    return None if change["severity_before"] is None else level_of(change["severity_before"])
