"""Drift checks: asked for here, run by Temporal on a schedule, read by whoever may read models."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from activities.monitoring import DriftCheck
from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import Conflict, InvalidRequest
from plimsoll.domain.ids import DRIFT, new_id
from plimsoll.domain.monitoring.drift import Level
from plimsoll.domain.monitoring.drift_report import DriftReport, Trigger
from starter.api.auth import Needs
from starter.api.presenting import page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running
from starter.engine.drift_checks import begin_check
from workflows import names

router = APIRouter(prefix="/v1", tags=["monitoring"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_MODELS))]
Checker = Annotated[Actor, Depends(Needs(Permission.CHECK_DRIFT))]
# The page is shown in a frame of the console: it may draw itself and reach nothing, nor be anybody's origin.
FRAMED = {
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:",
    "X-Content-Type-Options": "nosniff",
}


class NewCheck(BaseModel):
    model_config = ConfigDict(extra="forbid")
    product: str = Field(min_length=1, max_length=80)
    since: AwareDatetime | None = Field(default=None, description="the product's own span when absent")
    until: AwareDatetime | None = Field(default=None, description="now when absent")


@router.post("/drift-checks", status_code=202, summary="Check now whether what a product's model is asked has moved")
async def check(new: NewCheck, request: Request, actor: Checker, house: House) -> JSONResponse:
    """Answers at once; the report is at `Location` when it is done. Its rules act as those of a scheduled check."""
    product = house.ports.products.get(new.product)
    champion = (await house.ports.live.lineup(product.model)).champion
    if champion is None:
        raise Conflict(f"No version of the model {product.model} is live: train one and have it approved first.")
    house.ports.drift_references.of(champion.name, champion.version)
    now = datetime.now(UTC)
    until = min(new.until or now, now)
    since = new.since or until - timedelta(days=product.monitoring.window_days)
    if since >= until:
        raise InvalidRequest(f"The window ends ({until.isoformat()}) before it begins ({since.isoformat()}).")
    wanted = DriftCheck(
        product=product.id,
        trigger=Trigger.PERSON,
        report=new_id(DRIFT),
        since=since,
        until=until,
        actor=actor.id,
        request=request.state.request_id,
    )
    await begin_check(house.engine.client, wanted)
    workflow_id = names.drift_check_id(wanted.report)
    begun = {
        "id": wanted.report,
        "product": product.id,
        "window": [since, until],
        "workflow_id": workflow_id,
        "ui": house.run_link(workflow_id),
    }
    return answer_json(begun, 202, {"Location": f"/v1/drift-reports/{wanted.report}"})


@router.get("/drift-reports", summary="Drift checks, newest first")
async def list_reports(
    actor: Reader,
    house: House,
    product: str | None = None,
    level: Level | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JSONResponse:
    rows = await house.ports.drift_reports.newest(product=product, level=level, after=after, limit=limit + 1)
    return answer_json(page([_listed(row) for row in rows], limit))


@router.get("/drift-reports/history", summary="PSI of every feature over the latest checks, oldest first")
async def history(
    product: str, actor: Reader, house: House, limit: Annotated[int, Query(ge=1, le=400)] = 120
) -> JSONResponse:
    house.ports.products.get(product)
    return answer_json({"data": await house.ports.drift_reports.history(product, limit)})


@router.get("/drift-reports/{report}", summary="One check: every column with its figures, the rules, what was done")
async def show(report: str, actor: Reader, house: House) -> JSONResponse:
    found = await house.ports.drift_reports.get(report)
    return answer_json(_shown(found) | {"done": await house.ports.drift_reports.came_to(report)})


@router.get("/drift-reports/{report}/page", response_class=HTMLResponse, summary="The report as a page a person opens")
async def show_page(report: str, actor: Reader, house: House) -> HTMLResponse:
    """Drawn by Evidently from the same figures; one file that loads nothing. Only the newest are kept."""
    found = await house.ports.drift_reports.get(report)
    return HTMLResponse(house.ports.report_pages.read(found.page, found.page_digest), headers=FRAMED)


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    model = row["model"]
    return {
        "id": row["id"],
        "product": row["product"],
        "model": f"{model['name']}@{model['version']}",
        "trigger": row["trigger"],
        "window": [row["window_from"], row["window_to"]],
        "n_reference": row["n_reference"],
        "n_current": row["n_current"],
        "level": row["level"],
        "summary": row["summary"],
        "actions": [{name: alert[name] for name in ("rule", "action", "state", "text")} for alert in row["actions"]],
        "page": row["page"] is not None,
        "checked_at": row["checked_at"],
    }


def _shown(report: DriftReport) -> dict[str, Any]:
    drift = report.drift
    return {
        "id": report.id,
        "product": report.product,
        "model": report.model.model_dump(include={"name", "version", "digest"}),
        "trigger": report.trigger,
        "window": [report.window_from, report.window_to],
        "n_reference": drift.n_reference,
        "n_current": drift.n_current,
        "level": drift.level,
        "summary": report.summary,
        "significance": drift.significance,
        "features": [column.model_dump(mode="json") for column in drift.features],
        **{
            name: column.model_dump(mode="json") if (column := getattr(drift, name)) else None
            for name in ("score", "reason", "approval")
        },
        "actions": [alert.model_dump(mode="json") for alert in report.alerts],
        "page": report.page is not None,
        "checked_at": report.checked_at,
    }
