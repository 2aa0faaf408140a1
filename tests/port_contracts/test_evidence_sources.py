"""Every source keeps the promises of the port: the real adapters against the sandbox, and the fake."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from plimsoll.adapters.providers import SOURCES, build_sources
from plimsoll.adapters.providers.http import SourceClient
from plimsoll.domain.errors import OutcomeUnknown, SourceBusy, SourceUnavailable, WrongPerson
from plimsoll.domain.underwriting.evidence import Inquiry, Recovery, Subject
from plimsoll.ports import EvidenceSource
from tests.fake_sources import FakeEvidenceSource
from tests.sandbox_process import SandboxProcess

FAKES = {
    "fake queryable": Recovery.QUERYABLE,
    "fake idempotent": Recovery.IDEMPOTENT,
    "fake neither": Recovery.NEITHER,
}


@dataclass
class Rig:
    """A source, and the ways to make it misbehave once."""

    source: EvidenceSource
    be_down: Callable[[], Any]
    be_busy: Callable[[], Any]
    mix_people_up: Callable[[], Any]
    lose_the_answer: Callable[[], Any]

    def inquiry(self, **changes: Any) -> Inquiry:
        return Inquiry(**{"key": f"evr-{uuid4()}", "source": self.source.name, **AN_INQUIRY, **changes})


AN_INQUIRY: dict[str, Any] = {
    "purpose": "credit_application",
    "subject": Subject(reference="GEN-42", name="Ada Muster", date_of_birth=date(1990, 5, 17), country="DE"),
}


@pytest.fixture(params=[*SOURCES, *FAKES])
async def rig(request: pytest.FixtureRequest, sandbox: SandboxProcess) -> AsyncIterator[Rig]:
    if request.param in FAKES:
        yield fake_rig(FAKES[request.param])
        return
    client = SourceClient(read_timeout=1.0)
    yield real_rig(request.param, sandbox, client)
    await client.close()


def real_rig(name: str, sandbox: SandboxProcess, client: SourceClient) -> Rig:
    def once(kind: str) -> Callable[[], Any]:
        return lambda: sandbox.fault(name, kind=kind, times=1, retry_after=7)

    source = build_sources(sandbox.addresses, client)[name]
    return Rig(source, once("500"), once("429"), once("wrong_person"), once("done_then_timeout"))


def fake_rig(recovery: Recovery) -> Rig:
    fake = FakeEvidenceSource(recovery=recovery)
    return Rig(
        fake,
        be_down=lambda: fake.fail_with(SourceUnavailable("down", kind="server_error", sent=True)),
        be_busy=lambda: fake.fail_with(SourceBusy("busy", retry_after=7.0)),
        mix_people_up=lambda: fake.fail_with(WrongPerson("somebody else")),
        lose_the_answer=lambda: fake.lose_the_answer(SourceUnavailable("late", kind="timeout", sent=True)),
    )


async def test_an_answer_has_the_body_as_received_and_a_summary_of_codes_and_numbers(rig: Rig):
    answer = await rig.source.pull(rig.inquiry())

    assert answer.source == rig.source.name
    assert answer.raw
    assert answer.as_of.tzinfo is not None
    assert answer.summary
    assert all(isinstance(value, str | int | float | bool) for value in answer.summary.values())


async def test_the_same_key_gets_the_same_answer_from_a_source_that_keeps_keys(rig: Rig):
    inquiry = rig.inquiry()
    first, second = await rig.source.pull(inquiry), await rig.source.pull(inquiry)

    assert (first.repeated, second.repeated) == (False, rig.source.recovery is not Recovery.NEITHER)
    assert second.summary == first.summary


async def test_a_queryable_source_recalls_an_answer_that_was_lost_on_the_way(rig: Rig):
    skip_unless(rig, Recovery.QUERYABLE)
    inquiry = rig.inquiry()
    rig.lose_the_answer()
    with pytest.raises(SourceUnavailable):
        await rig.source.pull(inquiry)

    recalled = await rig.source.recall(inquiry)
    assert recalled is not None
    assert recalled.repeated


async def test_a_queryable_source_recalls_nothing_under_a_key_that_never_arrived(rig: Rig):
    skip_unless(rig, Recovery.QUERYABLE)

    assert await rig.source.recall(rig.inquiry()) is None


async def test_an_idempotent_source_answers_again_what_was_lost_on_the_way(rig: Rig):
    skip_unless(rig, Recovery.IDEMPOTENT)
    inquiry = rig.inquiry()
    rig.lose_the_answer()
    with pytest.raises(SourceUnavailable):
        await rig.source.pull(inquiry)

    assert (await rig.source.pull(inquiry)).repeated


async def test_a_source_that_cannot_be_asked_says_that_the_outcome_is_unknown(rig: Rig):
    if rig.source.recovery is Recovery.QUERYABLE:
        pytest.skip("can be asked")
    with pytest.raises(OutcomeUnknown):
        await rig.source.recall(rig.inquiry())


async def test_a_source_that_is_down_is_unavailable_and_then_answers(rig: Rig):
    rig.be_down()
    inquiry = rig.inquiry()
    with pytest.raises(SourceUnavailable) as failure:
        await rig.source.pull(inquiry)

    assert (failure.value.details["kind"], failure.value.details["sent"]) == ("server_error", True)
    assert not (await rig.source.pull(inquiry)).repeated


async def test_a_busy_source_says_when_to_come_back(rig: Rig):
    rig.be_busy()
    with pytest.raises(SourceBusy) as failure:
        await rig.source.pull(rig.inquiry())

    assert failure.value.details["retry_after"] == 7.0


async def test_an_answer_about_somebody_else_is_no_answer(rig: Rig):
    rig.mix_people_up()
    with pytest.raises(WrongPerson):
        await rig.source.pull(rig.inquiry())


def skip_unless(rig: Rig, recovery: Recovery) -> None:
    if rig.source.recovery is not recovery:
        pytest.skip(f"not {recovery}")
