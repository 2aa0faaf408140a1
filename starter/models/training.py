"""The first model of a new home: trained before the stack starts, released as any other, by two people."""

import json
from datetime import UTC, datetime
from typing import Any

from plimsoll.domain.access import Role
from plimsoll.domain.models.registry import RoleName
from plimsoll.settings import Settings
from plimsoll.wiring import Ports
from plimsoll.wiring.models import newest_model, train_model
from plimsoll.wiring.packs import product_packs
from starter.models.registrar import Registrar

FIRST = "the first model of this home"


def ensure_trained(product: str, settings: Settings) -> tuple[dict[str, Any], bool]:
    """The version trained last, trained now when there was none; and whether it was trained now."""
    pack = product_packs(settings).get(product)
    found = newest_model(settings, pack)
    if found is not None:
        return describe(found), False
    return describe(train_model(settings, pack, created_at=datetime.now(UTC).isoformat())), True


async def ensure_released(product: str, version: str, ports: Ports, settings: Settings) -> bool:
    """Makes this version champion where there is none: registered and proposed by the local model owner, approved by
    the local model approver. Whether there was something to do."""
    pack = ports.products.get(product)
    if (await ports.registry.lineup(pack.model)).champion is not None:
        return False
    office = Registrar(ports.registry, ports.live, ports.shelf, ports.products, request="first-model")
    keys = json.loads((settings.secrets / "keys.json").read_text())
    owner = await ports.access.actor_of_key(keys[Role.MODEL_OWNER])
    approver = await ports.access.actor_of_key(keys[Role.MODEL_APPROVER])
    record = await office.register(product, version, owner)
    await office.propose(record.id, owner, FIRST)
    await office.approve(record.id, approver, FIRST)
    await office.give_role(record.id, RoleName.CHAMPION, owner, FIRST)
    return True


def describe(manifest: Any) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "metrics": manifest.metrics,
        "data": manifest.data,
    }
