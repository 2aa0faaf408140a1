"""The South German set in this product's words, and its split."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from plimsoll.adapters.datasets.south_german import AGES_HOLD_ON, income_bound
from plimsoll.domain.underwriting.application import read_body
from plimsoll.domain.underwriting.facts import age_on, is_protected, is_usable
from tests.applicants import the_product, the_set

FIRST_HELD_OUT = ["SGC-0003", "SGC-0010", "SGC-0011"]


def test_the_split_is_seven_hundred_and_three_hundred_and_the_same_for_everybody():
    training, held_out = the_set().training(), the_set().held_out()
    assert (len(training), len(held_out)) == (700, 300)
    assert not {row.reference for row in training} & {row.reference for row in held_out}
    assert [row.reference for row in held_out][:3] == FIRST_HELD_OUT


def test_three_in_ten_are_bad():
    assert sum(row.bad for row in the_set().all()) == 300


def test_the_first_row_says_what_the_code_table_says():
    """1,18,4,2,1049,1,2,4,2,1,4,2,21,3,1,1,3,2,1,2,1"""
    row = the_set().all()[0]
    assert row.reference == "SGC-0001"
    assert row.evidence["bank"] == {"checking_state": "none", "savings_band": "unknown_or_none"}
    assert row.evidence["bureau"]["repayment_history"] == "all_here_repaid"
    assert row.evidence["bureau"]["other_plans"] == "none"
    assert row.body["purpose"] == "car_used"
    assert row.body["applicant"]["tenure_band"] == "under_1_year"
    assert row.body["applicant"]["skill_band"] == "skilled"
    assert row.body["financial"]["property"] == "car_or_other"
    assert row.body["party_role"] == "alone"
    assert not row.bad


def test_every_row_is_a_valid_application_with_usable_evidence():
    product = the_product()
    for row in the_set().all():
        read_body(product, row.body)
        assert all(is_usable(product, source, said) for source, said in row.evidence.items())


def test_the_made_up_birth_dates_give_the_ages_of_the_set():
    groups = the_set().fairness()
    for row in the_set().all()[:50]:
        born = date.fromisoformat(row.body["applicant"]["date_of_birth"])
        assert age_on(born, AGES_HOLD_ON) == groups[row.reference].age


def test_protected_columns_are_in_no_body_and_no_evidence():
    row = the_set().all()[0]
    names = {*row.body, *row.body["financial"], *(name for said in row.evidence.values() for name in said)}
    assert not any(is_protected(the_product(), name) for name in names)


def test_the_fairness_store_knows_how_few_there_are():
    groups = Counter(group.foreign_worker for group in the_set().fairness().values())
    assert groups[True] == 37


@pytest.mark.parametrize(
    ("burden", "income"),
    [("over_35", "285.71"), ("25_to_35", "333.33"), ("20_to_25", "444.44"), ("under_20", "500.00")],
)
def test_income_is_the_bound_of_its_class(burden, income):
    assert income_bound(Decimal(1200), 12, burden) == Decimal(income)
