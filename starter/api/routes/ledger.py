"""The record: stage events in order, replayable from any offset, and their verification."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from plimsoll.domain.access import Actor, Permission
from starter.api.auth import Needs
from starter.api.presenting import in_their_words, page
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1", tags=["record"])
House = Annotated[Running, Depends(running)]


@router.get("/events", summary="Everything that happened, in sealed order, from an offset of your own")
async def events(
    actor: Annotated[Actor, Depends(Needs(Permission.READ))],
    house: House,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
    type: Annotated[list[str] | None, Query(description="beginnings of kinds: `intervention.`, `contact.`")] = None,
) -> JSONResponse:
    """Sealed entries only: their order never changes, so `after` = the last `seq` you have seen."""
    kinds = [f"{each.replace('%', '').replace('_', chr(92) + '_')}%" for each in type or ()] or None
    rows = await house.ports.database.rows(
        "select s.seq, e.body from ledger_seal s join ledger_entry e on e.id = s.entry_id "
        "where s.seq > %(after)s and (%(kinds)s::text[] is null or e.kind like any(%(kinds)s)) "
        "order by s.seq limit %(limit)s",
        {"after": after, "kinds": kinds, "limit": limit + 1},
    )
    shown = [{"seq": row["seq"], **json.loads(bytes(row["body"]))} for row in rows[:limit]]
    return answer_json({"data": shown, "has_more": len(rows) > limit, "after": shown[-1]["seq"] if shown else after})


@router.get("/ledger/verification", summary="Verify the whole record now")
async def verification(actor: Annotated[Actor, Depends(Needs(Permission.READ_LEDGER))], house: House) -> dict[str, Any]:
    found = await house.ports.verifier.verify()
    return {"ok": found.ok, **found.__dict__}


@router.get("/ledger/entries", summary="What was entered, by whom and why, newest first")
async def entries(
    actor: Annotated[Actor, Depends(Needs(Permission.READ_LEDGER))],
    house: House,
    kind: Annotated[str | None, Query(max_length=80, description="the beginning of a kind, such as `model.`")] = None,
    by: Annotated[str | None, Query(max_length=200, description="name or id of who did it")] = None,
    about: Annotated[str | None, Query(max_length=80, description="id of an application or an episode")] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    before: Annotated[int | None, Query(ge=1, description="the `entry` the last page ended with")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> JSONResponse:
    """Of the last hundred thousand entries; older ones are read case by case, with its trace."""
    rows = await house.ports.reading.audit.entries(
        limit=limit + 1, before=before, kind=kind, actor=by, about=about, since=since, until=until
    )
    told = [in_their_words([row], house.product_of({"product": row.pop("of_product")}))[0] for row in rows]
    return answer_json(page(told, limit, key="entry"))
