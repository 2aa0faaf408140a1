"""What each adapter makes of an answer, in our words."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date

import pytest

from plimsoll.adapters.providers import build_sources
from plimsoll.adapters.providers.answers import read_statement
from plimsoll.adapters.providers.bank import Account, checking_state, savings_band
from plimsoll.adapters.providers.bureau import BureauReport
from plimsoll.adapters.providers.http import Reply, SourceClient
from plimsoll.domain.errors import SourceUnavailable, WrongPerson
from plimsoll.ports import EvidenceSource
from tests.adapters.providers.inquiries import an_inquiry, rows
from tests.sandbox_process import SandboxProcess

# In the order of the published code table.
CHECKING_STATES = ("none", "overdrawn", "under_200", "over_200")
SAVINGS_BANDS = ("unknown_or_none", "under_100", "100_to_500", "500_to_1000", "over_1000")
HISTORIES = (
    "delayed_before",
    "critical_elsewhere",
    "no_credits_or_all_repaid",
    "repaid_duly_so_far",
    "all_here_repaid",
)
OTHER_PLANS = ("bank", "stores", "none")
TODAY = date(2026, 1, 1)


@pytest.fixture
async def sources(sandbox: SandboxProcess) -> AsyncIterator[dict[str, EvidenceSource]]:
    client = SourceClient(read_timeout=20, deadline=30, connect_timeout=10)
    yield build_sources(sandbox.addresses, client)
    await client.close()


async def test_the_bands_of_all_thousand_real_applicants_come_back_from_their_balances(sources):
    people = rows()
    summaries = await summaries_of(sources["bank"], people)

    assert summaries == [
        {
            "checking_state": CHECKING_STATES[int(row["status"]) - 1],
            "savings_band": SAVINGS_BANDS[int(row["savings"]) - 1],
        }
        for row in people
    ]


async def test_the_bureau_tells_of_all_thousand_real_applicants_what_their_row_says(sources):
    people = rows()
    summaries = await summaries_of(sources["bureau"], people)

    assert summaries == [
        {
            "no_file": False,
            "fraud_alert": "none",
            "repayment_history": HISTORIES[int(row["credit_history"])],
            "other_plans": OTHER_PLANS[int(row["other_installment_plans"]) - 1],
        }
        for row in people
    ]


async def test_a_thin_file_is_an_answer(sources):
    answer = await sources["bureau"].pull(an_inquiry("bureau", "PERSONA-THIN-FILE"))

    assert answer.summary == {"no_file": True, "fraud_alert": "none"}


async def test_a_generated_person_has_a_bureau_score(sources):
    answer = await sources["bureau"].pull(an_inquiry("bureau", "GEN-42"))

    assert 300 <= answer.summary["bureau_score"] <= 850


async def test_a_fraud_alert_is_told_by_its_sort(sources):
    answer = await sources["bureau"].pull(an_inquiry("bureau", "PERSONA-FRAUD-HIT"))

    assert answer.summary["fraud_alert"] == "extended"


async def test_a_sanctions_hit_is_told_by_the_registry(sources):
    answer = await sources["registry"].pull(an_inquiry("registry", "PERSONA-SANCTIONED"))

    assert answer.summary == {
        "identity_confirmed": True,
        "sanctions_hit": True,
        "insolvent": False,
        "deceased": False,
    }


async def test_a_stranger_to_the_telephone_company_is_an_answer(sources):
    answer = await sources["telecom"].pull(an_inquiry("telecom", "SGC-0001", born="2004-05-30"))

    assert answer.summary == {"customer": False}


async def test_a_customer_of_the_telephone_company_has_a_rate_and_a_tenure(sources):
    answer = await sources["telecom"].pull(an_inquiry("telecom", "PERSONA-GOOD"))

    assert answer.summary == {
        "customer": True,
        "on_time_rate": 0.97,
        "tenure_months": 62,
    }


@pytest.mark.parametrize("source", ["bureau", "bank", "registry"])
async def test_a_real_person_applying_under_another_birthday_is_somebody_else(sources, source: str):
    with pytest.raises(WrongPerson):
        await sources[source].pull(an_inquiry(source, "SGC-0001", born="1999-09-09"))


async def test_the_wrong_file_of_the_persona_named_so_is_noticed(sources):
    with pytest.raises(WrongPerson):
        await sources["bureau"].pull(an_inquiry("bureau", "PERSONA-WRONG-FILE"))


async def test_only_sources_with_an_address_are_built():
    client = SourceClient()
    assert list(build_sources({"bank": "http://127.0.0.1:1"}, client)) == ["bank"]
    await client.close()


@pytest.mark.parametrize(
    ("balance", "salary_since", "state"),
    [
        ("-0.01", None, "overdrawn"),
        ("0.00", None, "under_200"),
        ("199.99", None, "under_200"),
        ("200.00", None, "over_200"),
        ("10.00", "2025-01-01", "over_200"),  # a year of salaries counts like a balance of 200
        ("10.00", "2025-01-02", "under_200"),
        ("-10.00", "2020-01-01", "over_200"),
    ],
)
def test_the_edges_of_the_checking_states_follow_the_code_table(balance, salary_since, state):
    assert checking_state([an_account("checking", balance, salary_since)], TODAY) == state


@pytest.mark.parametrize(
    ("balance", "band"),
    [
        ("0.00", "under_100"),
        ("99.99", "under_100"),
        ("100.00", "100_to_500"),
        ("499.99", "100_to_500"),
        ("500.00", "500_to_1000"),
        ("999.99", "500_to_1000"),
        ("1000.00", "over_1000"),
    ],
)
def test_the_edges_of_the_savings_bands_follow_the_code_table(balance, band):
    assert savings_band([an_account("savings", balance)]) == band


def test_savings_in_two_accounts_are_added_up():
    assert savings_band([an_account("savings", "60.00"), an_account("savings", "60.00")]) == "100_to_500"


@pytest.mark.parametrize(
    "wrong",
    [
        {"repayment_history": "excellent"},
        {"repayment_history": None},
        {"score": "700"},
        {"as_of": "2026-01-01T00:00:00"},
        {"fraud_alert": True},
    ],
    ids=str,
)
def test_a_report_that_says_something_else_than_agreed_is_garbage(wrong: dict):
    with pytest.raises(SourceUnavailable) as failure:
        read_statement(BureauReport, an_inquiry("bureau"), a_report(**wrong))

    assert failure.value.details["kind"] == "garbage"


def test_fields_we_do_not_know_do_no_harm():
    read_statement(BureauReport, an_inquiry("bureau"), a_report(favourite_colour="blue"))


def a_report(**changes: object) -> Reply:
    report = {
        "report_id": "rep_1",
        "subject": {"reference": "GEN-42", "date_of_birth": "1990-05-17"},
        "as_of": "2026-01-01T00:00:00+00:00",
        "repayment_history": "repaid_duly_so_far",
        "other_plans": "none",
        "fraud_alert": None,
    }
    return Reply(200, json.dumps({**report, **changes}).encode(), repeated=False)


def an_account(subtype: str, balance: str, salary_since: str | None = None) -> Account:
    account = {
        "type": "depository",
        "subtype": subtype,
        "balances": {"current": balance, "iso_currency_code": "DEM"},
        "salary_account_since": salary_since,
    }
    return Account.model_validate_json(json.dumps(account))


async def summaries_of(source: EvidenceSource, people: list[dict[str, str]]) -> list[dict]:
    inquiries = [an_inquiry(source.name, row["reference"], row["date_of_birth"]) for row in people]
    answers = await asyncio.gather(*map(source.pull, inquiries))
    return [answer.summary for answer in answers]
