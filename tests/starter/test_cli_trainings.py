"""A training watched where no bar can be drawn: in a log, through a pipe."""

import pytest

from starter.cli import trainings
from starter.cli.trainings import followed_to_its_end, where_it_stands


class AnApi:
    """Tells what it is given, a look at a time."""

    def __init__(self, *looks):
        self._looks = iter(looks)

    def get(self, path):
        return next(self._looks)


def a_run(step="", text="", done=0, of=0, state="running"):
    progress = {"step": step, "text": text, "done": done, "of": of, "finished": []} if step else None
    return {"id": "trn_1", "state": state, "progress": progress, "steps": ["fetch", "candidates"]}


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch):
    monkeypatch.setattr(trainings, "BETWEEN_LOOKS", 0)


def test_each_step_is_said_once_as_it_begins(capsys):
    looks = [
        a_run("fetch"),
        a_run("candidates", "catboost, trial 1 of 8", 0, 175),
        a_run("candidates", "catboost, trial 2 of 8", 1, 175),
        a_run("candidates", state="done"),
    ]
    assert followed_to_its_end(AnApi(*looks), a_run())["state"] == "done"
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "fetch …\ncandidates: catboost, trial 1 of 8 (0 of 175) …\n"


def test_a_step_that_goes_on_is_heard_of_again_after_a_while(capsys, monkeypatch):
    monkeypatch.setattr(trainings, "A_WHILE", 0.0)
    looks = [a_run("candidates", "one", 0, 2), a_run("candidates", "two", 1, 2), a_run("candidates", state="done")]
    followed_to_its_end(AnApi(*looks), a_run())
    assert capsys.readouterr().err == "candidates: one (0 of 2) …\ncandidates: two (1 of 2) …\n"


def test_what_is_being_done_is_said_with_how_far_it_is():
    assert where_it_stands({"step": "fetch", "text": "", "done": 0, "of": 0}) == "fetch …"
    assert where_it_stands({"step": "validate", "text": "looking at the data", "done": 0, "of": 1}) == (
        "validate: looking at the data …"
    )
