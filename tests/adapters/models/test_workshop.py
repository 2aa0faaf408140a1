"""The workshop takes the real steps on real data, and what it publishes can be registered and proposed."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from plimsoll.adapters.models.shelf import ModelFolder
from plimsoll.adapters.models.workshop import ModelWorkshop
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.training import LabelSource, TrainingPlan, TrainingStep, in_silence
from plimsoll.domain.models.training_run import NothingToLearnFrom, TrainingRun, TrainingState, Trigger
from plimsoll.domain.underwriting.product import Product
from tests.applicants import examples, the_product, the_set
from tests.fakes import OneProduct

NOW = datetime(2026, 6, 1, tzinfo=UTC)
QUICK = TrainingPlan(
    families=("logistic",), ensemble=False, trials=1, tuning_seconds=1.0, folds=3, repeats=1, floor=False, members=2
)


class Data:
    """The shipped set, or what a test makes of it; counts how often it was read."""

    def __init__(self, found: Examples) -> None:
        self.found = found
        self.read = 0

    def examples(self, product: Product, labels: LabelSource, as_of: datetime) -> Examples:
        self.read += 1
        return self.found


def a_run(**changes) -> TrainingRun:
    known = {
        "id": "trn_1", "product": the_product().id, "state": TrainingState.RUNNING, "trigger": Trigger.PERSON,
        "plan": QUICK, "requested_by": "act_1", "started_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return TrainingRun(**known | changes)


def a_workshop(place: Path, data: Data) -> ModelWorkshop:
    return ModelWorkshop(OneProduct(the_product()), data, place / "trainings", place / "models")


def test_a_run_publishes_a_version_with_report_and_card_and_reads_its_data_once(tmp_path):
    data = Data(examples(the_set().training()))
    workshop, run, said = a_workshop(tmp_path, data), a_run(), []
    assert workshop.fetch(run, in_silence) == "700 labelled applications; 29.7% of all ended badly."
    for step in TrainingStep:
        result = workshop.take(step, run, lambda text, done, of: said.append(text))
        assert not result.stopped, result.sentence
    assert (data.read, bool(said)) == (1, True)
    shelf, (name, version) = ModelFolder(tmp_path / "models"), workshop.published(run)
    found = shelf.read(name, version)
    assert (found.product, bool(found.report_digest)) == (the_product().id, True)
    report = shelf.report(name, version)
    assert report is not None
    assert {"roc", "calibration", "gains"} <= report["curves"].keys()
    assert shelf.card(name, version)


def test_another_workshop_goes_on_where_one_was_killed(tmp_path):
    data = Data(examples(the_set().training()))
    first, run = a_workshop(tmp_path, data), a_run()
    for step in (TrainingStep.VALIDATE, TrainingStep.SPLIT):
        first.take(step, run, in_silence)
    second = a_workshop(tmp_path, data)
    assert second.take(TrainingStep.SPLIT, run, in_silence).resumed
    assert not second.take(TrainingStep.CANDIDATES, run, in_silence).resumed


@pytest.mark.parametrize(("rows", "sentence"), [(slice(0, 0), "not one labelled"), (slice(0, 5), "ended good")])
def test_data_that_teaches_nothing_is_said_before_any_step(tmp_path, rows, sentence):
    found = examples(the_set().training())
    goods = np.flatnonzero(~found.bad)[rows]
    with pytest.raises(NothingToLearnFrom, match=sentence):
        a_workshop(tmp_path, Data(found.take(goods))).fetch(a_run(), in_silence)
