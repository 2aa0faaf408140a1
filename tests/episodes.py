"""A customer's episode under way: real Postgres, real engine, the real governor; gateways that take what they get."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Worker

from activities.interventions import InterventionRef, Interventions, Standing
from activities.outreach import Outreach
from plimsoll.adapters.postgres.outreach.collectors import CollectorDesk
from plimsoll.adapters.postgres.outreach.contacts import ContactBook
from plimsoll.adapters.postgres.outreach.episodes import EpisodeStore
from plimsoll.adapters.postgres.outreach.first_messages import FirstMessages
from plimsoll.adapters.postgres.outreach.hearing import Hearing
from plimsoll.adapters.postgres.outreach.interventions import InterventionStore
from plimsoll.domain.access import Role
from plimsoll.domain.outreach.collecting import Report
from plimsoll.domain.outreach.contact import Channel, ContactState, GatewayEvent, GatewayUnavailable, Outgoing, Receipt
from plimsoll.domain.outreach.episode import EpisodeState, Trigger, Triggered, TriggerSource
from plimsoll.domain.outreach.profile import ProfileChange
from plimsoll.domain.outreach.rules import ContactRules
from plimsoll.domain.outreach.strategy import By, Step, Strategy, StrategyTable
from plimsoll.domain.values import RiskLevel
from plimsoll.domain.watching.events import Category, Direction, Event, Kind
from plimsoll.ports.outreach import Gateway
from tests.house import House, until
from workflows.intervene_with_customer import InterveneWithCustomer

GATEWAY = "taken"


@dataclass
class TakenMessages:
    """A gateway of every channel. Like a real one it knows a message by its key."""

    name: str = GATEWAY
    dedupes: bool = True
    tells: bool = True
    taken: dict[str, Outgoing] = field(default_factory=dict)
    calls: int = 0
    away: bool = False
    says: ContactState = ContactState.SENT

    async def hand_over(self, message: Outgoing) -> Receipt:
        self.calls += 1
        if self.away:
            raise GatewayUnavailable("down", kind="refused", sent=False)
        self.taken.setdefault(message.contact, message)
        return Receipt(state=self.says, reference=f"ref-{message.contact}")

    async def status(self, message: Outgoing) -> Receipt | None:
        return Receipt(state=self.says) if message.contact in self.taken else None


def a_step(by: By = By.EMAIL, **changes: Any) -> Step:
    template = {By.EMAIL: "email-help-offer", By.SMS: "sms-payment-options", By.CALL: "call-offer-help"}[by]
    known: dict[str, Any] = {"by": by, "template": template, "priority": 2, "wait_hours": 72}
    return Step(**known | changes)


def a_table(*ladder: Step, **changes: Any) -> StrategyTable:
    """One strategy with the same ladder for every level but the lowest; nobody is held out."""
    ladders: dict[RiskLevel, Sequence[Step]] = {level: ladder for level in RiskLevel}
    known: dict[str, Any] = {
        "version": "test",
        "salt": "salt of a test",
        "hold_out": 0.0,
        "after_a_broken_promise": a_step(By.CALL, template="call-broken-promise"),
        "cannot_be_reached": a_step(By.CALL, template="call-cannot-be-reached"),
        "effect": {"baseline": 0.2, "effect": 0.05},
        "tools": (
            {"tool": "due_date_change", "says": "A later day.", "once_in_days": 365, "at_most_days": 31},
            {"tool": "payment_plan", "says": "In parts.", "at_most_days": 186, "at_most_payments": 6},
            {"tool": "counselling", "says": "Advice.", "once_in_days": 0},
        ),
        "strategies": (Strategy(id="only", says="the only one", share=1.0, ladders=ladders | {RiskLevel.LOW: ()}),),
    }
    return StrategyTable.model_validate(known | changes)


@dataclass
class Customer:
    reference: str
    person: str


@dataclass
class Desk:
    """What opens and follows episodes in a test, with a strategy table and gateways of its own."""

    house: House
    table: StrategyTable
    gateway: TakenMessages
    rules: ContactRules
    interventions: InterventionStore
    episodes: EpisodeStore
    contacts: ContactBook
    first_messages: FirstMessages
    hearing: Hearing
    collectors: CollectorDesk
    outreach: Outreach
    queue: str
    client: Client | None = None

    @property
    def activities(self) -> Interventions:
        return Interventions(self.episodes, self.first_messages, self.outreach)

    # People -----------------------------------------------------------------------------------

    async def customer(self, **profile: Any) -> Customer:
        """With every address and every yes, unless the profile says otherwise."""
        reference = f"CUST-{uuid.uuid4().hex[:10]}"
        number = f"+1212{uuid.uuid4().int % 10_000_000:07d}"
        known: dict[str, Any] = {
            "addresses": {"sms": number, "voice": number, "email": f"{reference.lower()}@example.org"},
            "consent": {"sms": True, "email": True, "voice": True},
            "zone": "America/New_York",
            "reason": "for a test",
        }
        by = await self.house.somebody(Role.COLLECTOR)
        change = ProfileChange.model_validate(known | profile)
        found = await self.house.ports.outreach.profiles.change(
            reference, change, by=by, request="req_test", now=datetime.now(UTC)
        )
        return Customer(reference, found.person)

    async def changed(self, customer: Customer, **profile: Any) -> None:
        change = ProfileChange.model_validate({"reason": "for a test"} | profile)
        by = await self.house.somebody(Role.COLLECTOR)
        await self.house.ports.outreach.profiles.change(
            customer.reference, change, by=by, request="req_test", now=datetime.now(UTC)
        )

    async def paid(self, customer: Customer, amount: str = "100.00") -> None:
        """A repayment comes in by the ordinary door, and whoever reads the stream wakes who waits."""
        event = Event.model_validate(
            {
                "transaction_id": uuid.uuid4().hex,
                "customer": customer.reference,
                "account": "card",
                "kind": Kind.REPAYMENT,
                "occurred_at": datetime.now(UTC),
                "known_at": datetime.now(UTC),
                "amount": amount,
                "currency": "USD",
                "direction": Direction.DEBIT,
                "category": Category.CARD_PAYMENT,
            }
        )
        await self.house.ports.watch.log.accept([event], now=datetime.now(UTC))
        async with self.house.ports.database.transaction() as connection:
            await self.interventions.wake_people(connection, [customer.person])

    # Episodes ---------------------------------------------------------------------------------

    async def triggered(self, person: str, level: RiskLevel = RiskLevel.HIGH, **changes: Any) -> Triggered:
        trigger = Trigger(
            **{
                "person": person,
                "product": "consumer-credit",
                "level": level,
                "probability": 0.4,
                "at": datetime.now(UTC),
                "source": TriggerSource.LIVE,
                "model": "test@1",
                **changes,
            }
        )
        async with self.house.ports.database.transaction() as connection:
            return await self.interventions.trigger(connection, trigger, datetime.now(UTC))

    async def begun(self, customer: Customer, level: RiskLevel = RiskLevel.HIGH, **changes: Any) -> "EpisodeUnderWay":
        came = await self.triggered(customer.person, level, **changes)
        assert came.intervention is not None, came
        return await self.started(came.intervention, customer)

    async def started(self, intervention: str, customer: Customer) -> "EpisodeUnderWay":
        assert self.client is not None
        skipper = TimeSkipper(self.client, config=TimeSkippingConfig())
        ref = InterventionRef(intervention=intervention, product="consumer-credit")
        handle = await self.client.start_workflow(
            InterveneWithCustomer.run, ref, id=f"intervene-test/{intervention}", task_queue=self.queue
        )
        return EpisodeUnderWay(
            self, intervention, customer, skipper.client.get_workflow_handle(handle.id, result_type=Standing), skipper
        )


@dataclass
class EpisodeUnderWay:
    desk: Desk
    id: str
    customer: Customer
    handle: WorkflowHandle
    skipper: TimeSkipper
    passed: timedelta = timedelta()

    async def let_pass(self, span: timedelta) -> None:
        await self.desk.house.ports.clocks.move(self.id, span)
        await self.skipper.fast_forward(self.handle, span)
        self.passed += span

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.passed

    async def story(self) -> dict[str, Any]:
        return await self.desk.interventions.story(self.id)

    async def steps(self) -> list[tuple[str, str | None]]:
        """(way, result)"""
        return [(step["by"], step["result"]) for step in (await self.story())["steps"]]

    async def tell(self) -> None:
        await self.handle.signal(InterveneWithCustomer.told)

    async def until_waiting_on(self, what: str) -> dict[str, Any]:
        async def there() -> bool:
            return (await self.story())["waits_on"] == what

        await until(there, what=f"{self.id} to wait on {what}")
        return await self.story()

    async def until_state(self, state: EpisodeState) -> dict[str, Any]:
        async def there() -> bool:
            return (await self.story())["state"] == state

        await until(there, what=f"{self.id} to be {state}")
        return await self.story()

    async def replied(self, text: str, channel: Channel = Channel.EMAIL) -> None:
        (contact,) = [each["id"] for each in (await self.story())["contacts"] if each["channel"] == channel]
        event = GatewayEvent(id=uuid.uuid4().hex, contact=contact, text=text)
        await self.desk.hearing.hear(GATEWAY, channel, [event], self.now)
        await self.tell()

    async def task(self) -> dict[str, Any]:
        """The open task, claimed by the house's collector."""
        (open_,) = [task for task in (await self.story())["tasks"] if task["state"] == "open"]
        collector = await self.desk.house.somebody(Role.COLLECTOR)
        return await self.desk.collectors.claim(open_["id"], collector, datetime.now(UTC))

    async def answered(self, answer: str, **said: Any) -> dict[str, Any]:
        task = await self.task()
        collector = await self.desk.house.somebody(Role.COLLECTOR)
        report = Report.model_validate({"version": task["version"], "answer": answer} | said)
        done = await self.desk.collectors.answer(task["id"], report, collector, "req_test", datetime.now(UTC))
        await self.tell()
        return done

    def in_days(self, days: int) -> date:
        return (self.now + timedelta(days=days)).date()


def a_desk(
    house: House, table: StrategyTable, queue: str = "", gateways: Mapping[Channel, Gateway] | None = None
) -> Desk:
    """Hours are not what most tests are about: everybody may be reached at any time."""
    ports, gateway = house.ports, TakenMessages()
    rules = ports.outreach.contact_rules().model_copy(update={"hours": (), "caps": ()})
    interventions = InterventionStore(ports.database, lambda: table)
    contacts = ContactBook(ports.database, ports.vault, lambda: rules, interventions, lambda channel: GATEWAY)
    episodes = EpisodeStore(ports.database, lambda: table)
    return Desk(
        house=house,
        table=table,
        gateway=gateway,
        rules=rules,
        interventions=interventions,
        episodes=episodes,
        contacts=contacts,
        first_messages=FirstMessages(ports.database, episodes, contacts),
        hearing=Hearing(ports.database, ports.vault, lambda: rules, interventions, lambda channel: GATEWAY),
        collectors=CollectorDesk(ports.database, ports.vault, lambda: table, contacts),
        outreach=Outreach(contacts, gateways or {channel: gateway for channel in Channel}),
        queue=queue,
        client=house.client,
    )


async def approved_templates(house: House) -> None:
    """Every shipped message, approved by somebody other than who proposed it."""
    owner, approver = await house.somebody(Role.MODEL_OWNER), await house.somebody(Role.COMPLIANCE)
    given: dict[str, Any] = {"reason": "for the tests", "request": "req_test", "now": datetime.now(UTC)}
    outreach = house.ports.outreach
    for name in outreach.drafts.names():
        made = await outreach.templates.propose(outreach.drafts.get(name), by=owner, **given)
        await outreach.templates.approve(name, made["version"], None, by=approver, **given)


@asynccontextmanager
async def a_desk_at_work(
    house: House, *ladder: Step, gateways: Mapping[Channel, Gateway] | None = None, **changes: Any
) -> AsyncIterator[Desk]:
    """With a worker of its own in Temporal's workflow sandbox; the outbox stays for whoever looks at it."""
    assert house.client is not None
    await approved_templates(house)
    desk = a_desk(house, a_table(*(ladder or (a_step(),)), **changes), f"outreach-{uuid.uuid4().hex[:8]}", gateways)
    acts = desk.activities
    async with Worker(
        house.client,
        task_queue=desk.queue,
        workflows=[InterveneWithCustomer],
        activities=[acts.begin, acts.look, desk.outreach.permit, desk.outreach.send, desk.outreach.ask_status],
        workflow_failure_exception_types=[Exception],
    ):
        yield desk
