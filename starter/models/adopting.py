"""What was live before Postgres kept the roles: adopted once, when a process of a newer version starts."""

import asyncio
from datetime import UTC, datetime

import structlog

from plimsoll.domain.access import SYSTEM
from plimsoll.domain.models.scoring import ModelRefused, ModelUnavailable
from plimsoll.wiring import Ports

log = structlog.get_logger()

WHY = "it decided before the registry was there"


async def adopt_what_was_live(ports: Ports) -> None:
    """Every product's model named by an old `live.json` becomes champion, unless there is one. Raises Unavailable."""
    for name in sorted({product.model for product in ports.products.all()}):
        version = ports.shelf.live_before(name)
        if version is None:
            continue
        try:
            found = await asyncio.to_thread(ports.shelf.read, name, version)
        except (ModelRefused, ModelUnavailable) as error:
            log.error("model.not_adopted", model=name, version=version, error=error.code)
            continue
        await ports.registry.adopt(found, by=SYSTEM, request="start", now=datetime.now(UTC), reason=WHY)
        ports.shelf.was_adopted(name)
        log.info("model.adopted", model=name, version=version)
