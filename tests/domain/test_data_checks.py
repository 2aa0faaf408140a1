"""What is wrong with data is said by column, before anybody learns from it."""

from dataclasses import replace

import numpy as np
import pytest

from plimsoll.domain.models.data_checks import KnownAt, Severity, check
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.underwriting.product import Direction, FeatureKind, FeatureSpec
from tests.applicants import examples, the_product, the_set

RANDOM = np.random.default_rng(5)
COUNT = 3000
BAD = RANDOM.random(COUNT) < 0.2
AMOUNT = np.round(RANDOM.lognormal(8, 0.6, COUNT), 0)
INCOME = RANDOM.lognormal(8, 0.5, COUNT)


def rows(bad=BAD, **columns) -> Examples:
    return Examples(columns={"amount": AMOUNT, "income": INCOME, **columns}, bad=bad)


def number(name: str) -> FeatureSpec:
    return FeatureSpec(name=name, path=f"file.{name}", kind=FeatureKind.NUMBER, direction=Direction.FREE, concept=name)


def found(report, column: str) -> set[str]:
    return {finding.check for finding in report.findings if finding.column == column}


def test_sound_data_has_nothing_against_it():
    assert check(rows(), [number("amount"), number("income")]).findings == ()


def test_the_shipped_set_has_nothing_against_it():
    report = check(examples(the_set().training()), the_product().features)
    assert report.stops == ()
    assert report.leaks == {}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (np.zeros(0, dtype=bool), "not one labelled application"),
        (np.zeros(500, dtype=bool), "All 500 applications ended well"),
        (np.ones(500, dtype=bool), "All 500 applications ended badly"),
        (np.arange(500) < 12, "only 12 of the rarer ending"),
    ],
)
def test_an_outcome_nobody_can_learn_stops(bad, says):
    (stop,) = check(Examples(columns={"amount": AMOUNT[: len(bad)]}, bad=bad)).stops
    assert says in stop.sentence


def test_a_feature_without_a_column_stops():
    (stop,) = check(rows(), [number("amount"), number("age_of_account")]).stops
    assert stop.column == "age_of_account"


def test_words_in_a_column_of_numbers_stop_with_one_of_them():
    mixed = INCOME.astype(object)
    mixed[7] = "plenty"
    (stop,) = check(rows(wage=mixed), [number("wage")]).stops
    assert "'plenty'" in stop.sentence


def test_values_outside_the_declared_ones_are_counted():
    housing = np.where(np.arange(COUNT) % 10 == 0, "castle", "rent").astype(object)
    spec = FeatureSpec(name="housing", path="file.h", kind=FeatureKind.CATEGORY, values=("rent", "own"), concept="h")
    (warning,) = [finding for finding in check(rows(housing=housing), [spec]).findings if finding.check == "values"]
    assert "'castle'" in warning.sentence
    assert warning.figures["rows"] == 300


def test_a_value_outside_its_limits_is_told():
    report = check(rows(), limits={"amount": (0, 10_000)})
    assert found(report, "amount") == {"range"}


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (np.arange(COUNT).astype(float), "id"),
        (np.array([f"case-{place}" for place in range(COUNT)], dtype=object), "id"),
        (np.full(COUNT, 7.0), "constant"),
        (np.where(np.arange(COUNT) < 40, 1.0, np.nan) * INCOME, "empty_column"),
        (np.where(np.arange(COUNT) % 3 == 0, INCOME, np.nan), "missing"),
    ],
)
def test_a_column_that_cannot_help_is_named(column, says):
    assert says in found(check(rows(odd=column)), "odd")


def test_repeated_rows_and_references_are_counted():
    twice = np.arange(COUNT) // 2
    report = check(replace(rows().take(twice), references=twice.astype(object)))
    assert {"row_twice", "reference_twice"} <= {finding.check for finding in report.findings}


# ---------------------------------------------------------------- leaks, under names that say nothing

PAID = np.where(BAD, AMOUNT * RANDOM.uniform(0.1, 0.75, COUNT), AMOUNT * RANDOM.uniform(1.05, 1.3, COUNT))
LEAKS = {
    "settles": np.where(BAD, RANDOM.normal(3, 1, COUNT), RANDOM.normal(-3, 1, COUNT)),
    "settles_with": PAID,
    "one_ending_only": np.where(BAD & (RANDOM.random(COUNT) < 0.3), AMOUNT * 0.1, 0.0),
    "missing_tells": np.where(BAD & (RANDOM.random(COUNT) < 0.1), INCOME, np.nan),
    "later_version": np.where(RANDOM.random(COUNT) < 0.5, AMOUNT, AMOUNT * RANDOM.uniform(0.7, 0.99, COUNT)),
}


@pytest.mark.parametrize("how", LEAKS)
def test_a_leak_under_any_name_stops_when_a_feature_reads_it(how):
    report = check(rows(x17=LEAKS[how]), [number("amount"), number("x17")])
    assert how in found(report, "x17")
    assert {stop.column for stop in report.stops} == {"x17"}


@pytest.mark.parametrize("how", LEAKS)
def test_a_leak_that_nobody_reads_is_only_told(how):
    report = check(rows(x17=LEAKS[how]), [number("amount")])
    assert report.stops == ()
    assert "x17" in report.leaks


def test_a_few_wrong_labels_do_not_hide_a_leak():
    """Cases that run on, counted as good ones, had let what collection brought in through as a feature."""
    wrong = BAD & (RANDOM.random(COUNT) < 0.05)
    brought_in = np.where(BAD & (RANDOM.random(COUNT) < 0.6), INCOME, np.nan)
    report = check(rows(BAD & ~wrong, x17=brought_in), [number("x17")])
    assert report.leaks["x17"].startswith("Where x17 is known (")
    assert report.leaks["x17"].endswith("ended badly: was it known before the decision?")
    assert report.stops == ()
    as_noughts = check(rows(BAD & ~wrong, x17=np.nan_to_num(brought_in)))
    assert found(as_noughts, "x17") == {"one_ending_only"}


def test_what_most_bad_endings_have_and_many_good_ones_too_is_no_leak():
    late = np.where(BAD, RANDOM.random(COUNT) < 0.4, RANDOM.random(COUNT) < 0.02).astype(float)
    assert check(rows(late=late), [number("late")]).leaks == {}


def test_words_that_bad_endings_alone_have_are_a_leak():
    flag = np.where(BAD & (RANDOM.random(COUNT) < 0.15), "Y", "N").astype(object)
    assert "one_ending_only" in found(check(rows(x17=flag)), "x17")


def test_days_after_the_application_are_a_leak():
    applied = np.datetime64("2020-01-01") + RANDOM.integers(0, 300, COUNT).astype("timedelta64[D]")
    report = check(replace(rows(before=applied - 30, after=applied + 200), applied_on=applied))
    assert set(report.leaks) == {"after"}


def test_a_leak_without_any_signal_is_found_by_known_at_and_by_nothing_else():
    noise = RANDOM.normal(size=COUNT)
    silent = check(rows(x17=noise), [number("x17")])
    told = check(rows(x17=noise), [number("x17")], known_at={"x17": KnownAt.AFTER})
    assert silent.stops == ()
    assert "known_at` alone" in silent.cannot_be_seen
    assert "known only after the decision" in told.stops[0].sentence


def test_a_name_of_later_is_a_leak_until_somebody_vouches_for_it():
    suspected = check(rows(recoveries=INCOME), [number("recoveries")])
    vouched = check(rows(recoveries=INCOME), [number("recoveries")], known_at={"recoveries": KnownAt.APPLICATION})
    assert suspected.stops[0].check == "name"
    assert vouched.stops == ()


def test_what_is_vouched_for_and_settles_all_the_same_is_told():
    report = check(rows(x17=LEAKS["settles"]), [number("x17")], known_at={"x17": KnownAt.APPLICATION})
    (warning,) = report.findings
    assert warning.severity is Severity.WARN
    assert "vouched for" in warning.sentence


def test_good_endings_alone_may_have_a_good_reason():
    secured = (~BAD & (RANDOM.random(COUNT) < 0.3)).astype(float)
    report = check(rows(secured=secured), [number("secured")])
    assert report.stops == ()
    assert found(report, "secured") == {"one_ending_mostly"}


# Too weak alone, betrayed by a leak that is not --------------------------------------------------------


def a_ledger_of_payments() -> dict[str, np.ndarray]:
    """Paid in all, of which interest and fees: the whole tells, a fee that hardly anybody paid does not."""
    random = np.random.default_rng(9)
    principal = np.round(np.where(BAD, AMOUNT * random.uniform(0, 0.5, COUNT), AMOUNT), 2)
    interest = np.round(AMOUNT * random.uniform(0.05, 0.2, COUNT), 2)
    fee = np.where(random.random(COUNT) < 0.05, 15.0, 0.0)
    last = np.round(AMOUNT / 36 * random.uniform(0.5, 6, COUNT), 2)
    never_paid = BAD & (np.cumsum(BAD) <= 25)
    for column in (principal, interest, fee, last):
        column[never_paid] = 0.0
    return {"v1": np.round(principal + interest + fee, 2), "v2": principal, "v3": interest, "v4": fee, "v5": last}


def test_parts_of_a_leak_are_leaks_however_weak_they_are():
    report = check(rows(**a_ledger_of_payments()))
    assert "settles_with" in found(report, "v1") | found(report, "v2")
    assert {"v1", "v2", "v3", "v4"} <= set(report.leaks)
    assert report.leaks["v4"] == (
        "v4 is a part of v1, which is the sum of v2 and v3 and v4 in nearly every row: it was known when the whole was."
    )


def test_what_is_nought_just_where_a_leak_is_became_so_with_it():
    report = check(rows(**a_ledger_of_payments()), [number("v5")])
    assert "v5 is nought where" in report.leaks["v5"]
    assert [stop.column for stop in report.stops] == ["v5"]


def test_whoever_vouches_for_a_part_is_believed():
    report = check(rows(**a_ledger_of_payments()), [number("v3")], known_at={"v3": KnownAt.APPLICATION})
    assert report.stops == ()
    assert "vouched for as known at application" in report.leaks["v3"]


def test_sums_and_noughts_among_honest_columns_betray_nobody():
    """Income is the sum of two, some have neither: without a leak among them nothing follows."""
    salary = np.round(INCOME, 2)
    other = np.where(RANDOM.random(COUNT) < 0.9, np.round(INCOME * 0.1, 2), 0.0)
    idle = RANDOM.random(COUNT) < 0.02
    salary[idle] = other[idle] = 0.0
    report = check(rows(salary=salary, other=other, all_income=np.round(salary + other, 2)))
    assert report.leaks == {}


def test_honest_columns_beside_leaks_stay_honest():
    random = np.random.default_rng(4)
    others = {
        "savings": np.where(random.random(COUNT) < 0.5, 0.0, INCOME),
        "late": random.poisson(0.2, COUNT).astype(float),
    }
    report = check(rows(**a_ledger_of_payments(), **others))
    assert not set(report.leaks) & {"savings", "late", "amount", "income"}
