"""What moved, by how much, and whether it matters."""

import csv
import gzip
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plimsoll.domain.models.examples import Examples
from plimsoll.domain.monitoring.bins import binned, column_reference, counts_in
from plimsoll.domain.monitoring.drift import Drift, DriftReference, Level, Window, column_drift, measure, reference_of
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec

RANDOM = np.random.default_rng(7)
A_BAND = FeatureSpec(
    name="band", path="request.band", kind=FeatureKind.ORDINAL, values=("low", "middle", "high"), concept="band"
)


def numbers(rows: int, mean: float = 0.0) -> Any:
    return RANDOM.normal(mean, 1, rows)


def words(**counts: int) -> Any:
    return np.array([word for word, rows in counts.items() for _ in range(rows)], dtype=object)


def drift_of(before: Any, now: Any, spec: FeatureSpec | None = None):
    return column_drift(column_reference("it", before, spec), now)


# Sizes ----------------------------------------------------------------------------------------


def test_nothing_has_moved_between_two_samples_of_one_distribution():
    drift = drift_of(numbers(5000), numbers(5000))
    assert drift.level is Level.QUIET
    assert drift.psi == pytest.approx(drift.expected_psi, abs=0.006)
    assert drift.effect_size < 0.03


def test_psi_under_no_drift_is_what_chance_gives_on_average():
    seen = [drift_of(numbers(800), numbers(400)) for _ in range(60)]
    assert np.mean([each.psi for each in seen]) == pytest.approx(seen[0].expected_psi, rel=0.15)


def test_a_shift_of_half_a_standard_deviation_is_seen_and_judged():
    drift = drift_of(numbers(5000), numbers(2000, mean=0.5))
    assert drift.level in (Level.LOOK, Level.ACT)
    assert drift.psi == pytest.approx(0.25, abs=0.06)  # of two normals: the squared distance
    assert drift.ks == pytest.approx(0.197, abs=0.04)
    assert drift.p_value < 1e-10


def test_a_certain_but_tiny_shift_on_a_million_rows_stays_quiet():
    drift = drift_of(numbers(400_000), numbers(400_000, mean=0.02))
    assert drift.p_value < 1e-6
    assert drift.level is Level.QUIET


def test_the_effect_does_not_depend_on_how_large_the_window_is():
    before = words(own=5000, rent=5000)
    effects = [drift_of(before, words(own=3 * rows, rent=rows)).effect_size for rows in (100, 1000, 10_000)]
    assert effects == pytest.approx([effects[-1]] * 3, abs=0.02)


def test_a_value_that_was_never_seen_has_a_bin_of_its_own():
    drift = drift_of(np.full(1000, 36.0), np.where(np.arange(1000) < 350, 60.0, 36.0))
    assert drift.unseen_current == 0.35
    assert drift.psi == pytest.approx(3.01, abs=0.01)
    assert drift.level is Level.ACT


def test_what_is_missing_has_a_bin_of_its_own():
    drift = drift_of(numbers(1000), np.where(np.arange(1000) < 400, np.nan, numbers(1000)))
    assert (drift.missing_reference, drift.missing_current) == (0.0, 0.4)
    assert drift.level is Level.ACT


def test_a_column_that_is_gone_is_missing_throughout():
    examples = Examples(columns={"amount": numbers(500)}, bad=np.zeros(500, dtype=bool))
    drift = measure(reference_of(examples), Window(rows=300, columns={}))
    assert drift.features[0].missing_current == 1.0
    assert drift.level is Level.ACT


def test_a_column_that_never_held_a_value_shows_when_it_begins_to():
    drift = drift_of(np.full(500, np.nan), numbers(500))
    assert drift.level is Level.ACT
    assert drift.ks is None


def test_what_moves_inside_one_bin_is_seen_along_the_curve():
    before = np.where(np.arange(5000) < 4750, 0.0, np.arange(5000.0))  # nine quantiles are 0: one bin
    now = np.where(np.arange(5000) < 3000, 0.0, np.arange(5000.0))
    drift = drift_of(before, now)
    assert drift.psi < 0.01
    assert drift.ks > 0.3
    assert drift.level is Level.ACT


def test_rare_values_of_a_long_list_share_a_bin():
    before = np.array([f"town {n % 400}" for n in range(8000)], dtype=object)
    reference = column_reference("town", before)
    assert len(reference.values) == 100
    assert reference.labels()[-1] == "other values"
    assert column_drift(reference, before).psi == 0.0


def test_an_ordinal_keeps_its_order_and_has_a_curve():
    drift = drift_of(words(low=400, middle=400, high=200), words(low=100, middle=400, high=500), A_BAND)
    assert [each.label for each in drift.bins][:3] == ["low", "middle", "high"]
    assert drift.ks == pytest.approx(0.3)
    assert drift.level is Level.ACT


def test_a_category_has_no_order_and_so_no_curve():
    assert drift_of(words(a=100, b=100), words(a=50, b=150)).ks is None


# Rows -----------------------------------------------------------------------------------------


def test_three_rows_say_nothing_however_far_they_are_off():
    drift = drift_of(numbers(5000), np.array([9.0, 9.5, 10.0]))
    assert drift.psi > 2
    assert drift.level is Level.TOO_SMALL


def test_no_row_gives_no_number():
    drift = drift_of(numbers(100), np.array([]))
    assert (drift.psi, drift.level) == (None, Level.TOO_SMALL)


def test_a_window_is_too_small_when_chance_alone_would_look_like_drift():
    many = np.array([f"v{n % 60}" for n in range(6000)], dtype=object)
    assert drift_of(many, many[:120]).level is Level.TOO_SMALL
    assert drift_of(many, many[:3000]).level is Level.QUIET


def test_many_columns_at_once_share_one_level_of_significance():
    """Thirty columns four times a day would otherwise cry wolf every day."""
    seen = [checked(columns=30, rows=300).level for _ in range(20)]
    assert Level.ACT not in seen
    assert seen.count(Level.LOOK) <= 1


def checked(columns: int, rows: int) -> Drift:
    names = [f"x{number}" for number in range(columns)]
    before = Examples(columns={name: numbers(2000) for name in names}, bad=np.zeros(2000, dtype=bool))
    return measure(reference_of(before), Window(rows, {name: numbers(rows) for name in names}))


# Score, reasons, approvals --------------------------------------------------------------------


def test_score_reasons_and_approvals_are_compared_like_features():
    probability, now = RANDOM.beta(2, 8, 3000), RANDOM.beta(3, 7, 1000)
    examples = Examples(columns={"amount": numbers(3000)}, bad=np.zeros(3000, dtype=bool))
    reference = reference_of(examples, probability=probability, reason=words(TERM=2000, AMOUNT=1000), cut=0.2)
    drift = measure(
        reference,
        Window(1000, {"amount": numbers(1000)}, score=now, reason=words(TERM=300, AMOUNT=700),
               approval=np.where(now <= 0.2, "under the cut", "over the cut").astype(object)),
    )  # fmt: skip
    assert [each.feature for each in drift.columns()] == ["amount", "score", "reason", "approval"]
    assert [each.level for each in drift.columns()][1:] == [Level.ACT] * 3


# The reference --------------------------------------------------------------------------------


def test_a_reference_survives_its_file_and_measures_the_same():
    examples = Examples(
        columns={"amount": numbers(500), "few": np.arange(500.0) % 3, "word": words(a=300, b=200)},
        bad=np.zeros(500, dtype=bool),
    )
    reference = reference_of(examples)
    again = DriftReference.model_validate_json(reference.model_dump_json())
    window = Window(200, {"amount": numbers(200, 1.0), "few": np.arange(200.0) % 4, "word": words(a=50, c=150)})
    assert measure(again, window) == measure(reference, window)


def test_a_reference_holds_no_ends_of_a_column_because_those_are_one_persons():
    column = numbers(2000)
    kept = column_reference("income", column).model_dump_json()
    assert str(float(column.max())) not in kept
    assert str(float(column.min())) not in kept


@pytest.mark.parametrize("column", [numbers(400), np.arange(400.0) % 5, words(a=100, c=300)], ids=str)
def test_labels_of_rows_count_up_to_the_bins(column: Any):
    reference = column_reference("it", column if column.dtype != object else words(a=100, b=100))
    strange = (
        np.append(column, [None, "z"]) if column.dtype == object else np.append(column, [np.nan, np.inf, -np.inf, 2.5])
    )
    labels = binned(reference, strange)
    assert [labels.count(label) for label in reference.labels()] == counts_in(reference, strange).tolist()


# LendingClub: what really moved ---------------------------------------------------------------

REAL_DATA = os.environ.get("PLIMSOLL_REAL_DATA", "")
LENDING_CLUB = Path(REAL_DATA) / "lendingclub" / "lendingclub_2007_2011.csv.gz"
with_lending_club = pytest.mark.skipif(
    not (REAL_DATA and LENDING_CLUB.exists()),
    reason="LendingClub's loans are not shipped: set PLIMSOLL_REAL_DATA to a folder that holds lendingclub/.",
)
COUNTED = (
    "pub_rec_bankruptcies", "term", "mths_since_last_record", "mths_since_last_delinq", "inq_last_6mths", "int_rate",
    "cr_hist", "loan_amnt", "total_acc", "dti", "annual_inc",
)  # fmt: skip
NAMED = ("verification_status", "emp_length", "purpose", "sub_grade", "addr_state")
FROM_2007_08_TO_2011 = {
    "pub_rec_bankruptcies": 4.1, "term": 3.01, "mths_since_last_record": 2.09, "verification_status": 2.03,
    "mths_since_last_delinq": 0.84, "inq_last_6mths": 0.64, "int_rate": 0.44, "emp_length": 0.43, "cr_hist": 0.36,
    "purpose": 0.34, "sub_grade": 0.31, "loan_amnt": 0.23, "total_acc": 0.17, "dti": 0.06,
}  # fmt: skip
FROM_2010_TO_2011 = {
    "int_rate": 0.168, "inq_last_6mths": 0.147, "verification_status": 0.114, "sub_grade": 0.112, "purpose": 0.063,
    "addr_state": 0.056,
}  # fmt: skip


@lru_cache
def loans(*years: str) -> Examples:
    with gzip.open(LENDING_CLUB, "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["issue_year"] in years]
    for row in rows:
        row["cr_hist"] = years_between(row["earliest_cr_line"], row["issue_d"])
    counted = {name: np.array([float(row[name] or "nan") for row in rows]) for name in COUNTED}
    named = {name: np.array([row[name] or None for row in rows], dtype=object) for name in NAMED}
    return Examples(columns=counted | named, bad=np.zeros(len(rows), dtype=bool))


def years_between(first: str, last: str) -> str:
    days = (np.datetime64(last) - np.datetime64(first)).astype(int) if first and last else "nan"
    return str(days / 365.25) if first and last else "nan"


def lending_club_drift(before: Examples, now: Examples) -> Drift:
    return measure(reference_of(before), Window(len(now), now.columns))


@with_lending_club
def test_lending_club_from_2007_08_to_2011_moved_as_published():
    drift = lending_club_drift(loans("2007", "2008"), loans("2011"))
    seen = {each.feature: each.psi for each in drift.features}
    for feature, published in FROM_2007_08_TO_2011.items():
        assert seen[feature] == pytest.approx(published, abs=0.05 if published == 4.1 else 0.0051), feature
    levels = {each.feature: each.level for each in drift.features}
    assert (levels["term"], levels["dti"]) == (Level.ACT, Level.QUIET)


@with_lending_club
def test_lending_club_from_2010_to_2011_moved_as_published():
    drift = lending_club_drift(loans("2010"), loans("2011"))
    seen = {each.feature: each.psi for each in drift.features}
    for feature, published in FROM_2010_TO_2011.items():
        assert seen[feature] == pytest.approx(published, abs=0.00051), feature
    assert all(psi < 0.04 for feature, psi in seen.items() if feature not in FROM_2010_TO_2011)
    assert drift.level is Level.LOOK


@with_lending_club
def test_three_loans_of_2011_are_too_few_for_any_word():
    drift = lending_club_drift(loans("2007", "2008"), loans("2011").take(np.arange(3)))
    assert drift.level is Level.TOO_SMALL
