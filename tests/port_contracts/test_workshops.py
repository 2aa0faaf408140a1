"""Where models are made: what whoever orders a step may rely on, of the workshop and of the fake."""

from pathlib import Path

import pytest

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models.training import TrainingStep, in_silence
from plimsoll.domain.models.training_run import TrainingRun
from plimsoll.ports import Workshop
from tests.adapters.models.test_workshop import Data, a_run, a_workshop
from tests.applicants import examples, the_set
from tests.fake_training import FakeWorkshop


@pytest.fixture(params=["fake", "workshop"])
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Workshop:
    return FakeWorkshop() if request.param == "fake" else a_workshop(tmp_path, Data(examples(the_set().training())))


@pytest.fixture
def run() -> TrainingRun:
    return a_run()


def test_fetching_says_how_much_there_is_to_learn_from(workshop: Workshop, run: TrainingRun):
    assert "labelled applications" in workshop.fetch(run, in_silence)


def test_a_step_tells_how_far_it_is_and_gives_its_own_result(workshop: Workshop, run: TrainingRun):
    told: list[tuple[str, int, int]] = []
    result = workshop.take(TrainingStep.VALIDATE, run, lambda *said: told.append(said))
    assert (result.step, result.stopped) == (TrainingStep.VALIDATE, False)
    assert result.sentence.endswith(".")
    assert told
    assert all(0 <= done <= of for _, done, of in told)


def test_a_step_taken_again_says_what_it_said(workshop: Workshop, run: TrainingRun):
    first, again = (workshop.take(TrainingStep.VALIDATE, run, in_silence) for _ in range(2))
    assert (again.sentence, again.figures) == (first.sentence, first.figures)


class NobodyWantsItAnyMore(InvalidRequest):
    """What a listener raises to end a step."""


def nobody(text: str, done: int, of: int) -> None:
    raise NobodyWantsItAnyMore("stopped")


@pytest.mark.parametrize("step", [None, TrainingStep.VALIDATE], ids=["fetch", "validate"])
def test_a_listener_ends_a_step_by_raising_and_it_can_be_taken_again(
    workshop: Workshop, run: TrainingRun, step: TrainingStep | None
):
    with pytest.raises(NobodyWantsItAnyMore):
        workshop.take(step, run, nobody) if step else workshop.fetch(run, nobody)
    assert workshop.take(TrainingStep.VALIDATE, run, in_silence).sentence
