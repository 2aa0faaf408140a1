"""Every family keeps its directions, survives its files, and says exactly what each feature added."""

import zipfile
from itertools import chain, combinations
from math import comb

import numpy as np
import pytest

from plimsoll.adapters.models.candidates import ensemble_out_of_fold, ensemble_weights
from plimsoll.adapters.models.directions import broken_directions
from plimsoll.adapters.models.families import family_named, layout_of
from plimsoll.adapters.models.families.scorecard import rising
from plimsoll.adapters.models.folds import folds_of
from plimsoll.domain.models import metrics
from plimsoll.domain.models.features import matrix
from plimsoll.domain.models.scoring import ModelRefused
from plimsoll.domain.models.training import FAMILIES
from plimsoll.domain.underwriting.product import Direction
from tests.applicants import examples, the_product, the_set

FEATURES = the_product().features
LAYOUT = layout_of(FEATURES)
SMALL = {
    "catboost": {"trees": 40, "learning_rate": 0.15},
    "forest": {"trees": 25, "depth": 5},
    "boosting": {"trees": 25},
}


@pytest.fixture(scope="module")
def known():
    """The shipped training rows, with gaps in one number and one category, as a lender's file has them."""
    found = examples(the_set().training())
    rows = matrix(FEATURES, found.columns)
    random = np.random.default_rng(1)
    for name in ("term_months", "purpose"):
        gap = random.random(len(rows)) < 0.15
        rows[np.ix_(gap, LAYOUT.owners == [spec.name for spec in FEATURES].index(name))] = np.nan
    return rows, found.bad.astype(np.int64)


@pytest.fixture(scope="module")
def fitted(known):
    rows, bad = known
    return {name: _fit(name, rows, bad) for name in FAMILIES}


def _fit(name, rows, bad, seed=0, layout=LAYOUT, like=None):
    kind = family_named(name)
    return kind.fit(layout, rows, bad, {**kind.defaults(len(rows)), **SMALL.get(name, {})}, seed, like=like)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_risk_moves_only_in_the_declared_directions(fitted, known, name):
    assert broken_directions(fitted[name], LAYOUT, known[0]) == ()


@pytest.mark.parametrize("name", FAMILIES)
def test_it_ranks_well_above_chance(fitted, known, name):
    assert metrics.auc(known[1], fitted[name].raw_log_odds(known[0])) > 0.75


@pytest.mark.parametrize("name", FAMILIES)
def test_a_gap_is_not_read_as_zero(fitted, known, name):
    row = known[0][~np.isnan(known[0]).any(axis=1)][0]
    zero, gap = row.copy(), row.copy()
    column = LAYOUT.names.index("term_months")
    zero[column], gap[column] = 0.0, np.nan
    told = fitted[name].raw_log_odds(np.stack([zero, gap]))
    assert np.isfinite(told).all()
    assert told[0] != told[1]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_gap_in_a_directed_column_is_neither_the_best_case_nor_the_worst(fitted, known, name):
    """CatBoost reads a gap as the smallest value, which along a direction would be a favour or a fine."""
    rows, column = known[0], LAYOUT.names.index("term_months")
    lowest, highest, gap = rows.copy(), rows.copy(), rows.copy()
    lowest[:, column], highest[:, column], gap[:, column] = (
        np.nanmin(rows[:, column]),
        np.nanmax(rows[:, column]),
        np.nan,
    )
    told = [fitted[name].raw_log_odds(tried).mean() for tried in (lowest, gap, highest)]
    assert told[0] < told[1] < told[2]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_rows_and_seed_give_the_same_model(known, fitted, name):
    again = _fit(name, *known)
    assert again.raw_log_odds(known[0]).tolist() == fitted[name].raw_log_odds(known[0]).tolist()


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_read_from_its_files_answers_as_what_was_written(fitted, known, name, tmp_path):
    kind, (rows, bad) = family_named(name), known
    members = [
        _fit(name, rows[drawn], bad[drawn], seed, like=fitted[name]) for seed, drawn in enumerate(_draws(len(bad), 3))
    ]
    sizes = kind.save(fitted[name], members, tmp_path)
    model, together = kind.load(tmp_path, sizes)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kind.files)
    assert model.raw_log_odds(rows) == pytest.approx(fitted[name].raw_log_odds(rows), abs=1e-9)
    alone = np.stack([member.raw_log_odds(rows[:20]) for member in members], axis=1)
    assert together.raw_log_odds(rows[:20]) == pytest.approx(alone, abs=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
def test_contributions_are_shapley_values_by_brute_force_over_all_coalitions(fitted, known, name):
    rows = known[0]
    reference = rows[5:9]
    told = family_named(name).attributor(fitted[name], LAYOUT, reference).contributions(rows[40:42])
    for row, contributions in zip(rows[40:42], told, strict=True):
        assert contributions == pytest.approx(_brute_force(fitted[name], row, reference), abs=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_contributions_add_up_to_the_distance_from_the_reference(fitted, known, name):
    rows = known[0]
    told = family_named(name).attributor(fitted[name], LAYOUT, rows[:50]).contributions(rows[100:160])
    distance = fitted[name].raw_log_odds(rows[100:160]) - fitted[name].raw_log_odds(rows[:50]).mean()
    assert told.sum(axis=1) == pytest.approx(distance, abs=1e-4)


def test_trees_as_arrays_answer_as_scikit_learn_does(fitted, known):
    boosting, forest = fitted["boosting"], fitted["forest"]
    assert boosting.raw_log_odds(known[0]) == pytest.approx(boosting.native.decision_function(known[0]), abs=1e-9)
    shares = np.stack(
        [tree.predict_proba(forest.completion.of(known[0]))[:, 1] for tree in forest.native.estimators_], axis=1
    )
    inside = ((shares > 0.2) & (shares < 0.8)).all(axis=1)  # where no leaf was held back from certainty
    odds = np.log(shares[inside] / (1 - shares[inside])).mean(axis=1)
    assert forest.raw_log_odds(known[0])[inside] == pytest.approx(odds, abs=1e-9)


def test_a_file_that_asks_for_a_strange_type_is_refused(fitted, known, tmp_path):
    """skops builds what a file names; only what our models consist of is ever named."""
    kind = family_named("boosting")
    sizes = kind.save(fitted["boosting"], [fitted["boosting"]], tmp_path)
    _rewrite(tmp_path / "model.skops", b"TreePredictor", b"TreePredictoX")
    with pytest.raises(ModelRefused, match="TreePredictoX"):
        kind.load(tmp_path, sizes)


def test_a_model_let_go_any_way_breaks_directions_and_is_caught(known):
    rows, bad = known
    turned = layout_of([spec.model_copy(update={"direction": _other(spec.direction)}) for spec in FEATURES])
    free = _fit("catboost", rows, bad, layout=LAYOUT.without_directions())
    assert broken_directions(free, LAYOUT, rows)
    assert broken_directions(free, turned, rows)


def test_an_ensemble_weighs_no_part_below_nothing_and_follows_the_better_one():
    random = np.random.default_rng(0)
    bad = (random.random(800) < 0.3).astype(np.int64)
    good_one, noise = bad * 1.5 + random.normal(size=800), random.normal(size=800)
    weights = ensemble_weights([good_one, noise, -good_one], bad)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0).all()
    assert weights[0] > 0.9
    mixed = ensemble_out_of_fold([good_one, noise], bad, folds_of(bad, 5, 0))
    assert metrics.auc(bad, mixed) == pytest.approx(metrics.auc(bad, good_one), abs=0.02)


def test_pooled_neighbours_never_fall():
    assert rising(np.array([1.0, 3.0, 2.0, 2.0, 5.0]), np.array([1, 1, 1, 2, 1])).tolist() == [1, 2.25, 2.25, 2.25, 5]


def _draws(count, times):
    return [np.random.default_rng(number).integers(0, count, count) for number in range(times)]


def _other(direction):
    return {Direction.UP: Direction.DOWN, Direction.DOWN: Direction.UP}.get(direction, direction)


def _rewrite(path, old, new):
    with zipfile.ZipFile(path) as file:
        content = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, said in content.items():
            file.writestr(name, said.replace(old, new))


def _brute_force(model, row, reference):
    count = LAYOUT.features
    coalitions = list(chain.from_iterable(combinations(range(count), size) for size in range(count + 1)))
    mixed = []
    for coalition in coalitions:
        rows = reference.copy()
        rows[:, np.isin(LAYOUT.owners, coalition)] = row[np.isin(LAYOUT.owners, coalition)]
        mixed.append(rows)
    worth = model.raw_log_odds(np.concatenate(mixed)).reshape(-1, len(reference)).mean(axis=1)
    value = dict(zip(coalitions, worth, strict=True))
    shapley = np.zeros(count)
    for coalition in coalitions:
        for player in set(range(count)) - set(coalition):
            joined = tuple(sorted((*coalition, player)))
            shapley[player] += (value[joined] - value[coalition]) / (count * comb(count - 1, len(coalition)))
    return shapley
