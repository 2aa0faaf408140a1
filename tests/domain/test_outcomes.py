"""A report of an outcome is taken, found on record, or refused in one sentence."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from plimsoll.domain.errors import Conflict, FieldsInvalid, InvalidRequest
from plimsoll.domain.models.outcomes import (
    Candidate,
    Label,
    OutcomeReport,
    Said,
    problem_of,
    read_report,
    the_one_meant,
)
from plimsoll.domain.values import Status

TODAY = date(2026, 11, 21)
DECIDED_ON = date(2026, 6, 1)
FOUND = Candidate(application="app_1", product="consumer-credit", status=Status.DECIDED, decided_on=DECIDED_ON)
A_DAY = timedelta(days=1)


def a_report(**changes) -> OutcomeReport:
    return OutcomeReport(**{"external_id": "L-1", "label": "good", "observed_on": date(2026, 9, 1)} | changes)


def said(**changes) -> Said:
    return Said(**{"bad": False, "observed_on": date(2026, 9, 1), "known_on": date(2026, 9, 2)} | changes)


def test_an_ordinary_report_is_taken():
    assert problem_of(a_report(), FOUND, None, TODAY) is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"observed_on": TODAY + A_DAY}, "`observed_on` is 2026-11-22, which is still to come"),
        ({"known_on": TODAY + A_DAY}, "`known_on` is 2026-11-22, which is still to come"),
        ({"known_on": date(2026, 8, 31)}, "cannot be known on 2026-08-31 what happened on 2026-09-01"),
        ({"observed_on": DECIDED_ON - A_DAY}, "before the decision of 2026-06-01"),
        ({"correction": True}, "leave out `correction`"),
    ],
)
def test_what_cannot_be_so_is_refused_in_one_sentence(changes: dict, sentence: str):
    problem = problem_of(a_report(**changes), FOUND, None, TODAY)
    assert problem is not None
    assert sentence in problem.message


def test_what_is_not_decided_has_no_outcome():
    waiting = FOUND.model_copy(update={"decided_on": None, "status": Status.REVIEW})
    problem = problem_of(a_report(), waiting, None, TODAY)
    assert isinstance(problem, Conflict)
    assert "(it is review)" in problem.message


def test_another_label_is_a_conflict_that_names_what_is_on_record():
    problem = problem_of(a_report(label="bad"), FOUND, said(), TODAY)
    assert isinstance(problem, Conflict)
    assert "good, seen on 2026-09-01" in problem.message
    assert "`correction`" in problem.message


def test_a_correction_must_be_known_later_than_what_it_corrects():
    assert problem_of(a_report(label="bad", correction=True), FOUND, said(), TODAY) is None
    early = problem_of(a_report(label="bad", correction=True, known_on=date(2026, 9, 2)), FOUND, said(), TODAY)
    assert isinstance(early, Conflict)
    assert "after 2026-09-02" in early.message


@given(known=some.dates(date(2026, 9, 2), TODAY), label=some.sampled_from(Label))
def test_what_is_on_record_may_be_said_again_on_any_day(known: date, label: Label):
    report = a_report(label=label, known_on=known)
    assert said(bad=label is Label.BAD).repeats(report)
    assert not said(bad=label is Label.GOOD).repeats(report)


def test_a_number_that_two_decided_applications_carry_must_be_told_apart():
    other = FOUND.model_copy(update={"application": "app_2", "product": "motor"})
    with pytest.raises(InvalidRequest, match="2 decided applications carry the number 'L-1'"):
        the_one_meant(a_report(), [FOUND, other])
    assert the_one_meant(a_report(product="motor"), [FOUND, other]) == other


def test_of_two_with_one_number_the_decided_one_is_meant():
    withdrawn = FOUND.model_copy(update={"application": "app_2", "decided_on": None, "status": Status.WITHDRAWN})
    assert the_one_meant(a_report(), [withdrawn, FOUND]) == FOUND


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"label": "good", "observed_on": "2026-09-01"}, "external_id"),
        ({"external_id": "L", "application_id": "app_1", "label": "good", "observed_on": "2026-09-01"}, "external_id"),
        ({"external_id": "L", "label": "fine", "observed_on": "2026-09-01"}, "label"),
        ({"external_id": "L", "label": "bad"}, "observed_on"),
        ({"external_id": "L", "label": "bad", "observed_on": 1767225600}, "observed_on"),
        ({"external_id": "L", "label": "bad", "observed_on": "2026-09-01T23:00:00+02:00"}, "observed_on"),
        ({"external_id": "L", "label": "bad", "observed_on": "2026-13-01"}, "observed_on"),
        ({"external_id": "L", "label": "bad", "observed_on": "2026-09-01", "amount": 1.1}, "amount"),
        ({"external_id": "L", "label": "bad", "observed_on": "2026-09-01", "amount": "-1"}, "amount"),
        ({"external_id": "L", "label": "bad", "observed_on": "2026-09-01", "mark": "late"}, "mark"),
        ({"external_id": "L\x00", "label": "bad", "observed_on": "2026-09-01"}, "external_id"),
        ({"external_id": "L", "label": "bad", "observed_on": "2026-09-01", "name": "x"}, "name"),
        ("L-1", "JSON object"),
    ],
)
def test_a_report_that_does_not_fit_names_what_is_wrong(body, field: str):
    with pytest.raises(FieldsInvalid) as refused:
        read_report(body)
    assert field in refused.value.message
