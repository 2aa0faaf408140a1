"""The sandbox's own API: faults, limits, people, and the journal as a witness."""

from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from sandbox.faults import Fault, FaultBoard
from sandbox.gateways import CHANNELS
from sandbox.journal import Journal
from sandbox.limits import Limits
from sandbox.people import People
from sandbox.sources import SOURCES

MOST_PEOPLE = 100_000


class Limit(BaseModel):
    model_config = ConfigDict(extra="forbid")

    per_second: float = Field(gt=0)


def build_switchboard(people: People, journal: Journal, faults: FaultBoard, limits: Limits) -> FastAPI:
    app = FastAPI(title="Plimsoll sandbox", description="The outside world, made here. Nobody in it is real.")

    @app.get("/healthz")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "sources": SOURCES}

    @app.get("/_requests")
    async def requests(
        source: str | None = None, since: int = 0, reference: str | None = None, key: str | None = None
    ) -> list[dict[str, Any]]:
        """Every call received, in order, after sequence number `since`."""
        return [entry._asdict() for entry in journal.entries(source, since, reference, key)]

    @app.get("/_people")
    async def people_of(
        kind: Literal["real", "generated", "personas"],
        count: Annotated[int, Query(ge=1, le=MOST_PEOPLE)] = 1000,
        seed: int | None = None,
    ) -> list[dict[str, Any]]:
        """Who can apply. Generated people and personas also bring the facts they would declare."""
        if kind == "personas":
            return people.personas()
        return people.choose_real(count, seed) if kind == "real" else people.choose_generated(count, seed)

    @app.get("/_faults")
    async def standing_faults() -> list[dict[str, Any]]:
        return faults.standing()

    @app.put("/_faults/{source}")
    async def set_fault(source: str, fault: Fault) -> dict[str, Any]:
        must_exist(source)
        faults.put(source, fault)
        return {"source": source, **fault.model_dump(mode="json")}

    @app.delete("/_faults", status_code=204)
    async def lift_all_faults() -> None:
        faults.lift()

    @app.delete("/_faults/{source}", status_code=204)
    async def lift_faults(source: str) -> None:
        must_exist(source)
        faults.lift(source)

    @app.get("/_limits")
    async def standing_limits() -> dict[str, float]:
        return limits.per_second()

    @app.put("/_limits/{source}")
    async def set_limit(source: str, limit: Limit) -> dict[str, Any]:
        must_exist(source)
        limits.set(source, limit.per_second)
        return {"source": source, "per_second": limit.per_second}

    return app


def must_exist(source: str) -> None:
    known = (*SOURCES, *CHANNELS)
    if source not in known:
        raise HTTPException(404, f"there is no source {source!r}; there are {', '.join(known)}")
