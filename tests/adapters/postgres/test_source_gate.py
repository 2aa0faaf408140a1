"""Breaker and pace of a source, shared by all workers through Postgres."""

import asyncio

import pytest

from plimsoll.adapters.postgres.database import Database
from plimsoll.adapters.postgres.underwriting.sources import FAILURES_TO_OPEN, SourceGate
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


async def opened(gate: SourceGate, source: str = "bureau") -> None:
    for _ in range(FAILURES_TO_OPEN):
        await gate.failed(source)


async def time_is_over(house: House) -> None:
    await house.ports.database.run("update source_state set open_until = now() - interval '1 second'")


async def test_when_its_time_is_over_one_call_is_let_through_and_the_others_wait_on(house: House):
    """Each gate has a pool of its own, as workers in processes of their own have."""
    databases = [Database(house.database.app_url, size=2) for _ in range(8)]
    gates = [SourceGate(database) for database in databases]
    try:
        for database in databases:
            await database.open(wait=10)
        await opened(gates[0])
        for _ in range(3):  # each time the interval is over, one again
            await time_is_over(house)
            for gate in gates:
                gate._seen.clear()
            results = await asyncio.gather(
                *(gate.permit("bureau", None) for gate in gates for _ in range(5)), return_exceptions=True
            )
            refused = [result for result in results if isinstance(result, SourceUnavailable)]
            assert (results.count(None), len(refused)) == (1, 39)
            assert all(0 < float(str(refusal.details["retry_after"])) <= 15 for refusal in refused)
    finally:
        for database in databases:
            await database.close()


async def test_a_probe_that_fails_keeps_the_circuit_open(house: House):
    one, other = workers(house)
    await opened(one)
    await time_is_over(house)
    assert not await is_open(one)
    await one.failed("bureau")
    assert await is_open(one)
    assert await is_open(other)


async def test_a_probe_that_succeeds_closes_the_circuit_for_everybody(house: House):
    one, other = workers(house)
    await opened(one)
    await time_is_over(house)
    await one.permit("bureau", None)
    assert await is_open(other)
    await one.succeeded("bureau")
    assert not await is_open(other)
    assert not await is_open(one)


async def test_our_own_limit_costs_no_probe(house: House):
    """Whoever is held back by the pace must not use up the one try of fifteen seconds."""
    one, other = workers(house)
    await opened(one)
    await time_is_over(house)
    await house.ports.database.run("update source_state set next_slot = now() + interval '1 minute'")
    with pytest.raises(SourceBusy):
        await one.permit("bureau", 10)
    assert not await is_open(other)


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
