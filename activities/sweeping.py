"""One look at the whole portfolio, a range of customers at a time: each goes on from the customer it had come to."""

from datetime import datetime

from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Message
from activities.watching import Watch
from plimsoll.ports.outreach import Sweeps

AT_ONCE = 2_000  # customers of one transaction, which the live stream waits for while it is written


class Sweep(Message):
    """`key` names the sweep: the same one again hands nobody over twice."""

    key: str = ""
    ranges: int = 8


class SweepRange(Message):
    """Customers after one id, up to another."""

    key: str
    after: str = ""
    upto: str | None = None  # None: to the last one
    now: datetime


class Swept(Message):
    judged: int = 0
    triggers: int = 0

    def and_(self, other: "Swept") -> "Swept":
        return Swept(judged=self.judged + other.judged, triggers=self.triggers + other.triggers)


class Ended(Message):
    key: str
    swept: Swept
    now: datetime


class Sweeping:
    def __init__(self, watch: Watch, sweeps: Sweeps) -> None:
        self._watch = watch
        self._sweeps = sweeps

    @activity.defn(name="plan_sweep")
    async def plan(self, sweep: Sweep) -> list[str]:
        """Where one range ends and the next begins."""
        with reported_to_temporal():
            return list(await self._sweeps.boundaries(sweep.ranges))

    @activity.defn(name="sweep_range")
    async def sweep(self, part: SweepRange) -> Swept:
        """Says after every block how far it came, so that another worker goes on from there."""
        with reported_to_temporal():
            after, done = _where_it_stopped(part)
            while True:
                last, came = await self._watch.look_at_block(after, AT_ONCE, part.now, f"sweep/{part.key}", part.upto)
                done = done.and_(Swept(judged=came.judged, triggers=came.triggers))
                if last is None or (part.upto is not None and last >= part.upto):
                    return done
                after = last
                if activity.in_activity():
                    activity.heartbeat(after, done.judged, done.triggers)

    @activity.defn(name="end_sweep")
    async def end(self, ended: Ended) -> Swept:
        with reported_to_temporal():
            await self._sweeps.ended(ended.key, ended.swept.judged, ended.swept.triggers, ended.now)
            return ended.swept


def _where_it_stopped(part: SweepRange) -> tuple[str, Swept]:
    details = activity.info().heartbeat_details if activity.in_activity() else ()
    if len(details) != 3:
        return part.after, Swept()
    after, judged, triggers = details
    return after, Swept(judged=judged, triggers=triggers)
