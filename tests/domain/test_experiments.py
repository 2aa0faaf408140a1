"""A comparison says its sample beforehand, and no verdict before it is in."""

from datetime import date
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models import metrics
from plimsoll.domain.models.comparisons import compare_means, compare_shares
from plimsoll.domain.models.experiment_plans import baseline_of, mean_cost, plan, spread_of_cost
from plimsoll.domain.models.experiment_readings import costs, read
from plimsoll.domain.models.experiments import Baseline, Compared, Design, Metric, Plan, Reading, Verdict
from plimsoll.domain.models.performance import performance_report
from plimsoll.domain.models.sample_sizes import two_aucs, two_means, two_proportions, variance_of_auc
from plimsoll.domain.underwriting.product import OutcomeTerms
from tests.judged import AS_OF, PRODUCT, some_decisions
from tests.some_experiments import ON, a_baseline, a_question, some_dealt

TERMS, RISK = OutcomeTerms(), PRODUCT.risk


def a_plan(baseline: Baseline | None = None, **changes) -> Plan:
    return plan(a_question(**changes), baseline or a_baseline(), TERMS, "salt")


def reading(planned: Plan, rows: Compared, earlier=(), on: date = ON) -> Reading:
    return read(planned, rows, TERMS, RISK, on, earlier)


# Beforehand ---------------------------------------------------------------------------------------


def test_two_shares_take_the_textbooks_number_of_rows():
    """Fleiss, Levin and Paik's uncorrected formula by hand for 0.2 against 0.15, equal arms."""
    pooled = 0.175
    by_hand = (1.959964 * sqrt(2 * pooled * 0.825) + 0.841621 * sqrt(0.2 * 0.8 + 0.15 * 0.85)) ** 2 / 0.05**2
    assert two_proportions(0.2, 0.15, 1.0, 0.05, 0.8)[0] == pytest.approx(by_hand, abs=1.5)
    assert two_proportions(0.2, 0.15, 1.0, 0.05, 0.8) == (906, 906)


def test_two_means_take_the_textbooks_number_of_rows():
    assert two_means(0.5, 1.0, 1.0, 0.05, 0.8) == (63, 63)


def test_hanley_and_mcneils_variance_is_near_delongs_spread():
    random = np.random.default_rng(3)
    bad = np.r_[np.ones(500, dtype=np.int64), np.zeros(1500, dtype=np.int64)]
    score = random.normal(size=2000) + bad
    spread = metrics.auc_spread(bad, score)
    assert sqrt(variance_of_auc(metrics.auc(bad, score), 500, 1500)) == pytest.approx(spread, rel=0.15)


@given(
    first=some.floats(0.02, 0.6), effect=some.floats(0.005, 0.2), ratio=some.floats(0.1, 1.0),
    power=some.floats(0.6, 0.95),
)  # fmt: skip
def test_a_smaller_effect_or_more_power_never_takes_fewer(first: float, effect: float, ratio: float, power: float):
    second = first + effect
    rows, others = two_proportions(first, second, ratio, 0.05, power)
    assert others == pytest.approx(rows * ratio, abs=1.01)
    assert two_proportions(first, first + effect / 2, ratio, 0.05, power)[0] >= rows
    assert two_proportions(first, second, ratio, 0.05, min(0.99, power + 0.04))[0] >= rows


@given(area=some.floats(0.55, 0.9), effect=some.floats(0.005, 0.08), bad_rate=some.floats(0.03, 0.5))
def test_scoring_the_same_people_twice_takes_fewer_than_two_arms(area: float, effect: float, bad_rate: float):
    apart = two_aucs(area, area + effect, bad_rate, 1.0, 0.05, 0.8, 0.0)
    paired = two_aucs(area, area + effect, bad_rate, None, 0.05, 0.8, 0.8)
    assert paired[0] <= apart[0]


def test_the_planned_sample_finds_the_effect_as_often_as_it_says():
    """Drawn two thousand times: power 0.8 within what chance allows, and alpha where there is none."""
    n, _ = two_proportions(0.2, 0.1, 1.0, 0.05, 0.8)
    random = np.random.default_rng(11)

    def found(second: float) -> float:
        draws = zip(random.binomial(n, 0.2, 2000), random.binomial(n, second, 2000), strict=True)
        return float(np.mean([compare_shares((int(a), int(b)), (n, n)).p < 0.05 for a, b in draws]))

    assert found(0.1) == pytest.approx(0.8, abs=0.035)
    assert found(0.2) == pytest.approx(0.05, abs=0.02)


def test_the_plan_says_how_many_and_how_long_beforehand():
    planned = a_plan(share=0.2)
    assert planned.n_challenger < planned.n_champion
    assert planned.months_to_fill == pytest.approx(planned.n_challenger / (0.2 * 500))
    assert planned.months_to_read == pytest.approx(planned.months_to_fill + 12)
    said = " ".join(planned.words)
    for part in (
        "with power 80% at alpha 0.05", f"{planned.n_challenger:,} of the challenger's", "12 months more until",
        "no verdict",
    ):  # fmt: skip
        assert part in said


def test_without_applicants_the_time_it_takes_cannot_be_said():
    planned = a_plan(a_baseline(monthly=0))
    assert planned.months_to_fill is None
    assert "how long that takes cannot be said" in " ".join(planned.words)


def test_more_looks_cost_a_larger_sample():
    assert a_plan(looks=4).n_champion > a_plan().n_champion
    assert "interim looks end it early at p < 0.001" in " ".join(a_plan(looks=4).words)


@pytest.mark.parametrize(
    ("changes", "baseline", "sentence"),
    [
        ({"effect": 0.3}, {}, "An effect of 0.3 on 0.200 would be -0.100"),
        ({"metric": "auc", "effect": 0.3}, {"value": 0.8}, "would be 1.100"),
        ({"metric": "cost"}, {"spread": 0.0}, "Every applicant costs the same"),
        ({"metric": "auc"}, {"bad_rate": 0.0}, "Without good and bad ones"),
        ({"alpha": 0.004, "looks": 5}, {}, "5 looks use up an alpha of 0.004"),
    ],
)
def test_what_cannot_be_found_is_refused_in_one_sentence(changes: dict, baseline: dict, sentence: str):
    with pytest.raises(InvalidRequest) as refused:
        a_plan(a_baseline(**baseline), **changes)
    assert sentence in refused.value.message
    assert refused.value.message.endswith(".")


def test_a_shadow_decides_nothing_so_only_order_can_be_compared():
    with pytest.raises(ValidationError, match="only `auc`"):
        a_question(design="shadow")
    assert a_question(design="shadow", metric="auc").design is Design.SHADOW


def test_the_baseline_is_what_was_seen_else_what_is_assumed():
    seen = performance_report(PRODUCT, some_decisions(500), AS_OF)
    nothing = performance_report(PRODUCT, some_decisions(0), AS_OF)
    known = baseline_of(a_question(), PRODUCT, seen, 0.6, 100, 0.79)
    assumed = baseline_of(a_question(), PRODUCT, nothing, None, 0, 0.79)
    assert seen.overall is not None
    assert known.value == seen.overall.seen
    assert "500 granted loans" in known.source
    assert (assumed.value, "assumption" in assumed.source) == (RISK.portfolio_bad_rate, True)
    assert baseline_of(a_question(metric="auc"), PRODUCT, nothing, None, 0, 0.79).value == 0.79
    assert baseline_of(a_question(baseline=0.11), PRODUCT, seen, 0.6, 100, None).value == 0.11
    with pytest.raises(InvalidRequest, match="say it as `baseline`"):
        baseline_of(a_question(metric="auc"), PRODUCT, nothing, None, 0, None)


@given(granted=some.floats(0.01, 1), bad_rate=some.floats(0, 1))
def test_the_spread_of_costs_is_that_of_drawn_applicants(granted: float, bad_rate: float):
    values = np.array([RISK.cost_of_bad, -RISK.cost_of_good_declined, 0.0])
    chances = np.array([granted * bad_rate, granted * (1 - bad_rate), 1 - granted])
    mean = float(values @ chances)
    assert mean_cost(granted, bad_rate, RISK) == pytest.approx(mean)
    assert spread_of_cost(granted, bad_rate, RISK) ** 2 == pytest.approx(
        float(chances @ (values - mean) ** 2), abs=1e-9
    )


# Afterwards ---------------------------------------------------------------------------------------


def test_before_the_planned_sample_there_is_no_verdict_however_small_p_is():
    planned = a_plan(effect=0.02)
    found = reading(planned, some_dealt(600, 0.4, 0.1))
    assert found.comparison is not None
    assert found.comparison.p < 1e-6
    assert (found.verdict, found.looks) == (Verdict.NONE_YET, ())
    assert found.words[0].startswith("No verdict yet: ")


@pytest.mark.parametrize(
    ("challenger", "verdict"),
    [(0.08, Verdict.CHALLENGER_BETTER), (0.32, Verdict.CHAMPION_BETTER), (0.2, Verdict.NO_DIFFERENCE_SEEN)],
)
def test_with_the_planned_sample_the_look_is_taken(challenger: float, verdict: Verdict):
    planned = a_plan(effect=0.1)
    found = reading(planned, some_dealt(2 * planned.n_champion + 40, 0.2, challenger, seed=2))
    assert found.verdict is verdict
    assert [look.number for look in found.looks] == [1]


def test_a_verdict_stands_whatever_later_readings_show():
    planned = a_plan(effect=0.1)
    first = reading(planned, some_dealt(2 * planned.n_champion, 0.2, 0.05))
    later = reading(planned, some_dealt(4 * planned.n_champion, 0.2, 0.4), first.looks)
    assert later.verdict is Verdict.CHALLENGER_BETTER
    assert later.looks == first.looks
    assert later.comparison != first.looks[0].comparison
    assert "That stands" in later.words[0]


def test_an_interim_look_ends_it_only_when_the_difference_is_overwhelming():
    planned = a_plan(effect=0.05, looks=2)
    half = planned.n_champion + 20
    modest = reading(planned, some_dealt(half, 0.20, 0.16, seed=5))
    assert modest.looks[0].level == 0.001
    assert modest.verdict is Verdict.NONE_YET
    huge = reading(planned, some_dealt(half, 0.4, 0.1))
    assert huge.verdict is Verdict.CHALLENGER_BETTER


def test_reading_again_between_looks_takes_no_look():
    planned = a_plan(effect=0.05, looks=2)
    first = reading(planned, some_dealt(planned.n_champion + 20, seed=5))
    again = reading(planned, some_dealt(planned.n_champion + 200, seed=6), first.looks)
    assert len(again.looks) == 1
    assert "The next look that counts is number 2 of 2, at 100%." in again.words[0]


def test_looks_that_were_missed_are_not_made_up_for():
    planned = a_plan(effect=0.1, looks=3)
    found = reading(planned, some_dealt(2 * planned.n_champion + 40))
    assert [look.number for look in found.looks] == [3]
    assert found.looks[0].level == pytest.approx(0.05 - 0.002)


def test_readings_after_every_hundred_do_not_err_more_often_than_planned():
    """Four hundred experiments without a difference, read after each tenth of the sample."""
    planned = a_plan(effect=0.12, looks=3)
    wrong = 0
    for seed in range(400):
        rows, looks = some_dealt(2 * planned.n_champion + 2, seed=seed), ()
        for part in range(1, 11):
            upto = len(rows) * part // 10
            seen = Compared(**{name: column[:upto] for name, column in vars(rows).items()})
            looks = reading(planned, seen, looks).looks
        wrong += looks[-1].verdict in (Verdict.CHALLENGER_BETTER, Verdict.CHAMPION_BETTER)
    assert wrong / 400 < 0.05 + 2.5 * sqrt(0.05 * 0.95 / 400)


def test_whoever_is_too_young_waits_outside():
    planned = a_plan(effect=0.1)
    bad = np.full(800, np.nan)
    bad[:80] = 1.0  # the first to be known are the bad ones
    found = reading(planned, some_dealt(800, bad=bad), on=date(2026, 9, 1))
    assert (found.champion.decided, found.champion.ripe, found.champion.counted) == (400, 0, 0)
    assert found.comparison is None
    assert found.words[0] == "Too few outcomes are ripe to compute anything yet."
    assert "800 of 800 decided are too young" in found.words[1]


def test_the_cost_counts_whom_an_arm_grants_and_how_it_ends():
    rows = some_dealt(4, granted=np.array([True, True, False, True]), bad=np.array([1.0, 0.0, np.nan, 0.0]))
    assert list(costs(rows, RISK)) == [RISK.cost_of_bad, -RISK.cost_of_good_declined, 0.0, -RISK.cost_of_good_declined]
    planned = a_plan(metric="cost", effect=0.3)
    found = reading(planned, some_dealt(2 * planned.n_champion, 0.3, 0.1))
    assert found.verdict is Verdict.CHALLENGER_BETTER


def test_a_granted_loan_without_an_outcome_is_not_counted_as_free():
    bad = np.where(np.arange(100) % 10 == 0, np.nan, 0.0)
    found = reading(a_plan(metric="cost"), some_dealt(100, bad=bad))
    assert found.champion.counted + found.challenger.counted == 90


def test_separate_aucs_are_compared_by_their_own_spreads():
    rows = some_dealt(3000, 0.3, 0.3)
    better = np.where(rows.challenger, rows.score + 2 * rows.bad, rows.score)
    planned = a_plan(a_baseline(value=0.75), metric="auc", effect=0.07)
    found = reading(planned, some_dealt(3000, 0.3, 0.3, score=better))
    assert found.comparison is not None
    assert found.comparison.difference > 0
    assert found.verdict is Verdict.CHALLENGER_BETTER


def test_a_shadow_is_compared_on_the_same_applications():
    nobody = np.zeros(2000, dtype=bool)
    rows = some_dealt(2000, challenger=0.2)
    shadow = rows.score + 0.8 * rows.bad
    planned = a_plan(a_baseline(value=0.75), metric="auc", effect=0.03, design="shadow")
    found = reading(planned, Compared(**{**vars(rows), "challenger": nobody, "shadow_score": shadow}))
    assert found.comparison is not None
    assert found.comparison.method.startswith("DeLong's test")
    assert found.champion.counted == found.challenger.counted == 2000
    assert found.verdict is Verdict.CHALLENGER_BETTER


def test_newcombes_interval_is_that_of_the_paper():
    """Newcombe 1998, table II, method 10: 56/70 against 48/80 gives 0.0524 to 0.3339."""
    found = compare_shares((48, 56), (80, 70))
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=0.0001)


@given(some.lists(some.booleans(), min_size=5, max_size=60), some.lists(some.booleans(), min_size=5, max_size=60))
def test_a_difference_lies_in_its_interval_and_turns_with_the_arms(first: list[bool], second: list[bool]):
    there = compare_shares((sum(first), sum(second)), (len(first), len(second)))
    back = compare_shares((sum(second), sum(first)), (len(second), len(first)))
    assert there.interval[0] - 1e-12 <= there.difference <= there.interval[1] + 1e-12
    assert there.p == pytest.approx(back.p)
    assert there.difference == pytest.approx(-back.difference)
    assert there.interval[0] == pytest.approx(-back.interval[1])


def test_equal_means_without_spread_are_no_difference():
    assert compare_means(np.ones(10), np.ones(12)).p == 1.0


@pytest.mark.parametrize("metric", Metric)
def test_an_experiment_nobody_was_dealt_to_can_be_read(metric: Metric):
    found = reading(a_plan(a_baseline(value=0.7 if metric is Metric.AUC else 0.2), metric=metric), some_dealt(0))
    assert (found.comparison, found.verdict, found.champion.assigned) == (None, Verdict.NONE_YET, 0)
