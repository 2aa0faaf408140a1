"""Every policy that was ever in force here, as its file was read, so that what decisions pinned can be read again."""

from datetime import datetime

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.errors import NotFound
from plimsoll.domain.underwriting.policy import Policy

KEEP = """
insert into policy_version (product, digest, version, content, kept_at)
values (%(product)s, %(digest)s, %(version)s, %(content)s, %(now)s) on conflict do nothing
"""
LIST = """
select p.digest, p.version, p.kept_at, made.decisions, made.first_at, made.last_at
from policy_version p, lateral (
    select count(*) as decisions, min(d.decided_at) as first_at, max(d.decided_at) as last_at
    from decision d where d.policy_digest = p.digest) made
where p.product = %(product)s order by p.kept_at desc, p.digest limit 100
"""


class PolicyVersions:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: set[tuple[str, str]] = set()  # by this process: looked at every few seconds, written once

    async def keep(self, product: str, policy: Policy, now: datetime) -> None:
        """Once for each content: one that comes back later keeps the day it was first seen."""
        if (product, policy.digest) in self._kept:
            return
        await self._database.run(
            KEEP,
            {"product": product, "digest": policy.digest, "version": policy.version, "content": policy.content,
             "now": now},
        )  # fmt: skip
        self._kept.add((product, policy.digest))

    async def listed(self, product: str) -> list[Row]:
        """The newest first, each with the decisions made by it."""
        return await self._database.rows(LIST, {"product": product})

    async def content(self, product: str, digest: str) -> bytes:
        """Raises NotFound."""
        row = await self._database.row(
            "select content from policy_version where product = %(product)s and digest = %(digest)s",
            {"product": product, "digest": digest},
        )
        if row is None:
            raise NotFound(f"No policy of {product} with the digest {digest[:12]} is kept here.")
        return row["content"].encode()
