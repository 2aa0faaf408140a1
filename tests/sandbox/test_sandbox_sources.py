"""What each source answers, asked over HTTP."""

import pytest

from tests.sandbox.asking import a_key, ask_bank, ask_bureau, ask_registry, ask_telecom
from tests.sandbox_process import SandboxProcess


def test_the_bureau_answers_about_a_real_person_from_its_own_records(sandbox: SandboxProcess):
    report = ask_bureau(sandbox, "SGC-0001", date_of_birth="1901-01-01").json()

    assert report["subject"] == {"reference": "SGC-0001", "date_of_birth": "2004-05-30"}
    assert report["repayment_history"] == "all_here_repaid"
    assert report["other_plans"] == "none"
    assert "score" not in report


def test_the_bureau_believes_what_it_is_told_about_a_generated_person(sandbox: SandboxProcess):
    report = ask_bureau(sandbox, "GEN-42", date_of_birth="1991-03-03").json()

    assert report["subject"] == {"reference": "GEN-42", "date_of_birth": "1991-03-03"}
    assert 300 <= report["score"] <= 850


def test_the_bureau_says_what_became_of_a_key(sandbox: SandboxProcess):
    key = a_key()
    report = ask_bureau(sandbox, key=key)

    assert sandbox.switchboard.get("/bureau/reports", params={"key": key}).content == report.content


def test_the_bureau_knows_nothing_of_a_key_that_never_arrived(sandbox: SandboxProcess):
    answer = sandbox.switchboard.get("/bureau/reports", params={"key": a_key()})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_key")


def test_the_registry_finds_nothing_against_a_real_person(sandbox: SandboxProcess):
    search = ask_registry(sandbox).json()

    marks = ("identity_confirmed", "sanctions_hit", "insolvent", "deceased")
    assert [search[mark] for mark in marks] == [True, False, False, False]


def test_the_telephone_company_has_no_real_customers(sandbox: SandboxProcess):
    assert ask_telecom(sandbox, "SGC-0001").status_code == 404


def test_the_telephone_company_keeps_no_keys(sandbox: SandboxProcess):
    key = a_key()
    first, second = ask_telecom(sandbox, "GEN-1", key), ask_telecom(sandbox, "GEN-1", key)

    assert "idempotency-replayed" not in second.headers
    assert first.json()["on_time_rate"] == second.json()["on_time_rate"]


def test_a_bank_account_is_opened_by_way_of_link_and_public_token(sandbox: SandboxProcess):
    link = ask_bank(sandbox, "link/token/create", user={"client_user_id": "SGC-0005"})
    access = ask_bank(sandbox, "item/public_token/exchange", public_token=link["public_token"])

    assert access["access_token"] == "access-sandbox-SGC-0005"


def test_the_bank_shows_balances_as_decimal_text(sandbox: SandboxProcess):
    accounts = ask_bank(sandbox, "accounts/balance/get", access_token="access-sandbox-PERSONA-GOOD")["accounts"]

    assert [account["subtype"] for account in accounts] == ["checking", "savings"]
    assert all(isinstance(account["balances"]["current"], str) for account in accounts)
    assert accounts[0]["salary_account_since"] < "2025-01-01"


def test_no_account_is_an_empty_list_of_accounts(sandbox: SandboxProcess):
    """SGC-0004 has neither a checking account nor savings."""
    assert ask_bank(sandbox, "accounts/balance/get", access_token="access-sandbox-SGC-0004")["accounts"] == []


def test_transactions_come_in_pages_that_join_up(sandbox: SandboxProcess):
    token = "access-sandbox-PERSONA-GOOD"
    whole = ask_bank(sandbox, "transactions/sync", access_token=token, count=500)["added"]

    pages, cursor, more = [], None, True
    while more:
        page = ask_bank(sandbox, "transactions/sync", access_token=token, cursor=cursor, count=17)
        pages += page["added"]
        cursor, more = page["next_cursor"], page["has_more"]

    assert pages == whole
    assert len(whole) > 17


@pytest.mark.parametrize("reference", ["SGC-0042", "GEN-42", "PERSONA-GOOD"])
def test_the_bank_shows_the_same_balances_every_time(sandbox: SandboxProcess, reference: str):
    token = f"access-sandbox-{reference}"
    first, second = (ask_bank(sandbox, "accounts/balance/get", access_token=token) for _ in range(2))

    assert first["accounts"] == second["accounts"]


def test_people_to_apply_with_are_told_by_kind(sandbox: SandboxProcess):
    real = sandbox.people("real", count=3)
    generated = sandbox.people("generated", count=2, seed=7)

    assert [person["reference"] for person in real] == ["SGC-0001", "SGC-0002", "SGC-0003"]
    assert "declared" not in real[0]
    assert [person["reference"] for person in generated] == ["GEN-7-1", "GEN-7-2"]
    assert {"amount", "term_months", "purpose", "tenure_band"} <= generated[0]["declared"].keys()
    assert {person["kind"] for person in generated} == {"generated"}


def test_real_people_are_shuffled_the_same_way_by_the_same_seed(sandbox: SandboxProcess):
    first, again, other = (sandbox.people("real", count=20, seed=seed) for seed in (1, 1, 2))

    assert first == again != other
