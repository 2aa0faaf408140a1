"""The champion against its candidates on rows none has learnt from: real models on dated rows whose level moves."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import pytest

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.contest import ModelContest
from plimsoll.adapters.models.scorer import ModelScorer
from plimsoll.adapters.models.shelf import ModelFolder
from plimsoll.adapters.models.steps import TrainingWork, take
from plimsoll.adapters.models.training import train
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models.examples import Examples, pooled
from plimsoll.domain.models.registry import ModelRecord, ModelState
from plimsoll.domain.models.retraining import RetrainingTerms
from plimsoll.domain.models.retraining_gate import Requirement
from plimsoll.domain.models.retraining_run import Candidate
from plimsoll.domain.models.training import LabelSource, SplitKind, TrainingPlan, TrainingStep
from plimsoll.domain.underwriting.product import Direction, FeatureKind, Product
from tests.applicants import QUICK, facts_of_row, the_product, the_set

TODAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BOTH = LabelSource.BOTH
FIRST = np.datetime64("2022-01-01")
DAYS = 1_500
# How long a score takes says something of the machine, and is no matter here.
TERMS = RetrainingTerms(hold_out_days=200, latency_more=1_000.0)
LABELLED_AFTER = np.timedelta64(120, "D")


@cache
def product() -> Product:
    """The shipped one with two of its features: quick to learn."""
    shipped = the_product()
    features = tuple(spec for spec in shipped.features if spec.name in ("amount", "term_months", "checking_state"))
    return shipped.model_copy(update={"features": features, "retraining": TERMS})


def loans(worse_later: float = 0.0, rows: int = 5_000, new_signal: float = 0.0) -> Examples:
    """Applied for over four years; from 2025 on more of them end badly, or hang on another column than before."""
    random = np.random.default_rng(11)
    applied = FIRST + np.sort(random.integers(0, DAYS, rows)).astype("timedelta64[D]")
    late = applied >= np.datetime64("2025-01-01")
    columns, risk = {}, np.full(rows, -1.9)
    for number, spec in enumerate(product().features):
        if spec.kind is FeatureKind.NUMBER:
            drawn = random.normal(size=rows)
            columns[spec.name] = 20 + 5 * drawn
        else:
            codes = random.integers(0, len(spec.values), rows)
            columns[spec.name] = np.array(spec.values, dtype=object)[codes]
            drawn = (codes - codes.mean()) / codes.std()
        sign = -1 if spec.direction is Direction.DOWN else 1
        risk = risk + sign * drawn * (0.6 if number else np.where(late, 0.6 + new_signal, 0.6))
    bad = random.random(rows) < 1 / (1 + np.exp(-(risk + worse_later * late)))
    references = np.array([f"L{row}" for row in range(rows)], dtype=object)
    return Examples(columns, bad, applied, applied + LABELLED_AFTER, references=references)


@dataclass(frozen=True)
class Data:
    of: Examples

    def examples(self, *_: object) -> Examples:
        return self.of


def a_champion(place, examples: Examples, until: str = "2024-12-31") -> ModelRecord:
    """Learnt from what was applied for by then."""
    learnt = examples.take(examples.applied_on <= np.datetime64(until))
    return registered(place, train(product(), learnt, place, created_at="2025-04-30T00:00:00+00:00", plan=QUICK))


def registered(place, manifest: files.Manifest) -> ModelRecord:
    found = ModelFolder(place).read(manifest.name, manifest.version)
    return ModelRecord(
        id=f"mdl_{manifest.version}", state=ModelState.CANDIDATE, created_by="act_1",
        created_at=datetime.fromisoformat(manifest.created_at), **found.model_dump(exclude={"blockers"}),
    )  # fmt: skip


def test_a_level_that_is_off_is_mended_by_calibrating_the_champion_anew(tmp_path):
    examples = loans(worse_later=0.8)
    champion = a_champion(tmp_path, examples)
    tried = ModelContest(Data(examples), tmp_path).recalibrated(product(), champion, BOTH, NOON)
    assert tried.passed, tried.reasons
    checks = {check.requirement: check for check in tried.comparison.checks}
    assert checks[Requirement.BETTER].figures["low"] > 0
    told = checks[Requirement.BETTER].figures
    assert abs(told["challenger"] - told["seen"]) < abs(told["champion"] - told["seen"]) / 2
    anew = files.verified(files.version_folder(tmp_path, champion.name, tried.version))
    assert anew.plan["recalibrated"] == champion.version
    assert anew.files["model.cbm"] == champion.manifest["files"]["model.cbm"], "it is the same model"
    assert anew.files["calibration.json"] != champion.manifest["files"]["calibration.json"]
    assert {files.REPORT, files.CARD, files.DRIFT_REFERENCE} <= set(anew.files)
    scored = ModelScorer(tmp_path).score(anew.pin(), product(), facts_of_row(the_set().held_out()[0]), ())
    assert 0 < scored.probability_of_default < 1


def test_a_level_that_is_right_is_left_alone_with_the_reason(tmp_path):
    examples = loans()
    tried = ModelContest(Data(examples), tmp_path).recalibrated(product(), a_champion(tmp_path, examples), BOTH, NOON)
    assert not tried.passed
    assert tried.version is None
    assert any("not surely nearer" in reason or "further off" in reason for reason in tried.reasons)


def test_a_champion_that_learnt_all_but_the_hold_out_leaves_nothing_to_set_its_level_by(tmp_path):
    examples = loans()
    split = np.datetime64("2025-07-01")
    champion = a_champion(tmp_path, examples, until=str(split))
    tried = ModelContest(Data(examples), tmp_path).recalibrated(product(), champion, BOTH, NOON)
    assert "to set its level anew takes 50 of each" in tried.why_not


def test_a_champion_that_learnt_what_would_be_held_out_is_not_compared(tmp_path):
    examples = loans()
    champion = a_champion(tmp_path, examples, until="2025-12-31")
    known = ModelContest(Data(examples), tmp_path).labels_known(product(), champion, BOTH, NOON)
    assert known.held_out is None
    assert "would be asked what it was told" in known.why_not


def test_labels_that_become_known_tomorrow_change_nothing_today(tmp_path):
    examples = loans(worse_later=0.8)
    later = examples.label_known_on > np.datetime64(TODAY)
    turned = replace(examples, bad=np.where(later, ~examples.bad, examples.bad))
    champion = a_champion(tmp_path, examples)
    one, other = (
        ModelContest(Data(each), tmp_path).recalibrated(product(), champion, BOTH, NOON) for each in (examples, turned)
    )
    assert later.any()
    figures = [each.comparison.checks[0].figures for each in (one, other)]
    assert figures[0] == figures[1]
    assert one.version == other.version


PLAN = TrainingPlan(
    families=("logistic",), ensemble=False, trials=0, tuning_seconds=1, folds=3, repeats=1, members=3, floor=False,
    split=SplitKind.OUT_OF_TIME, known_by=TODAY,
)  # fmt: skip


def trained_whole(place, examples: Examples, **changes) -> ModelRecord:
    work = TrainingWork(
        product=product(), examples=examples, folder=place / f"run{changes.get('seed', '')}", models=place / "models",
        created_at="2026-06-01T00:00:00+00:00", who="dana", plan=PLAN.model_copy(update=changes),
    )  # fmt: skip
    results = {step: take(step, work) for step in TrainingStep}
    assert not any(result.stopped for result in results.values()), results
    figures = results[TrainingStep.PUBLISH].figures
    manifest = files.read_manifest(files.version_folder(place / "models", figures["name"], figures["version"]))
    found = ModelFolder(place / "models").read(manifest.name, manifest.version)
    return ModelRecord(
        id=f"mdl_{manifest.version}", state=ModelState.CANDIDATE, created_by="act_1",
        created_at=datetime.fromisoformat(manifest.created_at), **found.model_dump(exclude={"blockers"}),
    )  # fmt: skip


def test_a_successor_that_learnt_a_new_relation_passes_on_what_neither_has_seen(tmp_path):
    examples = loans(new_signal=1.6)
    champion = a_champion(tmp_path / "models", examples)
    contest = ModelContest(Data(examples), tmp_path / "models")
    held_out = contest.labels_known(product(), champion, BOTH, NOON).held_out
    successor = trained_whole(tmp_path, examples, held_out_from=held_out.since)
    assert date.fromisoformat(successor.manifest["data"]["applied_until"]) < held_out.since
    assert successor.manifest["data"]["labels_known"] == len(examples.known_by(TODAY))
    tried = contest.retrained(product(), champion, successor, BOTH, NOON)
    better = tried.comparison.checks[0]
    assert better.met, better.sentence
    assert better.figures["low"] > 0.005
    assert tried.candidate is Candidate.RETRAINED
    assert tried.comparison.rows == held_out.rows


def test_two_versions_are_set_side_by_side_on_what_a_digest_held_out_of_both(tmp_path):
    examples = replace(loans(), applied_on=None, label_known_on=None)
    told = {"split": SplitKind.STRATIFIED, "known_by": None}
    one = trained_whole(tmp_path, examples, seed=0, **told)
    other = trained_whole(tmp_path, examples, seed=1, families=("scorecard",), **told)
    contest = ModelContest(Data(examples), tmp_path / "models")
    found = contest.side_by_side(product(), one, other, NOON)
    assert 0.28 * len(examples) < found.rows <= 0.3 * len(examples)
    assert found.difference is not None
    assert found.difference.low < found.difference.difference < found.difference.high
    assert f"On {found.rows:,} rows that neither has learnt from" in found.sentence


def test_side_by_side_leaves_out_what_was_not_known_yet_and_says_when_nothing_is_left(tmp_path):
    examples = loans()
    champion = a_champion(tmp_path, examples)
    contest = ModelContest(Data(examples), tmp_path)
    newer = int((examples.applied_on > np.datetime64("2024-12-31")).sum())
    known = int((examples.known_by(TODAY).applied_on > np.datetime64("2024-12-31")).sum())
    assert contest.side_by_side(product(), champion, champion, NOON).rows == known < newer
    assert contest.side_by_side(product(), champion, champion, NOON - timedelta(days=500)).difference is None


def test_a_champion_that_reads_a_column_the_data_lost_is_named(tmp_path):
    examples = loans()
    champion = a_champion(tmp_path, examples)
    poorer = replace(examples, columns={k: v for k, v in examples.columns.items() if k != "amount"})
    with pytest.raises(InvalidRequest, match="reads amount"):
        ModelContest(Data(poorer), tmp_path).side_by_side(product(), champion, champion, NOON)


def test_a_champion_of_a_file_without_days_is_held_against_what_was_decided_since(tmp_path):
    """As after the demo: trained in the morning of a file, and by the evening the outcomes of its cases are there."""
    everybody = loans()
    file = replace(everybody.take(np.arange(4_000)), applied_on=None, label_known_on=None)
    champion = registered(tmp_path, train(product(), file, tmp_path, created_at=NOON.isoformat(), plan=QUICK))
    day = np.full(1_000, np.datetime64(TODAY))
    record = replace(everybody.take(np.arange(4_000, 5_000)), applied_on=day, label_known_on=day)
    contest = ModelContest(Data(pooled(file, record)), tmp_path)
    held_out = contest.labels_known(product(), champion, BOTH, NOON).held_out
    assert (held_out.rows, held_out.since) == (1_000, TODAY)
    again = contest.retrained(product(), champion, champion, BOTH, NOON)
    assert again.comparison.rows == 1_000
    assert "DeLong, paired" in again.reasons[0], "what is against it is how it ranks, and no day that is missing"
