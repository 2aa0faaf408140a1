"""F12: whatever a source does, each application ends in one decision or with a person, and one inquiry at most.

All kinds at once, each for an applicant of its own: the sandbox's own journal is the witness.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from plimsoll.domain.values import Status
from tests.applicants import EACH_ASKED_ONCE, SOURCES
from tests.builders import a_sound_application
from tests.house import House, in_background, until

ONCE: dict[str, dict[str, Any]] = {
    "timeout": {"kind": "timeout"},
    "slow": {"kind": "slow", "delay_seconds": 4},
    "drip": {"kind": "slow", "variant": "drip"},
    "refuse": {"kind": "refuse"},
    "429": {"kind": "429", "retry_after": 1},
    "500": {"kind": "500"},
    "broken json": {"kind": "garbage", "variant": "broken_json"},
    "wrong schema": {"kind": "garbage", "variant": "wrong_schema"},
    "error in a 200": {"kind": "garbage", "variant": "error_in_200"},
    "truncated": {"kind": "garbage", "variant": "truncated"},
    "huge": {"kind": "garbage", "variant": "huge_body"},
    "compressed": {"kind": "garbage", "variant": "compressed"},
    "done then timeout": {"kind": "done_then_timeout"},
}
CASES = [(source, name) for source in SOURCES for name in ONCE]
# The circuit to a source opens at five failures in a row, for everybody: here each fault is looked
# at by itself, so failures are forgotten as soon as they are counted.
FORGET = 0.05


@dataclass
class Outcome:
    case: dict[str, Any]
    inquiries: dict[str, int]


@pytest.fixture(scope="module")
async def outcomes(running_house: House) -> dict[tuple[str, str], Outcome]:
    house = running_house
    assert house.sandbox is not None
    bodies = {case: a_sound_application() for case in CASES}
    for (source, name), body in bodies.items():
        house.sandbox.fault(source, times=1, reference=body["applicant"]["id"], **ONCE[name])
    found = {}
    async with in_background(forget_failures(house)):
        accepted = {case: await house.accept(body) for case, body in bodies.items()}
        for case, application in accepted.items():
            await house.until_closed(application)
            found[case] = Outcome(await house.case(application), house.fresh_inquiries(bodies[case]))
    house.sandbox.lift_faults()
    return found


async def forget_failures(house: House) -> None:
    while True:
        for source in SOURCES:
            await house.ports.gate.close_circuit(source)
        await asyncio.sleep(FORGET)


@pytest.mark.parametrize(("source", "name"), CASES)
async def test_one_bad_answer_is_got_over_with_one_inquiry_and_one_decision(
    outcomes: dict[tuple[str, str], Outcome], running_house: House, source: str, name: str
):
    found = outcomes[source, name]
    assert found.case["outcome"] == "approve"
    assert len(await running_house.decisions(found.case["id"])) == 1
    assert found.inquiries == EACH_ASKED_ONCE
    assert {e["source"]: e["state"] for e in found.case["evidence"]} == dict.fromkeys(SOURCES, "answered")


async def test_five_failures_open_the_circuit_and_the_sixth_application_costs_the_source_no_call(running_house: House):
    house = running_house
    assert house.sandbox is not None
    for source in SOURCES:
        await house.ports.gate.close_circuit(source)
    house.sandbox.fault("bank", kind="500")
    bodies = [a_sound_application() for _ in range(6)]
    accepted = [await house.accept(body) for body in bodies[:5]]

    async def circuit_is_open() -> bool:
        house.ports.gate._seen.clear()
        return any(state["source"] == "bank" and state["open_until"] for state in await house.ports.gate.states())

    await until(circuit_is_open, what="the circuit to open")
    accepted.append(await house.accept(bodies[5]))
    await house.until_waiting_on(accepted[-1], "bank")
    last = bodies[5]["applicant"]["id"]
    assert house.sandbox.requests("bank", reference=last) == []
    house.sandbox.lift_faults()
    for application in accepted:
        await house.withdraw(application)
        assert await house.status(application) is Status.WITHDRAWN
    await house.ports.gate.close_circuit("bank")


async def test_after_all_these_faults_the_ledger_verifies(outcomes: dict, running_house: House):
    await running_house.must_verify()
