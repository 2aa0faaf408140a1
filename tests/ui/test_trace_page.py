"""The decision trace answers: what was decided, from what, by whom, and is the record what it was?"""

import hashlib
import re
from datetime import UTC

import pytest

from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.some_cases import a_decided_case
from ui import copies
from ui.backend import Forbidden, Unreachable


def test_a_decision_is_shown_with_versions_hits_and_its_place_in_the_record(open_page):
    """Found by the lender's own number."""
    case = a_decided_case("decline", external_id="LOAN-9", decision_id="dec_1")
    app = open_page("trace", FakeBackend("auditor").with_case(case), id="LOAN-9")
    said = words_on(app)
    assert "consumer-credit@1" in said
    assert "Too close to the cut" in said
    assert "dec_1" in said
    assert tables_on(app)[0]["Seq"].tolist() == ["1", "2"]


def test_an_applicant_with_several_cases_is_a_list(open_page):
    """Each leads to its own trace."""
    backend = FakeBackend("auditor").with_case(a_decided_case()).with_case(a_decided_case())
    app = open_page("trace", backend, id="SGC-0001")
    assert "2 cases, the newest first" in words_on(app)
    assert len(app.get("page_link")) >= 2


def test_without_a_number_it_says_what_to_enter(open_page):
    """And asks the API nothing."""
    backend = FakeBackend("auditor")
    assert "Enter a number above" in words_on(open_page("trace", backend))
    assert not [call for call in backend.calls if call[0] == "decisions"]


def test_an_unknown_number_is_said_as_it_was_typed(open_page):
    """As text: whatever somebody types is no Markdown."""
    said = words_on(open_page("trace", FakeBackend("auditor"), id="**x** [y](z)"))
    assert "Nothing is known under **x** [y](z)." in said


def test_verifying_a_case_shows_what_fits_and_each_hash(open_page):
    """At a click, not before."""
    case = a_decided_case()
    app = open_page("trace", FakeBackend("analyst").with_case(case), id=case["id"])
    assert "Hash" not in tables_on(app)[0]
    app.button(key="verify").click().run()
    assert "2 entries and 5 rows fit" in words_on(app)
    assert tables_on(app)[0]["Hash"].tolist()[1].endswith("2")


def test_a_record_that_does_not_fit_is_said_in_red(open_page):
    """With the first thing that is wrong."""
    case = a_decided_case()
    backend = FakeBackend("analyst").with_case(case)
    backend.broken = "decision dec_1: it was altered"
    app = open_page("trace", backend, id=case["id"])
    app.button(key="verify").click().run()
    assert "decision dec_1: it was altered" in words_on(app)


def test_what_is_printed_after_the_check_tells_of_it(open_page):
    """The very next copy does, and before there was one the page says to verify first."""
    case = a_decided_case()
    app = open_page("trace", FakeBackend("auditor").with_case(case), id=case["id"])
    assert "The auditor's tells of no check: verify it first." in words_on(app)
    app.button(key="verify").click().run()
    assert "The auditor's tells of the check of " in words_on(app)


def test_a_copy_carries_a_mark_and_is_on_record_before_it_is_handed_out():
    """The digest on record is that of the very bytes."""
    case = a_decided_case("decline")
    backend = FakeBackend("auditor").with_case(case)
    taken = [
        copies.for_an_auditor(backend, case, None, "Ada Auditor", UTC),
        copies.for_the_applicant(backend, case, UTC),
    ]
    noted = [call[1:] for call in backend.calls if call[0] == "note_copy"]
    assert [(application, form) for application, form, _, _ in noted] == [
        (case["id"], "auditor"),
        (case["id"], "applicant"),
    ]
    assert [digest for *_, digest in noted] == [hashlib.sha256(content).hexdigest() for content in taken]
    marks = {mark for _, _, mark, _ in noted}
    assert len(marks) == 2
    assert all(re.fullmatch(r"[0-9A-F]{5}-[0-9A-F]{5}", mark) for mark in marks)


def test_a_copy_that_cannot_be_put_on_record_is_not_handed_out():
    """Nobody takes something out of the house unseen."""
    case = a_decided_case()
    backend = FakeBackend("auditor").with_case(case).failing("note_copy", Unreachable("The API does not answer."))
    with pytest.raises(Unreachable):
        copies.for_an_auditor(backend, case, None, "Ada Auditor", UTC)


def test_only_who_reads_the_ledger_may_verify_the_whole_record(open_page):
    """An auditor may, an analyst has no button for it."""
    case = a_decided_case()
    auditor = open_page("trace", FakeBackend("auditor").with_case(case), id=case["id"])
    auditor.button(key="verify-all").click().run()
    assert "12 entries, 20 rows and 1 signed checkpoints fit." in words_on(auditor)
    analyst = open_page("trace", FakeBackend("analyst").with_case(case), id=case["id"])
    assert "verify-all" not in {button.key for button in analyst.button}


def test_an_api_that_is_away_or_refuses_is_one_sentence(open_page):
    """No half a trace."""
    for problem in (Unreachable("The API does not answer."), Forbidden("You may not read this.")):
        backend = FakeBackend("auditor").failing("decisions", problem)
        app = open_page("trace", backend, id="LOAN-9")
        assert problem.sentence in words_on(app)
        assert not tables_on(app)


def test_the_applicants_words_name_no_rule_score_or_member_of_staff(open_page):
    """What they read is in the second tab."""
    case = a_decided_case("decline", "person", override={"by": "Rosa Reviewer", "reason": "risk_too_high"})
    app = open_page("trace", FakeBackend("auditor").with_case(case), id=case["id"])
    plain = "\n".join(text.value for text in app.tabs[1].text)
    assert "We did not agree to lend you" in plain
    assert "State of your checking account: overdrawn" in plain
    for secret in ("Rosa", "D-CLOSE", "963"):
        assert secret not in plain
