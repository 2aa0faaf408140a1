"""How forecasts turned out: what is ripe is judged, what is young shows early marks, and what is missing is said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from plimsoll.domain.models import metrics
from plimsoll.domain.models.outcomes import EARLY, Mark
from plimsoll.domain.models.performance import (
    Judged,
    PerformanceReport,
    confusion_at,
    matured,
    months_since_the_end_of,
    performance_report,
)
from plimsoll.domain.underwriting.product import OutcomeTerms, Scale
from tests.judged import AS_OF, PRODUCT, some_decisions, together


def reported(judged: Judged, **terms) -> PerformanceReport:
    return performance_report(PRODUCT.model_copy(update={"outcomes": OutcomeTerms(**terms)}), judged, AS_OF)


@pytest.mark.parametrize(
    ("vintage", "months"), [("2026-11", 0), ("2026-10", 0), ("2026-09", 1), ("2025-10", 12), ("2025-12", 10)]
)
def test_the_age_of_a_vintage_counts_from_its_end(vintage: str, months: int):
    assert months_since_the_end_of(vintage, AS_OF) == months


def test_a_ripe_vintage_says_how_good_the_score_was_with_intervals():
    judged = some_decisions(2000)
    (vintage,) = reported(judged).vintages
    figures = vintage.figures
    assert vintage.state == "ripe"
    assert figures is not None
    assert figures.auc == metrics.auc(judged.bad.astype(np.int64), judged.probability_of_default)
    assert figures.auc_interval is not None
    assert figures.auc_interval[0] < figures.auc < figures.auc_interval[1]
    assert figures.calibrated
    assert figures.seen_interval[0] <= figures.predicted <= figures.seen_interval[1]


def test_a_model_that_is_twice_too_low_is_called_off():
    judged = some_decisions(3000)
    low = some_decisions(3000, probability_of_default=judged.probability_of_default / 2)
    (vintage,) = reported(low).vintages
    assert vintage.figures is not None
    assert not vintage.figures.calibrated
    assert vintage.figures.calibration is not None
    assert vintage.figures.calibration.intercept_interval[0] > 0


def test_a_young_vintage_shows_early_marks_and_no_bad_rate():
    bad = np.full(200, np.nan)
    bad[:10] = 1  # whoever defaults is known first
    marks = {mark: np.full(200, np.nan) for mark in EARLY}
    marks[Mark.FIRST_PAYMENT_DEFAULT][:6] = 1
    told = reported(some_decisions(200, vintage="2026-06", bad=bad, marks=marks))
    (vintage,) = told.vintages
    (early,) = vintage.early
    assert (vintage.state, vintage.figures, told.overall) == ("young", None, None)
    assert (early.seen, early.granted, early.rate, early.ready) == (6, 200, 0.03, True)
    assert "younger than 12 months" in " ".join(told.words)


def test_an_early_mark_that_not_every_loan_could_show_yet_is_not_ready():
    marks = {mark: np.full(50, np.nan) for mark in EARLY}
    marks[Mark.SIXTY_DAYS_LATE_IN_SIX_MONTHS][0] = 1
    (vintage,) = reported(some_decisions(50, vintage="2026-08", bad=np.full(50, np.nan), marks=marks)).vintages
    assert [early.ready for early in vintage.early] == [False]


def test_a_young_vintage_whose_loans_are_nearly_all_known_is_ripe():
    judged = some_decisions(100, vintage="2026-11")
    judged.bad[:5] = np.nan
    (vintage,) = reported(judged).vintages
    assert (vintage.coverage, vintage.state) == (0.95, "ripe")


def test_an_old_vintage_with_few_outcomes_is_shown_and_called_partly_known():
    judged = some_decisions(300)
    judged.bad[:200] = np.nan
    told = reported(judged)
    assert told.vintages[0].state == "partly_known"
    assert told.overall is not None
    assert told.overall.rows == 100
    assert "lean towards whoever is reported first" in " ".join(told.words)


def test_young_vintages_stay_out_of_every_other_figure():
    young = some_decisions(100, seed=2, vintage="2026-10")
    young.bad[10:] = np.nan
    told = reported(together(some_decisions(200), young))
    assert told.overall is not None
    assert told.overall.rows == 200
    assert [cohort.known for cohort in told.by_model] == [200]


def test_that_the_declined_are_missing_is_said():
    granted = np.arange(200) % 2 == 0
    judged = some_decisions(200, granted=granted)
    judged.bad[~granted] = np.nan
    told = reported(judged)
    assert (told.declined, told.declined_known) == (100, 0)
    assert "None of the 100 declined has an outcome" in told.words[0]


def test_the_declined_with_an_outcome_from_elsewhere_count_and_the_granted_are_shown_apart():
    told = reported(some_decisions(200, granted=np.arange(200) % 2 == 0))
    assert told.overall is not None
    assert told.granted_only is not None
    assert (told.overall.rows, told.granted_only.rows) == (200, 100)
    assert "100 of the 100 declined have an outcome" in told.words[0]


def test_versions_and_arms_are_judged_apart():
    arms = np.array(["champion", "challenger"] * 150, dtype=object)
    told = reported(some_decisions(300, arm=arms, model=np.where(arms == "champion", "credit@1", "credit@2")))
    assert [(cohort.name, cohort.decided) for cohort in told.by_arm] == [("challenger", 150), ("champion", 150)]
    assert [cohort.name for cohort in told.by_model] == ["credit@1", "credit@2"]


def test_whoever_was_declined_by_rule_before_a_score_is_counted_but_judges_no_model():
    unscored = np.full(10, np.nan)
    early = some_decisions(10, seed=3, granted=np.zeros(10, dtype=bool), probability_of_default=unscored,
                           sample_probability=unscored, model=np.array([None] * 10, dtype=object),
                           arm=np.array([None] * 10, dtype=object))  # fmt: skip
    told = reported(together(some_decisions(100), early))
    assert told.decided == 110
    assert told.overall is not None
    assert told.overall.rows == 100


def test_labels_of_an_oversampled_set_are_held_against_the_samples_scale():
    judged = some_decisions(500)
    low = some_decisions(500, probability_of_default=judged.probability_of_default / 6)
    told = reported(low, scale=Scale.SAMPLE)
    assert told.overall is not None
    assert told.overall.predicted == pytest.approx(judged.sample_probability.mean())
    assert "oversampled" in told.words[-1]


@pytest.mark.parametrize("bad", [0.0, 1.0])
def test_when_all_ended_alike_nothing_is_said_of_the_order(bad: float):
    (vintage,) = reported(some_decisions(40, bad=np.full(40, bad))).vintages
    assert vintage.figures is not None
    assert (vintage.figures.auc, vintage.figures.calibration) == (None, None)
    assert vintage.figures.note.startswith("All 40 are")


def test_what_was_lost_is_summed_where_it_is_known():
    amount = np.full(50, np.nan)
    amount[:3] = 100.0
    (vintage,) = reported(some_decisions(50, bad=np.r_[np.ones(2), np.zeros(48)], amount=amount)).vintages
    assert vintage.figures is not None
    assert vintage.figures.lost == 200.0


def test_nothing_decided_is_an_empty_report():
    told = reported(some_decisions(0))
    assert (told.decided, told.vintages, told.overall, told.words) == (0, (), None, ())


@given(some.lists(some.tuples(some.booleans(), some.floats(0, 1)), min_size=1, max_size=80))
def test_the_matrix_counts_everybody_once_and_costs_what_its_errors_cost(rows: list[tuple[bool, float]]):
    bad, probability = np.array([int(b) for b, _ in rows]), np.array([p for _, p in rows])
    risk = PRODUCT.risk
    found = confusion_at(risk, bad, probability)
    cells = (found.true_positives, found.false_positives, found.false_negatives, found.true_negatives)
    assert sum(cells) == len(rows)
    assert found.true_positives + found.false_negatives == bad.sum()
    assert found.cost_per_applicant * len(rows) == pytest.approx(
        risk.cost_of_bad * found.false_negatives + risk.cost_of_good_declined * found.false_positives
    )


def test_only_labels_of_months_that_count_are_matured():
    """In a young month whoever defaults is known before whoever repays."""
    young = some_decisions(100, vintage="2026-06", bad=np.r_[np.ones(10), np.full(90, np.nan)])
    old = some_decisions(100)
    old.bad[:20] = np.nan
    found = matured(together(young, old), AS_OF, OutcomeTerms())
    assert not found[:100].any()
    assert list(found[100:]) == list(~np.isnan(old.bad))
