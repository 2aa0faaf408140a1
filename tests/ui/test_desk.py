"""The reviewer's desk beside the verdict: papers, notes, similar cases, offers, handing up, being away."""

import pytest

from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_session import at
from tests.ui.some_cases import a_case, a_decided_case, a_review
from ui.backend import Refused

NEAR = {"id": f"app_{'0' * 26}", "amount": "4500.00", "currency": "DEM", "term_months": 24, "bad": True,
        "probability_of_default": 0.035, "outcome": "approve", "outcome_source": "person"}  # fmt: skip


@pytest.fixture
def case():
    return a_case()


@pytest.fixture
def reviewer(case):
    return FakeBackend().with_case(case)


def held(case):
    """As this reviewer has it, for half an hour."""
    case["review"] |= {"state": "claimed", "claimed_by": "Rosa Reviewer", "lease_until": at(hours=-0.5)}
    return case


def test_the_applicant_is_asked_for_a_document_and_the_case_says_that_it_waits(open_page, reviewer, case):
    page = open_page("case", reviewer, id=case["id"])
    page.selectbox(key=f"ask-{case['id']}").select("payslips").run()
    page.button(key=f"ask-{case['id']}-now").click().run()
    assert ("ask_for_document", case["review"]["id"], "payslips") in reviewer.calls
    said = words_on(page)
    assert "The applicant is asked." in said
    assert "Waits for the applicant." in said
    assert "Payslips of the last three months" in said
    assert page.selectbox(key=f"ask-{case['id']}").options == ["Copy of the identity card"]


def test_nothing_is_asked_for_when_nothing_was_chosen(open_page, reviewer, case):
    page = open_page("case", reviewer, id=case["id"])
    page.button(key=f"ask-{case['id']}-now").click().run()
    assert "Choose the document" in words_on(page)
    assert not [call for call in reviewer.calls if call[0] == "ask_for_document"]


def test_a_document_is_fetched_only_when_somebody_opens_it(open_page, reviewer, case):
    case["documents"] = [{"id": "doc_1", "code": "payslips", "name": "Payslips", "asked_by": "Ben", "asked_at": at(),
                          "until": at(days=-7), "received_at": at(hours=1), "held": True}]  # fmt: skip
    page = open_page("case", reviewer, id=case["id"])
    assert not [call for call in reviewer.calls if call[0] == "document"]
    page.button(key="open-doc_1").click().run()
    assert ("document", case["id"], "doc_1") in reviewer.calls
    assert not page.exception


def test_a_note_is_written_and_shown_with_who_wrote_it(open_page, reviewer, case):
    page = open_page("case", reviewer, id=case["id"])
    page.text_area(key=f"new-note-{case['id']}").input("Called the *employer*.").run()
    page.button(key=f"new-note-{case['id']}-now").click().run()
    said = words_on(page)
    assert "Called the *employer*." in said
    assert "Rosa Reviewer, " in said
    assert page.text_area(key=f"new-note-{case['id']}").value == ""


def test_a_note_that_could_not_be_saved_stays_typed(open_page, reviewer, case):
    reviewer.failing("note", Refused("The note is too long."))
    page = open_page("case", reviewer, id=case["id"])
    page.text_area(key=f"new-note-{case['id']}").input("Long.").run()
    page.button(key=f"new-note-{case['id']}-now").click().run()
    assert "The note is too long." in words_on(page)
    assert page.text_area(key=f"new-note-{case['id']}").value == "Long."


def test_similar_cases_are_asked_for_when_wanted_and_say_what_became_of_them(open_page, reviewer, case):
    reviewer.near = [NEAR]
    page = open_page("case", reviewer, id=case["id"])
    assert not [call for call in reviewer.calls if call[0] == "similar"]
    page.toggle(key=f"similar-{case['id']}").set_value(True).run()
    (near,) = tables_on(page)[0].to_dict("records")
    assert (near["Asked for"], near["Risk"], near["Ended"]) == ("4,500.00 DEM, 24 months", "3.5 %", "bad")


def test_an_offer_is_worked_out_as_it_is_typed(open_page, reviewer, case):
    held(case)
    page = open_page("case", reviewer, id=case["id"])
    task = case["review"]["id"]
    page.button_group(key=f"outcome-{task}").select("counter_offer").run()
    page.number_input(key=f"amount-{task}").set_value(3000.0).run()
    said = words_on(page)
    for expected in ("210.40 DEM a month", "11.90 % APR", "2.1 %"):
        assert expected in said, expected
    assert ("offer", case["id"], "3000.00", "24") in reviewer.calls


def test_a_case_is_handed_up_with_a_reason(open_page, reviewer, case):
    held(case)
    page = open_page("case", reviewer, id=case["id"])
    key = f"hand-up-{case['review']['id']}"
    page.button(key=f"{key}-now").click().run()
    assert "Say why in a few words" in words_on(page)
    page.text_input(key=key).input("Income from abroad").run()
    page.button(key=f"{key}-now").click().run()
    said = words_on(page)
    assert "Handed up: a senior reviewer decides it." in said
    assert not [button for button in page.button if button.key == "claim"]


def test_a_senior_reviewer_takes_what_was_handed_up(open_page, case):
    case["review"]["for_seniors"] = True
    page = open_page("case", FakeBackend("senior_reviewer", "Sami Senior").with_case(case), id=case["id"])
    assert page.button(key="claim").label == "Claim"


def test_the_score_is_covered_where_the_queue_wants_the_reviewers_word_first(open_page, reviewer, case):
    case |= {"score_after_verdict": True, "score": None, "score_details": None, "probability_of_default": None,
             "proposal": {}}  # fmt: skip
    page = open_page("case", reviewer, id=case["id"])
    assert "Covered: this queue asks for your own verdict first" in words_on(page)
    assert not [toggle for toggle in page.toggle if toggle.key.startswith("similar-")]


def test_who_only_reads_writes_nothing_and_asks_for_nothing(open_page, case):
    page = open_page("case", FakeBackend("analyst", "Ana Analyst").with_case(case), id=case["id"])
    keys = {button.key for button in page.button}
    assert not {key for key in keys if key and key.startswith(("ask-", "new-note-", "hand-up-"))}


def test_a_decided_case_without_papers_or_notes_has_no_empty_headings(open_page, reviewer):
    case = a_decided_case() | {"review": a_review("rev_done", state="answered")}
    reviewer.with_case(case)
    said = words_on(open_page("case", reviewer, id=case["id"]))
    assert "Documents" not in said
    assert "Notes" not in said


def test_being_away_is_said_and_ended_on_the_queue(open_page, reviewer):
    page = open_page("queue", reviewer)
    page.button(key="leave").click().run()
    assert "You are away" in words_on(page)
    page.button(key="back").click().run()
    assert "You are away" not in words_on(page)
    assert [call[0] for call in reviewer.calls if call[0] in ("leave", "come_back")] == ["leave", "come_back"]


def test_colleagues_who_are_away_are_named_with_their_return(open_page, reviewer):
    reviewer.away = [{"id": "act_ben", "name": "Ben", "until": at(days=-3)}]
    assert "Away: Ben until " in words_on(open_page("queue", reviewer))
