"""Shadow models: they score what was scored, on the same facts, after the fact, and decide nothing.

What they owe is read from the record, so none is lost: a worker that was away finds what it missed.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import structlog

from activities.policy import facts_to_decide
from plimsoll.domain.errors import NotFound, Unavailable
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.ports import CaseworkStore, LiveModels, OwedShadow, Products, Scorer, ShadowStore

log = structlog.get_logger()

AT_ONCE = 100
IDLE = 1.0
AWAY = 10.0
EVER = datetime(2000, 1, 1, tzinfo=UTC)
# A score may be written long after the moment it carries, so all of them are looked at now and then.
RECENT, LOOK_BACK_EVERY = timedelta(minutes=15), 600.0


class Shadowing:
    def __init__(
        self, shadows: ShadowStore, casework: CaseworkStore, live: LiveModels, scorer: Scorer, products: Products
    ) -> None:
        self._shadows = shadows
        self._casework = casework
        self._live = live
        self._scorer = scorer
        self._products = products
        self._looked_back: dict[str, float] = {}
        self._asked: set[str] = set()

    async def run(self) -> None:
        """For ever. Several may run: each score is written once."""
        while True:
            try:
                await asyncio.sleep(0 if await self.score_some() else IDLE)
            except Unavailable as error:
                log.warning("shadow.waits", code=error.code)
                await asyncio.sleep(AWAY)

    async def score_some(self) -> int:
        """A batch for each model with a shadow. Returns how many were scored; raises Unavailable."""
        scored = 0
        for name in sorted({product.model for product in self._products.all()}):
            shadow = (await self._live.lineup(name)).shadow
            if shadow is not None:
                scored += await self._score_owed(name, shadow)
        return scored

    async def _score_owed(self, name: str, shadow: ModelPin) -> int:
        back = time.monotonic() - self._looked_back.get(shadow.digest, float("-inf")) > LOOK_BACK_EVERY
        owed = await self._shadows.owed(name, shadow.digest, EVER if back else datetime.now(UTC) - RECENT, AT_ONCE)
        if back and len(owed) < AT_ONCE:
            self._looked_back[shadow.digest] = time.monotonic()
        for one in owed:
            await self._score(one, shadow)
        return len(owed)

    async def _score(self, owed: OwedShadow, shadow: ModelPin) -> None:
        try:
            case = await self._casework.load(owed.application)
        except NotFound:  # erased between the two statements
            return
        product = self._products.get(owed.product)
        facts = facts_to_decide(case, product, owed.scored_at)
        if shadow.digest not in self._asked:  # its files are read and verified first: that is no score's time
            await asyncio.to_thread(self._scorer.score, shadow, product, facts, ())
            self._asked.add(shadow.digest)
        began = time.perf_counter()
        score = await asyncio.to_thread(self._scorer.score, shadow, product, facts, ())
        await self._shadows.write(owed, score, round((time.perf_counter() - began) * 1000, 3))
