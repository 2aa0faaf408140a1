"""POST /v1/applications and what one can ask of an application: every status interfaces.md promises."""

import asyncio
import json
from typing import Any

import pytest

from plimsoll.domain.access import Role
from tests.applicants import EACH_ASKED_ONCE
from tests.builders import a_minors_application, a_referred_application, a_sound_application, raw
from tests.house import bearer, problem_of
from tests.starter.conftest import Door
from tests.starter.test_strict_json import POISON


async def test_decided_in_time_is_201_with_the_decision(door: Door):
    answer = await door.apply(a_sound_application(), prefer="wait=20")
    assert answer.status_code == 201
    decided = answer.json()
    assert (decided["status"], decided["outcome"]) == ("decided", "approve")
    assert answer.headers["location"] == f"/v1/applications/{decided['id']}"


async def test_not_waited_for_is_202_with_where_to_look(door: Door):
    answer = await door.apply(a_sound_application())
    assert (answer.status_code, answer.json()["status"]) == (202, "received")
    found = await door.get(answer.headers["location"], Role.CHANNEL)
    assert found.json()["id"] == answer.json()["id"]


async def test_a_referred_application_is_202_at_once_and_not_when_the_wait_is_over(door: Door):
    answer = await door.apply(a_referred_application(), prefer="wait=20")
    assert (answer.status_code, answer.json()["status"]) == (202, "review")
    assert answer.json()["review"]["state"] == "open"


async def test_a_repeated_key_is_200_with_the_first_answer_marked_as_such(door: Door):
    body = a_sound_application()
    first = await door.decided(body)
    again = await door.apply(body)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.json() == first


async def test_fifty_submissions_at_once_under_one_key_are_one_application(door: Door):
    """F14."""
    body = a_sound_application()
    answers = await asyncio.gather(*(door.apply(body, prefer="wait=20") for _ in range(50)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [201]
    assert door.house.fresh_inquiries(body) == EACH_ASKED_ONCE


async def test_a_key_used_with_another_body_is_422(door: Door):
    body = a_sound_application()
    await door.apply(body, key="reused")
    refused = await door.apply(a_sound_application(), key="reused")
    assert (refused.status_code, problem_of(refused)["code"]) == (422, "idempotency_key_reused")


async def test_without_a_key_it_is_400(door: Door):
    answer = await door.client.post(
        "/v1/applications", content=raw(a_sound_application()), headers=bearer(door.keys[Role.CHANNEL])
    )
    assert (answer.status_code, problem_of(answer)["code"]) == (400, "invalid_request")
    assert "Idempotency-Key" in problem_of(answer)["detail"]


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
async def test_poison_is_400_and_the_next_caller_is_served(door: Door, poison: bytes):
    """F18."""
    headers = bearer(door.keys[Role.CHANNEL], **{"idempotency-key": "poison"})
    answer = await door.client.post("/v1/applications", content=poison, headers=headers)
    assert (answer.status_code, problem_of(answer)["code"]) == (400, "invalid_request")
    assert (await door.client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": "-5"}, "amount"),
        ({"currency": "EUR"}, "currency"),
        ({"surprise": 1}, "surprise"),
        ({"decision": "approve"}, "decision"),
        ({"jurisdiction": "D\x00"}, "jurisdiction"),
        ({"applicant": {"name": "a\x00b"}}, "applicant.name"),
    ],
)
async def test_wrong_fields_are_422_and_named(door: Door, change: dict, field: str):
    answer = await door.apply(a_sound_application(**change))
    problem = problem_of(answer)
    assert (answer.status_code, problem["code"]) == (422, "fields_invalid")
    assert [found["field"] for found in problem["fields"]] == [field]


async def test_a_missing_product_is_a_field_and_an_unknown_one_404(door: Door):
    body = a_sound_application()
    without = {name: value for name, value in body.items() if name != "product"}
    assert problem_of(await door.apply(without))["fields"][0]["field"] == "product"
    unknown = await door.apply({**body, "product": "moon-mortgage"})
    assert (unknown.status_code, problem_of(unknown)["code"]) == (404, "not_found")
    assert "consumer-credit" in problem_of(unknown)["detail"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_413_before_it_is_read_as_json(door: Door, chunked: bool):
    big = b'{"padding": "' + b"x" * (300 * 1024) + b'"}'

    async def drops():
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    headers = bearer(door.keys[Role.CHANNEL], **{"idempotency-key": "big"})
    answer = await door.client.post("/v1/applications", content=drops() if chunked else big, headers=headers)
    assert (answer.status_code, problem_of(answer)["code"]) == (413, "too_large")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"},
                                    {"Authorization": "Bearer plk_a_b"}, {"X-User": "admin"}])  # fmt: skip
async def test_without_a_valid_key_it_is_401_and_says_how_to_sign_in(door: Door, header: dict):
    answer = await door.client.post("/v1/applications", content=b"{}", headers=header)
    assert (answer.status_code, problem_of(answer)["code"]) == (401, "not_signed_in")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_in_the_query_string_is_not_looked_at(door: Door):
    answer = await door.client.get("/v1/applications", params={"access_token": door.keys[Role.ADMIN]})
    assert answer.status_code == 401


async def test_an_age_under_eighteen_is_a_decline_with_its_reason_and_no_error(door: Door):
    decided = await door.decided(a_minors_application())
    assert (decided["outcome"], decided["outcome_source"], decided["adverse_action"]) == ("decline", "rule", True)
    assert [reason["code"] for reason in decided["reasons"]] == ["under_contract_age"]


# Reading ------------------------------------------------------------------------------------------


async def test_the_decision_object_has_every_field_of_the_promise(door: Door):
    decided = await door.decided(a_sound_application())
    promised = {
        "id", "application_id", "external_id", "product", "jurisdiction", "round", "status", "waiting_on", "outcome",
        "outcome_source", "adverse_action", "score", "probability_of_default", "expected_loss", "uncertainty",
        "reasons", "rule_hits", "terms", "policy", "model", "review", "override", "notices", "parties", "flags",
        "missing_sources", "shariah", "timings", "links",
    }  # fmt: skip
    assert promised <= set(decided)
    assert {"accepted_at", "completed_at", "decided_at", "processing_ms", "steps"} == set(decided["timings"])
    assert set(decided["model"]) >= {"name", "version", "digest"}
    assert set(decided["terms"]) >= {"amount", "currency", "term_months", "apr", "payment", "fees", "total_cost"}


async def test_the_trace_has_every_step_the_versions_and_the_ledger(door: Door):
    decided = await door.decided(a_sound_application())
    trace = (await door.get(f"/v1/applications/{decided['id']}/trace")).json()
    assert [step["step"] for step in trace["steps"]] == ["screen", "pull", "pull", "pull", "score", "decide", "record"]
    kinds = [entry["kind"] for entry in trace["ledger"]]
    assert (kinds[0], kinds[-1]) == ("application.received", "decision.made")
    assert all(entry["actor"] and entry["reason"] and entry["request"] for entry in trace["ledger"])


async def test_what_identifies_or_is_protected_is_not_shown_to_a_reviewer(door: Door):
    body = a_sound_application(applicant={"name": "Canary Kanarienvogel", "date_of_birth": "1971-03-09"})
    decided = (await door.apply(body, prefer="wait=20")).json()
    case = (await door.get(f"/v1/applications/{decided['id']}/case", Role.REVIEWER)).text
    assert "Canary" not in case
    assert "1971-03-09" not in case


async def test_somebody_elses_application_is_404_to_a_channel(door: Door):
    decided = await door.decided(a_sound_application())
    other = await door.house.key_for(Role.CHANNEL)
    for path in ("", "/withdraw"):
        url = f"/v1/applications/{decided['id']}{path}"
        answer = await (
            door.client.post(url, json={"reason": "x"}, headers=bearer(other))
            if path
            else door.client.get(url, headers=bearer(other))
        )
        assert answer.status_code == 404
    listed = await door.client.get("/v1/applications", headers=bearer(other))
    assert listed.json()["data"] == []


@pytest.mark.parametrize("path", ["/v1/applications/app_unknown", "/v1/applications/app_%00", "/v1/applications/%ff",
                                  "/v1/applications/app_unknown/trace", "/v1/reviews/rev_unknown", "/v1/nothing",
                                  "/v1/products/nothing", "/v1/applications/app_unknown/workflow"])  # fmt: skip
async def test_what_is_not_there_is_a_404_or_400_problem(door: Door, path: str):
    answer = await door.get(path)
    assert answer.status_code in (404, 400)
    assert problem_of(answer)["code"] in ("not_found", "invalid_request")


@pytest.mark.parametrize(
    "query", ["external_id=%00", "limit=0", "limit=101", "limit=x", "status=odd", "outcome=maybe", "after=%00"]
)
async def test_a_senseless_filter_is_the_callers_mistake(door: Door, query: str):
    answer = await door.get(f"/v1/applications?{query}")
    assert answer.status_code in (400, 422)
    problem_of(answer)


async def test_a_list_continues_where_its_page_ended(door: Door):
    made = [(await door.apply(a_minors_application())).json()["id"] for _ in range(5)]
    seen: list[str] = []
    after: str | None = None
    while True:
        query: dict[str, Any] = {"limit": 2} | ({"after": after} if after else {})
        page = (await door.get("/v1/applications", Role.CHANNEL, params=query)).json()
        seen += [item["id"] for item in page["data"]]
        if not page["has_more"]:
            break
        after = page["after"]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen))
    assert set(made) <= set(seen)


async def test_a_list_is_filtered_by_outcome_status_and_external_id(door: Door):
    body = a_minors_application()
    decided = await door.decided(body)
    for query in ({"external_id": body["external_id"]}, {"outcome": "decline"}, {"status": "decided"}):
        listed = (await door.get("/v1/applications", params=query)).json()["data"]
        assert decided["id"] in {item["id"] for item in listed}
    assert (await door.get("/v1/applications", params={"external_id": "nobody's"})).json()["data"] == []


async def test_the_run_of_an_application_is_shown_live(door: Door):
    answer = await door.apply(a_referred_application(), prefer="wait=20")
    state = await door.get(f"/v1/applications/{answer.json()['id']}/workflow")
    assert (state.status_code, state.json()["status"]) == (200, "running")
    assert state.json()["workflow_id"] == f"underwrite/{answer.json()['id']}/1"


# Withdrawing --------------------------------------------------------------------------------------


async def test_an_undecided_application_is_withdrawn_once_and_stays_so(door: Door):
    made = (await door.apply(a_referred_application(), prefer="wait=20")).json()
    url = f"/v1/applications/{made['id']}/withdraw"
    for _ in range(2):
        answer = await door.post(url, Role.CHANNEL, {"reason": "changed my mind"})
        assert (answer.status_code, answer.json()["status"]) == (200, "withdrawn")


async def test_a_decided_application_cannot_be_withdrawn(door: Door):
    decided = await door.decided(a_minors_application())
    answer = await door.post(f"/v1/applications/{decided['id']}/withdraw", Role.CHANNEL, {"reason": "x"})
    assert (answer.status_code, problem_of(answer)["code"]) == (409, "application_closed")
    assert problem_of(answer)["application_status"] == "decided"


@pytest.mark.parametrize(
    "body",
    [None, {}, {"reason": ""}, {"reason": "x" * 201}, {"reason": "a\x00"}, {"because": "x"},
     {"reason": "x", "status": "decided"}, [], "x"],
)  # fmt: skip
async def test_a_withdrawal_without_a_proper_reason_is_refused(door: Door, body: Any):
    made = (await door.apply(a_referred_application(), prefer="wait=20")).json()
    answer = await door.post(f"/v1/applications/{made['id']}/withdraw", Role.CHANNEL, body)
    assert answer.status_code in (400, 422)
    problem_of(answer)
    assert (await door.get(f"/v1/applications/{made['id']}")).json()["status"] == "review"


# Around every request -----------------------------------------------------------------------------


async def test_every_answer_carries_a_request_id_and_takes_the_callers(door: Door):
    made = await door.client.get("/healthz")
    assert made.headers["request-id"].startswith("req_")
    given = await door.client.get("/healthz", headers={"x-request-id": "mine-1"})
    assert given.headers["request-id"] == "mine-1"
    hostile = await door.client.get("/healthz", headers={"x-request-id": "a b\tc" * 50})
    assert hostile.headers["request-id"].startswith("req_")


async def test_the_request_id_is_on_record_with_what_the_request_did(door: Door):
    answer = await door.apply(a_minors_application(), prefer="wait=20", **{"x-request-id": "trace-me"})
    trace = (await door.get(f"/v1/applications/{answer.json()['id']}/trace")).json()
    assert {entry["request"] for entry in trace["ledger"]} == {"trace-me"}


async def test_an_unforeseen_error_is_a_500_without_a_word_about_people(door: Door, monkeypatch):
    async def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("Gudrun Guthaben")

    monkeypatch.setattr(door.client.app.state.running.ports.reading.__class__, "case", broken)  # type: ignore[attr-defined]
    answer = await door.get("/v1/applications/app_1")
    assert (answer.status_code, problem_of(answer)["code"]) == (500, "internal_error")
    assert "Gudrun" not in answer.text


async def test_metrics_count_requests_by_route_and_never_by_path(door: Door):
    await door.get("/v1/applications/app_secret_path")
    metrics = (await door.client.get("/metrics")).text
    assert 'plimsoll_http_requests_total{method="GET",route="/v1/applications/{application}"' in metrics
    assert "app_secret_path" not in metrics


async def test_everything_accepted_here_ends_in_one_decision_or_with_a_person(door: Door):
    """I1, I2, I5: the accounting every run ends with."""
    for listed in (await door.get("/v1/applications", Role.ADMIN, params={"limit": 100})).json()["data"]:
        if listed["status"] not in ("review", "withdrawn"):
            await door.house.until_closed(listed["id"])
            assert len(await door.house.decisions(listed["id"])) == 1
    await door.house.must_verify()
    verified = await door.get("/v1/ledger/verification", Role.AUDITOR)
    assert verified.json()["ok"] is True
    assert json.dumps(verified.json())
