"""How groups fare: by how much, how sure that is, and where nothing can be said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.models.fairness import adverse_impact, can_be_compared, group_report, reweighed, tells

RANDOM = np.random.default_rng(11)
COUNT = 4000
GROUP = np.where(RANDOM.random(COUNT) < 0.3, "young", "older").astype(object)
YOUNG = GROUP == "young"
BAD = RANDOM.random(COUNT) < np.where(YOUNG, 0.3, 0.2)
CHANCE = np.clip(RANDOM.normal(0.25, 0.08, COUNT) + 0.06 * YOUNG, 0.01, 0.9)


def report(groups=GROUP, probability=CHANCE, **given):
    return group_report("age", groups, BAD, probability, **{"cut": 0.25, **given})


def test_the_ratio_is_over_the_group_that_fares_best_and_has_a_test_beside_it():
    young = next(found for found in report().at_the_cut.groups if found.group == "young")
    approved = CHANCE <= 0.25
    assert young.ratio == pytest.approx(approved[YOUNG].mean() / approved[~YOUNG].mean(), abs=1e-3)
    assert young.below_four_fifths
    assert young.p < 0.001
    assert "below four fifths" in report().sentences[-1]


def test_groups_treated_alike_are_not_accused():
    same = report(probability=RANDOM.uniform(0, 1, COUNT), cut=0.5)
    assert not any(found.below_four_fifths for found in same.at_the_cut.groups)
    assert abs(same.mean_difference["young"]) < 0.1


def test_every_cut_off_is_looked_at_not_only_todays():
    shares = [cut.approving for cut in report().cut_offs]
    assert shares == sorted(shares)
    assert len(shares) >= 8
    assert all(cut.lowest_ratio <= 1.0 for cut in report().cut_offs)


def test_a_group_too_small_is_said_to_be_too_small_and_nothing_more():
    few = GROUP.copy()
    few[:20], few[20:40] = "ancient", None
    found = report(groups=few)
    assert "n = 20" in found.too_small["ancient"]
    assert "nobody knows" in found.too_small["not known"]
    assert {row.group for row in found.at_the_cut.groups} == {"young", "older"}
    assert "ancient" not in found.mean_difference


def test_a_small_gap_in_a_small_group_is_left_to_chance():
    few = np.array(["a"] * 60 + ["b"] * 60, dtype=object)
    probability = np.r_[np.repeat([0.1, 0.9], [24, 36]), np.repeat([0.1, 0.9], [32, 28])]
    at_the_cut = group_report("x", few, np.arange(120) % 4 == 0, probability, cut=0.5).at_the_cut
    assert at_the_cut.lowest_ratio == pytest.approx(0.75)
    assert not any(found.below_four_fifths for found in at_the_cut.groups)


def test_error_rates_are_among_those_who_would_have_paid():
    errors = {row["group"]: row for row in report().errors}
    approved = CHANCE <= 0.25
    assert errors["young"]["approved_among_good"] == pytest.approx(approved[YOUNG & ~BAD].mean(), abs=1e-4)
    low, high = errors["young"]["approved_among_good_interval"]
    assert low < errors["young"]["approved_among_good"] < high


def test_a_feature_that_stands_for_the_group_is_named_first():
    features = {
        "years_in_work": np.where(YOUNG, 2.0, 20.0) + RANDOM.normal(0, 3, COUNT),
        "noise": RANDOM.normal(size=COUNT),
        "school": np.where(YOUNG & (RANDOM.random(COUNT) < 0.7), "student", "none").astype(object),
    }
    proxies = report(features=features).proxies
    assert [row["feature"] for row in proxies] == ["years_in_work", "school", "noise"]
    assert [row["proxy"] for row in proxies] == ["strong", "strong", "none"]


def test_whether_a_value_is_missing_can_tell_the_group_too():
    column = np.where(YOUNG, np.nan, RANDOM.normal(size=COUNT))
    assert tells(column, YOUNG) == 1.0


@given(st.integers(0, 10_000))
def test_reweighing_makes_group_and_ending_unrelated(seed):
    random = np.random.default_rng(seed)
    groups, bad = random.choice(["a", "b", "c"], 300).astype(object), random.random(300) < 0.3
    weights = reweighed(groups, bad)
    rates = [np.average(bad[groups == name], weights=weights[groups == name]) for name in ("a", "b", "c")]
    assert rates == pytest.approx([bad.mean()] * 3)


def test_one_group_alone_has_nobody_to_be_compared_with():
    alone = np.full(COUNT, "all", dtype=object)
    assert adverse_impact(alone, CHANCE <= 0.25) == 1.0
    assert report(groups=alone).at_the_cut.groups[0].ratio is None


def test_what_tells_a_handful_from_the_rest_is_no_proxy():
    few = np.where(np.arange(COUNT) < 20, "ancient", "all").astype(object)
    assert report(groups=few, features={"place": np.arange(COUNT, dtype=float)}).proxies == ()
    assert not can_be_compared(few)
    assert can_be_compared(GROUP)
