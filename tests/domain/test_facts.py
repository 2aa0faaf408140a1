"""What may be known of an application, and what may not."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.underwriting.facts import Stage, age_on, fact_paths, is_protected
from tests.applicants import SOUND_EVIDENCE, a_body, some_facts, the_product


def test_neither_name_nor_birth_date_get_in():
    told = json.dumps(some_facts().values) + json.dumps(some_facts(Stage.SCREEN).values)
    assert "Gudrun" not in told
    assert "1984" not in told
    assert "PERSONA" not in told


def test_age_is_known_at_the_screen_only():
    assert some_facts(Stage.SCREEN).read("applicant.age") == 42
    assert some_facts(Stage.DECIDE).read("applicant.age") is None


def test_a_field_nobody_declared_does_not_get_in():
    assert some_facts(body=a_body(favourite_colour="green")).read("request.favourite_colour") is None
    assert some_facts(evidence={"bank": {"iban": "DE02"}}).read("evidence.bank.iban") is None


def test_money_written_as_text_becomes_a_number_rules_can_compare():
    facts = some_facts(body=a_body(amount="1049.50"))
    assert facts.read("request.amount") == 1049.5
    assert facts.read("financial.monthly_income") == 1400.0


def test_a_source_without_an_answer_is_missing_though_nobody_said_so():
    assert some_facts().read("missing") == []
    assert some_facts(missing=["bank"]).read("missing") == ["bank"]
    assert some_facts(missing=["bank"]).read("evidence.bank") is None


def test_what_a_source_said_about_somebody_else_does_not_get_in():
    facts = some_facts(mismatched=["bureau"])
    assert facts.read("mismatched") == ["bureau"]
    assert facts.read("evidence.bureau") is None
    assert facts.read("missing") == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("bank", {"checking_state": "excellent"}),
        ("bank", {"checking_state": None}),
        ("bank", {"checking_state": 3}),
        ("bureau", {"no_file": "yes"}),
        ("bureau", {"bureau_score": float("nan")}),
        ("bureau", {"bureau_score": 100_000}),
        ("registry", {"sanctions_hit": 0}),
    ],
)
def test_garbage_counts_as_no_answer(source, said):
    facts = some_facts(evidence={source: said})
    assert facts.read("missing") == [source]
    assert facts.read(f"evidence.{source}") is None


def test_a_person_without_a_bureau_file_is_not_a_missing_source():
    nothing = {"no_file": True, "repayment_history": None, "other_plans": None}
    facts = some_facts(evidence={"bureau": nothing})
    assert facts.read("missing") == []
    assert facts.read("evidence.bureau.repayment_history") is None


def test_every_path_of_the_facts_is_one_a_rule_may_read():
    for stage in Stage:
        allowed = fact_paths(the_product(), stage)
        assert set(_paths(some_facts(stage).values)) <= allowed


def test_protected_fields_are_recognised_wherever_they_hide():
    product = the_product()
    assert is_protected(product, "applicant.date_of_birth")
    assert is_protected(product, "request.sex")
    assert is_protected(product, "evidence.bureau.nationality")
    assert not is_protected(product, "request.amount")


@given(st.dates(date(1920, 1, 1), date(2008, 12, 31)), st.integers(18, 90))
def test_a_birthday_makes_a_year_older_and_the_day_before_does_not(born, years):
    if (born.month, born.day) == (2, 29):
        born = born.replace(day=28)
    birthday = born.replace(year=born.year + years)
    assert age_on(born, birthday) == years
    assert age_on(born, date.fromordinal(birthday.toordinal() - 1)) == years - 1


def test_someone_born_on_a_leap_day_turns_older_on_the_first_of_march():
    assert age_on(date(2008, 2, 29), date(2026, 2, 28)) == 17
    assert age_on(date(2008, 2, 29), date(2026, 3, 1)) == 18


def test_the_builder_knows_every_source():
    assert SOUND_EVIDENCE.keys() == {source.name for source in the_product().sources}


def _paths(values, prefix=""):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"
