"""Scores without a case, over HTTP: the same figures as in a case, each logged before it is answered."""

from typing import Any

import pytest

from plimsoll.domain.access import Role
from tests.builders import a_sound_application
from tests.house import problem_of
from tests.starter.conftest import Door

PRODUCT = "consumer-credit"


async def features_of_a_case(door: Door) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the model read of a decided case, and the decision."""
    decided = await door.decided(a_sound_application())
    case = (await door.get(f"/v1/applications/{decided['id']}/trace")).json()
    return case["score_details"]["features"], case


async def ask(door: Door, features: dict[str, Any], role: Role = Role.CHANNEL, **more: Any) -> Any:
    return await door.post("/v1/scores", role, {"product": PRODUCT, "features": features, **more})


async def test_a_score_is_the_one_a_case_would_get_with_model_and_policy_pinned(door: Door):
    features, case = await features_of_a_case(door)
    answer = (await ask(door, features, reasons=True)).json()
    assert answer["sample_probability"] == pytest.approx(case["sample_probability"], abs=1e-12)
    assert answer["probability_of_default"] == pytest.approx(case["probability_of_default"], abs=1e-12)
    assert [r["code"] for r in answer["reasons"]] == [r["code"] for r in case["score_details"]["reasons"]]
    assert (answer["model"]["digest"], answer["policy"]["digest"]) == (
        case["model"]["digest"],
        case["policy"]["digest"],
    )


async def test_what_is_not_known_is_what_it_is_in_a_case_too(door: Door):
    features, _ = await features_of_a_case(door)
    known, unknown = [(await ask(door, given)).json() for given in (features, features | {"savings_band": None})]
    assert unknown["probability_of_default"] != known["probability_of_default"]
    assert 0 < unknown["probability_of_default"] < 1


async def test_every_score_is_in_the_log_without_the_callers_own_reference(door: Door):
    features, _ = await features_of_a_case(door)
    before = (await door.house.row("select count(*) as n from prediction"))["n"]
    answer = (await ask(door, features, subject="Gudrun Guthaben, 12 April 1984")).json()
    row = await door.house.row("select * from prediction order by id desc limit 1")
    assert (await door.house.row("select count(*) as n from prediction"))["n"] == before + 1
    assert row["probability_of_default"] == answer["probability_of_default"]
    assert (row["kind"], row["features"]) == ("api", features)
    assert b"Gudrun" not in bytes(row["subject"])


async def test_a_number_outside_training_is_answered_and_said(door: Door):
    features, _ = await features_of_a_case(door)
    answer = (await ask(door, features | {"amount": 9_000_000})).json()
    assert answer["warnings"][0].startswith("amount is 9e+06, outside the ")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"amount": "plenty"}, "is not a number"),
        ({"savings_band": "under_the_bed"}, "is none of the values the model knows: unknown_or_none, under_100"),
        ({"sex": "f"}, "is not a feature of this model"),
    ],
)
async def test_what_does_not_fit_is_refused_by_its_name(door: Door, change: dict[str, Any], problem: str):
    features, _ = await features_of_a_case(door)
    answer = await ask(door, features | change)
    assert answer.status_code == 422
    found = problem_of(answer)["fields"][0]
    assert found["field"] == f"features.{next(iter(change))}"
    assert problem in found["problem"]


async def test_a_feature_left_out_is_not_guessed(door: Door):
    features, _ = await features_of_a_case(door)
    answer = await ask(door, {name: value for name, value in features.items() if name != "amount"})
    assert problem_of(answer)["fields"] == [
        {"field": "features.amount", "problem": "is missing: send null when it is not known"}
    ]


@pytest.mark.parametrize(
    "body", [{}, {"product": PRODUCT}, {"product": 1, "features": []}, {"product": PRODUCT, "features": {}, "x": 1}]
)
async def test_a_question_that_is_none_says_what_it_lacks(door: Door, body: dict[str, Any]):
    answer = await door.post("/v1/scores", Role.CHANNEL, body)
    assert answer.status_code == 422
    assert problem_of(answer)["fields"]


async def test_who_only_reads_may_not_ask(door: Door):
    assert (await ask(door, {}, role=Role.ANALYST)).status_code == 403


async def test_an_unknown_product_is_named(door: Door):
    answer = await door.post("/v1/scores", Role.CHANNEL, {"product": "mortgage", "features": {}})
    assert answer.status_code == 404
    assert "mortgage" in problem_of(answer)["detail"]


async def test_a_batch_answers_row_by_row_as_one_by_one(door: Door):
    features, _ = await features_of_a_case(door)
    rows = [{"features": features | {"amount": amount}} for amount in (1000, 4000, 9000)]
    batch = (
        await door.post("/v1/scores/batch", Role.CHANNEL, {"product": PRODUCT, "rows": rows, "reasons": True})
    ).json()
    alone = [(await ask(door, row["features"], reasons=True)).json() for row in rows]
    assert batch["data"] == alone


async def test_rows_that_do_not_fit_refuse_the_batch_each_named_and_nothing_is_logged(door: Door):
    features, _ = await features_of_a_case(door)
    before = (await door.house.row("select count(*) as n from prediction"))["n"]
    rows = [{"features": features}, {"features": features | {"amount": "x"}}, {"features": {}}]
    answer = await door.post("/v1/scores/batch", Role.CHANNEL, {"product": PRODUCT, "rows": rows})
    named = {found["field"].partition(".")[0] for found in problem_of(answer)["fields"]}
    assert named == {"rows[1]", "rows[2]"}
    assert (await door.house.row("select count(*) as n from prediction"))["n"] == before
