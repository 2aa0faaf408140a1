"""How the portfolio does: counts, rates and money over the applications that were chosen."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models.metrics import wilson
from plimsoll.domain.models.performance import months_since_the_end_of
from plimsoll.domain.underwriting.overview import BANDS, Chosen
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Outcome
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/portfolio", tags=["portfolio"])

Json = dict[str, Any]
Word = Annotated[str | None, Query(max_length=120)]
# A series of so many days is drawn in these units: enough points to see a shape, not too many to read.
LAST_YEAR = 9000  # the calendar of this program ends with 9999, and a day is added here and there
UNITS = ((3, "hour"), (93, "day"), (730, "week"))


@router.get("", summary="Volume, outcomes, automation, times, losses, cost")
async def portfolio(
    actor: Annotated[Actor, Depends(Needs(Permission.READ))],
    house: Annotated[Running, Depends(running)],
    product: Word = None,
    outcome: Outcome | None = None,
    arm: Word = None,
    version: Word = None,
    since: date | None = None,
    until: date | None = None,
    zone: Annotated[str, Query(max_length=60)] = "UTC",
) -> JSONResponse:
    """Of the applications accepted from the day `since` to the end of the day `until`, days of `zone`; `version` is
    NAME@VERSION of the model that scored. `automation_rate` is the share of those decided or referred that went to no
    person, `override_rate` that of people's verdicts against the live cut."""
    here, now = _zone(zone), datetime.now(UTC)
    if until and until.year > LAST_YEAR:
        raise InvalidRequest(f"`until` is {until}: leave it out for all there is.")
    if since and until and since > until:
        raise InvalidRequest(f"`since` is {since}, after `until`, which is {until}.")
    packs = {pack.id: pack for pack in house.ports.products.all()}
    chosen = Chosen(
        product=product,
        outcome=outcome,
        arm=arm,
        version=version,
        since=_begins(since, here),
        until=_begins(until + timedelta(days=1), here) if until else None,
        unit=_unit(since or await house.ports.reading.portfolio.first_day(), until or now.date()),
        zone=here.key,
    )
    found = await house.ports.reading.portfolio.figures(
        chosen, {name: pack.risk.decline_above for name, pack in packs.items()}
    )
    return answer_json(
        found
        | _rates(found)
        | {
            "unit": chosen.unit,
            "band_bounds": BANDS,
            "cost_of_evidence": _cost_of_evidence(found["inquiries"], packs),
            "vintages": _vintages(found["vintages"], packs, now.date()),
            "sources": await _sources(house, packs, now),
        }
    )


@router.get("/choices", summary="Products, arms and versions there are to choose from")
async def choices(
    actor: Annotated[Actor, Depends(Needs(Permission.READ))], house: Annotated[Running, Depends(running)]
) -> Json:
    products = sorted(pack.id for pack in house.ports.products.all())
    return {"product": products} | await house.ports.reading.portfolio.arms()


def _rates(found: Json) -> Json:
    counts: dict[str, int] = defaultdict(int)
    for row in found["by_outcome"]:
        counts[row["outcome"]] += row["n"]
    decided = sum(counts.values())
    verdicts = found["verdicts"]
    return {
        "decided": decided,
        "approval_rate": _share(counts["approve"], decided),
        "decline_rate": _share(counts["decline"], decided),
        "counter_offer_rate": _share(counts["counter_offer"], decided),
        "refer_rate": _share(found["referred"], found["applications"]),
        "automation_rate": _share(found["judged"] - found["referred"], found["judged"]),
        "override_rate": _share(verdicts["against"], verdicts["n"]),
    }


def _cost_of_evidence(inquiries: list[Json], packs: dict[str, Product]) -> list[Json]:
    """By currency: what the inquiries that have a price cost, and how many have none."""
    costs: dict[str, Json] = {}
    for row in inquiries:
        cost = costs.setdefault(row["currency"], {"currency": row["currency"], "amount": Decimal(0), "inquiries": 0,
                                                  "without_price": 0})  # fmt: skip
        price = _price(packs.get(row["product"]), row["source"])
        cost["inquiries"] += row["n"]
        cost["amount"] += price * row["n"] if price is not None else 0
        cost["without_price"] += row["n"] if price is None else 0
    return [cost | {"amount": f"{cost['amount']:.2f}"} for cost in costs.values()]


def _price(pack: Product | None, source: str) -> Decimal | None:
    return next((terms.price for terms in pack.sources if terms.name == source), None) if pack else None


def _vintages(rows: list[Json], packs: dict[str, Product], today: date) -> list[Json]:
    """By month of decision: bad rate of the loans whose end is known, and what was lost of the money they had asked.
    Ripe when every product in it is, by its own terms."""
    months: dict[str, list[Json]] = defaultdict(list)
    for row in rows:
        months[row["vintage"]].append(row)
    return [_vintage(name, parts, packs, today) for name, parts in sorted(months.items())]


def _vintage(name: str, parts: list[Json], packs: dict[str, Product], today: date) -> Json:
    sums = {key: sum(part[key] or 0 for part in parts) for key in ("granted", "known", "bad")}
    one_currency = len({part["currency"] for part in parts}) == 1
    lent, lost = (sum(part[key] or Decimal(0) for part in parts) for key in ("lent", "lost"))
    return sums | {
        "vintage": name,
        "ripe": all(_ripe(part, packs.get(part["product"]), today) for part in parts),
        "bad_rate": _share(sums["bad"], sums["known"]),
        "interval": wilson(sums["bad"], sums["known"]) if sums["known"] else None,
        "currency": parts[0]["currency"] if one_currency else None,
        "lost": f"{lost:.2f}" if one_currency else None,
        "loss_rate": float(lost / lent) if one_currency and lent else None,
    }


def _ripe(part: Json, pack: Product | None, today: date) -> bool:
    if pack is None:
        return False
    complete = part["known"] >= pack.outcomes.complete_at * part["granted"]
    return complete or months_since_the_end_of(part["vintage"], today) >= pack.outcomes.maturity_months


async def _sources(house: Running, packs: dict[str, Product], now: datetime) -> list[Json]:
    """Every source any product asks: its breaker now, and how it answered in the last day."""
    breakers = {row["source"]: row for row in await house.ports.gate.states()}
    answers = {row["source"]: row for row in await house.ports.reading.portfolio.answers(now)}
    asked = dict.fromkeys(terms.name for pack in packs.values() for terms in pack.sources)
    nothing = {"asked": 0, "answered": 0, "p50": None, "p95": None}
    return [
        nothing
        | answers.get(name, {})
        | {
            "source": name,
            "failures": breakers.get(name, {}).get("failures", 0),
            "open_until": breakers.get(name, {}).get("open_until"),
        }
        for name in sorted({*asked, *breakers, *answers})
    ]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRequest(f"`zone` is {name!r}, which is no time zone: write one like Europe/Berlin.") from None


def _begins(day: date | None, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, time.min, zone) if day else None


def _unit(first: date | None, last: date) -> str:
    days = (last - first).days if first else 0
    return next((unit for most, unit in UNITS if days < most), "month")
