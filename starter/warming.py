"""What a first case would otherwise wait for, done before a process says that it is ready.

Reading in a model's library takes a second or two, longer than the express lane waits for a decision.
"""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal

from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.underwriting.facts import Ask, Stage, facts_of
from plimsoll.domain.underwriting.offers import asks_around
from plimsoll.domain.underwriting.product import Product
from plimsoll.settings import Settings
from plimsoll.wiring import Ports
from plimsoll.wiring.models import newest_model


async def rehearse(ports: Ports, settings: Settings, product: Product) -> bool:
    """The product's own example, screened and scored; nothing is written. Whether it was the live model that scored.

    While none is live the newest there is stands in: it is of the kind that will be, and likely the very one.
    Raises Unavailable.
    """
    champion = (await ports.live.lineup(product.model)).champion
    model = champion or _newest(settings, product)
    await asyncio.to_thread(_screen_and_score, ports, product, model, datetime.now(UTC).date())
    return champion is not None


def _newest(settings: Settings, product: Product) -> ModelPin | None:
    found = newest_model(settings, product)
    return found.pin() if found else None


def _screen_and_score(ports: Ports, product: Product, model: ModelPin | None, today: date) -> None:
    declared = facts_of(product, product.example, as_of=today, stage=Stage.SCREEN)
    ports.policies.evaluate(product, ports.policies.pin(product), Stage.SCREEN, declared)
    if model is not None:
        known = facts_of(product, product.example, as_of=today, stage=Stage.DECIDE)
        asked = Ask(amount=Decimal(product.example["amount"]), term_months=product.example["term_months"])
        ports.scorer.score(model, product, known, asks_around(product, asked))
