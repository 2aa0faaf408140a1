"""What people do with versions of models. Files, release gate and product are looked at before Postgres is told.

So nothing is proposed, approved or released that could not be loaded or must not go out, and a
refusal leaves everything as it was.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

from plimsoll.domain.access import Actor
from plimsoll.domain.models.registry import (
    ModelRecord,
    Registration,
    RoleName,
    must_be_applied_for,
    must_be_releasable,
    must_belong,
    must_have_same_files,
)
from plimsoll.domain.models.release import blockers
from plimsoll.domain.underwriting.product import FeatureSpec
from plimsoll.ports import LiveModels, ModelRegistry, ModelShelf, Products


class Registrar:
    def __init__(
        self, registry: ModelRegistry, live: LiveModels, shelf: ModelShelf, products: Products, request: str
    ) -> None:
        self._registry = registry
        self._live = live
        self._shelf = shelf
        self._products = products
        self._request = request

    async def register(self, product: str, version: str, by: Actor) -> ModelRecord:
        """A version that lies in the models folder. Raises AnotherProduct, ModelRefused, ModelUnavailable."""
        pack = self._products.get(product)
        found = await asyncio.to_thread(self._shelf.read, pack.model, version)
        must_belong(found, pack.id, pack.model)
        return await self._registry.register(found, by=by, request=self._request, now=datetime.now(UTC))

    async def propose(self, reference: str, by: Actor, reason: str) -> ModelRecord:
        record = await self._registry.find(reference)
        await self._must_be_fit_to_go_out(record)
        return await self._registry.propose(record.id, by=by, **self._words(reason))

    async def approve(self, reference: str, by: Actor, reason: str) -> ModelRecord:
        record = await self._registry.find(reference)
        await self._must_be_fit_to_go_out(record)
        return await self._registry.approve(record.id, by=by, **self._words(reason))

    async def reject(self, reference: str, by: Actor, reason: str) -> ModelRecord:
        record = await self._registry.find(reference)
        return await self._registry.reject(record.id, by=by, **self._words(reason))

    async def retire(self, reference: str, by: Actor, reason: str) -> ModelRecord:
        record = await self._registry.find(reference)
        return await self._registry.retire(record.id, by=by, **self._words(reason))

    async def give_role(
        self, reference: str, role: RoleName, by: Actor, reason: str, share: float = 0.0, product: str | None = None
    ) -> ModelRecord:
        """`product`: what the caller takes the version to be for. Raises AnotherProduct when it is not."""
        record = await self._registry.find(reference)
        record.must_be_fit_for(role, share)  # the first thing to be said, before anything about files
        pack = self._products.get(product or record.product)
        must_belong(record, pack.id, pack.model)
        if role is not RoleName.CHAMPION:
            must_be_applied_for(pack)
        await self._must_be_fit_to_go_out(record)
        given = await self._registry.set_role(record.id, role, share=share, by=by, **self._words(reason))
        self._live.forget()
        return given

    async def clear_role(self, name: str, role: RoleName, by: Actor, reason: str) -> ModelRecord | None:
        record = await self._registry.clear_role(name, role, by=by, **self._words(reason))
        self._live.forget()
        return record

    async def _must_be_fit_to_go_out(self, record: ModelRecord) -> Registration:
        """Every file is what was registered, and training does not say that it must stay."""
        found = await asyncio.to_thread(self._shelf.read, record.name, record.version)
        must_have_same_files(record, found)
        features = [FeatureSpec.model_validate(feature) for feature in found.manifest.get("features", ())]
        # As training said then, and as the product says now: a reason may have gone meanwhile.
        told = (*found.blockers, *blockers(self._products.get(record.product), features))
        must_be_releasable(record.called, dict.fromkeys(told))
        return found

    def _words(self, reason: str) -> dict[str, Any]:
        return {"reason": reason, "request": self._request, "now": datetime.now(UTC)}
