"""A training run, step by step: what stops it, what it leaves behind, how it goes on after a kill."""

import json
from dataclasses import replace
from datetime import date
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.scorer import ModelScorer
from plimsoll.adapters.models.steps import TrainingWork, take, told_by
from plimsoll.domain.models.data_checks import KnownAt
from plimsoll.domain.models.training import SplitKind, TrainingPlan, TrainingStep, TrainingStopped
from tests.applicants import examples, facts_of_row, the_product, the_set

PLAN = TrainingPlan(
    families=("catboost", "logistic", "scorecard"),
    trials=1,
    tuning_seconds=5,
    folds=3,
    repeats=1,
    members=4,
    floor=False,
)


@lru_cache
def labelled():
    rows = the_set().all()
    fairness = the_set().fairness()
    young = ["up to 25" if fairness[row.reference].age <= 25 else "26 and older" for row in rows]
    foreign = ["yes" if fairness[row.reference].foreign_worker else "no" for row in rows]
    return replace(
        examples(rows), groups={"age": np.array(young, dtype=object), "foreign": np.array(foreign, dtype=object)}
    )


def a_work(place: Path, **changes) -> TrainingWork:
    return TrainingWork(
        **{
            "product": the_product(),
            "examples": labelled(),
            "folder": place / "run",
            "models": place / "models",
            "created_at": "2026-06-01T00:00:00Z",
            "who": "dana",
            "plan": PLAN,
            **changes,
        }
    )


def all_taken(work: TrainingWork):
    return {step: take(step, work) for step in TrainingStep}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    work = a_work(tmp_path_factory.mktemp("training"))
    return work, all_taken(work)


def test_a_run_ends_in_a_version_that_verifies_and_scores(finished):
    work, results = finished
    figures = results[TrainingStep.PUBLISH].figures
    assert figures["releasable"], figures["blockers"]
    manifest = files.verified(files.version_folder(work.models, figures["name"], figures["version"]))
    scored = ModelScorer(work.models).score(manifest.pin(), the_product(), facts_of_row(the_set().held_out()[0]), ())
    assert 0 < scored.probability_of_default < 1
    assert {files.REPORT, files.CARD} <= set(manifest.files)


def test_every_step_says_a_sentence_and_keeps_all_it_found(finished):
    work, results = finished
    for step, result in results.items():
        assert result.sentence.endswith(".")
        assert not result.stopped
        assert told_by(work.folder, step) is not None


def test_a_tampered_report_is_refused(finished, tmp_path):
    import shutil

    work, results = finished
    figures = results[TrainingStep.PUBLISH].figures
    shutil.copytree(work.models, tmp_path / "models")
    report = files.version_folder(tmp_path / "models", figures["name"], figures["version"]) / files.REPORT
    report.write_text(report.read_text().replace("dana", "nobody"))
    with pytest.raises(files.ModelRefused, match=r"report\.json"):
        files.verified(report.parent)


def test_the_rows_held_out_were_never_learnt_from(finished):
    """The split follows the references alone, so that anybody can work it out again."""
    work, results = finished
    parts = np.load(work.folder / "parts.npy")
    assert results[TrainingStep.SPLIT].figures["held_out"] == 300
    assert results[TrainingStep.SPLIT].figures["training"] == 700
    shuffled = np.random.default_rng(0).permutation(len(labelled()))
    again = a_work(work.folder.parent / "again", examples=labelled().take(shuffled))
    take(TrainingStep.VALIDATE, again)
    take(TrainingStep.SPLIT, again)
    assert np.array_equal(np.load(again.folder / "parts.npy"), parts[shuffled])


def test_a_finished_step_is_read_again(finished):
    work, results = finished
    for step in TrainingStep:
        again = take(step, work)
        assert again.resumed
        assert again.figures == results[step].figures


def test_the_card_and_the_report_say_what_matters(finished):
    _, results = finished
    report = json.loads(Path(results[TrainingStep.PUBLISH].figures["report"]).read_text())
    card = (Path(results[TrainingStep.PUBLISH].figures["report"]).parent / files.CARD).read_text()
    assert report["who"] == "dana"
    assert report["data"]["rows"] == 1000
    assert {"auc_interval", "segments", "cost_curve", "deciles"} <= report["metrics"].keys()
    assert "up to 25" in card
    assert "too few" in card  # 37 foreign workers
    for heading in ("For what", "Data", "How good", "Against other candidates", "How groups fare", "Limits"):
        assert f"## {heading}" in card


def test_groups_too_small_are_said_to_be_too_small(finished):
    fairness = told_by(finished[0].folder, TrainingStep.FAIRNESS)["attributes"]
    assert "too few" in fairness["foreign"]["held_out"]["too_small"]["yes"]
    assert fairness["foreign"]["less_unequal"]["tried"] == []
    search = fairness["age"]["less_unequal"]
    assert search["tried"][0]["name"] == "the model taken"
    assert {"reweighed"} <= {row["name"] for row in search["tried"]}
    assert "alternatives" in search["sentence"]


def test_a_step_out_of_turn_is_refused(tmp_path):
    with pytest.raises(TrainingStopped, match="needs validate first"):
        take(TrainingStep.SPLIT, a_work(tmp_path))


def test_a_leak_ends_the_run_with_its_reason(tmp_path):
    work = a_work(tmp_path, known_at={"savings_band": KnownAt.AFTER})
    stopped = take(TrainingStep.VALIDATE, work)
    assert stopped.stopped
    assert "savings_band is known only after the decision" in stopped.sentence
    with pytest.raises(TrainingStopped, match="savings_band"):
        take(TrainingStep.SPLIT, work)


def test_a_folder_of_another_run_is_refused(tmp_path):
    take(TrainingStep.VALIDATE, a_work(tmp_path))
    with pytest.raises(TrainingStopped, match="another rows"):
        take(TrainingStep.VALIDATE, a_work(tmp_path, examples=labelled().take(np.arange(900))))


class Cancelled(BaseException):
    """As a worker that is told to stop raises it."""


def test_a_run_cancelled_between_pieces_goes_on_where_it_was(tmp_path):
    calls = []

    def until(most):
        def progress(text, done, of):
            calls.append(text)
            if len(calls) >= most:
                raise Cancelled

        return progress

    patient = a_work(tmp_path)
    for step in (TrainingStep.VALIDATE, TrainingStep.SPLIT):
        take(step, patient)
    with pytest.raises(Cancelled):
        take(TrainingStep.CANDIDATES, replace(patient, progress=until(8)))
    kept = {path.name: path.stat().st_mtime_ns for path in (patient.folder / "candidates").iterdir()}
    assert kept
    again = take(TrainingStep.CANDIDATES, patient)
    assert not again.resumed
    finished = {path.name: path.stat().st_mtime_ns for path in (patient.folder / "candidates").iterdir()}
    assert {name: finished[name] for name in kept if name.endswith(".npy")} == {
        name: when for name, when in kept.items() if name.endswith(".npy")
    }


def test_progress_comes_while_a_library_works(tmp_path):
    """Every piece says when it begins, and never more than it has."""
    told = []
    work = a_work(tmp_path, progress=lambda text, done, of: told.append((text, done, of)))
    for step in (TrainingStep.VALIDATE, TrainingStep.SPLIT, TrainingStep.CANDIDATES):
        take(step, work)
    assert len(told) > 12
    assert all(0 <= done < of for _, done, of in told)


def test_a_split_by_time_learns_only_from_labels_known_by_then(tmp_path):
    known = labelled()
    days = np.random.default_rng(0).permutation(1000)
    applied = np.datetime64("2020-01-01") + days.astype("timedelta64[D]")
    dated = replace(known, applied_on=applied, label_known_on=applied + np.timedelta64(200, "D"))
    plan = PLAN.model_copy(update={"split": SplitKind.OUT_OF_TIME, "held_out_from": date(2022, 3, 1)})
    work = a_work(tmp_path, examples=dated, plan=plan)
    take(TrainingStep.VALIDATE, work)
    figures = take(TrainingStep.SPLIT, work).figures
    parts = np.load(work.folder / "parts.npy")
    day = np.datetime64("2022-03-01")
    assert (dated.label_known_on[parts == 1] <= day).all()
    assert (applied[parts == 2] >= day).all()
    assert figures["neither"] == 199


def test_a_split_by_time_learns_from_rows_without_a_day_and_holds_none_of_them_out(tmp_path):
    """A file that knows no days, beside outcomes on record."""
    known, of_before = labelled(), np.arange(1000) < 600
    day = np.where(of_before, np.datetime64("NaT"), np.datetime64("2022-03-01"))
    mixed = replace(known, applied_on=day, label_known_on=day, undated=of_before)
    told = {"split": SplitKind.OUT_OF_TIME, "held_out_from": date(2022, 3, 1), "known_by": date(2022, 3, 1)}
    work = a_work(tmp_path, examples=mixed, plan=PLAN.model_copy(update=told))
    take(TrainingStep.VALIDATE, work)
    take(TrainingStep.SPLIT, work)
    parts = np.load(work.folder / "parts.npy")
    assert list(parts) == [1] * 600 + [2] * 400


def test_a_split_by_time_without_days_stops_with_what_is_missing(tmp_path):
    plan = PLAN.model_copy(update={"split": SplitKind.OUT_OF_TIME, "held_out_from": date(2022, 3, 1)})
    work = a_work(tmp_path, plan=plan)
    take(TrainingStep.VALIDATE, work)
    stopped = take(TrainingStep.SPLIT, work)
    assert stopped.stopped
    assert "the day its label was known" in stopped.sentence


@pytest.mark.parametrize("choose", ["ensemble", "scorecard", "logistic"])
def test_any_candidate_can_be_made_a_version_that_explains_itself(tmp_path, choose):
    work = a_work(tmp_path, plan=PLAN.model_copy(update={"choose": choose}), examples=replace(labelled(), groups={}))
    figures = all_taken(work)[TrainingStep.PUBLISH].figures
    manifest = files.read_manifest(files.version_folder(work.models, figures["name"], figures["version"]))
    answer = ModelScorer(work.models).score(
        manifest.pin(), the_product(), facts_of_row(the_set().held_out()[4], missing=["bank"]), ()
    )
    assert manifest.family.startswith(choose)
    assert answer.interval[0] <= answer.probability_of_default <= answer.interval[1]
    assert set(answer.contributions) == {spec.name for spec in the_product().features}


def test_a_feature_without_a_reason_makes_the_model_unreleasable(tmp_path):
    product = the_product()
    mute = product.model_copy(
        update={"reasons": tuple(reason for reason in product.reasons if "savings" not in reason.concepts)}
    )
    work = a_work(
        tmp_path,
        product=mute,
        plan=PLAN.model_copy(update={"choose": "scorecard"}),
        examples=replace(labelled(), groups={}),
    )
    result = all_taken(work)[TrainingStep.PUBLISH]
    assert not result.figures["releasable"]
    assert "savings" in result.sentence


def test_a_worker_that_goes_on_for_a_killed_one_does_not_get_the_comparisons_time_anew(tmp_path):
    work = a_work(tmp_path, plan=PLAN.model_copy(update={"repeats": 3, "comparison_seconds": 60.0}))
    for step in (TrainingStep.VALIDATE, TrainingStep.SPLIT):
        take(step, work)
    (work.folder / "candidates").mkdir()
    (work.folder / "candidates" / "comparison-seconds.txt").write_text("61.0\n")
    take(TrainingStep.CANDIDATES, work)
    assert told_by(work.folder, TrainingStep.CANDIDATES)["repeats"] == 1


def test_what_candidates_are_held_against_gets_the_time_they_leave_and_two_folds_at_least(tmp_path):
    """CatBoost as it comes takes longer than all candidates together where there are many words."""
    plan = PLAN.model_copy(update={"families": ("logistic",), "floor": True, "comparison_seconds": 0.0})
    work = a_work(tmp_path, plan=plan)
    for step in (TrainingStep.VALIDATE, TrainingStep.SPLIT, TrainingStep.CANDIDATES):
        take(step, work)
    kept = {path.name for path in (work.folder / "candidates").glob("fold-0-*-catboost-defaults.npy")}
    assert kept == {"fold-0-0-catboost-defaults.npy", "fold-0-1-catboost-defaults.npy"}
    compared = {row["name"]: row for row in told_by(work.folder, TrainingStep.CANDIDATES)["candidates"]}
    assert 0.5 < compared["catboost defaults"]["auc"] < 1
    against = compared["logistic"]["against_floor"]
    assert against["low"] < against["difference"] < against["high"]


def test_more_rows_than_were_compared_are_asked_about_until_there_are_enough(tmp_path, monkeypatch):
    """Each fold of so many rows is a model fitted anew; where nobody was asked stays out of every figure."""
    calibrating = import_module("plimsoll.adapters.models.steps.calibrate")
    monkeypatch.setattr(calibrating, "ENOUGH_TO_CALIBRATE_ON", 400)
    monkeypatch.setattr(calibrating, "PATIENCE", 0.0)
    plan = PLAN.model_copy(update={"families": ("logistic",), "comparison_rows": 500})
    work = a_work(tmp_path, plan=plan)
    results = all_taken(work)
    asked = ~np.isnan(np.load(work.folder / "out_of_fold.npy"))
    assert 400 <= asked.sum() < len(asked) == 700
    assert len(list(work.folder.glob("calibrate-*.npy"))) == 2
    assert f"{asked.sum()} out-of-fold scores" in results[TrainingStep.CALIBRATE].sentence
    assert results[TrainingStep.PUBLISH].figures["releasable"]


def test_a_calibration_reads_what_the_comparison_said_and_fits_nothing_again(finished):
    work, _ = finished
    assert not list(work.folder.glob("calibrate-*.npy"))
    told = told_by(work.folder, TrainingStep.CALIBRATE)
    assert told["calibrations_tried"]["taken"] in told["calibrations_tried"]["log_loss"]
    assert not np.isnan(np.load(work.folder / "out_of_fold.npy")).any()
