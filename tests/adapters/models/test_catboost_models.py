"""Training, the folders that verify themselves, and what a score promises beyond the port."""

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from itertools import chain, combinations
from math import comb
from pathlib import Path

import numpy as np
import pytest

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.attribution import attribution_table
from plimsoll.adapters.models.families.catboost import CatBoostAttributor
from plimsoll.adapters.models.making import just_below_the_cut
from plimsoll.adapters.models.scorer import ModelScorer
from plimsoll.adapters.models.training import TooFewRows, train
from plimsoll.domain.models.features import columns_of, matrix, owners, snapshot, vector
from plimsoll.domain.models.scoring import ModelRefused, ModelUnavailable
from plimsoll.domain.underwriting.deciding import ask_of
from plimsoll.domain.underwriting.facts import Ask
from plimsoll.domain.underwriting.offers import asks_around
from plimsoll.domain.underwriting.product import Direction, FeatureKind
from tests.applicants import QUICK, examples, facts_of_row, quick_models, some_facts, the_product, the_set


@pytest.fixture(scope="module")
def scorer() -> ModelScorer:
    return ModelScorer(quick_models()[0])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(quick_models()[0], tmp_path / "models")
    return tmp_path / "models"


def score(scorer: ModelScorer, facts, alternatives=()):
    return scorer.score(quick_models()[1].pin(), the_product(), facts, alternatives)


def test_training_twice_on_the_same_rows_gives_the_same_version(tmp_path):
    _, first = quick_models()
    again = train(
        the_product(), examples(the_set().training()), tmp_path, created_at="2027-01-01T00:00:00Z", plan=QUICK
    )
    assert again.digest == first.digest
    assert again.files == first.files


def test_the_manifest_says_what_was_trained_on_what_and_how_well():
    manifest = quick_models()[1]
    assert manifest.data["rows"] == 700
    assert manifest.data["target_rate"] == pytest.approx(0.297, abs=0.001)
    assert {"auc", "auc_interval", "ks", "gini", "brier", "ece", "ece_perfect_model_95"} <= manifest.metrics.keys()
    assert manifest.metrics["auc"] > 0.75
    assert [spec.name for spec in manifest.features] == [spec.name for spec in the_product().features]
    assert manifest.version == manifest.digest[:12]


def test_too_few_bad_ones_to_learn_from_is_said():
    few = examples(the_set().training()[:40])
    with pytest.raises(TooFewRows, match="training needs"):
        train(the_product(), few, Path("nowhere"), created_at="", plan=QUICK)


def test_a_missing_value_in_training_is_learned_and_not_completed(tmp_path):
    """A column with gaps in training means something by itself; only sources that never failed there are completed."""
    known = examples(the_set().training())
    gaps = np.where(np.arange(len(known)) % 3 == 0, None, known.columns["savings_band"])
    gappy = replace(known, columns={**known.columns, "savings_band": gaps})
    manifest = train(the_product(), gappy, tmp_path, created_at="", plan=QUICK)
    loaded = ModelScorer(tmp_path).loaded(manifest.pin())
    facts = facts_of_row(the_set().training()[0], missing=["bank"])
    assert 0 < loaded.score(manifest.pin(), the_product(), facts, []).probability_of_default < 1


@pytest.mark.parametrize("name", [*files.FILES])
def test_a_file_that_was_touched_is_refused(copy, name):
    path = copy / quick_models()[1].name / quick_models()[1].version / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelRefused, match="its digest differs"):
        score(ModelScorer(copy), some_facts())


def test_a_manifest_that_was_touched_is_refused(copy):
    path = copy / quick_models()[1].name / quick_models()[1].version / files.MANIFEST
    content = json.loads(path.read_text())
    content["metrics"]["auc"] = 0.99
    path.write_text(json.dumps(content))
    with pytest.raises(ModelRefused, match="changed after training"):
        score(ModelScorer(copy), some_facts())


def test_a_pickle_beside_the_model_is_refused(copy):
    (copy / quick_models()[1].name / quick_models()[1].version / "model.pkl").write_bytes(b"cos\nsystem\n")
    with pytest.raises(ModelRefused, match="pickle"):
        score(ModelScorer(copy), some_facts())


def test_a_missing_file_is_unavailable_not_a_traceback(copy):
    (copy / quick_models()[1].name / quick_models()[1].version / files.MODEL).unlink()
    with pytest.raises(ModelUnavailable, match="missing"):
        score(ModelScorer(copy), some_facts())


def test_a_model_that_reads_what_the_product_no_longer_asks_is_unavailable(scorer):
    kept = tuple(spec for spec in the_product().features if spec.name != "savings_band")
    product = the_product().model_copy(update={"features": kept})
    with pytest.raises(ModelUnavailable, match="reads savings_band, which consumer-credit does not ask"):
        scorer.score(quick_models()[1].pin(), product, some_facts(), ())


@pytest.mark.parametrize("version", ["..", "../..", "a/b", "", "\x00"])
def test_a_version_is_no_path(scorer, version):
    pin = quick_models()[1].pin().model_copy(update={"version": version, "digest": "2" * 64})
    with pytest.raises(ModelRefused):
        scorer.score(pin, the_product(), some_facts(), ())


def test_the_quick_way_leaves_a_report_with_curves_that_its_manifest_vouches_for():
    """What the console draws of a home's first version."""
    models, manifest = quick_models()
    report = json.loads((files.version_folder(models, manifest.name, manifest.version) / files.REPORT).read_bytes())
    assert files.REPORT in manifest.files
    assert report["metrics"]["auc"] == manifest.metrics["auc"]
    drawn = {name for name, points in report["curves"].items() if len(points) > 5}
    assert drawn == {"roc", "calibration", "gains", "cost"}


def test_versions_are_listed():
    models, manifest = quick_models()
    assert [found.version for found in files.versions(models, manifest.name)] == [manifest.version]


def test_less_money_over_less_time_is_never_riskier_for_anybody(scorer):
    for row in the_set().held_out()[:60]:
        facts = facts_of_row(row)
        answer = score(scorer, facts, asks_around(the_product(), ask_of(facts)))
        by_term: dict[int, list[tuple[Decimal, float]]] = {}
        for risk in answer.alternatives:
            assert risk.probability_of_default <= answer.probability_of_default
            by_term.setdefault(risk.term_months, []).append((risk.amount, risk.probability_of_default))
        for offers in by_term.values():
            risks = [risk for _, risk in sorted(offers)]
            assert risks == sorted(risks)


@pytest.mark.parametrize("spec", [spec for spec in the_product().features if spec.direction is not Direction.FREE])
def test_risk_moves_in_the_declared_direction(scorer, spec):
    loaded = scorer.loaded(quick_models()[1].pin())
    base = snapshot(the_product().features, facts_of_row(the_set().held_out()[5]))
    steps = spec.values if spec.kind is FeatureKind.ORDINAL else (100, 1000, 5000, 20000)
    rows = matrix(the_product().features, columns_of(the_product().features, [base | {spec.name: s} for s in steps]))
    risks = loaded._probabilities(rows, 1, the_product().risk)[1].tolist()
    assert risks == sorted(risks, reverse=spec.direction is Direction.DOWN)


def test_contributions_add_up_to_the_distance_from_the_reference(scorer):
    loaded, reference = _loaded_and_reference(scorer)
    row = vector(the_product().features, snapshot(the_product().features, facts_of_row(the_set().held_out()[7])))
    raw = loaded._model.raw_log_odds(np.vstack([row[None], reference]))
    told = sum(loaded._contributions(row[None]).values())
    assert told == pytest.approx((raw[0] - raw[1:].mean()) * loaded._calibration.slope, abs=1e-4)


def test_contributions_are_shapley_values_by_brute_force_over_all_coalitions(scorer):
    loaded, reference = _loaded_and_reference(scorer)
    reference = reference[:4]
    features = the_product().features
    row = vector(features, snapshot(features, facts_of_row(the_set().held_out()[7])))
    table = attribution_table(loaded._model.native, owners(features), reference)
    told = CatBoostAttributor(loaded._model, table).contributions(row[None])[0]
    assert told == pytest.approx(_brute_force(loaded._model.native, row, reference), abs=1e-4)


def test_contributions_agree_with_catboosts_own_where_no_feature_has_several_columns(scorer):
    """CatBoost knows columns, not features, so its columns are compared one by one."""
    from catboost import Pool

    loaded, reference = _loaded_and_reference(scorer)
    row = vector(the_product().features, snapshot(the_product().features, facts_of_row(the_set().held_out()[9])))
    columns = np.arange(len(row))
    told = CatBoostAttributor(loaded._model, attribution_table(loaded._model.native, columns, reference))
    theirs = loaded._model.native.get_feature_importance(
        Pool(row[None], label=[0]),
        type="ShapValues",
        reference_data=Pool(reference, label=np.zeros(len(reference))),
        thread_count=1,
    )
    assert told.contributions(row[None])[0] == pytest.approx(theirs[0, :-1], abs=1e-4)


def test_taking_the_main_reason_away_lowers_the_risk_most(scorer):
    """Fidelity: put at the reference, the top reason's features help more than most others would."""
    loaded, reference = _loaded_and_reference(scorer)
    features = the_product().features
    helped = []
    for row in the_set().held_out()[:40]:
        facts = facts_of_row(row)
        answer = score(scorer, facts)
        if not answer.reasons or answer.probability_of_default < 0.033:
            continue
        before = vector(features, answer.features)
        gains = {}
        for index, spec in enumerate(features):
            moved = np.repeat(before[None], len(reference), axis=0)
            moved[:, owners(features) == index] = reference[:, owners(features) == index]
            gains[spec.name] = (
                answer.probability_of_default - loaded._probabilities(moved, 1, the_product().risk)[1].mean()
            )
        top = gains[answer.reasons[0].feature]
        assert top > 0
        helped.append(top >= sorted(gains.values())[-2])
    assert np.mean(helped) > 0.8


def test_a_source_that_stayed_away_widens_the_interval(scorer):
    row = the_set().held_out()[3]
    known, unknown = score(scorer, facts_of_row(row)), score(scorer, facts_of_row(row, missing=["bank"]))
    assert np.subtract(*unknown.interval[::-1]) > np.subtract(*known.interval[::-1])
    assert unknown.features["checking_state"] is None


def test_the_members_answer_as_each_would_alone(scorer):
    loaded = scorer.loaded(quick_models()[1].pin())
    rows = loaded._training_rows[:5]
    together = loaded._members.raw_log_odds(rows)
    assert together.shape == (5, QUICK.members)
    assert together.sum(axis=1) == pytest.approx(
        loaded._members.summed.predict(rows, prediction_type="RawFormulaVal"), abs=1e-6
    )


def test_eight_threads_get_what_one_gets(scorer):
    rows = the_set().held_out()[:24]
    alone = [score(scorer, facts_of_row(row)) for row in rows]
    fresh = ModelScorer(quick_models()[0])
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda row: score(fresh, facts_of_row(row)), rows)) == alone


def test_the_held_out_part_is_ranked_well_above_chance(scorer):
    from plimsoll.domain.models.metrics import auc

    rows = the_set().held_out()
    probabilities = np.array([score(scorer, facts_of_row(row)).sample_probability for row in rows])
    assert auc(np.array([row.bad for row in rows], dtype=np.int64), probabilities) > 0.74


def test_many_rows_at_once_are_answered_as_one_by_one(scorer):
    """A source that stayed away included: what is not known is completed the same way."""
    loaded = scorer.loaded(quick_models()[1].pin())
    rows = the_set().held_out()[:40]
    facts = [facts_of_row(row, missing=["bank"] if place % 5 == 0 else []) for place, row in enumerate(rows)]
    alone = [score(scorer, fact) for fact in facts]
    together = loaded.matrix(columns_of(the_product().features, [answer.features for answer in alone]))
    assert loaded.probabilities(together) == pytest.approx([answer.sample_probability for answer in alone], abs=1e-9)
    told = np.array([list(answer.contributions.values()) for answer in alone])
    assert loaded.contributions_of(together) == pytest.approx(told, abs=1e-5)
    many = np.repeat(together, 3, axis=0)
    assert loaded.contributions_of(many)[::3] == pytest.approx(told, abs=1e-5)


@pytest.mark.parametrize("name", ["../live.json", "/etc/passwd", "a/../../b"])
def test_a_manifest_that_names_a_file_elsewhere_is_refused(copy, name):
    path = copy / quick_models()[1].name / quick_models()[1].version / files.MANIFEST
    manifest = quick_models()[1]
    path.write_text(
        manifest.model_copy(update={"files": {**manifest.files, name: "0" * 64}}).sealed().model_dump_json()
    )
    with pytest.raises(ModelRefused):
        files.verified(path.parent)


def test_a_manifest_of_before_there_were_families_still_holds():
    """Its digest counts nothing that was not there when it was made."""
    manifest = quick_models()[1].model_copy(update={"ranges": {}}).sealed()
    assert (manifest.family, manifest.blockers) == ("catboost", ())
    blocked = manifest.model_copy(update={"blockers": ("A reason is missing.",)})
    assert manifest.content_digest() != blocked.content_digest()
    left_out = {"digest", "version", *files.MAKING, *files.LATER_FIELDS}
    content = manifest.model_dump(mode="json", exclude=left_out)
    as_before = hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    assert manifest.digest == as_before


def test_an_outsider_is_noticed(scorer):
    from tests.applicants import a_body

    strange = some_facts(body=a_body(amount="19999.00", term_months=4, purpose="vacation", party_role="guarantor"))
    assert score(scorer, strange).novelty > 0.99
    assert score(scorer, facts_of_row(the_set().held_out()[0])).novelty < 0.99


def test_an_alternative_equal_to_the_ask_has_the_same_risk(scorer):
    facts = facts_of_row(the_set().held_out()[1])
    answer = score(scorer, facts, [ask_of(facts)])
    assert answer.alternatives[0].probability_of_default == pytest.approx(answer.probability_of_default)
    assert answer.alternatives[0].near_cut == answer.near_cut


def test_the_interval_and_the_nearness_to_the_cut_follow_the_products_cut(scorer):
    facts = facts_of_row(the_set().held_out()[0])
    answer = score(scorer, facts, [Ask(amount=Decimal(500), term_months=6)])
    far = the_product().model_copy(update={"risk": the_product().risk.model_copy(update={"decline_above": 0.9})})
    assert scorer.score(answer.model, far, facts, ()).near_cut == 0.0


def _loaded_and_reference(scorer):
    """The reference group as training chose it, found again from the same out-of-fold scores."""
    from plimsoll.adapters.models.calibrating import calibrated
    from plimsoll.adapters.models.training import cross_validated

    product, known = the_product(), examples(the_set().training())
    rows = matrix(product.features, known.columns)
    out_of_fold, _ = cross_validated(product, rows, known.bad.astype(np.int64), QUICK)
    probability = calibrated(out_of_fold, known.bad.astype(np.int64)).probability(out_of_fold)
    return scorer.loaded(quick_models()[1].pin()), just_below_the_cut(product, rows, probability)


def _brute_force(model, row, reference):
    """Shapley values from the definition: 2^9 coalitions, each predicted by CatBoost."""
    features, of = the_product().features, owners(the_product().features)
    count = len(features)
    coalitions = list(chain.from_iterable(combinations(range(count), size) for size in range(count + 1)))
    mixed = []
    for coalition in coalitions:
        rows = reference.copy()
        rows[:, np.isin(of, coalition)] = row[np.isin(of, coalition)]
        mixed.append(rows)
    worth = (
        model.predict(np.concatenate(mixed), prediction_type="RawFormulaVal").reshape(-1, len(reference)).mean(axis=1)
    )
    value = dict(zip(coalitions, worth, strict=True))
    shapley = np.zeros(count)
    for coalition in coalitions:
        for player in set(range(count)) - set(coalition):
            joined = tuple(sorted((*coalition, player)))
            shapley[player] += (value[joined] - value[coalition]) / (count * comb(count - 1, len(coalition)))
    return shapley
