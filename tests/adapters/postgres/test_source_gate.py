"""Breaker and pace of a source, shared by all workers through Postgres."""

import asyncio

from plimsoll.adapters.postgres.sources import FAILURES_TO_OPEN, SourceGate
from plimsoll.domain.errors import SourceBusy, SourceUnavailable
from tests.house import House


def workers(house: House, count: int = 2) -> list[SourceGate]:
    return [SourceGate(house.ports.database) for _ in range(count)]


async def is_open(gate: SourceGate, source: str = "bureau") -> bool:
    gate._seen.clear()  # what a worker remembers for half a second is not what is asked here
    try:
        await gate.permit(source, None)
    except SourceUnavailable as refusal:
        return refusal.details["kind"] == "breaker_open"
    return False


async def test_the_fifth_failure_in_a_row_opens_the_circuit_for_every_worker(house: House):
    one, other = workers(house)
    for failure in range(FAILURES_TO_OPEN):
        assert not await is_open(other)
        await (one if failure % 2 else other).failed("bureau")
    assert await is_open(one)
    assert await is_open(other)
    assert not await is_open(one, "bank")


async def test_failures_counted_at_once_by_many_are_all_counted(house: House):
    gates = workers(house, 5)
    await asyncio.gather(*(gate.failed("bureau") for gate in gates))
    assert await is_open(gates[0])


async def test_a_success_between_starts_the_count_anew(house: House):
    one, other = workers(house)
    for _ in range(FAILURES_TO_OPEN - 1):
        await one.failed("bureau")
    other._seen.clear()
    await other.succeeded("bureau")
    await one.failed("bureau")
    assert not await is_open(one)


async def test_an_open_circuit_lets_a_call_through_when_its_time_is_over(house: House):
    (gate,) = workers(house, 1)
    for _ in range(FAILURES_TO_OPEN):
        await gate.failed("bureau")
    await house.ports.database.run("update source_state set open_until = now() - interval '1 second'")
    assert not await is_open(gate)
    await gate.failed("bureau")  # the trial failed: open again at once
    assert await is_open(gate)


async def test_closing_the_circuit_by_hand_is_seen_by_other_workers(house: House):
    one, other = workers(house)
    for _ in range(FAILURES_TO_OPEN):
        await one.failed("bureau")
    await other.close_circuit("bureau")
    assert not await is_open(one)


async def test_a_closed_hand_works_whatever_this_worker_remembers(house: House):
    one, other = workers(house)
    assert not await is_open(other)  # remembers a healthy source
    for _ in range(FAILURES_TO_OPEN):
        await one.failed("bureau")
    await other.close_circuit("bureau")
    assert not await is_open(one)


async def test_our_own_limit_is_shared_and_lets_a_burst_of_a_second_through(house: House):
    """GCRA: at ten a second, some ten at once, then no more than the pace."""
    gates = workers(house, 4)
    results = await asyncio.gather(*(gates[n % 4].permit("bureau", 10) for n in range(60)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, SourceBusy)]
    assert 10 <= 60 - len(refused) <= 20
    assert all(refusal.details["retry_after"] == 1.0 for refusal in refused)


async def test_a_source_without_a_limit_is_never_paced(house: House):
    (gate,) = workers(house, 1)
    await asyncio.gather(*(gate.permit("bureau", None) for _ in range(50)))


async def test_the_pace_of_one_source_is_not_the_pace_of_another(house: House):
    (gate,) = workers(house, 1)
    while True:
        try:
            await gate.permit("bureau", 1)
        except SourceBusy:
            break
    await gate.permit("bank", 1)
