"""Critical risks are told to whoever the operator named: once, and again until somebody takes it."""

from plimsoll.domain.values import RiskLevel
from starter.loops.alerting import Alerting
from tests.episodes import a_desk, a_step, a_table
from tests.fake_alerts import FakeAlertSink
from tests.house import House


async def owed(house: House) -> int:
    return (await house.row("select count(*) as n from outbox where lane = 'alert'"))["n"]


async def test_a_critical_risk_is_told_once_and_a_lesser_one_is_not(house: House):
    desk, sink = a_desk(house, a_table(a_step())), FakeAlertSink()
    critical = await desk.customer()
    await desk.triggered(critical.person, RiskLevel.CRITICAL)
    await desk.triggered((await desk.customer()).person, RiskLevel.HIGH)
    alerting = Alerting(house.ports.outbox, sink)
    assert [await alerting.tell_some(), await alerting.tell_some()] == [1, 0]
    (event,) = sink.taken.values()
    assert (event["type"], event["person"]) == ("intervention.critical", critical.person)


async def test_what_nobody_takes_stays_owed_and_an_open_episode_that_turns_critical_is_told_too(house: House):
    desk, sink = a_desk(house, a_table(a_step())), FakeAlertSink()
    customer = await desk.customer()
    await desk.triggered(customer.person, RiskLevel.MEDIUM)
    await desk.triggered(customer.person, RiskLevel.CRITICAL)
    sink.away = True
    assert await Alerting(house.ports.outbox, sink).tell_some() == 0
    assert await owed(house) == 1
