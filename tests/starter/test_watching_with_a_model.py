"""Real accounts through the real intake, judged by a model trained on others: live, in batch and for drift."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from activities.watching import Done, Watch, watch_of
from plimsoll.adapters.models.columns import ByColumn
from plimsoll.adapters.models.drift_reference import DriftReferences
from plimsoll.adapters.models.scorer import ModelScorer
from plimsoll.adapters.models.training import Plan, train
from plimsoll.domain.models.assignment import Lineup
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.monitoring.drift import measure
from plimsoll.domain.watching import state
from plimsoll.domain.watching.judging import judge
from plimsoll.wiring.labelled import labelled_examples, taiwan_events
from plimsoll.wiring.packs import product_packs
from tests.fakes import FakeLineups
from tests.house import House

ACCOUNTS = 80
AS_OF = datetime(2005, 9, 30, 23, 59, 59, tzinfo=UTC)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelPin]:
    """On 1,500 of the accounts, none of them among those who are watched."""
    from plimsoll.settings import load_settings

    settings, models = load_settings(), tmp_path_factory.mktemp("models")
    product = product_packs(settings).get("early-warning")
    examples = labelled_examples(settings, product, AS_OF.date()).take(np.arange(ACCOUNTS, 30_000, 20))
    plan = Plan(members=2, folds=2, repeats=1, trees=60, member_trees=20)
    made = train(product, examples, models, created_at=AS_OF.isoformat(), plan=plan)
    return models, made.pin()


def with_model(house: House, models: Path, pin: ModelPin) -> Watch:
    lineup = Lineup(name=pin.name, champion=pin)
    ports = replace(
        house.ports,
        live=FakeLineups({pin.name: lineup}),  # type: ignore[arg-type]
        columns=ByColumn(ModelScorer(models)),
        products=product_packs(house.settings),
    )
    return watch_of(ports)


async def test_live_batch_and_drift_see_the_same_accounts_with_the_same_model(
    house: House, trained: tuple[Path, ModelPin]
) -> None:
    models, pin = trained
    watch = with_model(house, models, pin)
    accounts = taiwan_events(house.settings)
    events = sorted(accounts.events(0, ACCOUNTS), key=lambda event: event.known_at)
    for at in range(0, len(events), 500):  # as they became known, month by month
        part = events[at : at + 500]
        await house.ports.watch.log.accept(part, now=part[-1].known_at + timedelta(hours=12))
        while await watch.take_events(part[-1].known_at + timedelta(hours=12)) != Done():
            pass

    who, rows = accounts.rows()
    batch = state.empty(ACCOUNTS)
    state.observe(batch, who[who < ACCOUNTS], rows[who < ACCOUNTS])
    model = await watch.model()
    judged = judge(house.ports.watch.policy(), batch, np.datetime64(AS_OF.replace(tzinfo=None)), model)

    kept = await house.ports.database.rows("select probability, severity, model from customer_risk")
    assert sorted(row["probability"] for row in kept) == pytest.approx(sorted(judged.probability.tolist()))
    assert sorted(row["severity"] for row in kept) == sorted(judged.rank.tolist())
    assert {row["model"] for row in kept} == {f"{pin.name}@{pin.version}"}
    handed = await house.ports.database.rows(
        "select distinct person_id from intervention_trigger where source = 'live'"
    )
    assert len(handed) >= sum(row["severity"] > 0 for row in kept) > 0

    product = product_packs(house.settings).get("early-warning")
    now = datetime.now(UTC) + timedelta(days=1)
    window = await house.ports.live_windows.read(product, pin, datetime(2000, 1, 1, tzinfo=UTC), now)
    drift = measure(DriftReferences(models).of(pin.name, pin.version), window)
    assert (window.rows, len(drift.features)) == (ACCOUNTS, len(product.features))


async def test_the_reasons_of_a_probability_are_said_with_values(house: House, trained: tuple[Path, ModelPin]) -> None:
    models, pin = trained
    watch = with_model(house, models, pin)
    await house.ports.watch.log.accept(list(taiwan_events(house.settings).events(0, ACCOUNTS)), now=AS_OF)
    while await watch.take_events(AS_OF) != Done():
        pass
    rows = await house.ports.database.rows("select factors from customer_risk where severity > 0 and probability > 0.5")
    assert rows
    for row in rows:
        assert row["factors"], "a high risk has its reasons"
        assert all(factor["value"] in factor["words"] for factor in row["factors"])
