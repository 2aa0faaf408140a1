"""At most one fresh inquiry per application, round and source, whatever crashes."""

import asyncio
import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.evidence import Evidence
from plimsoll.domain.errors import SourceBusy, SourceUnavailable, WrongPerson
from plimsoll.domain.underwriting.case import EvidenceRecord
from plimsoll.domain.underwriting.evidence import EvidenceState, Recovery
from plimsoll.ports import Products
from tests.applicants import SOURCES, the_product
from tests.builders import NOW, a_pull, a_sound_application
from tests.fakes import FakeEvidenceSource, OneProduct
from tests.house import House
from workflows.patience import UNTIL_PATIENCE_ENDS


def recovering(recovery: Recovery) -> tuple[Products, dict[str, FakeEvidenceSource]]:
    product = the_product()
    sources = tuple(
        terms.model_copy(update={"recovery": recovery}) if terms.name == "bureau" else terms
        for terms in product.sources
    )
    fakes = {terms.name: FakeEvidenceSource(terms.name, recovery=terms.recovery) for terms in sources}
    return OneProduct(product, sources=sources), fakes


def evidence(house: House, products: Products, sources: dict[str, FakeEvidenceSource]) -> Evidence:
    return Evidence(house.ports.casework, products, sources, house.ports.gate)


A_CALL = timedelta(seconds=11.5)


async def run(activity: Any, message: Any, **info: Any) -> Any:
    """As Temporal runs a pull: at first, with two days of patience; `info` says otherwise."""
    environment = ActivityEnvironment()
    known = {
        "schedule_to_close_timeout": timedelta(days=2),
        "start_to_close_timeout": A_CALL,
        "retry_policy": UNTIL_PATIENCE_ENDS,
    }
    environment.info = dataclasses.replace(environment.info, **known | info)
    return await environment.run(activity, message)


async def asked(house: House, application: str, source: str = "bureau") -> EvidenceRecord:
    record = (await house.ports.casework.load(application)).asked(source)
    assert record is not None
    return record


async def crashed_after_sending(house: House, products: Products) -> str:
    """A worker marked the bureau as sent and died: nobody knows whether the call arrived."""
    application = await house.accept(a_sound_application())
    case = await house.ports.casework.load(application)
    await house.ports.casework.send(case, (products.get("").source("bureau"),), NOW)
    return application


async def test_an_answer_is_stored_and_not_asked_for_again(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    activities = evidence(house, products, sources)
    application = await house.accept(a_sound_application())
    for _ in range(3):
        await run(activities.pull, a_pull(application, "bureau"))
    assert len(sources["bureau"].pulled) == 1
    assert (await asked(house, application)).state is EvidenceState.ANSWERED


async def test_the_inquiry_names_the_person_the_purpose_and_the_consent_it_rests_on(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    body = a_sound_application()
    application = await house.accept(body)
    await run(evidence(house, products, sources).pull, a_pull(application, "bank"))
    (inquiry,) = sources["bank"].pulled
    assert inquiry.key == (await asked(house, application, "bank")).id
    assert inquiry.subject.reference == body["applicant"]["id"]
    assert (inquiry.purpose, inquiry.consent) == ("credit_application", "consent-example-1")


@pytest.mark.parametrize("arrived", [True, False])
async def test_after_a_crash_an_idempotent_source_is_called_again_with_the_same_key(house: House, arrived: bool):
    products, sources = recovering(Recovery.IDEMPOTENT)
    application = await crashed_after_sending(house, products)
    record = await asked(house, application)
    if arrived:
        await sources["bureau"].pull(inquiry_of(house, record, await house.ports.casework.load(application)))
    await run(evidence(house, products, sources).pull, a_pull(application, "bureau"))
    assert {inquiry.key for inquiry in sources["bureau"].pulled} == {record.id}
    assert sum(sources["bureau"].fresh.values()) == 1
    assert (await asked(house, application)).state is EvidenceState.ANSWERED


async def test_after_a_crash_a_queryable_source_is_asked_first_what_became_of_the_call(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    application = await crashed_after_sending(house, products)
    case, record = await house.ports.casework.load(application), await asked(house, application)
    await sources["bureau"].pull(inquiry_of(house, record, case))  # the lost call did arrive
    sources["bureau"].pulled.clear()
    await run(evidence(house, products, sources).pull, a_pull(application, "bureau"))
    assert sources["bureau"].pulled == []
    assert (await asked(house, application)).state is EvidenceState.ANSWERED


async def test_a_queryable_source_that_never_got_the_call_is_called(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    application = await crashed_after_sending(house, products)
    await run(evidence(house, products, sources).pull, a_pull(application, "bureau"))
    assert len(sources["bureau"].pulled) == 1
    assert (await asked(house, application)).attempts == 2


async def test_after_a_crash_a_source_that_is_neither_parks_for_a_person(house: House):
    products, sources = recovering(Recovery.NEITHER)
    application = await crashed_after_sending(house, products)
    await run(evidence(house, products, sources).pull, a_pull(application, "bureau"))
    assert sources["bureau"].pulled == []
    assert (await asked(house, application)).state is EvidenceState.UNKNOWN


@pytest.mark.parametrize("recovery", list(Recovery))
async def test_done_then_lost_never_makes_a_second_inquiry(house: House, recovery: Recovery):
    """F13: the source did the work and the answer was lost on its way back."""
    products, sources = recovering(recovery)
    sources["bureau"].lose_the_answer(SourceUnavailable("cut", kind="timeout", sent=True))
    activities = evidence(house, products, sources)
    application = await house.accept(a_sound_application())
    with pytest.raises(ApplicationError):
        await run(activities.pull, a_pull(application, "bureau"))
    await run(activities.pull, a_pull(application, "bureau"))
    assert sum(sources["bureau"].fresh.values()) == 1
    assert (await asked(house, application)).state.settled


async def test_a_call_that_never_left_is_simply_made_again(house: House):
    products, sources = recovering(Recovery.NEITHER)
    sources["bureau"].fail_with(SourceUnavailable("refused", kind="refused", sent=False))
    activities = evidence(house, products, sources)
    application = await house.accept(a_sound_application())
    with pytest.raises(ApplicationError):
        await run(activities.pull, a_pull(application, "bureau"))
    assert (await asked(house, application)).state is EvidenceState.RESERVED
    await run(activities.pull, a_pull(application, "bureau"))
    assert (await asked(house, application)).state is EvidenceState.ANSWERED


async def test_workers_side_by_side_make_one_inquiry(house: House):
    products, sources = recovering(Recovery.IDEMPOTENT)
    activities = evidence(house, products, sources)
    application = await house.accept(a_sound_application())
    await asyncio.gather(
        *(run(activities.pull, a_pull(application, "bureau")) for _ in range(8)), return_exceptions=True
    )
    assert sum(sources["bureau"].fresh.values()) == 1
    assert len({inquiry.key for inquiry in sources["bureau"].pulled}) == 1


async def test_without_consent_a_source_is_not_asked_and_counts_as_missing(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    application = await house.accept(a_sound_application(consents=[]))
    await run(evidence(house, products, sources).pull, a_pull(application, "bureau"))
    assert sources["bureau"].pulled == []
    assert (await asked(house, application)).state is EvidenceState.GIVEN_UP
    (step,) = await house.ports.reading.steps(application, 1)
    assert step["error"] == "no_consent"


async def test_consent_to_another_purpose_is_no_consent(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    application = await house.accept(a_sound_application(consents=[{"source": "bureau", "purpose": "marketing"}]))
    await run(evidence(house, products, sources).pull, a_pull(application, "bureau"))
    assert sources["bureau"].pulled == []


async def test_an_answer_about_somebody_else_is_a_mismatch_and_not_asked_again(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    sources["bureau"].fail_with(WrongPerson("somebody else", source="bureau"))
    activities = evidence(house, products, sources)
    application = await house.accept(a_sound_application())
    for _ in range(2):
        await run(activities.pull, a_pull(application, "bureau"))
    assert (await asked(house, application)).state is EvidenceState.MISMATCH
    assert len(sources["bureau"].pulled) == 1


async def test_a_slow_source_is_cut_off_at_the_products_limit(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    product = products.get("")
    quick = tuple(terms.model_copy(update={"timeout": 0.05}) for terms in product.sources)
    sleeper = FakeEvidenceSource("bureau")
    sleeper.pull = lambda inquiry: asyncio.sleep(30)  # type: ignore[method-assign]
    activities = evidence(house, OneProduct(product, sources=quick), {**sources, "bureau": sleeper})
    application = await house.accept(a_sound_application())
    with pytest.raises(ApplicationError) as cut:
        await run(activities.pull, a_pull(application, "bureau"))
    assert cut.value.type == "SourceUnavailable"
    assert (await asked(house, application)).state is EvidenceState.SENT  # it may have arrived


async def test_a_source_asking_for_time_gets_it(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    sources["bureau"].fail_with(SourceBusy("busy", source="bureau", retry_after=7.0))
    application = await house.accept(a_sound_application())
    with pytest.raises(ApplicationError) as busy:
        await run(evidence(house, products, sources).pull, a_pull(application, "bureau"))
    assert busy.value.next_retry_delay is not None
    assert busy.value.next_retry_delay.total_seconds() == 7
    assert (await house.ports.gate.states()) == []  # being busy is no failure of the source


HALF_A_MINUTE = timedelta(seconds=30)


@pytest.mark.parametrize(
    ("failure", "attempt", "left", "wait"),
    [
        (SourceBusy("busy", retry_after=3600.0), 1, HALF_A_MINUTE, HALF_A_MINUTE - A_CALL),
        (SourceUnavailable("down", kind="refused"), 9, HALF_A_MINUTE, HALF_A_MINUTE - A_CALL),
        (SourceUnavailable("down", kind="refused"), 1000, HALF_A_MINUTE, HALF_A_MINUTE - A_CALL),
        (SourceUnavailable("down", kind="refused"), 2, HALF_A_MINUTE, None),  # in two seconds, as always
        (SourceBusy("busy", retry_after=5.0), 9, HALF_A_MINUTE, timedelta(seconds=5)),
        (SourceBusy("busy", retry_after=3600.0), 9, timedelta(seconds=5), timedelta(hours=1)),  # that was the last try
    ],
)
async def test_the_last_try_comes_just_before_patience_ends_whatever_the_source_asks_for(
    house: House, failure: Exception, attempt: int, left: timedelta, wait: timedelta | None
):
    products, sources = recovering(Recovery.QUERYABLE)
    sources["bureau"].fail_with(failure)
    application = await house.accept(a_sound_application())
    began = NOW - timedelta(days=2) + left
    with pytest.raises(ApplicationError) as failed:
        await run(
            evidence(house, products, sources).pull,
            a_pull(application, "bureau"),
            attempt=attempt,
            scheduled_time=began,
            started_time=NOW,
        )
    if wait is None:
        assert failed.value.next_retry_delay is None
    else:
        assert failed.value.next_retry_delay == pytest.approx(wait, abs=timedelta(seconds=3))


async def test_what_reaches_temporal_of_a_failure_is_its_class_and_code_alone(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    sources["bureau"].fail_with(SourceUnavailable("no answer about Gudrun Guthaben", kind="timeout"))
    application = await house.accept(a_sound_application())
    with pytest.raises(ApplicationError) as failure:
        await run(evidence(house, products, sources).pull, a_pull(application, "bureau"))
    assert failure.value.message == "SourceUnavailable: source_unavailable"
    assert failure.value.__cause__ is None


async def test_a_defect_reaches_temporal_without_its_words(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    sources["bureau"].fail_with(KeyError("Gudrun Guthaben"))
    application = await house.accept(a_sound_application())
    with pytest.raises(ApplicationError) as failure:
        await run(evidence(house, products, sources).pull, a_pull(application, "bureau"))
    assert "Gudrun" not in str(failure.value)
    assert failure.value.type == "KeyError"


async def test_when_patience_is_over_the_source_is_given_up_and_what_was_answered_stays(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    activities = evidence(house, products, sources)
    application = await house.accept(a_sound_application())
    await run(activities.pull, a_pull(application, "bank"))
    for source in ("bureau", "bank"):
        await run(activities.give_up, a_pull(application, source))
        await run(activities.give_up, a_pull(application, source))
    assert (await asked(house, application, "bureau")).state is EvidenceState.GIVEN_UP
    assert (await asked(house, application, "bank")).state is EvidenceState.ANSWERED


async def test_a_closed_case_asks_nobody(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    application = await house.accept(a_sound_application())
    await house.withdraw(application)
    await run(evidence(house, products, sources).pull, a_pull(application, "bureau"))
    assert sources["bureau"].pulled == []


async def test_one_failing_source_loses_no_answer_of_its_siblings(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    sources["bureau"].fail_with(SourceUnavailable("down", kind="server_error"))
    application = await house.accept(a_sound_application())
    case = await house.ports.casework.load(application)
    with pytest.raises(SourceUnavailable):
        await evidence(house, products, sources).pull_all(case, products.get(""), a_pull(application, "bureau"))
    states = {record.source: record.state for record in (await house.ports.casework.load(application)).evidence}
    assert states == {
        source: EvidenceState.SENT if source == "bureau" else EvidenceState.ANSWERED for source in SOURCES
    }


async def test_an_open_circuit_costs_no_call_and_shows_what_is_waited_for(house: House):
    products, sources = recovering(Recovery.QUERYABLE)
    for _ in range(5):
        await house.ports.gate.failed("bureau")
    application = await house.accept(a_sound_application())
    with pytest.raises(ApplicationError):
        await run(evidence(house, products, sources).pull, a_pull(application, "bureau"))
    assert sources["bureau"].pulled == []
    (row,) = await house.ports.reading.applications(limit=5, waiting_on="bureau")
    assert row["id"] == application


def inquiry_of(house: House, record: EvidenceRecord, case: Any) -> Any:
    activities = Evidence(house.ports.casework, house.ports.products, {}, house.ports.gate)
    return activities._inquiry(case, the_product().source(record.source))(record)
