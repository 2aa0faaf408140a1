"""The retraining loop on LendingClub's loans: what it gives with hindsight, and what it gives when lived."""

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bench import retraining
from plimsoll.wiring.labelled import lendingclub_loans
from plimsoll.wiring.models import trial_model

ROOT = os.environ.get("PLIMSOLL_REAL_DATA")
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not ROOT, reason="PLIMSOLL_REAL_DATA names no folder with the real data"),
]


@pytest.fixture(scope="module")
def hindsight():
    return retraining.looking_back(Path(ROOT or ""))


def test_with_hindsight_a_retrained_model_ranks_2011_better(hindsight, capsys):
    shown(capsys, hindsight)
    assert hindsight["champion_2007_09"] == pytest.approx(0.667, abs=0.02)
    assert hindsight["challenger_2007_10"] == pytest.approx(0.701, abs=0.02)
    assert hindsight["difference"][1] > 0, "the paired interval leaves out nought"


def test_of_the_ends_known_on_new_year_2011_little_can_be_learnt(hindsight):
    known = hindsight["of_ends_known_on_2011_01_01"]
    assert known["rows"] == pytest.approx(3_626, abs=5)
    assert known["auc"] < hindsight["challenger_2007_10"] - 0.02


def test_lived_no_label_is_read_before_it_was_known(capsys):
    told = list(retraining.lived(Path(ROOT or ""), every_months=9, first=date(2009, 9, 1), last=date(2011, 12, 1)))
    shown(capsys, *told)
    tries = [one for one in told if one["part"] == "lived"]
    assert next(one["verdict"] for one in tries) == "first model"
    assert all(date.fromisoformat(one["newest_label_known_on"]) <= date.fromisoformat(one["on"]) for one in tries)
    assert {one["label"] for one in told if one["part"] == "lived, in the end"} == {
        "bad within 12 months",
        "charged off in the end",
    }


def test_labels_turned_round_after_the_day_change_nothing_of_that_day():
    """The future may say anything: what is compared today stays the same to the last digit."""
    features, loans = lendingclub_loans(Path(ROOT or ""), within_months=12)
    today = date(2010, 9, 1)
    later = retraining.known_on(loans) > np.datetime64(today)
    turned = replace(loans, bad=np.where(later, ~loans.bad, loans.bad))
    one, other = (
        retraining.tried_anew(features, each, today, trial_model(features, each.known_by(date(2009, 9, 1))))[0]
        for each in (loans, turned)
    )
    assert later.sum() > 1_000
    for said in ("learnt", "held_out_since", "held_out", "bads", "difference"):
        assert one[said] == other[said]
    assert one["held_out"] > 1_000


def shown(capsys, *found) -> None:
    with capsys.disabled():
        for one in found:
            print(one)
