"""Watching customers: what came in changes their records, what can matter has them judged, and who is at risk is
handed over, in one transaction each time. The live stream, its timers and the sweep of a portfolio all come here.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.examples import Column
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.outreach.episode import Trigger, TriggerSource
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import RiskLevel
from plimsoll.domain.watching import sensitive, state
from plimsoll.domain.watching.clocks import Clocks, days_of, time_by
from plimsoll.domain.watching.events import Kind
from plimsoll.domain.watching.judging import Judged, Judgement, asks_for_help, judge
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.rows import Rows
from plimsoll.domain.watching.triggers import NOTHING_DUE, matching, next_looks, usual_week
from plimsoll.ports import ColumnScorer, LiveModels, Products
from plimsoll.ports.outreach import Interventions
from plimsoll.ports.watching import Cursor, StateBlock, TransactionLog, WatchedStore

Ints = npt.NDArray[np.int64]
READER = "watch"
AT_ONCE = 2_000  # events of one transaction
DUE_AT_ONCE = 500
DAY = 86_400  # seconds
TIMER, SWEEP, PERSON = "timer", "sweep", "person"


@dataclass(frozen=True)
class LiveModel:
    """The version that answers now, as judging asks it."""

    pin: ModelPin
    product: Product
    scorer: ColumnScorer

    @property
    def name(self) -> str:
        return f"{self.pin.name}@{self.pin.version}"

    @property
    def features(self) -> Sequence[str]:
        return [spec.name for spec in self.scorer.features(self.pin)]

    def probabilities(self, columns: Mapping[str, Column]) -> npt.NDArray[np.float64]:
        return self.scorer.probabilities(self.pin, columns)

    def contributions(self, columns: Mapping[str, Column]) -> npt.NDArray[np.float64]:
        return self.scorer.contributions(self.pin, columns)


@dataclass(frozen=True)
class Done:
    """What one step came to."""

    events: int = 0
    judged: int = 0
    triggers: int = 0


class Watch:
    """Raises Unavailable when something it needs is away: what was begun is then undone, and the next try does it."""

    def __init__(
        self,
        log: TransactionLog,
        store: WatchedStore,
        interventions: Interventions,
        live: LiveModels,
        scorer: ColumnScorer,
        products: Products,
        policy: Callable[[], WatchPolicy],
    ) -> None:
        self._log = log
        self._store = store
        self._interventions = interventions
        self._live = live
        self._scorer = scorer
        self._products = products
        self._policy = policy

    # The stream -------------------------------------------------------------------------------------

    async def take_events(self, now: datetime) -> Done | None:
        """The next events, each exactly once; None when another process reads the stream."""
        async with self._store.reading(READER, now) as held:
            if held is None:
                return None
            connection, cursor = held
            rows = await self._log.after(cursor.seq, AT_ONCE)
            if not len(rows):
                return await self._look_at_due(connection, cursor, now)
            return await self._observe(connection, cursor, rows, now)

    async def _observe(self, connection: Any, cursor: Cursor, rows: Rows, now: datetime) -> Done:
        policy, model = self._policy(), await self.model()
        people, who = np.unique(rows["person"], return_inverse=True)
        block = await self._states_of(connection, people, cursor)
        clocks = Clocks(block.clocks, await self._store.watermarks(connection)).moved(who, rows, now)
        newest = rows["known_at"].max().astype("M8[us]").item().replace(tzinfo=UTC)
        moved = Cursor(
            name=cursor.name,
            seq=int(rows["seq"][-1]),
            watermark=min(now, max(newest, cursor.watermark or newest)),
        )
        work = await asyncio.to_thread(_taken_in, policy, block, who, rows, clocks.read(policy, now), model)
        triggers = await self._settle(connection, policy, work, TriggerSource.LIVE, now)
        await self._store.write_states(connection, block, work.due, now)
        await self._interventions.wake_people(connection, _who_paid(rows))
        done = Done(events=len(rows), judged=len(work.people), triggers=triggers)
        await self._store.move(connection, moved, now, events=done.events, judged=done.judged, triggers=triggers)
        await self._store.set_clocks(connection, clocks.watermarks)
        return done

    async def _look_at_due(self, connection: Any, cursor: Cursor, now: datetime) -> Done:
        """Nothing came, and that may be the news."""
        policy, watermarks = self._policy(), await self._store.watermarks(connection)
        today = {clock: time_by(policy, watermark, now).date() for clock, watermark in watermarks.items()}
        due = await self._store.due(connection, today, DUE_AT_ONCE)
        if not due:
            return Done()
        block = await self._store.states(connection, due)
        at = Clocks(block.clocks, watermarks).read(policy, now)
        work = await asyncio.to_thread(_all_of, policy, block, at, await self.model(), TIMER)
        triggers = await self._settle(connection, policy, work, TriggerSource.LIVE, now)
        await self._store.write_states(connection, block, work.due, now)
        await self._store.move(connection, cursor, now, judged=len(work.people), triggers=triggers)
        return Done(judged=len(work.people), triggers=triggers)

    async def _states_of(self, connection: Any, people: npt.NDArray[np.bytes_], cursor: Cursor) -> StateBlock:
        """A record for each, in this order: kept, made anew from the history, or empty."""
        names = [person.decode() for person in people.tolist()]
        kept, clocks = await self._store.states(connection, names), await self._store.clocks_of(connection, names)
        block = StateBlock(people, state.empty(len(people)), sensitive.nothing_kept(len(people)), clocks)
        places = np.searchsorted(people, kept.people)
        block.states[places], block.private[places] = kept.states, kept.private
        if len(kept.people) < len(people):
            outdated = await self._store.outdated(connection, names)
            if outdated:
                await self._make_anew(block, outdated, cursor)
        return block

    async def _make_anew(self, block: StateBlock, outdated: Sequence[str], cursor: Cursor) -> None:
        history = await self._log.history(outdated)
        history = history[history["seq"] <= cursor.seq]
        who = np.searchsorted(block.people, history["person"])
        state.observe(block.states, who, history)
        if self._policy().sensitive.keep:
            sensitive.observe_private(block.private, who, history)

    # The portfolio ----------------------------------------------------------------------------------

    async def look_at_block(self, after: str, limit: int, now: datetime, key: str) -> tuple[str | None, Done]:
        """The next customers after this id, judged and handed over; the id to go on from, None when it was the last.

        The same `key` again triggers nothing again.
        """
        policy = self._policy()
        async with self._store.waiting_for(READER, now) as (connection, _):
            block = await self._store.block(connection, after, limit)
            if not len(block.people):
                return None, Done()
            at = Clocks(block.clocks, await self._store.watermarks(connection)).read(policy, now)
            work = await asyncio.to_thread(_all_of, policy, block, at, await self.model(), SWEEP)
            triggers = await self._settle(connection, policy, work, TriggerSource.SWEEP, now, key)
        return block.people[-1].decode(), Done(judged=len(work.people), triggers=triggers)

    async def look_at(self, person: str, now: datetime) -> tuple[Judgement, npt.NDArray[np.float64]] | None:
        """One customer, judged now and written down, with all signals; None of whom nothing is kept."""
        policy = self._policy()
        async with self._store.waiting_for(READER, now) as (connection, _):
            block = await self._store.states(connection, [person])
            if not len(block.people):
                return None
            at = Clocks(block.clocks, await self._store.watermarks(connection)).read(policy, now)
            work = await asyncio.to_thread(_all_of, policy, block, at, await self.model(), PERSON)
            judgement = work.judged.explained(np.array([0]))[0]
            await self._store.write_risks(connection, [(person, judgement, PERSON, False)], work.help_offers, now)
        return judgement, work.judged.matrix[0]

    async def model(self) -> LiveModel | None:
        """The version that is live; None while none is."""
        product = self._products.get(self._policy().product)
        champion = (await self._live.lineup(product.model)).champion
        return None if champion is None else LiveModel(champion, product, self._scorer)

    # Handing over -----------------------------------------------------------------------------------

    async def _settle(
        self, connection: Any, policy: WatchPolicy, work: "_Work", source: TriggerSource, now: datetime, key: str = ""
    ) -> int:
        """Writes down what was judged and hands over whom it asks for; how many were handed over."""
        known = await self._store.known(connection, [person.decode() for person in work.people.tolist()])
        loud = [place for place in range(len(work.people)) if work.is_worth_words(place, known)]
        judgements = await asyncio.to_thread(work.judged.explained, np.array(loud, dtype=np.int64))
        written, triggers = [], 0
        for place, judgement in zip(loud, judgements, strict=True):
            person = work.people[place].decode()
            hand_over = asks_for_help(policy, judgement, known.get(person))
            if hand_over:
                trigger = _trigger(policy, person, judgement, source, key or work.keys[place])
                await self._interventions.trigger(connection, trigger, now)
                triggers += 1
            written.append((person, judgement, work.because[place], hand_over))
        await self._store.write_risks(connection, written, work.help_offers, now)
        quiet = np.setdiff1d(np.arange(len(work.people)), np.array(loud, dtype=np.int64))
        if len(quiet):
            await self._store.touch_risks(connection, work.people, work.judged, quiet, source, now)
        return triggers


def watch_of(ports: Any) -> Watch:
    """The watch of this environment."""
    return Watch(
        ports.watch.log,
        ports.watch.watched,
        ports.outreach.interventions,
        ports.live,
        ports.columns,
        ports.products,
        ports.watch.policy,
    )


def _trigger(policy: WatchPolicy, person: str, judgement: Judgement, source: TriggerSource, key: str) -> Trigger:
    return Trigger(
        person=person,
        product=policy.product,
        level=judgement.level,
        probability=judgement.probability,
        factors=judgement.factors,
        at=judgement.as_of,
        source=source,
        model=judgement.model or "",
        key=key,
    )


def _who_paid(rows: Rows) -> list[str]:
    paid = (rows["kind"] == Kind.REPAYMENT.code) & ~rows["failed"]
    return [person.decode() for person in np.unique(rows["person"][paid]).tolist()]


# What is worked out beside the event loop ----------------------------------------------------------


@dataclass(frozen=True)
class _Work:
    people: npt.NDArray[np.bytes_]  # those who were judged
    judged: Judged
    because: Sequence[str]
    keys: Sequence[str]
    due: npt.NDArray[np.int64]  # of the whole block
    help_offers: dict[str, Sequence[str]]

    def is_worth_words(self, place: int, known: Mapping[str, Any]) -> bool:
        """At risk, or no longer: whoever is and was at none has nothing to explain."""
        before = known.get(self.people[place].decode())
        return bool(self.judged.rank[place] > 0) or (before is not None and before.level is not RiskLevel.LOW)


def _taken_in(policy: WatchPolicy, block: StateBlock, who: Any, rows: Rows, at: Ints, model: LiveModel | None) -> _Work:
    """Which events can matter is asked of the records before them; whoever has one that does is judged after all."""
    fired = matching(policy.events, rows, usual_week(block.states)[who])
    looked = block.states["known"] // DAY
    state.observe(block.states, who, rows)
    if policy.sensitive.keep:
        sensitive.observe_private(block.private, who, rows)
    cause = np.full(len(block.people), -1, dtype=np.int64)
    matters = np.flatnonzero(fired >= 0)
    cause[who[matters[::-1]]] = matters[::-1]  # the first event that matters
    chosen = np.flatnonzero((cause >= 0) | _overdue(policy, block, looked, at))
    names, today = [rule.name for rule in policy.events], days_of(at[chosen])
    return _judged(
        policy, block, chosen, at, model,
        because=[names[fired[event]] if event >= 0 else TIMER for event in cause[chosen].tolist()],
        keys=[f"event/{rows['seq'][event]}" if event >= 0 else f"{TIMER}/{day}"
              for event, day in zip(cause[chosen].tolist(), today, strict=True)],
    )  # fmt: skip


def _overdue(policy: WatchPolicy, block: StateBlock, looked: Any, at: Ints) -> npt.NDArray[np.bool_]:
    """Of whom something failed to come since their newest event, so that any news asks for a look."""
    today = np.maximum(block.states["known"], at) // DAY
    since = np.where(looked > 0, looked, today)
    return next_looks(policy.timers, block.states, since, policy.days_off) <= today


def _all_of(policy: WatchPolicy, block: StateBlock, at: Ints, model: LiveModel | None, because: str) -> _Work:
    count = len(block.people)
    keys = [f"{because}/{day}" for day in days_of(at)]
    return _judged(policy, block, np.arange(count), at, model, because=[because] * count, keys=keys)


def _judged(
    policy: WatchPolicy,
    block: StateBlock,
    chosen: npt.NDArray[Any],
    at: Ints,
    model: LiveModel | None,
    *,
    because: Sequence[str],
    keys: Sequence[str],
) -> _Work:
    moments = np.maximum(block.states["known"], at)
    judged = judge(policy, block.states[chosen], moments[chosen].astype("M8[s]"), model)
    today = moments // DAY
    due = next_looks(policy.timers, block.states, today, policy.days_off)
    # What should have come long before was lost sight of: it is not waited for.
    due = np.where(due - today > policy.silent_after_days, NOTHING_DUE, due)
    offers: dict[str, Sequence[str]] = {}
    if policy.sensitive.keep and len(chosen):
        told = sensitive.help_worth_offering(block.private[chosen], moments[chosen].astype("M8[s]"))
        offers = {person.decode(): help_ for person, help_ in zip(block.people[chosen].tolist(), told, strict=True)}
    return _Work(block.people[chosen], judged, because, keys, due, offers)
