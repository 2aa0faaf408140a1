"""Every write of a step is safe to repeat and loses against an earlier one."""

import asyncio
from datetime import timedelta

import pytest

from plimsoll.domain.errors import NotFound
from plimsoll.domain.underwriting.case import Case
from plimsoll.domain.underwriting.decision import Verdict
from plimsoll.domain.underwriting.evidence import Answer, EvidenceState
from plimsoll.domain.values import Outcome, OutcomeSource, Status
from plimsoll.ports import StepRun
from tests.applicants import A_PIN, a_score, the_product
from tests.builders import NOW, a_sound_application
from tests.house import House

BUREAU, BANK, REGISTRY = the_product().sources


def a_run(step: str = "pull") -> StepRun:
    return StepRun(step=step, lane="stepwise")


def an_answer(summary: dict) -> Answer:
    return Answer(source="bureau", raw=b"{}", summary=summary, as_of=NOW)


def a_verdict(outcome: Outcome = Outcome.APPROVE, **changes) -> Verdict:
    return Verdict(
        outcome=outcome, source=OutcomeSource.MODEL, reasons=(), hits=(), terms=None, expected_loss=None, policy=A_PIN
    ).model_copy(update=changes)


async def a_case(house: House) -> Case:
    return await house.ports.casework.load(await house.accept(a_sound_application()))


async def reloaded(house: House, case: Case) -> Case:
    return await house.ports.casework.load(case.application)


async def entries(house: House, case: Case) -> list[str]:
    sql = "select kind from ledger_entry where application_id = %(id)s order by id"
    found = await house.rows(sql, id=case.application)
    return [row["kind"] for row in found]


async def test_a_case_is_loaded_whole(house: House):
    case = await a_case(house)
    assert case.status is Status.RECEIVED
    assert case.body["amount"] == "1800.00"
    assert (case.evidence, case.score, case.verdict, case.decided) == ((), None, None, None)


async def test_an_unknown_case_is_not_found(house: House):
    with pytest.raises(NotFound):
        await house.ports.casework.load("app_unknown")


async def test_ten_workers_that_send_at_once_send_each_source_once(house: House):
    case, casework = await a_case(house), house.ports.casework
    sent = await asyncio.gather(*(casework.send(case, (BUREAU, BANK), NOW) for _ in range(10)))
    assert sorted(source for won in sent for source in won) == ["bank", "bureau"]


async def test_a_reserved_source_is_sent_later_under_its_first_key(house: House):
    case, casework = await a_case(house), house.ports.casework
    await casework.reserve(case, BUREAU, NOW, "source_busy")
    reserved = (await reloaded(house, case)).asked("bureau")
    sent = (await casework.send(case, (BUREAU,), NOW))["bureau"]
    assert reserved is not None
    assert (reserved.state, sent.state) == (EvidenceState.RESERVED, EvidenceState.SENT)
    assert sent.id == reserved.id


async def test_a_call_that_never_left_goes_back_to_reserved_and_one_that_may_have_arrived_does_not(house: House):
    case, casework = await a_case(house), house.ports.casework
    sent = await casework.send(case, (BUREAU, BANK), NOW)
    await casework.blocked(case, sent["bureau"], "refused", False, NOW, a_run())
    await casework.blocked(case, sent["bank"], "timeout", True, NOW, a_run())
    now = await reloaded(house, case)
    assert (now.asked("bureau").state, now.asked("bank").state) == (EvidenceState.RESERVED, EvidenceState.SENT)  # type: ignore[union-attr]
    assert now.status is Status.WAITING


async def test_the_first_answer_counts_and_a_zombies_late_one_is_told_so(house: House):
    case, casework = await a_case(house), house.ports.casework
    record = (await casework.send(case, (BUREAU,), NOW))["bureau"]
    first = await casework.answered(case, record, an_answer({"no_file": False}), NOW, a_run())
    late = await casework.answered(case, record, an_answer({"no_file": True}), NOW, a_run())
    assert first.summary == late.summary == {"no_file": False}
    assert (await entries(house, case)).count("evidence.answered") == 1


async def test_an_answer_after_patience_was_over_changes_nothing(house: House):
    case, casework = await a_case(house), house.ports.casework
    record = (await casework.send(case, (BUREAU,), NOW))["bureau"]
    await casework.settle_without_answer(case, record, EvidenceState.GIVEN_UP, NOW, a_run("give_up"))
    late = await casework.answered(case, record, an_answer({"no_file": False}), NOW, a_run())
    assert late.state is EvidenceState.GIVEN_UP
    assert (await reloaded(house, case)).summaries == {}


async def test_what_a_source_said_is_sealed_and_its_digest_is_on_record(house: House):
    case, casework = await a_case(house), house.ports.casework
    record = (await casework.send(case, (BUREAU,), NOW))["bureau"]
    answer = an_answer({"no_file": False}).model_copy(update={"raw": b"Canary Kanarienvogel"})
    await casework.answered(case, record, answer, NOW, a_run())
    row = await house.row("select * from evidence_request where id = %(id)s", id=record.id)
    assert b"Canary" not in bytes(row["answer_sealed"])
    await house.must_verify()


async def test_the_first_score_counts(house: House):
    case, casework = await a_case(house), house.ports.casework
    await asyncio.gather(*(casework.scored(case, a_score(pd), NOW, a_run("score")) for pd in (0.01, 0.02, 0.03)))
    stored = (await reloaded(house, case)).score
    row = await house.row("select count(*) as n, min(probability_of_default) as pd from score")
    assert stored is not None
    assert (row["n"], row["pd"]) == (1, stored.probability_of_default)
    assert (await entries(house, case)).count("application.scored") == 1


async def test_the_first_proposal_counts(house: House):
    case, casework = await a_case(house), house.ports.casework
    await casework.proposed(case, a_verdict(Outcome.DECLINE), NOW, a_run("decide"))
    await casework.proposed(case, a_verdict(Outcome.APPROVE), NOW, a_run("decide"))
    verdict = (await reloaded(house, case)).verdict
    assert verdict is not None
    assert verdict.outcome is Outcome.DECLINE


async def test_ten_recordings_at_once_make_one_decision_and_agree_on_it(house: House):
    case, casework = await a_case(house), house.ports.casework
    outcomes = [Outcome.APPROVE, Outcome.DECLINE] * 5
    told = await asyncio.gather(*(casework.record(case, a_verdict(o), None, NOW, a_run("record")) for o in outcomes))
    (decision,) = await house.decisions(case.application)
    assert set(told) == {Outcome(decision["outcome"])}
    assert (await entries(house, case)).count("decision.made") == 1
    await house.must_verify()


async def test_a_zombies_late_recording_loses_and_hears_what_was_decided(house: House):
    case, casework = await a_case(house), house.ports.casework
    await casework.record(case, a_verdict(Outcome.DECLINE), None, NOW, a_run("record"))
    assert await casework.record(case, a_verdict(), None, NOW + timedelta(hours=1), a_run("record")) is Outcome.DECLINE


async def test_a_decision_takes_back_the_start_nobody_needs_any_more(house: House):
    case = await a_case(house)
    await house.ports.casework.record(case, a_verdict(), None, NOW, a_run("record"))
    assert await house.rows("select * from outbox") == []


async def test_nothing_is_decided_about_a_withdrawn_application(house: House):
    case = await a_case(house)
    await house.withdraw(case.application)
    assert await house.ports.casework.record(case, a_verdict(), None, NOW, a_run("record")) is None
    assert await house.decisions(case.application) == []


@pytest.mark.parametrize("seed", range(5))
async def test_of_withdrawal_and_decision_at_once_exactly_one_wins(house: House, seed: int):
    cases = [await a_case(house) for _ in range(8)]
    work = []
    for case in cases:
        work.append(house.ports.casework.record(case, a_verdict(), None, NOW, a_run("record")))
        work.append(house.withdraw(case.application))
    await asyncio.gather(*work, return_exceptions=True)
    for case in cases:
        status, decided = await house.status(case.application), await house.decisions(case.application)
        assert (status, len(decided)) in [(Status.DECIDED, 1), (Status.WITHDRAWN, 0)]
    await house.must_verify()


async def test_an_expired_case_stays_expired(house: House):
    case, casework = await a_case(house), house.ports.casework
    await casework.expire(case, "nobody answered", NOW, a_run("record"))
    await casework.expire(case, "again", NOW, a_run("record"))
    assert await house.status(case.application) is Status.EXPIRED
    assert (await entries(house, case)).count("application.expired") == 1
    assert await casework.record(case, a_verdict(), None, NOW, a_run("record")) is None


async def test_every_run_of_a_step_is_counted_and_timed(house: House):
    case, casework = await a_case(house), house.ports.casework
    await casework.attempted(case, a_run("screen"))
    await casework.attempted(case, a_run("screen").ended("failed", "boom"))
    steps = await house.ports.reading.steps(case.application, 1)
    assert [(step["step"], step["result"], step["error"]) for step in steps] == [
        ("screen", "done", None),
        ("screen", "failed", "boom"),
    ]
    assert all(step["duration_ms"] >= 0 for step in steps)
