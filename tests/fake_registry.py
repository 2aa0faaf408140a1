"""A registry in memory: the domain's rules, without tables or ledger."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime

from plimsoll.domain.access import Actor
from plimsoll.domain.errors import InvalidRequest, NotFound
from plimsoll.domain.models.assignment import Lineup
from plimsoll.domain.models.registry import ModelRecord, ModelState, Registration, RoleHeld, RoleName


class FakeRegistry:
    def __init__(self) -> None:
        self._records: dict[str, ModelRecord] = {}
        self._roles: dict[tuple[str, RoleName], tuple[str, RoleHeld]] = {}
        self._numbers = itertools.count(1)

    async def find(self, reference: str) -> ModelRecord:
        name, _, version = reference.partition("@")
        if reference in self._records:
            return self._with_roles(self._records[reference])
        fit = [r for r in self._records.values() if r.name == name and (not version or r.version.startswith(version))]
        if not fit or (version and len(version) < 4):
            raise NotFound(f"There is no model {reference}: `plimsoll model list` shows them.")
        if version and len(fit) > 1:
            raise InvalidRequest(f"{reference} fits several versions: give more of it.")
        champion = self._roles.get((name, RoleName.CHAMPION))
        return await self.find(champion[0] if champion and not version else fit[-1].id)

    async def find_all(
        self, *, limit: int, after: str | None = None, name: str | None = None, product: str | None = None,
        state: ModelState | None = None,
    ) -> Sequence[ModelRecord]:  # fmt: skip
        found = [
            self._with_roles(record)
            for record in reversed(self._records.values())
            if (after is None or record.id < after)
            and name in (None, record.name)
            and product in (None, record.product)
            and state in (None, record.state)
        ]
        return found[:limit]

    async def lineup(self, name: str) -> Lineup:
        held = {role: (self._records[model], how) for (of, role), (model, how) in self._roles.items() if of == name}
        pins = {role.value: record.pin(role) for role, (record, _) in held.items()}
        challenger = held.get(RoleName.CHALLENGER)
        share, salt = (challenger[1].share, challenger[1].salt) if challenger else (0.0, "")
        return Lineup(name=name, share=share, salt=salt, **pins)

    async def register(
        self, version: Registration, *, by: Actor, request: str, now: datetime, training: str | None = None
    ) -> ModelRecord:
        known = next((r for r in self._records.values() if r.digest == version.digest), None)
        if known:
            return self._with_roles(known)
        record = ModelRecord(
            id=f"mdl_{next(self._numbers):04}", state=ModelState.CANDIDATE, training_id=training, created_by=by.id,
            created_at=now, **version.model_dump(exclude={"blockers"}),
        )  # fmt: skip
        self._records[record.id] = record
        return record

    async def adopt(self, version: Registration, *, by: Actor, request: str, now: datetime, reason: str) -> ModelRecord:
        record = await self.register(version, by=by, request=request, now=now)
        self._records[record.id] = record.model_copy(update={"state": ModelState.APPROVED, "note": reason})
        if not any(of == record.name for of, _ in self._roles):
            self._give(record, RoleName.CHAMPION, 0.0, "", by, reason, now)
        return await self.find(record.id)

    async def propose(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord:
        return await self._change(model, lambda record: record.proposed(by, now))

    async def approve(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord:
        return await self._change(model, lambda record: record.approved(by, now))

    async def reject(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord:
        return await self._change(model, lambda record: record.rejected(by, reason))

    async def retire(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord:
        return await self._change(model, lambda record: record.retired(reason))

    async def set_role(
        self, model: str, role: RoleName, *, share: float = 0.0, salt: str | None = None, by: Actor, reason: str,
        request: str, now: datetime,
    ) -> ModelRecord:  # fmt: skip
        record = await self._by_id(model)
        record.must_be_fit_for(role, share)
        held = record.plays(role)
        if salt is None:
            salt = held.salt if held else f"salt-{next(self._numbers)}"
        self._give(record, role, share, salt, by, reason, now)
        if role is RoleName.CHAMPION:
            for other in record.roles:
                if other.role is not role:
                    del self._roles[record.name, other.role]
        return await self.find(model)

    async def clear_role(
        self, name: str, role: RoleName, *, by: Actor, reason: str, request: str, now: datetime
    ) -> ModelRecord | None:
        if role is RoleName.CHAMPION:
            raise InvalidRequest(f"{name} needs a champion: promote another version instead.")
        held = self._roles.pop((name, role), None)
        return await self.find(held[0]) if held else None

    async def _change(self, model: str, change: Callable[[ModelRecord], ModelRecord]) -> ModelRecord:
        changed = change(await self._by_id(model))
        self._records[model] = changed.model_copy(update={"roles": ()})
        return self._with_roles(changed)

    async def _by_id(self, model: str) -> ModelRecord:
        if model not in self._records:
            raise NotFound(f"There is no model {model}: `plimsoll model list` shows them.")
        return self._with_roles(self._records[model])

    def _give(
        self, record: ModelRecord, role: RoleName, share: float, salt: str, by: Actor, reason: str, now: datetime
    ) -> None:
        held = RoleHeld(role=role, share=share, salt=salt, since=now, set_by=by.id, reason=reason)
        self._roles[record.name, role] = (record.id, held)

    def _with_roles(self, record: ModelRecord) -> ModelRecord:
        held = (how for model, how in self._roles.values() if model == record.id)
        return record.model_copy(update={"roles": tuple(sorted(held, key=lambda how: how.role))})
