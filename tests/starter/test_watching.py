"""The reader of the stream on real Postgres: exactly once, resuming, one at a time, timers, a whole portfolio."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from activities.watching import READER, Done, Watch, watch_of
from plimsoll.domain.outreach.episode import Trigger, Triggered
from plimsoll.domain.values import RiskLevel
from plimsoll.domain.watching import state
from plimsoll.domain.watching.events import Category, Direction, Event, Kind
from plimsoll.domain.watching.rows import rows_of
from tests.house import House
from tests.watched import an_event, an_ordinary_life, moment, salary

TODAY = datetime(2026, 6, 30, 23, tzinfo=UTC)
LIFE = an_ordinary_life(months=6)
NOT_PAID = [e for e in LIFE if not (e.category is Category.SALARY and e.occurred_at >= moment("2026-06-01", 0))]
RETURNED = an_event("2026-06-29", 80, Category.TELECOM, failed=True)


class Office:
    """A reader, and how the tables look from outside."""

    def __init__(self, house: House) -> None:
        self.house, self.watch = house, watch_of(house.ports)

    async def send(self, events: Sequence[Event], now: datetime = TODAY) -> None:
        await self.house.ports.watch.log.accept(events, now=now)

    async def read_all(self, now: datetime = TODAY, watch: Watch | None = None) -> Done:
        total, done = Done(), None
        while done != Done():
            done = await (watch or self.watch).take_events(now)
            if done is not None:
                total = Done(total.events + done.events, total.judged + done.judged, total.triggers + done.triggers)
        return total

    async def rows(self, sql: str) -> list[Any]:
        return await self.house.ports.database.rows(sql)

    async def level(self) -> RiskLevel:
        (row,) = await self.rows("select severity from customer_risk")
        return list(RiskLevel)[row["severity"]]

    async def state(self) -> Any:
        (row,) = await self.rows("select state from customer_state")
        return state.from_bytes([bytes(row["state"])])


@pytest.fixture
def office(house: House) -> Office:
    return Office(house)


async def test_what_came_in_is_in_the_record_exactly_once(office: Office) -> None:
    await office.send(LIFE)
    await office.send(LIFE)
    done = await office.read_all()
    expected = state.empty(1)
    state.observe(expected, np.zeros(len(LIFE), dtype=np.int64), rows_of(LIFE))
    assert done.events == len(LIFE)
    assert (await office.state()).tobytes() == expected.tobytes()
    assert await office.level() is RiskLevel.LOW


async def test_a_returned_debit_raises_the_level_says_why_and_opens_an_episode(office: Office) -> None:
    await office.send(LIFE)
    await office.read_all()
    await office.send([RETURNED])
    assert (await office.read_all()).triggers == 1
    (risk,) = await office.rows("select * from customer_risk")
    assert (await office.level(), risk["by_row"], risk["because"]) == (
        RiskLevel.MEDIUM,
        "a debit returned",
        "failed debit",
    )
    assert risk["factors"][0] == {
        "feature": "failed_debits_more",
        "value": "1",
        "words": "1 more payments than usual were returned",
    }
    (trigger,) = await office.rows("select * from intervention_trigger")
    assert (trigger["level"], trigger["source"], trigger["person_id"]) == ("medium", "live", risk["person_id"])
    changes = await office.rows("select severity, severity_before from customer_risk_change order by id")
    assert [(row["severity_before"], row["severity"]) for row in changes] == [(0, 1)]


async def test_an_event_that_cannot_matter_has_nobody_judged(office: Office) -> None:
    await office.send(LIFE)
    await office.read_all()
    await office.send([an_event("2026-06-29", 20, Category.GROCERIES)])
    assert await office.read_all() == Done(events=1)


async def test_the_same_risk_is_handed_over_once_and_again_with_a_new_reason(office: Office) -> None:
    await office.send([*LIFE, RETURNED])
    assert (await office.read_all()).triggers == 1
    await office.send([an_event("2026-06-29", 20, Category.CASH)])
    await office.send([an_event("2026-06-30", 700, Category.CASH)])
    assert (await office.read_all()).triggers == 0
    loans = [
        an_event(day, 600, Category.LENDING_APP, direction=Direction.CREDIT) for day in ("2026-06-29", "2026-06-30")
    ]
    await office.send([*loans, an_event("2026-06-30", 90, Category.TELECOM, failed=True)])
    assert (await office.read_all()).triggers == 1
    assert await office.level() is RiskLevel.HIGH


async def test_a_reader_that_dies_half_way_has_done_nothing_and_the_next_does_it_once(office: Office) -> None:
    class Dies:
        def __init__(self, real: Any) -> None:
            self.real, self.deaths = real, 0

        async def trigger(self, connection: Any, trigger: Trigger, now: datetime) -> Triggered:
            triggered = await self.real.trigger(connection, trigger, now)
            self.deaths += 1
            if self.deaths == 1:
                raise RuntimeError("killed after the trigger, before the commit")
            return triggered

        async def wake_people(self, connection: Any, people: Sequence[str]) -> None: ...

    dying = watch_of(office.house.ports)
    dying._interventions = Dies(office.house.ports.outreach.interventions)
    await office.send([*LIFE, RETURNED])
    with pytest.raises(RuntimeError):
        await dying.take_events(TODAY)
    for table in ("customer_state", "customer_risk", "intervention_trigger"):
        assert await office.rows(f"select * from {table}") == []
    done = await office.read_all(watch=dying)
    assert (done.events, done.triggers) == (len(LIFE) + 1, 1)
    assert len(await office.rows("select * from intervention_trigger")) == 1
    assert (await office.state())["events"][0] == len(LIFE) + 1


async def test_several_readers_at_once_read_everything_once(office: Office) -> None:
    lives = [event for number in range(20) for event in an_ordinary_life(months=4, customer=f"GEN-{number}")]
    await office.send(lives)
    readers = [watch_of(office.house.ports) for _ in range(3)]

    async def read(watch: Watch) -> int:
        seen = 0
        for _ in range(40):
            done = await watch.take_events(TODAY)
            seen += done.events if done else 0
        return seen

    assert sum(await asyncio.gather(*(read(watch) for watch in readers))) == len(lives)
    counted = await office.rows("select state from customer_state")
    assert sum(int(state.from_bytes([bytes(row["state"])])["events"][0]) for row in counted) == len(lives)
    (cursor,) = await office.rows(f"select * from stream_cursor where name = '{READER}'")
    assert (cursor["events"], cursor["seq"]) == (len(lives), await office.house.ports.watch.log.newest())


async def test_a_reader_waits_while_a_sweep_writes_and_stands_by_while_another_reads(office: Office) -> None:
    await office.send(LIFE)
    store, second = office.house.ports.watch.watched, watch_of(office.house.ports)
    async with store.reading(READER, TODAY) as held:
        assert held is not None
        assert await second.take_events(TODAY) is None
    async with store.waiting_for(READER, TODAY):
        reading = asyncio.create_task(second.take_events(TODAY))
        await asyncio.wait([reading], timeout=0.2)
        assert not reading.done()
    done = await reading
    assert done is not None
    assert done.events == len(LIFE)


async def test_a_salary_that_does_not_come_is_noticed_without_an_event(office: Office) -> None:
    before = [event for event in NOT_PAID if event.occurred_at < moment("2026-06-25", 0)]
    groceries = [an_event(day, 10, Category.GROCERIES) for day in ("2026-06-25", "2026-06-28", "2026-06-29")]
    await office.send([*before, groceries[0]])
    assert (await office.read_all(datetime(2026, 6, 25, 23, tzinfo=UTC))).triggers == 0
    await office.send([groceries[1]])
    assert (await office.read_all(datetime(2026, 6, 28, 23, tzinfo=UTC))).triggers == 1, "three days after the 25th"
    assert (await office.rows("select because from customer_risk"))[0]["because"] == "timer"
    (row,) = await office.rows("select due_on from customer_state")
    assert row["due_on"] == date(2026, 7, 2), "the next look, a week after"
    await office.send([groceries[2], salary("2026-06-29")])
    await office.read_all(datetime(2026, 6, 29, 23, tzinfo=UTC))
    assert await office.level() is RiskLevel.LOW


async def test_when_the_feed_stops_nobody_is_late_because_of_it(office: Office) -> None:
    before = [event for event in NOT_PAID if event.occurred_at < moment("2026-06-25", 0)]
    await office.send(before)
    assert (await office.read_all(datetime(2026, 7, 10, tzinfo=UTC))).triggers == 0


async def risks_of(office: Office, product: str) -> list[Any]:
    """Of its customers, told apart by when their accounts were opened."""
    return await office.rows(
        f"""
        select c.opened_on, r.severity, r.by_row, r.factors, r.as_of, r.since, s.due_on
        from customer_risk r join customer c using (person_id) join customer_state s using (person_id)
        where c.product = '{product}' order by 1
        """
    )


def accounts_of_2005(product: str, late: int = 2, fine: int = 2) -> list[list[Event]]:
    """Month by month; the first of them were not paid in June."""
    months: list[list[Event]] = [[] for _ in range(7)]
    for number in range(late + fine):
        customer, opened = f"{product}-{number}", moment(f"2005-01-{number + 1:02d}", 1)
        life = an_ordinary_life(7, date(2005, 7, 10), customer)
        life = [e for e in life if number >= late or e.category is not Category.SALARY or e.occurred_at.month < 6]
        months[0].append(an_event("2005-01-01", kind=Kind.ACCOUNT_OPENED, customer=customer, product=product,
                                  occurred_at=opened))  # fmt: skip
        for event in life:
            months[event.occurred_at.month - 1].append(event)
    return months


@pytest.mark.parametrize("newer", ["before", "beside", "after"])
async def test_a_replay_comes_to_the_same_risks_whatever_newer_events_another_product_has(
    office: Office, newer: str
) -> None:
    for month in accounts_of_2005("alone"):
        await office.send(month)
        await office.read_all()
    today = [an_event("2026-06-29", 50 + n, failed=True, customer=f"TODAY-{n}") for n in range(8)]
    opened: dict[str, Any] = {"product": "cards", "kind": Kind.ACCOUNT_OPENED}
    today[0] = an_event("2026-06-01", customer="TODAY-0", **opened)
    for place, month in enumerate(accounts_of_2005("replayed")):
        await office.send([*(today if newer == "before" and not place else [])])
        await office.send([*month, *(today[place : place + 1] if newer == "beside" else [])])
        await office.read_all()
    await office.send(today)
    await office.read_all()
    assert await risks_of(office, "replayed") == await risks_of(office, "alone")
    after: str | None = ""
    while after is not None:
        after, _ = await office.watch.look_at_block(after, 3, TODAY, key="sweep")
    swept = await risks_of(office, "replayed")
    assert swept == await risks_of(office, "alone")
    assert [row["severity"] > 0 for row in swept] == [True, True, False, False]
    assert {row["as_of"].year for row in swept} == {2005}


async def test_when_one_feed_stops_nobody_is_late_because_another_goes_on(office: Office) -> None:
    before = [event for event in NOT_PAID if event.occurred_at < moment("2026-06-25", 0)]
    await office.send([an_event("2026-01-01", kind=Kind.ACCOUNT_OPENED, product="loans"), *before])
    await office.send([an_event("2026-07-09", 10, Category.GROCERIES, customer="OTHER")], moment("2026-07-10"))
    assert (await office.read_all(moment("2026-07-10"))).triggers == 0
    await office.send([an_event("2026-07-09", 10, Category.GROCERIES)], moment("2026-07-10"))
    await office.read_all(moment("2026-07-10"))
    asked = [row["at"] for row in await office.rows("select at from intervention_trigger order by at")]
    missed = [moment(day, 0) for day in ("2026-06-28", "2026-07-02", "2026-07-09")]
    assert asked == missed, "now it was heard of, and no salary came: as of each day by which it should have"


ASKED = """
select left(c.product, 1) as product, c.opened_on, t.level, t.at, t.probability, t.source
from intervention_trigger t join customer c using (person_id) where c.product = %(product)s order by 2, 4, 3
"""


async def test_the_same_history_asks_for_the_same_help_however_it_is_cut_and_read(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent call by call and read as it comes, or all there and read in blocks of any size."""

    async def told(product: str, sent_at_once: int, read_at_once: int) -> list[Any]:
        monkeypatch.setattr("activities.watching.AT_ONCE", read_at_once)
        history = [event for month in accounts_of_2005(product, late=2, fine=1) for event in month]
        returned = an_event("2005-06-10", 60, failed=True, customer=f"{product}-2", occurred_at=moment("2005-06-10", 5))
        history = sorted([*history, returned], key=lambda event: event.known_at)
        for at in range(0, len(history), sent_at_once):
            await office.send(history[at : at + sent_at_once])
            if sent_at_once < len(history):
                await office.read_all()
        await office.read_all()
        return await office.house.ports.database.rows(ASKED, {"product": product})

    as_it_came = await told("a, call by call", 40, 2000)
    assert len(as_it_came) > 4
    assert {row["at"].hour for row in as_it_came} >= {0, 5}, "of missed salaries and of the returned debit"
    assert await told("a, small blocks", 10_000, 23) == as_it_came
    assert await told("a, at once", 10_000, 2000) == as_it_came


async def test_who_is_silent_for_long_keeps_the_last_judgement_and_hands_nobody_over(office: Office) -> None:
    """One event of today for one of a replayed product moves its time on for all of them."""
    for month in accounts_of_2005("replayed"):
        await office.send(month)
        await office.read_all()
    before = await risks_of(office, "replayed")
    await office.send([an_event("2026-06-30", 10, Category.GROCERIES, customer="replayed-3")])
    await office.read_all()
    handed = len(await office.rows("select * from intervention_trigger"))
    last, swept = await office.watch.look_at_block("", 100, TODAY, key="sweep")
    assert (last is not None, swept.judged, swept.silent, swept.triggers) == (True, 1, 3, 0)
    after = await risks_of(office, "replayed")
    assert [row | {"due_on": None} for row in after[:3]] == [row | {"due_on": None} for row in before[:3]]
    assert after[3]["as_of"].year == 2026
    assert len(await office.rows("select * from intervention_trigger")) == handed


async def test_what_is_told_long_after_it_was_known_is_judged_as_it_was_then_and_hands_nobody_over(
    office: Office,
) -> None:
    await office.send([an_event("2026-06-29", 10, Category.GROCERIES, customer="OTHER")])
    in_may = an_event("2026-05-10", 80, Category.TELECOM, failed=True)
    await office.send(sorted([*LIFE, in_may], key=lambda event: event.known_at))
    assert (await office.read_all()).triggers == 0
    (risk,) = await office.rows("select as_of from customer_risk_change where severity > 0")
    assert risk["as_of"] == moment("2026-05-10")


async def test_a_record_of_an_older_layout_is_made_anew_from_the_history(office: Office) -> None:
    await office.send(LIFE)
    await office.read_all()
    await office.house.ports.database.run("update customer_state set layout = 0, state = 'old'")
    await office.send([RETURNED])
    await office.read_all()
    expected = state.empty(1)
    state.observe(expected, np.zeros(len(LIFE) + 1, dtype=np.int64), rows_of([*LIFE, RETURNED]))
    assert (await office.state()).tobytes() == expected.tobytes()


async def test_a_portfolio_is_looked_at_in_blocks_and_the_same_sweep_twice_triggers_once(office: Office) -> None:
    for number in range(5):
        customer = f"GEN-{number}"
        life = an_ordinary_life(months=4, customer=customer)
        await office.send([e for e in life if number or e.category is not Category.SALARY])
    await office.read_all()
    again = []
    for _ in range(2):
        after, done = "", Done()
        while True:
            last, block = await office.watch.look_at_block(after, 2, TODAY, key="sweep/2026-06-30")
            if last is None:
                break
            after, done = last, Done(judged=done.judged + block.judged, triggers=done.triggers + block.triggers)
        again.append(done.judged)
    assert again == [5, 5]
    assert len(await office.rows("select * from customer_risk")) == 5


async def test_who_changes_after_a_sweep_read_them_is_judged_as_they_are_when_its_turn_comes(office: Office) -> None:
    await office.send(LIFE)
    await office.read_all()
    store = office.house.ports.watch.watched

    class NewsComesFirst:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        @asynccontextmanager
        async def waiting_for(self, name: str, now: datetime) -> AsyncIterator[Any]:
            await office.send([RETURNED])
            assert (await office.read_all()).triggers == 1
            async with store.waiting_for(name, now) as held:
                yield held

    sweeping = watch_of(office.house.ports)
    sweeping._store = NewsComesFirst()
    _, swept = await sweeping.look_at_block("", 100, TODAY, key="sweep")
    assert (swept.judged, swept.triggers) == (1, 0), "the stream has handed them over"
    assert await office.level() is RiskLevel.MEDIUM
    assert len(await office.rows("select id from customer_risk_change where severity = 0 and severity_before > 0")) == 0


async def test_what_is_sensitive_is_not_kept_unless_it_is_switched_on(office: Office) -> None:
    betting = [an_event(day, 900, Category.GAMBLING) for day in ("2026-06-10", "2026-06-17")]
    await office.send([*LIFE, *betting, RETURNED])
    await office.read_all()
    (row,) = await office.rows("select s.private, r.help from customer_state s join customer_risk r using (person_id)")
    assert (row["private"], row["help"]) == (None, [])
    policy = office.house.ports.watch.policy()
    on = policy.model_copy(update={"sensitive": policy.sensitive.model_copy(update={"keep": True})})
    office.watch._policy = lambda: on
    await office.send([an_event("2026-06-30", 900, Category.GAMBLING), salary("2026-06-30", 1)])
    await office.read_all(TODAY + timedelta(hours=1))
    (row,) = await office.rows("select s.private, r.* from customer_state s join customer_risk r using (person_id)")
    assert row["help"] == ["counselling"]
    assert "gambl" not in str({name: value for name, value in row.items() if name != "private"})
