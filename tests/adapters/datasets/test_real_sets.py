"""The public sets as loaders tell them: what is in them, what was known when, what may not be read."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plimsoll.adapters.datasets import lendingclub, taiwan
from plimsoll.domain.models.data_checks import check

ROOT = os.environ.get("PLIMSOLL_REAL_DATA")
pytestmark = pytest.mark.skipif(not ROOT, reason="PLIMSOLL_REAL_DATA names no folder with the real data")
# Nought or N for every loan that has ended: no figure of these rows can betray them.
WITHOUT_SIGNAL = {"out_prncp", "out_prncp_inv", "hardship_flag", "pymnt_plan"}
# Weak alone and beside any one other column: betrayed by the leaks they are parts of, or nought with.
BESIDE_A_LEAK = {"total_rec_int", "total_rec_late_fee", "last_pymnt_amnt"}


@pytest.fixture(scope="module")
def loans():
    return lendingclub.LendingClub(Path(ROOT or "") / "lendingclub").examples()


@pytest.fixture(scope="module")
def accounts():
    return taiwan.Taiwan(Path(ROOT or "") / "taiwan_credit_card").examples()


def test_loans_are_as_many_and_as_bad_as_published(loans):
    assert len(loans) == 42_535
    assert loans.target_rate == pytest.approx(0.1512, abs=0.0001)


def test_few_ends_were_known_at_the_start_of_2011(loans):
    issued = loans.take(loans.applied_on < np.datetime64("2011-01-01"))
    assert len(issued) == 20_814
    assert len(issued.known_by(np.datetime64("2011-01-01").astype(object))) == pytest.approx(3_626, abs=5)


def test_a_label_within_twelve_months_is_known_twelve_months_after_the_issue():
    early = lendingclub.LendingClub(Path(ROOT or "") / "lendingclub").examples(within_months=12)
    months = (early.label_known_on - early.applied_on).astype("timedelta64[D]").astype(int)
    assert set(np.unique(months)) <= {365, 366}
    assert 0.01 < early.target_rate < 0.05


def test_renamed_leaks_are_found_by_their_figures_as_far_as_figures_go(loans):
    names = {name: f"v{place:02d}" for place, name in enumerate(loans.columns)}
    renamed = replace(loans, columns={names[name]: values for name, values in loans.columns.items()})
    found = set(check(renamed).leaks)
    missed = {name for name in lendingclub.AFTER_THE_DECISION if names[name] not in found}
    assert missed <= WITHOUT_SIGNAL
    assert {names[name] for name in BESIDE_A_LEAK} <= found
    assert found - {names[name] for name in lendingclub.AFTER_THE_DECISION} <= {names["funded_amnt"]}


def test_every_leak_is_found_by_known_at(loans):
    report = check(loans, known_at=lendingclub.known_at())
    assert set(lendingclub.AFTER_THE_DECISION) <= set(report.leaks)


@pytest.mark.parametrize("with_price", [True, False])
def test_no_feature_of_loans_is_a_leak(loans, with_price):
    features = lendingclub.LendingClub(Path("")).features(loans.columns, with_price=with_price)
    assert check(loans, features, known_at=lendingclub.known_at()).stops == ()


def test_accounts_leave_out_the_month_of_the_outcome_and_keep_people_apart(accounts):
    features = {spec.name for spec in taiwan.Taiwan(Path("")).features()}
    assert accounts.target_rate == pytest.approx(0.2212)
    assert "PAY_0" not in features
    assert not features & set(taiwan.SENSITIVE)
    assert set(accounts.groups) == {"sex", "age", "education", "marriage"}
    assert not set(accounts.columns) & set(taiwan.SENSITIVE)
