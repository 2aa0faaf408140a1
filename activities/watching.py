"""Watching customers: what came in changes their records, what can matter has them judged, and who is at risk is
handed over, in one transaction each time. The live stream, its timers and the sweep of a portfolio all come here.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
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
from plimsoll.domain.watching.clocks import Clocks, begun, days_of, moved, read, shown, stood_still
from plimsoll.domain.watching.events import Kind
from plimsoll.domain.watching.judging import Judged, Judgement, Known, asks_for_help, judge, silent
from plimsoll.domain.watching.moments import DAY, NO_RULE, Kept, Stop, next_due, stops
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.rows import Rows
from plimsoll.domain.watching.triggers import NOTHING_DUE
from plimsoll.ports import ColumnScorer, LiveModels, Products
from plimsoll.ports.outreach import Interventions
from plimsoll.ports.watching import Cursor, StateBlock, TransactionLog, WatchedStore

Ints = npt.NDArray[np.int64]
READER = "watch"
AT_ONCE = 500  # events of one transaction, which holds whoever is handed over until it ends
DUE_AT_ONCE = 500
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
    silent: int = 0  # of whom nothing is heard any more: they were not judged

    def and_(self, other: "Done") -> "Done":
        return Done(
            self.events + other.events,
            self.judged + other.judged,
            self.triggers + other.triggers,
            self.silent + other.silent,
        )


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
        self._caught_up = True  # nothing was left to be read

    # The stream -------------------------------------------------------------------------------------

    async def take_events(self, now: datetime) -> Done | None:
        """The next events, each exactly once; None when another process reads the stream."""
        async with self._store.reading(READER, now) as held:
            if held is None:
                return None
            connection, cursor = held
            # Nobody misses what is here and only was not read yet.
            done = await self._look_at_due(connection, now) if self._caught_up else Done()
            if done == Done():
                rows = await self._log.after(cursor.seq, AT_ONCE)
                done = await self._observe(connection, cursor, rows, now) if len(rows) else Done()
                cursor, self._caught_up = _behind(cursor, rows, now), len(rows) < AT_ONCE
            if done != Done():
                counts = {"events": done.events, "judged": done.judged, "triggers": done.triggers}
                await self._store.move(connection, cursor, now, **counts)
            return done

    async def _observe(self, connection: Any, cursor: Cursor, rows: Rows, now: datetime) -> Done:
        policy, model = self._policy(), await self.model()
        people, who = np.unique(rows["person"], return_inverse=True)
        block = await self._states_of(connection, people, cursor)
        clocks, of = await self._store.clocks(connection), block.clocks[who]
        after = shown(clocks, of, rows, now)
        # What comes long after it was known may be long over: it is judged, and hands nobody over.
        late = after - rows["known_at"] > np.timedelta64(policy.remind_after_days, "D")
        kept, done = Kept(block.states, block.due, _taking_in(policy, block)), Done(events=len(rows))
        stopping = stops(policy, kept, who, rows)
        while (stop := await asyncio.to_thread(next, stopping, None)) is not None:
            done = done.and_(await self._judge(connection, policy, block, stop, rows, late, model, now))
        await self._store.write_states(connection, block, now)
        await self._interventions.wake_people(connection, _who_paid(rows))
        await self._store.set_clocks(connection, moved(policy, clocks, of, after))
        return done

    async def _judge(
        self, connection: Any, policy: WatchPolicy, block: StateBlock, stop: Stop, rows: Rows,
        late: npt.NDArray[np.bool_], model: LiveModel | None, now: datetime,
    ) -> Done:  # fmt: skip
        some = block.of(stop.customers)
        known = await self._store.known(connection, some.names)
        # Nobody's time goes back: what comes late is judged as of the last judgement.
        before = [int(known[name].as_of.timestamp()) if name in known else 0 for name in some.names]
        causes = zip(stop.rules.tolist(), rows["seq"][stop.events].tolist(), days_of(stop.at), strict=True)
        said = [
            (TIMER, f"{TIMER}/{day}") if rule == NO_RULE else (policy.events[rule].name, f"event/{seq}")
            for rule, seq, day in causes
        ]
        work = await asyncio.to_thread(_judged, policy, some, np.maximum(stop.at, before), model, said)
        over = set(some.people[late[stop.events]].tolist())
        triggers = await self._settle(connection, policy, work, known, TriggerSource.LIVE, now, over=over)
        return work.done(triggers)

    async def _look_at_due(self, connection: Any, now: datetime) -> Done:
        """Nothing came, and that may be the news."""
        policy = self._policy()
        clocks = await self._store.clocks(connection)
        days = {
            number: begun(policy, clock.watermark, now)
            for number, clock in clocks.items()
            if clock.watermark is not None
        }
        due = await self._store.due(connection, days, DUE_AT_ONCE)
        if not due:
            return Done()
        block = await self._store.states(connection, due)
        still = stood_still(clocks, block.clocks, block.due)
        some = block.of(np.flatnonzero(~still))
        at = np.maximum(some.due * DAY, some.states["known"])
        work = await asyncio.to_thread(_all_of, policy, some, at, await self.model(), TIMER)
        known = await self._store.known(connection, some.names)
        triggers = await self._settle(connection, policy, work, known, TriggerSource.LIVE, now)
        block.due[:] = next_due(policy, block.states, block.due)
        await self._store.write_states(connection, block, now)
        return work.done(triggers).and_(Done(silent=int(still.sum())))

    async def _states_of(self, connection: Any, people: npt.NDArray[np.bytes_], cursor: Cursor) -> StateBlock:
        """A record for each, in this order: kept, made anew from the history, or empty."""
        names, count = [person.decode() for person in people.tolist()], len(people)
        kept, clocks = await self._store.states(connection, names), await self._store.clocks_of(connection, names)
        nothing = (state.empty(count), sensitive.nothing_kept(count), clocks, np.full(count, NOTHING_DUE))
        block = StateBlock(people, *nothing)
        places = np.searchsorted(people, kept.people)
        block.states[places], block.private[places], block.due[places] = kept.states, kept.private, kept.due
        if len(kept.people) < count:
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
        places = np.unique(who)
        block.due[places] = next_due(self._policy(), block.states[places], block.states["known"][places] // DAY)

    # The portfolio ----------------------------------------------------------------------------------

    async def look_at_block(
        self, after: str, limit: int, now: datetime, key: str, upto: str | None = None
    ) -> tuple[str | None, Done]:
        """The next customers after this id, judged and handed over; the id to go on from, None when it was the last.

        The same `key` again triggers nothing again. Read and judged ahead, so that the stream waits only while it is
        written down; when one of them changed meanwhile, they are judged anew.
        """
        policy, model = self._policy(), await self.model()

        async def judged(connection: Any, block: StateBlock) -> _Work:
            at = _times(policy, await self._store.clocks(connection), block, now)
            return await asyncio.to_thread(_all_of, policy, block, at, model, SWEEP)

        async with self._store.beside(READER, now) as (connection, ahead):
            block = await self._store.block(connection, after, upto, limit)
            if not len(block.people):
                return None, Done()
            work = await judged(connection, block)
        async with self._store.waiting_for(READER, now) as (connection, cursor):
            if cursor.seq != ahead.seq:
                present = await self._store.states(connection, block.names)
                work = work if present.tells_the_same_as(block) else await judged(connection, present)
            known = await self._store.at_risk(connection, block.names)
            triggers = await self._settle(connection, policy, work, known, TriggerSource.SWEEP, now, key)
        return block.names[-1], work.done(triggers)

    async def look_at(self, person: str, now: datetime) -> bool:
        """One customer, judged now and written down; False of whom nothing is kept. Who is silent stays as they are."""
        policy = self._policy()
        async with self._store.waiting_for(READER, now) as (connection, _):
            block = await self._store.states(connection, [person])
            at = _times(policy, await self._store.clocks(connection), block, now)
            work = await asyncio.to_thread(_all_of, policy, block, at, await self.model(), PERSON)
            judgements = work.judged.explained(np.arange(len(work.people)))
            written = [(person, judgement, PERSON, False) for judgement in judgements]
            await self._store.write_risks(connection, written, work.help_offers, now)
        return bool(len(block.people))

    async def model(self) -> LiveModel | None:
        """The version that is live; None while none is."""
        product = self._products.get(self._policy().product)
        champion = (await self._live.lineup(product.model)).champion
        return None if champion is None else LiveModel(champion, product, self._scorer)

    # Handing over -----------------------------------------------------------------------------------

    async def _settle(
        self, connection: Any, policy: WatchPolicy, work: "_Work", known: Mapping[str, Known], source: TriggerSource,
        now: datetime, key: str = "", over: Collection[bytes] = (),
    ) -> int:  # fmt: skip
        """Writes down what was judged and hands over whom it asks for, but those for whom it is `over`; how many were
        handed over."""
        loud = work.worth_words(known)
        better = np.flatnonzero(loud & (work.judged.rank == 0))
        explained = work.explained | dict(
            zip(better.tolist(), await asyncio.to_thread(work.judged.explained, better), strict=True)
        )
        written, triggers = [], 0
        for place in np.flatnonzero(loud).tolist():
            person, judgement = work.people[place].decode(), explained[place]
            hand_over = work.people[place] not in over and asks_for_help(policy, judgement, known.get(person))
            if hand_over:
                trigger = _trigger(policy, person, judgement, source, key or work.keys[place])
                await self._interventions.trigger(connection, trigger, now)
                triggers += 1
            written.append((person, judgement, work.because[place], hand_over))
        await self._store.write_risks(connection, written, work.help_offers, now)
        quiet = np.flatnonzero(~loud)
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


def _behind(cursor: Cursor, rows: Rows, now: datetime) -> Cursor:
    """After these rows."""
    if not len(rows):
        return cursor
    newest = rows["known_at"].max().astype("M8[us]").item().replace(tzinfo=UTC)
    watermark = min(now, max(newest, cursor.watermark or newest))
    return cursor.model_copy(update={"seq": int(rows["seq"][-1]), "watermark": watermark})


# What is worked out beside the event loop ----------------------------------------------------------


@dataclass(frozen=True)
class _Work:
    people: npt.NDArray[np.bytes_]  # those who were judged
    silent: int  # those who were not
    judged: Judged
    because: Sequence[str]
    keys: Sequence[str]
    help_offers: dict[str, Sequence[str]]
    explained: dict[int, Judgement]  # those at risk, by their places

    def worth_words(self, known: Mapping[str, Known]) -> npt.NDArray[np.bool_]:
        """At risk, or no longer: whoever is and was at none has nothing to explain."""
        before = [person for person, one in known.items() if one.level is not RiskLevel.LOW]
        return (self.judged.rank > 0) | np.isin(self.people, np.array(before, dtype=self.people.dtype))

    def done(self, triggers: int) -> Done:
        return Done(judged=len(self.people), silent=self.silent, triggers=triggers)


def _taking_in(policy: WatchPolicy, block: StateBlock) -> Callable[[npt.NDArray[Any], Rows], None]:
    def take_in(who: npt.NDArray[Any], rows: Rows) -> None:
        state.observe(block.states, who, rows)
        if policy.sensitive.keep:
            sensitive.observe_private(block.private, who, rows)

    return take_in


def _times(policy: WatchPolicy, clocks: Clocks, block: StateBlock, now: datetime) -> Ints:
    """By each one's clock; nothing is judged before it was known."""
    return np.maximum(read(policy, clocks, block.clocks, now), block.states["known"])


def _all_of(policy: WatchPolicy, block: StateBlock, at: Ints, model: LiveModel | None, because: str) -> _Work:
    return _judged(policy, block, at, model, [(because, f"{because}/{day}") for day in days_of(at)])


def _judged(
    policy: WatchPolicy, block: StateBlock, at: Ints, model: LiveModel | None, said: Sequence[tuple[str, str]]
) -> _Work:
    """Of whom nothing is heard any more nothing is concluded, and what was judged last stays. `said` are why each is
    looked at, and the key under which it is handed over once."""
    moments = at.astype("M8[s]")
    heard = np.flatnonzero(~silent(policy, block.states["newest"], moments))
    people, moments = block.people[heard], moments[heard]
    judged = judge(policy, block.states[heard], moments, model)
    offers: dict[str, Sequence[str]] = {}
    if policy.sensitive.keep and len(heard):
        told = sensitive.help_worth_offering(block.private[heard], moments)
        offers = {person.decode(): help_ for person, help_ in zip(people.tolist(), told, strict=True)}
    because, keys = [said[place][0] for place in heard.tolist()], [said[place][1] for place in heard.tolist()]
    at_risk = np.flatnonzero(judged.rank > 0)
    explained = dict(zip(at_risk.tolist(), judged.explained(at_risk), strict=True))
    return _Work(people, len(block.people) - len(heard), judged, because, keys, offers, explained)
