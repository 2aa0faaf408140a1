"""Versions of models as a registry knows them, without files: for tests that move roles about."""

import hashlib

from plimsoll.domain.access import Role
from plimsoll.domain.registry import ModelRecord, Registration, RoleName
from tests.builders import NOW
from tests.house import House

MODEL = "consumer-credit"


def a_version(version: str, model: str = MODEL) -> Registration:
    digest = hashlib.sha256(f"{model}@{version}".encode()).hexdigest()
    return Registration(
        name=model,
        version=version,
        digest=digest,
        product=model,
        algorithm="a test's",
        manifest={"files": {"model.cbm": digest}},
        report_digest=digest,
    )


async def approved(house: House, version: Registration) -> ModelRecord:
    """Registered, proposed by one person and approved by another."""
    owner, approver = await house.somebody(Role.MODEL_OWNER), await house.somebody(Role.MODEL_APPROVER)
    given = {"request": "req_test", "now": NOW}
    record = await house.ports.registry.register(version, by=owner, **given)
    await house.ports.registry.propose(record.id, by=owner, reason="trained", **given)
    return await house.ports.registry.approve(record.id, by=approver, reason="looked at", **given)


async def a_champion(house: House, version: Registration | None = None) -> ModelRecord:
    record = await approved(house, version or a_version("first"))
    owner = await house.somebody(Role.MODEL_OWNER)
    return await house.ports.registry.set_role(
        record.id, RoleName.CHAMPION, by=owner, reason="the first", request="req_test", now=NOW
    )
