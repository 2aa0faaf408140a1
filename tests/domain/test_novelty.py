"""Novelty: made-up outsiders are noticed, ordinary applicants are not."""

import numpy as np
import pytest

from plimsoll.domain.models.features import columns_of, matrix, snapshot, vector
from plimsoll.domain.models.novelty import Neighbourhood
from tests.applicants import facts_of_row, the_product, the_set


@pytest.fixture(scope="module")
def neighbourhood() -> Neighbourhood:
    features = the_product().features
    rows = [snapshot(features, facts_of_row(row)) for row in the_set().training()]
    return Neighbourhood(features, matrix(features, columns_of(features, rows)))


def novelty(neighbourhood: Neighbourhood, **changes) -> float:
    features = the_product().features
    values = snapshot(features, facts_of_row(the_set().training()[10])) | changes
    return neighbourhood.novelty(vector(features, values))


def test_a_training_applicant_is_not_new(neighbourhood):
    assert novelty(neighbourhood) < 0.9


def test_a_million_over_forty_years_is_unlike_anything(neighbourhood):
    assert novelty(neighbourhood, amount=1_000_000, term_months=480) == 1.0


def test_the_farther_out_the_newer(neighbourhood):
    steps = [novelty(neighbourhood, amount=amount) for amount in (12_000, 25_000, 60_000, 200_000)]
    assert steps == sorted(steps)
    assert steps[-1] > 0.99


def test_an_odd_combination_of_ordinary_values_is_newer_than_an_ordinary_one(neighbourhood):
    odd = {
        "purpose": "vacation",
        "party_role": "guarantor",
        "amount": 15_000,
        "term_months": 6,
        "other_plans": "stores",
    }
    assert novelty(neighbourhood, **odd) > max(0.98, novelty(neighbourhood))


def test_few_held_out_applicants_look_new(neighbourhood):
    features = the_product().features
    rows = [vector(features, snapshot(features, facts_of_row(row))) for row in the_set().held_out()]
    assert np.mean([neighbourhood.novelty(row) > 0.99 for row in rows]) < 0.04
