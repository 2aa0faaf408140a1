"""Consent, flags and addresses over HTTP; texts proposed and approved by two; callbacks that prove themselves."""

import json
import time
import uuid
from typing import Any

import httpx
import pytest

from plimsoll.adapters.messages.webhook import signature
from plimsoll.domain.access import Role
from tests.house import bearer, problem_of
from tests.reaching import approve_templates, somebody
from tests.starter.conftest import Door


async def put(door: Door, customer: str, role: Role = Role.COLLECTOR, **change: Any) -> httpx.Response:
    body = {"reason": "as told by the customer"} | change
    return await door.client.put(
        f"/v1/customers/{customer}/contact?new=true", json=body, headers=bearer(door.keys[role])
    )


async def shown(door: Door, customer: str) -> dict[str, Any]:
    answer = await door.get(f"/v1/customers/{customer}/contact")
    assert answer.status_code == 200, answer.text
    return answer.json()


# Profiles ------------------------------------------------------------------------------------------


async def test_a_profile_is_written_in_parts_and_shown_masked(door: Door):
    customer = uuid.uuid4().hex
    assert (await put(door, customer, **somebody())).status_code == 200
    assert (await put(door, customer, preferred="email", add_flags=["complaint"])).status_code == 200
    found = await shown(door, customer)
    assert (found["zone"], found["preferred"], found["flags"]) == ("America/New_York", "email", ["complaint"])
    assert found["addresses"]["email"].startswith("a…@e")
    assert "+1212555" not in json.dumps(found)
    assert found["permitted_now"]["sms"]["rule"] == "flag_complaint"
    assert found["used"]["calls_in_7_days"] == "0 of 7"


async def test_consent_says_who_noted_it_and_what_it_rests_on(door: Door):
    customer = uuid.uuid4().hex
    await put(door, customer, consent={"sms": True}, evidence="form 12")
    await put(door, customer, consent={"sms": False})
    consent = (await shown(door, customer))["consent"]["sms"]
    assert (consent["granted"], consent["evidence"]) == (False, "")
    entries = await door.house.rows(
        "select kind from ledger_entry where kind like 'consent.%%' "
        "and convert_from(body, 'UTF8')::jsonb ->> 'about' = %(about)s order by id",
        about=f"{(await shown(door, customer))['person']}/sms",
    )
    assert [entry["kind"] for entry in entries] == ["consent.given", "consent.withdrawn"]


async def test_an_opt_out_told_to_a_person_closes_every_channel(door: Door):
    customer = uuid.uuid4().hex
    await put(door, customer, **somebody())
    answer = await door.post(
        f"/v1/customers/{customer}/contact/opt-out", Role.COLLECTOR, {"reason": "said so by telephone"}
    )
    assert {ruling["rule"] for ruling in answer.json()["permitted_now"].values()} == {"opted_out"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"addresses": {"sms": "call me"}}, "not a number"),
        ({"addresses": {"email": "ada@"}}, "not an address"),
        ({"addresses": {"email": "ada@example.org\r\nBcc: x@y.org"}}, "not an address"),
        ({"zone": "Berlin"}, "time zone"),
        ({"flags": ["angry"]}, "Input should be"),
        ({"addresses": {"fax": "1"}}, "Input should be"),
    ],
)
async def test_what_cannot_be_used_is_named(door: Door, change: dict[str, Any], problem: str):
    answer = await put(door, uuid.uuid4().hex, **change)
    assert answer.status_code == 422
    assert problem in answer.text


async def test_who_nobody_knows_is_not_found_and_who_may_not_is_refused(door: Door):
    assert (await door.get("/v1/customers/nobody-at-all/contact")).status_code == 404
    assert (await put(door, "x", Role.ANALYST)).status_code == 403


async def test_a_mistyped_id_makes_nobody(door: Door):
    headers, customer = bearer(door.keys[Role.COLLECTOR]), uuid.uuid4().hex
    said = {"consent": {"sms": True}, "reason": "as told by the customer"}
    changed = await door.client.put(f"/v1/customers/{customer}/contact", json=said, headers=headers)
    opted_out = await door.post(
        f"/v1/customers/{customer}/contact/opt-out", Role.COLLECTOR, {"reason": "said so by telephone"}
    )
    assert [changed.status_code, opted_out.status_code] == [404, 404]
    assert "--new" in problem_of(changed)["detail"]
    assert (await door.get(f"/v1/customers/{customer}/contact")).status_code == 404


async def test_many_profiles_are_written_at_once(door: Door):
    customers = [uuid.uuid4().hex for _ in range(3)]
    body = {"contacts": [{"customer": customer, "reason": "first load"} | somebody() for customer in customers]}
    answer = await door.post("/v1/contacts", Role.ADMIN, body)
    assert answer.json() == {"written": 3}
    assert (await shown(door, customers[2]))["known"]


# Templates -----------------------------------------------------------------------------------------


def a_text(**changed: Any) -> dict[str, Any]:
    said = {"text": "{lender}: hello. {opt_out}"}
    given = {"name": f"sms-{uuid.uuid4().hex[:8]}", "version": 1, "channel": "sms", "purpose": "reminder"}
    return given | {"texts": {"en": said, "de": said}} | changed


async def propose(door: Door, template: dict[str, Any], role: Role = Role.COLLECTOR) -> httpx.Response:
    return await door.post("/v1/message-templates", role, {"template": template, "reason": "a new text"})


async def approve(door: Door, template: dict[str, Any], role: Role = Role.COMPLIANCE, **more: Any) -> httpx.Response:
    path = f"/v1/message-templates/{template['name']}/{template['version']}/approve"
    return await door.post(path, role, {"reason": "read it twice"} | more)


async def test_a_text_needs_two_people(door: Door):
    template = a_text()
    assert (await propose(door, template, Role.COMPLIANCE)).json()["state"] == "proposed"
    own = await approve(door, template)
    assert (own.status_code, problem_of(own)["code"]) == (403, "own_proposal")
    other = await door.house.key_for(Role.COMPLIANCE)
    path = f"/v1/message-templates/{template['name']}/1/approve"
    answer = await door.client.post(path, json={"reason": "read it twice"}, headers=bearer(other))
    assert answer.json()["state"] == "approved"


async def test_other_words_under_the_same_version_are_refused(door: Door):
    template = a_text()
    await propose(door, template)
    assert (await propose(door, template)).status_code == 201
    changed = await propose(door, template | {"purpose": "offer"})
    assert (changed.status_code, problem_of(changed)["code"]) == (409, "template_changed")
    stale = await approve(door, template, digest="0" * 64)
    assert (stale.status_code, problem_of(stale)["code"]) == (409, "template_changed")


async def test_a_text_that_threatens_is_not_even_proposed(door: Door):
    threat = {"text": "Pay, or we meet in court. {opt_out}"}
    answer = await propose(door, a_text(texts={"en": threat, "de": threat}))
    assert answer.status_code == 422
    assert "threatens" in answer.text


# Callbacks -----------------------------------------------------------------------------------------


async def call_back(door: Door, *, secret: str | None = None, at: int | None = None, **event: Any) -> httpx.Response:
    known = (door.house.settings.secrets / "gateway_callbacks").read_text().strip()
    body = json.dumps({"id": uuid.uuid4().hex} | event).encode()
    headers = {"gateway-signature": signature(secret or known, body, at or int(time.time()))}
    return await door.client.post("/v1/callbacks/sandbox-sms", content=body, headers=headers)


async def test_a_signed_callback_is_heard_and_the_same_again_is_known(door: Door):
    customer, change = uuid.uuid4().hex, somebody()
    await put(door, customer, **change)
    event = {"id": uuid.uuid4().hex, "type": "answer", "from": change["addresses"]["sms"], "text": "Stop"}
    answers = [await call_back(door, **event) for _ in range(3)]
    assert [answer.json()["heard"] for answer in answers] == [["new"], ["repeated"], ["repeated"]]
    assert (await shown(door, customer))["permitted_now"]["email"]["rule"] == "opted_out"


@pytest.mark.parametrize("wrong", [{"secret": "somebody else's"}, {"at": int(time.time()) - 3600}, {"at": 1}])
async def test_a_forged_or_old_callback_is_refused(door: Door, wrong: dict[str, Any]):
    answer = await call_back(door, type="answer", text="Stop", **wrong)
    assert (answer.status_code, problem_of(answer)["code"]) == (401, "callback_forged")


async def test_a_callback_without_a_signature_or_with_an_altered_body_is_refused(door: Door):
    bare = await door.client.post("/v1/callbacks/sandbox-sms", content=b"{}")
    known = (door.house.settings.secrets / "gateway_callbacks").read_text().strip()
    signed = signature(known, b'{"id": "1"}', int(time.time()))
    altered = await door.client.post(
        "/v1/callbacks/sandbox-sms", content=b'{"id": "2"}', headers={"gateway-signature": signed}
    )
    assert (bare.status_code, altered.status_code) == (401, 401)


@pytest.mark.parametrize("event", [{}, {"type": "party"}, {"type": "answer"}, {"type": "receipt", "status": "lost"}])
async def test_a_signed_callback_that_says_nothing_is_a_mistake_of_the_caller(door: Door, event: dict[str, Any]):
    assert (await call_back(door, **event)).status_code == 400


async def test_a_callback_about_nobody_of_ours_is_taken_and_changes_nothing(door: Door):
    answer = await call_back(door, type="receipt", key="con_nobody", message="msg_1", status="delivered")
    assert answer.json() == {"heard": ["nobody"]}


async def test_a_gateway_nobody_uses_is_not_found(door: Door):
    assert (await door.client.post("/v1/callbacks/pigeon", content=b"{}")).status_code == 404


async def test_after_all_of_it_the_ledger_verifies(door: Door):
    await approve_templates(door.house)
    await door.house.must_verify()


async def test_a_region_and_a_channel_that_are_none_are_named_as_they_were_written(door: Door):
    answer = await put(door, uuid.uuid4().hex, region="atlantis", consent={"fax": True})
    fields = problem_of(answer)["fields"]
    assert {each["field"]: each["problem"] for each in fields} == {
        "region": "'atlantis' is no region: write a country or state, like de, us or us-fl",
        "consent.fax": "Input should be 'sms', 'email', 'voice' or 'push'",
    }
