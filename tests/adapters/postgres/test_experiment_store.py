"""Experiments on real Postgres: planned, begun and ended together with the role they mean, and read when ripe."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from plimsoll.domain.access import Role
from plimsoll.domain.errors import Conflict, InvalidRequest, NotFound
from plimsoll.domain.models.experiments import Question, Verdict
from plimsoll.domain.models.outcomes import OutcomeReport
from plimsoll.domain.models.registry import NotApproved, RoleName
from plimsoll.domain.models.rollout import usual_plan
from plimsoll.domain.values import Outcome
from tests.applicants import the_product
from tests.builders import NOW
from tests.decided import CHALLENGER, CHAMPION, decided
from tests.house import House
from tests.releases import a_champion, a_version, approved

TODAY = datetime.now(UTC)
RIPE = TODAY + timedelta(days=500)
EASY = {"metric": "bad_rate", "effect": 0.5, "baseline": 0.7, "share": 0.5, "power": 0.5}


async def said(house: House, reason: str = "worth a try", now: datetime | None = None) -> dict[str, Any]:
    by = await house.somebody(Role.MODEL_OWNER)
    return {"by": by, "reason": reason, "request": "req_1", "now": now or datetime.now(UTC)}


async def planned(house: House, challenger: str = "second", **changes: Any) -> dict[str, Any]:
    """Against a champion, which is made if there is none."""
    if not await house.rows("select 1 from model_role where role = 'champion'"):
        await a_champion(house)
    record = await approved(house, a_version(challenger))
    question = Question(**{"product": "consumer-credit", "challenger": record.id, **EASY, **changes})
    given = {name: value for name, value in (await said(house)).items() if name != "reason"}
    return await house.ports.experiments.plan(question, the_product(), **given)


async def running(house: House, **changes: Any) -> str:
    row = await planned(house, **changes)
    await house.ports.experiments.start(row["id"], **await said(house))
    return row["id"]


async def read(house: House, experiment: str, now: datetime = RIPE):
    given = {name: value for name, value in (await said(house, now=now)).items() if name != "reason"}
    return await house.ports.experiments.read(experiment, the_product(), **given)


async def roles(house: House) -> dict[str, tuple[str, float]]:
    rows = await house.rows("select r.role, r.share, m.version from model_role r join model m on m.id = r.model_id")
    return {row["role"]: (row["version"], row["share"]) for row in rows}


async def ended(house: House, *applications: str, label: str) -> None:
    actor = await house.somebody(Role.MODEL_OWNER)
    day = datetime.now(UTC).date()
    reports = [OutcomeReport(application_id=one, label=label, observed_on=day) for one in applications]
    answers = await house.ports.outcomes.report(
        reports, actor=actor, own_only=False, source="api", request="req", now=datetime.now(UTC)
    )
    assert {answer.result for answer in answers} == {"recorded"}


async def test_a_plan_is_on_record_and_deals_out_nothing(house: House):
    row = await planned(house, effect=0.1, share=0.2)
    assert row["state"] == "planned"
    assert row["plan"]["n_challenger"] < row["plan"]["n_champion"]
    assert set(await roles(house)) == {"champion"}
    await house.must_verify()


async def test_the_pace_and_the_bad_rate_come_from_what_was_decided(house: House):
    approvals = [await decided(house, at=TODAY - timedelta(days=10)) for _ in range(4)]
    await decided(house, Outcome.DECLINE, at=TODAY - timedelta(days=10))
    day = TODAY.date()
    actor = await house.somebody(Role.MODEL_OWNER)
    reports = [OutcomeReport(application_id=one, label="bad" if n == 0 else "good", observed_on=day)
               for n, one in enumerate(approvals)]  # fmt: skip
    await house.ports.outcomes.report(
        reports, actor=actor, own_only=False, source="api", request="r", now=datetime.now(UTC)
    )
    baseline = (await planned(house, effect=0.1, baseline=None))["plan"]["baseline"]
    assert baseline["value"] == 0.25
    assert baseline["monthly"] == pytest.approx(4 * 30.4375 / 30)


async def test_starting_gives_the_share_with_the_planned_salt_and_stopping_takes_it(house: House):
    experiment = await running(house, share=0.3)
    assert (await roles(house))["challenger"] == ("second", 0.3)
    salt = (await house.row("select salt from model_role where role = 'challenger'"))["salt"]
    assert salt == (await house.ports.experiments.get(experiment))["plan"]["salt"]
    await house.ports.experiments.stop(experiment, **await said(house, "enough"))
    assert set(await roles(house)) == {"champion"}
    await house.must_verify()


async def test_a_shadow_experiment_decides_nobody(house: House):
    await running(house, metric="auc", design="shadow", effect=0.05, baseline=0.75)
    assert (await roles(house))["shadow"] == ("second", 0.0)


async def test_both_models_must_be_approved_and_different(house: House):
    champion = await a_champion(house)
    owner = await house.somebody(Role.MODEL_OWNER)
    candidate = await house.ports.registry.register(a_version("unproposed"), by=owner, request="r", now=NOW)
    given = {"by": owner, "request": "r", "now": TODAY}
    for challenger, error in ((candidate.id, NotApproved), (champion.id, Conflict), ("mdl_nobody", NotFound)):
        question = Question(product="consumer-credit", challenger=challenger, **EASY)
        with pytest.raises(error):
            await house.ports.experiments.plan(question, the_product(), **given)


async def test_without_a_champion_there_is_nothing_to_compare_with(house: House):
    record = await approved(house, a_version("second"))
    question = Question(product="consumer-credit", challenger=record.id, **EASY)
    owner = await house.somebody(Role.MODEL_OWNER)
    with pytest.raises(Conflict, match="nothing to compare with"):
        await house.ports.experiments.plan(question, the_product(), by=owner, request="r", now=TODAY)


async def test_a_second_one_waits_for_the_first_to_end(house: House):
    await running(house)
    second = await planned(house, challenger="third")
    with pytest.raises(Conflict, match="Another experiment"):
        await house.ports.experiments.start(second["id"], **await said(house))
    assert (await roles(house))["challenger"][0] == "second"


async def test_two_that_start_at_once_are_one(house: House):
    plans = [await planned(house, challenger=version) for version in ("second", "third")]
    word = await said(house)
    answers = await asyncio.gather(
        *(house.ports.experiments.start(row["id"], **word) for row in plans), return_exceptions=True
    )
    assert [isinstance(answer, Conflict) for answer in answers].count(True) == 1
    await house.must_verify()


async def test_none_begins_beside_a_roll_out_and_no_roll_out_beside_one(house: House):
    row = await planned(house)
    third = await approved(house, a_version("third"))
    rollout = await house.ports.rollouts.start(third.id, usual_plan(), **await said(house))
    with pytest.raises(Conflict, match=rollout):
        await house.ports.experiments.start(row["id"], **await said(house))
    await house.ports.rollouts.roll_back(rollout, **await said(house))
    await house.ports.experiments.start(row["id"], **await said(house))
    with pytest.raises(Conflict, match=row["id"]):
        await house.ports.rollouts.start(third.id, usual_plan(), **await said(house))


async def test_a_plan_against_a_former_champion_is_refused(house: House):
    row = await planned(house)
    third = await approved(house, a_version("third"))
    word = await said(house)
    await house.ports.registry.set_role(third.id, RoleName.CHAMPION, **word)
    with pytest.raises(Conflict, match="plan it anew"):
        await house.ports.experiments.start(row["id"], **word)


async def test_a_challenger_set_by_hand_is_not_pushed_aside(house: House):
    row = await planned(house)
    third = await approved(house, a_version("third"))
    word = await said(house)
    await house.ports.registry.set_role(third.id, RoleName.CHALLENGER, share=0.1, **word)
    with pytest.raises(Conflict, match="take that role from it first"):
        await house.ports.experiments.start(row["id"], **word)
    assert (await roles(house))["challenger"] == ("third", 0.1)


async def test_what_has_not_begun_cannot_be_read_and_what_ended_cannot_begin(house: House):
    row = await planned(house)
    with pytest.raises(Conflict, match="has not begun"):
        await read(house, row["id"])
    await house.ports.experiments.stop(row["id"], **await said(house))
    with pytest.raises(Conflict, match="is stopped and not planned"):
        await house.ports.experiments.start(row["id"], **await said(house))


async def test_an_unknown_experiment_is_not_found(house: House):
    with pytest.raises(NotFound):
        await house.ports.experiments.get("exp_nobody")


async def test_an_effect_that_cannot_be_is_refused_and_nothing_is_planned(house: House):
    with pytest.raises(InvalidRequest):
        await planned(house, effect=0.9)
    assert await house.rows("select 1 from experiment") == []


async def test_the_arms_are_read_once_ripe_also_after_it_was_stopped(house: House):
    before = await decided(house, at=TODAY)
    experiment = await running(house)
    bad = [await decided(house, at=TODAY, model=CHAMPION) for _ in range(12)]
    good = [await decided(house, at=TODAY, model=CHALLENGER) for _ in range(12)]
    await house.ports.experiments.stop(experiment, **await said(house, now=datetime.now(UTC)))
    after = await decided(house, at=TODAY, model=CHAMPION)
    young = await read(house, experiment, now=datetime.now(UTC))
    await ended(house, *bad, before, after, label="bad")
    await ended(house, *good, label="good")
    found = await read(house, experiment)
    assert (young.verdict, young.comparison) == (Verdict.NONE_YET, None)
    assert (found.champion.counted, found.challenger.counted) == (12, 12)
    assert found.verdict is Verdict.CHALLENGER_BETTER
    again = await read(house, experiment)
    assert len(again.looks) == 1
    assert (await house.row("select count(*) as n from ledger_entry where kind = 'experiment.looked'"))["n"] == 1
    await house.must_verify()


async def test_a_shadows_scores_are_paired_with_the_champions(house: House):
    experiment = await running(house, metric="auc", design="shadow", effect=0.2, baseline=0.6)
    row = await house.ports.experiments.get(experiment)
    for number in range(40):
        application = await decided(house, at=TODAY, probability=0.01 * (number % 7 + 1))
        await house.ports.database.run(
            "insert into prediction (product, kind, model_digest, arm, application_id, sample_probability, "
            "probability_of_default, duration_ms, scored_at) values ('consumer-credit', 'shadow', %(digest)s, "
            "'shadow', %(id)s, %(p)s, %(p)s, 1, now())",
            {"digest": row["challenger_digest"], "id": application, "p": 0.01 + 0.9 * (number % 2)},
        )
        await ended(house, application, label="bad" if number % 2 else "good")
    found = await read(house, experiment)
    assert found.comparison is not None
    assert found.comparison.challenger == 1.0
    assert found.champion.counted == 40


async def test_an_experiment_altered_behind_the_ledgers_back_is_found(house: House):
    await planned(house)
    with psycopg.connect(house.database.owner_url, autocommit=True) as owner:
        owner.execute("update experiment set state = 'running'")
    await house.ports.sealer.seal_once()
    assert "experiment" in str((await house.ports.verifier.verify()).problem)
