"""Decided applications as training reads them: as they were at the decision, with labels as they came to be known."""

from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import numpy as np
import pytest

from plimsoll.adapters.postgres.models.decided_examples import DecidedExamples
from plimsoll.adapters.vault import LocalVault
from plimsoll.domain.access import Role
from plimsoll.domain.errors import InvalidRequest, Unavailable
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.outcomes import OutcomeReport
from plimsoll.domain.models.training import LabelSource
from plimsoll.domain.underwriting.product import OutcomeTerms
from plimsoll.domain.values import Outcome
from plimsoll.settings import load_settings
from plimsoll.wiring.labelled import LabelledData
from tests.applicants import the_product
from tests.decided import decided
from tests.house import House

JUNE, LATER_IN_JUNE = datetime(2025, 6, 10, tzinfo=UTC), datetime(2025, 6, 28, tzinfo=UTC)
TODAY = datetime(2026, 11, 21, 9, tzinfo=UTC)


async def report(house: House, application: str, label: str = "bad", now: datetime = TODAY, **changes: Any) -> None:
    actor = await house.somebody(Role.MODEL_OWNER)
    said = OutcomeReport(**{"application_id": application, "label": label, "observed_on": date(2025, 9, 1)} | changes)
    (answer,) = await house.ports.outcomes.report(
        [said], actor=actor, own_only=False, source="api", request="req_test", now=now
    )
    assert answer.result == "recorded", answer


def examples(house: House, as_of: datetime = TODAY, **outcomes: Any) -> Examples:
    product = the_product().model_copy(update={"outcomes": OutcomeTerms(**outcomes)})
    vault = partial(LocalVault.from_file, house.settings.secrets / "kek")
    return DecidedExamples(house.database.app_url, vault).examples(product, as_of)


async def test_a_decision_with_its_outcome_is_a_row_with_the_features_on_record(house: House):
    application = await decided(house, at=JUNE, external_id="LOAN-1")
    await report(house, application, known_on=date(2026, 9, 10))
    found = examples(house)
    case = await house.case(application)
    told = case["score"]["features"]
    assert {name: found.columns[name][0] for name in told} == told
    assert set(found.columns) == {spec.name for spec in the_product().features}
    assert (list(found.bad), list(found.references)) == ([True], ["LOAN-1"])
    assert str(found.label_known_on[0]) == "2026-09-10"
    assert str(found.applied_on[0]) == case["accepted_at"].date().isoformat()
    assert found.count_decided_here == 1


async def test_who_has_no_outcome_or_no_score_or_only_an_early_mark_teaches_nothing(house: House):
    await decided(house, at=JUNE)
    marked = await decided(house, at=JUNE)
    await report(house, marked, mark="first_payment_default")
    assert len(examples(house)) == 0


async def test_no_label_is_read_before_it_was_known_nor_before_it_was_reported(house: House):
    application = await decided(house, at=JUNE)
    await report(house, application, known_on=date(2026, 9, 10))
    await report(house, application, label="good", known_on=date(2026, 11, 1), correction=True)
    day_before_known = datetime(2026, 9, 9, tzinfo=UTC)
    assert len(examples(house, day_before_known)) == 0
    assert len(examples(house, TODAY.replace(hour=8))) == 0, "it was on record an hour later"
    assert list(examples(house).bad) == [False]


async def test_a_month_whose_loans_are_mostly_open_does_not_count_yet(house: House):
    """Who defaults is reported first: of a young month the bads alone would be learnt from."""
    bad, _ = await decided(house, at=JUNE), await decided(house, at=LATER_IN_JUNE)
    await report(house, bad)
    assert len(examples(house, maturity_months=24)) == 0
    assert len(examples(house, maturity_months=12)) == 1


async def test_a_declined_applicant_counts_where_an_outcome_was_reported(house: House):
    """None is made up for the others."""
    await report(house, await decided(house, at=JUNE), label="good")
    await report(house, await decided(house, Outcome.DECLINE, at=JUNE))
    await decided(house, Outcome.DECLINE, at=JUNE)
    assert sorted(examples(house).bad) == [False, True]


async def test_whoever_was_erased_is_not_learnt_from(house: House):
    application = await decided(house, at=JUNE)
    await report(house, application)
    assert len(examples(house)) == 1
    await house.ports.database.run(
        "update person set wrapped_key = null where id = (select person_id from application where id = %(id)s)",
        {"id": application},
    )
    assert len(examples(house)) == 0


async def test_training_reads_the_file_the_record_or_both(house: House):
    await report(house, await decided(house, at=JUNE))
    product, data = the_product(), LabelledData(house.settings)
    counts = {labels: len(data.examples(product, labels, TODAY)) for labels in LabelSource}
    assert counts == {LabelSource.BOTH: 701, LabelSource.FILE: 700, LabelSource.OUTCOMES: 1}
    assert np.isnat(data.examples(product, LabelSource.BOTH, TODAY).applied_on).sum() == 700


async def test_without_a_database_nobody_was_decided_here_so_both_is_the_file():
    settings = load_settings().model_copy(update={"database_url": None})
    product, data = the_product(), LabelledData(settings)
    assert len(data.examples(product, LabelSource.BOTH, TODAY)) == 700
    with pytest.raises(Unavailable, match=r"No database.*plimsoll up"):
        data.examples(product, LabelSource.OUTCOMES, TODAY)


async def test_labels_on_another_scale_than_the_file_stay_apart_and_it_says_why(house: House):
    await report(house, await decided(house, at=JUNE))
    product = the_product().model_copy(update={"outcomes": OutcomeTerms(scale="portfolio")})
    data = LabelledData(house.settings)
    assert len(data.examples(product, LabelSource.BOTH, TODAY)) == 700
    with pytest.raises(InvalidRequest, match=r"30\.0% ended badly and of the portfolio 5\.0%"):
        data.examples(product, LabelSource.OUTCOMES, TODAY)
