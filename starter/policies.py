"""What a risk team asks of policies: the rules in force, the versions before, and what a change would do."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog

from plimsoll.domain.errors import NotFound, Unavailable
from plimsoll.domain.underwriting.backtest import BackTest, back_test
from plimsoll.domain.underwriting.case import Case
from plimsoll.domain.underwriting.policy import Policy, PolicyUnreadable, differences, handed_in
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Status
from plimsoll.ports import PolicyTrial
from plimsoll.wiring import Ports

log = structlog.get_logger()


class PolicyDesk:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def keep_what_is_in_force(self) -> None:
        """So that a decision's policy can still be read when its file has changed."""
        for product in self._ports.products.all():
            try:
                await self._kept(product, self._ports.policies.policy(product))
            except Unavailable as error:
                log.warning("policy.not_kept", product=product.id, error=type(error).__name__)

    async def listed(self) -> list[dict[str, Any]]:
        """Every product with its policy, those that may be applied for first; of one that cannot be read, the fault."""
        return [{"product": product.id, "title": product.title} | await self._in_short(product)
                for product in sorted(self._ports.products.all(), key=lambda each: each.watches)]  # fmt: skip

    async def _in_short(self, product: Product) -> dict[str, Any]:
        try:
            policy = (await self.in_force(product)).policy
        except PolicyUnreadable as error:
            return {"problem": error.message}
        return {"rules": len(policy.rules)} | summary(policy)

    async def in_force(self, product: Product) -> PolicyTrial:
        found = self._ports.policies.trial(product)
        await self._kept(product, found.policy)
        return found

    async def _kept(self, product: Product, policy: Policy) -> None:
        await self._ports.policy_versions.keep(product.id, policy, datetime.now(UTC))

    async def version(self, product: Product, digest: str) -> PolicyTrial:
        """Raises NotFound."""
        return self._ports.policies.trial(product, await self._ports.policy_versions.content(product.id, digest))

    async def versions(self, product: Product) -> list[dict[str, Any]]:
        return await self._ports.policy_versions.listed(product.id)

    async def changes(self, product: Product, before: str, after: str | None) -> list[str]:
        """From one kept version to another, or to the one in force."""
        old = await self.version(product, before)
        new = await self.version(product, after) if after else await self.in_force(product)
        return differences(old.policy, new.policy)

    def proposed(self, product: Product, policy: dict[str, Any]) -> PolicyTrial:
        """A policy that somebody thinks of. Raises InvalidRequest when it is none."""
        with handed_in():
            return self._ports.policies.trial(product, json.dumps(policy).encode())

    async def tried_on_the_past(self, product: Product, changed: PolicyTrial, limit: int) -> BackTest:
        """On the newest decided cases; erased people are left out. Raises InvalidRequest when it cannot be asked."""
        in_force = await self.in_force(product)
        cases = await self._decided(product, limit)
        with handed_in():
            return await asyncio.to_thread(back_test, product, cases, in_force.evaluate, changed.evaluate)

    async def _decided(self, product: Product, limit: int) -> list[Case]:
        rows = await self._ports.reading.applications(limit=limit, statuses=[Status.DECIDED], product=product.id)
        found: list[Case] = []
        for row in rows:
            with suppress(NotFound):  # of somebody who was erased
                found.append(await self._ports.casework.load(row["id"]))
        return found


def summary(policy: Policy) -> dict[str, Any]:
    return {"version": policy.version, "digest": policy.digest}
