"""Each fault as a caller sees it, and what the journal says the source did."""

import httpx
import pytest

from tests.sandbox.asking import a_key, ask_bureau, question
from tests.sandbox_process import SandboxProcess

IMPATIENT = 1.0


def test_a_timeout_never_answers_and_does_nothing(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="timeout")
    key = a_key()
    with pytest.raises(httpx.ReadTimeout):
        ask_impatiently(sandbox, key)

    assert last_entry(sandbox, key) == ("fault", "timeout", None)


def test_done_then_timeout_does_the_work_and_keeps_the_answer(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="done_then_timeout", times=1)
    key = a_key()
    with pytest.raises(httpx.ReadTimeout):
        ask_impatiently(sandbox, key)

    assert last_entry(sandbox, key) == ("fresh", "done_then_timeout", None)
    assert ask_bureau(sandbox, key=key).headers["idempotency-replayed"] == "true"


def test_done_then_timeout_leaves_the_question_after_a_key_alone(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="done_then_timeout")
    key = a_key()
    with pytest.raises(httpx.ReadTimeout):
        ask_impatiently(sandbox, key)

    assert sandbox.switchboard.get("/bureau/reports", params={"key": key}).status_code == 200


def test_a_slow_source_answers_in_the_end(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="slow", delay_seconds=0.2)
    key = a_key()

    assert ask_bureau(sandbox, key=key).status_code == 200
    assert last_entry(sandbox, key) == ("fresh", "slow", 200)


def test_refusing_closes_the_connection_without_a_word(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="refuse")
    key = a_key()
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        ask_bureau(sandbox, key=key)

    assert last_entry(sandbox, key) == ("fault", "refuse", None)


def test_429_says_when_to_come_back(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="429", retry_after=7)
    answer = ask_bureau(sandbox)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_500_does_nothing(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="500")
    key = a_key()

    assert ask_bureau(sandbox, key=key).status_code == 500
    assert last_entry(sandbox, key) == ("fault", "500", 500)


def test_wrong_person_is_a_proper_answer_about_somebody_else(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="wrong_person")
    report = ask_bureau(sandbox, "SGC-0001").json()

    assert report["subject"]["reference"] == "SOMEBODY-ELSE"


def test_garbage_comes_in_turn_unless_one_sort_is_named(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="garbage")
    broken, wrong, huge = (ask_bureau(sandbox) for _ in range(3))

    with pytest.raises(ValueError, match=r"Unterminated string"):
        broken.json()
    assert wrong.json()["subject"] == 17
    assert len(huge.content) > 8_000_000
    with pytest.raises(httpx.RemoteProtocolError):
        ask_bureau(sandbox)  # truncated


def test_a_fault_for_one_person_leaves_the_others_alone(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="500", reference="SGC-0007")

    assert ask_bureau(sandbox, "SGC-0007").status_code == 500
    assert ask_bureau(sandbox, "SGC-0008").status_code == 200


def test_a_fault_with_times_is_spent_after_them(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="500", times=2)

    assert [ask_bureau(sandbox).status_code for _ in range(3)] == [500, 500, 200]
    assert sandbox.switchboard.get("/_faults").json() == []


def test_the_same_seed_spreads_a_share_the_same_way(sandbox: SandboxProcess):
    runs = []
    for _ in range(2):
        sandbox.fault("bureau", kind="500", share=0.5, seed=3)
        runs.append([ask_bureau(sandbox).status_code for _ in range(20)])

    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_lifting_the_faults_of_one_source_keeps_those_of_another(sandbox: SandboxProcess):
    sandbox.fault("bureau", kind="500")
    sandbox.fault("bank", kind="500")
    sandbox.switchboard.delete("/_faults/bureau")

    assert [fault["source"] for fault in sandbox.switchboard.get("/_faults").json()] == ["bank"]


def test_an_unknown_source_or_kind_is_refused_by_name(sandbox: SandboxProcess):
    nowhere = sandbox.switchboard.put("/_faults/astrologer", json={"kind": "500"})
    nothing = sandbox.switchboard.put("/_faults/bureau", json={"kind": "sulking"})

    assert (nowhere.status_code, nothing.status_code) == (404, 422)
    assert "bureau" in nowhere.json()["detail"]


def test_a_source_over_its_limit_asks_for_patience(sandbox: SandboxProcess):
    sandbox.limit("bureau", per_second=0.001)

    assert [ask_bureau(sandbox).status_code for _ in range(3)] == [200, 429, 429]


def test_the_late_vendor_is_late_twice_under_each_key_and_then_fine(sandbox: SandboxProcess):
    key = a_key()
    for _ in range(2):
        with pytest.raises(httpx.ReadTimeout):
            ask_late_vendor(sandbox, key)

    assert ask_late_vendor(sandbox, key).status_code == 200


@pytest.mark.parametrize(
    ("reference", "field", "value"),
    [
        ("PERSONA-THIN-FILE", "no_file", True),
        ("PERSONA-FRAUD-HIT", "fraud_alert", "extended"),
        ("PERSONA-WRONG-FILE", "subject", {"reference": "SOMEBODY-ELSE", "date_of_birth": "1950-01-01"}),
    ],
)
def test_a_persona_shows_its_situation_at_the_bureau(sandbox: SandboxProcess, reference, field, value):
    assert ask_bureau(sandbox, reference).json()[field] == value


def test_the_bureau_is_always_down_for_the_persona_named_so(sandbox: SandboxProcess):
    assert {ask_bureau(sandbox, "PERSONA-BUREAU-DOWN").status_code for _ in range(3)} == {500}


def ask_impatiently(sandbox: SandboxProcess, key: str) -> httpx.Response:
    return sandbox.switchboard.post(
        "/bureau/reports", json=question(), headers={"Idempotency-Key": key}, timeout=IMPATIENT
    )


def ask_late_vendor(sandbox: SandboxProcess, key: str) -> httpx.Response:
    return sandbox.switchboard.post(
        "/bank/accounts/balance/get",
        json={"access_token": "access-sandbox-PERSONA-LATE-VENDOR"},
        headers={"Idempotency-Key": key},
        timeout=IMPATIENT,
    )


def last_entry(sandbox: SandboxProcess, key: str) -> tuple[str, str, int | None]:
    entry = sandbox.requests(key=key)[-1]
    return entry["served"], entry["fault"], entry["status"]
