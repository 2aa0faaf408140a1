"""What became of those who were decided about: reported here, one or many at once."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import InvalidRequest, PlimsollError
from plimsoll.domain.models.outcomes import MOST_AT_ONCE, OutcomeReport, read_report
from starter.api.auth import Needs
from starter.api.presenting import money
from starter.api.routes.applications import answer_json, own_only
from starter.api.running import Running, running
from starter.intake import strict_json

router = APIRouter(prefix="/v1/outcomes", tags=["outcomes"])
House = Annotated[Running, Depends(running)]
Reporter = Annotated[Actor, Depends(Needs(Permission.REPORT_OUTCOMES))]
Json = dict[str, Any]


@router.post("", summary="Report how applications turned out, one or many")
async def report(
    request: Request, actor: Reporter, house: House, source: Annotated[str, Query(pattern="^(api|file)$")] = "api"
) -> JSONResponse:
    """The body is one outcome, or `{"outcomes": [...]}` with up to 500 of them.

    One: 201 recorded · 200 it was on record · 404, 409, 422 why not. Many: 200, with a result for each in order;
    a bad one is refused alone.
    """
    body = strict_json(await request.body())
    single = "outcomes" not in body
    items = [body] if single else checked_list(body)
    read = [_read(item) for item in items]
    taken = await house.ports.outcomes.report(
        [item for item in read if isinstance(item, OutcomeReport)],
        actor=actor,
        own_only=own_only(actor) is not None,
        source=source,
        request=request.state.request_id,
        now=datetime.now(UTC),
    )
    answers = iter(taken)
    results = [_refused(item) if isinstance(item, PlimsollError) else _result(next(answers)) for item in read]
    if not single:
        return answer_json(_counted(results))
    if taken and taken[0].error:
        raise taken[0].error
    if isinstance(read[0], PlimsollError):
        raise read[0]
    return answer_json(results[0], 201 if results[0]["result"] == "recorded" else 200)


@router.get("", summary="What is on record about one application")
async def listed(
    application_id: Annotated[str, Query(max_length=60)],
    actor: Annotated[Actor, Depends(Needs(Permission.READ))],
    house: House,
) -> JSONResponse:
    """Corrections stand behind what they correct; the last row of a mark is what counts."""
    rows = await house.ports.outcomes.of(application_id)
    return answer_json({"data": [row | {"amount": money(row["amount"])} for row in rows]})


def checked_list(body: Json) -> list[Any]:
    items = body["outcomes"]
    if set(body) != {"outcomes"} or not isinstance(items, list) or not items:
        raise InvalidRequest("Many outcomes are sent as an object with the one field `outcomes`, a list of them.")
    if len(items) > MOST_AT_ONCE:
        raise InvalidRequest(f"{len(items)} outcomes at once: send at most {MOST_AT_ONCE} in a request.")
    return items


def _read(item: Any) -> OutcomeReport | PlimsollError:
    try:
        return read_report(item)
    except PlimsollError as error:
        return error


def _result(taken: Any) -> Json:
    if taken.error:
        return _refused(taken.error) | {"application_id": taken.application}
    return {
        "result": taken.result,
        "application_id": taken.application,
        "mark": taken.report.mark,
        "label": taken.report.label,
    }


def _refused(error: PlimsollError) -> Json:
    return {"result": "refused", "code": error.code, "problem": error.message}


def _counted(results: list[Json]) -> Json:
    counts = {name: sum(r["result"] == name for r in results) for name in ("recorded", "repeated", "refused")}
    return counts | {"results": results}
