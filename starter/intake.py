"""The one door: whatever wants to be decided comes in here, from the API or anything that calls it."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from plimsoll.domain.access import Actor
from plimsoll.domain.errors import FieldsInvalid, InvalidRequest
from plimsoll.domain.underwriting.application import read_body
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Status
from plimsoll.ports import Accepted, ApplicationStore, EngineTask, Products, Vault

HEAD_START = 2.0  # seconds an eager start has before the dispatcher looks after it
LONGEST_KEY = 200
LONGEST_NUMBER = 40


class Intake:
    """Checks an application, commits it, and has it started at once when there is room to.

    `start_soon` takes the task and starts it in the background, or refuses; a refusal costs
    nothing, since the outbox row is there and the dispatcher picks it up.
    """

    def __init__(
        self,
        applications: ApplicationStore,
        products: Products,
        vault: Vault,
        has_room: Callable[[], bool],
        start_soon: Callable[[EngineTask], None],
    ) -> None:
        self._applications = applications
        self._products = products
        self._vault = vault
        self._has_room = has_room
        self._start_soon = start_soon

    async def submit(self, raw: bytes, *, key: str | None, actor: Actor, request: str) -> Accepted:
        """Accepts one application: committed when this returns.

        Raises InvalidRequest (no key, not JSON), FieldsInvalid, NotFound (product), KeyReused, Unavailable.
        """
        key = checked_key(key)
        body = strict_json(raw)
        product = self._product(body)
        application = read_body(product, body)
        eager = self._has_room()
        accepted = await self._applications.accept(
            product,
            application,
            actor=actor,
            key=key,
            fingerprint=self._vault.fingerprint(json.dumps(body, sort_keys=True).encode()),
            request=request,
            now=datetime.now(UTC),
            head_start=HEAD_START if eager else 0.0,
        )
        if eager and not accepted.replayed:
            self._start_soon(start_of(accepted, product, application.priority))
        return accepted

    def _product(self, body: dict[str, Any]) -> Product:
        name = body.get("product")
        if not isinstance(name, str):
            raise FieldsInvalid(
                "The application names no product: see `fields`.",
                fields=[{"field": "product", "problem": "is missing: `GET /v1/products` lists them"}],
            )
        product = self._products.get(name)
        if product.watches:
            raise FieldsInvalid(
                f"Nobody applies for {name!r}: see `fields`.",
                fields=[{"field": "product", "problem": "watches customers: apply for the product they are to have"}],
            )
        return product


def start_of(accepted: Accepted, product: Product, priority: Any) -> EngineTask:
    return EngineTask(
        id=0,
        kind="start",
        application=accepted.application,
        round=accepted.round,
        run_suffix=0,
        lane=product.lane,
        priority=priority,
        product=product.id,
        status=Status.RECEIVED,
    )


def checked_key(key: str | None) -> str:
    if not key or not key.strip():
        raise InvalidRequest(
            "The header Idempotency-Key is missing: send a fresh unique value with every new application, "
            "and the same one when you repeat it."
        )
    if len(key) > LONGEST_KEY:
        raise InvalidRequest(f"The Idempotency-Key has {len(key)} characters: at most {LONGEST_KEY} are kept.")
    return key


def strict_json(raw: bytes) -> dict[str, Any]:
    """The JSON object in these bytes. Refuses duplicate keys, NaN, infinities, lone surrogates and 10⁴⁰⁰."""
    try:
        body = json.loads(
            raw,
            parse_constant=no_constant,
            parse_int=_no_giant,
            parse_float=_no_giant,
            object_pairs_hook=no_duplicates,
        )
        if not raw.isascii() or b"\\" in raw:  # else there is no lone surrogate
            json.dumps(body, ensure_ascii=False).encode()
    except RecursionError:
        raise InvalidRequest("The body is nested too deeply to be an application.") from None
    except (ValueError, UnicodeError) as error:
        raise InvalidRequest(f"The body is not JSON we accept: {first_line(error)}.") from None
    if not isinstance(body, dict):
        raise InvalidRequest(f"The body is a JSON {type(body).__name__}: an application is a JSON object.")
    return body


def no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number we take")


def whole_number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"{digits[:12]}… is not a number we take")
    return int(digits)


def _no_giant(digits: str) -> int | float:
    """A float beyond all floats would be read as infinity, an endless integer stall whoever prints it."""
    if len(digits) > LONGEST_NUMBER or not math.isfinite(float(digits)):
        raise ValueError(f"{digits[:12]}… is not a number we take")
    return float(digits) if any(mark in digits for mark in ".eE") else int(digits)


def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {twice[:60]!r} is there twice")
    return found


def first_line(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "it is not valid UTF-8"
    return str(error).splitlines()[0].rstrip(".")
