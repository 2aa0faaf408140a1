"""Less unequal models are looked for attribute by attribute, and learnt no oftener than they differ."""

from dataclasses import replace

import numpy as np
import pytest

from plimsoll.adapters.models.alternatives import less_unequal_models
from plimsoll.domain.models.training import TrainingPlan, in_silence
from tests.applicants import examples, the_product, the_set

TAKEN = ("logistic", {"penalty": 0.001})
PLAN = TrainingPlan()


@pytest.fixture(scope="module")
def people():
    rows = the_set().all()
    known = the_set().fairness()
    young = ["up to 25" if known[row.reference].age <= 25 else "26 and older" for row in rows]
    halves = np.where(np.arange(len(rows)) % 2 == 0, "even", "odd")
    return replace(examples(rows), groups={"age": np.array(young, dtype=object), "half": halves.astype(object)})


def searched(people, attribute, folder, proxies=()):
    return less_unequal_models(the_product(), people, attribute, TAKEN, folder, PLAN, in_silence, proxies)


def test_what_was_learnt_for_one_attribute_is_looked_at_again_for_the_next(people, tmp_path):
    searched(people, "age", tmp_path, proxies=["savings_band"])
    learnt = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "alternatives").iterdir()}
    searched(people, "half", tmp_path, proxies=["savings_band"])
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "alternatives").iterdir()} == learnt


def test_it_says_the_same_as_if_it_had_been_learnt_for_that_attribute_alone(people, tmp_path):
    for place in ("together", "alone"):
        (tmp_path / place).mkdir()
    searched(people, "age", tmp_path / "together")
    assert searched(people, "half", tmp_path / "together") == searched(people, "half", tmp_path / "alone")


def test_models_weighed_by_groups_differ_from_attribute_to_attribute(people, tmp_path):
    of_age = {row["name"]: row["auc"] for row in searched(people, "age", tmp_path)["tried"]}
    of_half = {row["name"]: row["auc"] for row in searched(people, "half", tmp_path)["tried"]}
    assert of_age["the model taken"] == of_half["the model taken"]
    assert of_age["reweighed"] != of_half["reweighed"]
