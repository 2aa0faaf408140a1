"""Scores without a case: features in, probability and reasons out, logged."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import FieldsInvalid, TooLarge
from plimsoll.domain.models.asking import Answered, Asked, read_asked
from plimsoll.domain.models.scoring import ModelPin
from starter.api.auth import Needs
from starter.api.presenting import score_points
from starter.api.running import Running, running
from starter.intake import strict_json

router = APIRouter(prefix="/v1/scores", tags=["scores"])
House = Annotated[Running, Depends(running)]
MAY_SCORE = (Permission.SCORE,)
Asker = Annotated[Actor, Depends(Needs(*MAY_SCORE))]
MOST_ROWS = 10_000


@router.post("", summary="One score: features in, probability and reasons out, logged")
async def score(request: Request, actor: Asker, house: House) -> JSONResponse:
    """`{"product", "features": {name: value or null}, "subject"?, "reasons"?}`.

    Every feature of the live model is named; null where nobody knows. `subject`, the caller's own reference of a
    person, keeps that person with one model while two are compared; only a keyed hash of it is stored.
    """
    asked = read_asked(strict_json(await request.body()))
    answer = await house.scoring.score(asked, actor.id, request.state.request_id)
    return JSONResponse(Showing(house).of(asked, answer))


@router.post("/batch", summary="Up to 10,000 scores in one request")
async def score_batch(request: Request, actor: Asker, house: House) -> JSONResponse:
    """`{"product", "rows": [{"features", "subject"?}], "reasons"?}`.

    Rows that do not fit refuse them all, each named by its place.
    """
    rows = _rows(strict_json(await request.body()))
    answers = await house.scoring.score_rows(rows, actor.id, request.state.request_id)
    showing = Showing(house)
    return JSONResponse({"data": [showing.of(asked, answer) for asked, answer in zip(rows, answers, strict=True)]})


def _rows(body: dict[str, Any]) -> list[Asked]:
    rows = body.get("rows")
    if not isinstance(rows, list) or not rows:
        problem = {"field": "rows", "problem": "is a list of at least one {features}"}
        raise FieldsInvalid("The batch has no rows: see `fields`.", fields=[problem])
    if len(rows) > MOST_ROWS:
        raise TooLarge(f"The batch has {len(rows):,} rows: send at most {MOST_ROWS:,} at once.")
    shared = {name: value for name, value in body.items() if name != "rows"}
    return [_row(place, row, shared) for place, row in enumerate(rows)]


def _row(place: int, row: Any, shared: dict[str, Any]) -> Asked:
    try:
        return read_asked({**shared, **row} if isinstance(row, dict) else {**shared, "features": row})
    except FieldsInvalid as error:
        named: Any = error.details["fields"]
        fields = [{**found, "field": f"rows[{place}].{found['field']}"} for found in named]
        raise FieldsInvalid(error.message, fields=fields) from None


class Showing:
    """Says the answers of one request: what thousands of rows have in common is looked up once."""

    def __init__(self, house: Running) -> None:
        self._house = house
        self._policies: dict[str, dict[str, Any]] = {}
        self._models: dict[ModelPin, dict[str, Any]] = {}

    def of(self, asked: Asked, answer: Answered) -> dict[str, Any]:
        return {
            "product": asked.product,
            "score": score_points({"probability_of_default": answer.probability_of_default}),
            "probability_of_default": answer.probability_of_default,
            "sample_probability": answer.sample_probability,
            "reasons": [reason.model_dump(mode="json") for reason in answer.reasons],
            "warnings": list(answer.warnings),
            "model": self._model(answer.model),
            "policy": self._policy(asked.product),
        }

    def _model(self, pin: ModelPin) -> dict[str, Any]:
        if pin not in self._models:
            self._models[pin] = pin.model_dump()
        return self._models[pin]

    def _policy(self, product: str) -> dict[str, Any]:
        if product not in self._policies:
            ports = self._house.ports
            self._policies[product] = ports.policies.pin(ports.products.get(product)).model_dump()
        return self._policies[product]
