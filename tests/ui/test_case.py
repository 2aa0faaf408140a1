"""The case page answers: what happened, and what do I decide?"""

import pytest

from tests.ui.conftest import words_on
from tests.ui.fake_backend import FakeBackend, SignedOutBackend
from tests.ui.fake_session import at
from tests.ui.some_cases import a_case, a_decided_case, a_review, a_waiting_case
from ui.backend import SignedOut, Unreachable

NASTY = "**bold** [click](https://evil.example) <img src=x onerror=alert(1)> :red[red] $x^2$ https://evil.example"
# What renders Markdown or HTML. `text` does not, nor does a cell of a data frame.
RENDERING = ("title", "header", "subheader", "caption", "markdown", "html", "metric", "error", "warning", "info")


@pytest.fixture
def case():
    return a_case()


@pytest.fixture
def reviewer(case):
    return FakeBackend().with_case(case)


def opened(open_page, backend, case):
    return open_page("case", backend, id=case["id"])


def verdict_note(app):
    """The note of the verdict's form, which only the holder has; anybody at the desk may write one of the case."""
    return [area for area in app.text_area if area.key.startswith("note-")]


def test_one_screen_has_facts_evidence_score_rules_and_why(open_page, reviewer, case):
    """Everything a verdict rests on is on the page, with units."""
    said = words_on(opened(open_page, reviewer, case))
    for expected in (
        "4,800.00 DEM over 24 months",
        "Too close to the cut",
        "1,400.00 DEM",
        "Credit bureau",
        "as of 2 h ago",
        "3.7 %",
        "963 of 1000",
        "between 2.4 % and 6.1 %",
        "Read: near cut = 0.31",
        "Open the run in Temporal",
    ):
        assert expected in said, expected


def test_what_a_case_waits_on_is_said_with_its_cause(open_page):
    """A waiting case names the source, the reason and until when at the latest."""
    case = a_waiting_case("bureau")
    said = words_on(opened(open_page, FakeBackend().with_case(case), case))
    assert "Waits on: Credit bureau" in said
    assert "did not answer in time" in said
    assert "Goes on without by" in said


def test_a_missing_source_is_named(open_page):
    """Deciding on thin evidence is never silent."""
    case = a_case(missing_sources=["bank"])
    assert "No answer from: Bank" in words_on(opened(open_page, FakeBackend().with_case(case), case))


def test_without_the_engine_the_case_is_still_shown(open_page, reviewer, case):
    """Temporal away is one sentence; the rest comes from Postgres."""
    reviewer.failing("run_of", Unreachable("Temporal does not answer."))
    said = words_on(opened(open_page, reviewer, case))
    assert "Engine away" in said
    assert "4,800.00 DEM over 24 months" in said


def test_an_unknown_case_is_said_plainly(open_page, reviewer):
    """A wrong id is the reader's typing, not an error of ours."""
    said = words_on(open_page("case", reviewer, id="app_00000000000000000000099999"))
    assert "There is no application" in said


def test_without_an_id_the_page_says_how_to_open_a_case(open_page, reviewer):
    """The empty state tells what to do."""
    assert "Open a case from the queue" in words_on(open_page("case", reviewer))


def test_a_decided_case_shows_who_decided(open_page):
    """The verdicts given are part of the case."""
    given = {"actor": "Otto Other", "outcome": "decline", "reason": "risk_too_high", "note": "Too much debt.",
             "reason_text": "Risk too high on a full look", "amount": None, "term_months": None,
             "answered_at": at(hours=1), "position": 1}  # fmt: skip
    review = a_review("rev_done", state="answered", verdicts=[given], answered_at=at(hours=1))
    case = a_decided_case("decline", "person") | {"review": review}
    said = words_on(opened(open_page, FakeBackend().with_case(case), case))
    assert "Otto Other" in said
    assert "Too much debt." in said
    assert "Risk too high on a full look" in said


def test_text_of_an_applicant_is_never_rendered(open_page):
    """Markdown, HTML and links of an applicant stay the characters they are."""
    case = a_case(external_id=NASTY, why_a_person=[NASTY], reasons=[{"rank": 1, "text": NASTY, "code": "x"}])
    case["declared"]["applicant.id"] = NASTY
    case["evidence"][0]["summary"]["remark"] = NASTY
    case["rule_hits"][0] |= {"name": NASTY, "values_read": {"x": NASTY}}
    case["review"] |= {"claimed_by": NASTY, "state": "claimed", "lease_until": at(minutes=-10)}
    app = opened(open_page, FakeBackend().with_case(case), case)
    rendered = "\n".join(str(element.value) for kind in RENDERING for element in app.get(kind))
    assert "evil.example" not in rendered
    assert any(text.value == NASTY for text in app.text)


# The verdict ------------------------------------------------------------------------------------


def claimed(open_page, reviewer, case):
    app = opened(open_page, reviewer, case)
    app.button(key="claim").click().run()
    return app


def fill(app, case, outcome="approve", reason="evidence_checked", note="Called the employer."):
    task = case["review"]["id"]
    app.get_by_key(f"outcome-{task}").set_value(outcome).run()
    app.get_by_key(f"reason-{task}").set_value(reason).run()
    app.get_by_key(f"note-{task}").set_value(note).run()
    return app


def save(app, case):
    return app.button(key=f"save-{case['review']['id']}").click().run()


def test_the_form_appears_once_the_case_is_claimed(open_page, reviewer, case):
    """Nobody types a verdict into a case somebody else may be deciding."""
    app = opened(open_page, reviewer, case)
    assert not verdict_note(app)
    app.button(key="claim").click().run()
    assert verdict_note(app)
    assert "Yours until" in words_on(app)


def test_a_verdict_is_saved_with_reason_note_and_version(open_page, reviewer, case):
    """What reaches the API is what the reviewer chose, for the version they saw."""
    app = save(fill(claimed(open_page, reviewer, case), case), case)
    assert ("decide", case["review"]["id"], "approve", "evidence_checked") in reviewer.calls
    given = case["review"]["verdicts"][0]
    assert given["note"] == "Called the employer."
    assert "Your verdict is saved: approve." in words_on(app)


def test_saving_twice_is_one_verdict(open_page, reviewer, case):
    """A double click sends twice; the case holds one verdict and no error is shown."""
    app = fill(claimed(open_page, reviewer, case), case)
    button = app.button(key=f"save-{case['review']['id']}")
    first = reviewer.decide

    def twice(task, answer):
        first(task, answer)
        return first(task, answer)

    reviewer.decide = twice
    button.click().run()
    assert len(case["review"]["verdicts"]) == 1
    assert "Your verdict is saved" in words_on(app)


def test_a_counter_offer_needs_an_amount(open_page, reviewer, case):
    """What is missing is said before anything is sent."""
    app = save(fill(claimed(open_page, reviewer, case), case, "counter_offer", "smaller_amount"), case)
    assert "A counter-offer names the amount offered." in words_on(app)
    assert not any(call[0] == "decide" for call in reviewer.calls)


def test_a_counter_offer_carries_amount_and_term(open_page, reviewer, case):
    """Money leaves as text with two places, never as a binary float."""
    app = fill(claimed(open_page, reviewer, case), case, "counter_offer", "smaller_amount")
    app.number_input(key=f"amount-{case['review']['id']}").set_value(3000.0).run()
    app.number_input(key=f"term-{case['review']['id']}").set_value(18).run()
    save(app, case)
    given = case["review"]["verdicts"][0]
    assert (given["amount"], given["term_months"]) == ("3000.00", 18)


def test_a_verdict_without_a_reason_is_not_sent(open_page, reviewer, case):
    """Every verdict has a listed reason."""
    app = claimed(open_page, reviewer, case)
    app.get_by_key(f"outcome-{case['review']['id']}").set_value("decline").run()
    save(app, case)
    assert not any(call[0] == "decide" for call in reviewer.calls)
    assert "Choose the reason that decided it." in words_on(app)


def test_a_case_that_moved_on_is_not_decided_on_an_old_view(open_page, reviewer, case):
    """The version shown travels with the verdict; a newer one refuses it, and the draft stays."""
    app = fill(claimed(open_page, reviewer, case), case)
    case["review"]["version"] += 1
    save(app, case)
    assert not case["review"]["verdicts"]
    assert "look again before you decide" in words_on(app)
    assert app.text_area[0].value == "Called the employer."


def test_the_winner_of_a_race_is_named(open_page, reviewer, case):
    """Whoever was second learns the verdict that stands."""
    app = fill(claimed(open_page, reviewer, case), case)
    other = reviewer.as_another("Otto Other")
    task = case["review"]["id"]
    case["review"] |= {"claimed_by": None, "lease_until": None}
    other.decide(task, {"outcome": "decline", "reason": "risk_too_high", "version": case["review"]["version"]})
    save(app, case)
    said = words_on(app)
    assert "Otto Other was first: declined (Risk too high on a full look). Your verdict was not saved." in said
    assert len(case["review"]["verdicts"]) == 1


def test_a_lost_hold_is_said_at_once(open_page, reviewer, case):
    """When the lease has run out the page says so and offers to claim again."""
    case["review"] |= {"state": "claimed", "claimed_by": reviewer.name, "lease_until": at(minutes=1)}
    app = opened(open_page, reviewer, case)
    assert "Your hold has run out" in words_on(app)
    assert app.button(key="claim")


def test_another_persons_hold_is_named(open_page, reviewer, case):
    """Who has it, until when; and no form."""
    case["review"] |= {"state": "claimed", "claimed_by": "Otto Other", "lease_until": at(minutes=-10)}
    app = opened(open_page, reviewer, case)
    assert "Otto Other holds this case until" in words_on(app)
    assert not verdict_note(app)


LIMITS = {"review_authority": {"reviewer": "4000", "senior_reviewer": "20000"}, "four_eyes_above": "4000"}


@pytest.mark.parametrize(
    ("role", "said"),
    [("reviewer", "You may approve up to 4,000.00 DEM: offer less"), ("senior_reviewer", "a yes takes two people")],
)
def test_a_limit_is_said_before_the_verdict_is_written(open_page, case, role, said):
    """Not when it is refused; who cannot hand it up further is not asked to."""
    backend = FakeBackend(role, "Rosa Reviewer").with_case(case)
    backend.review_terms = LIMITS
    app = opened(open_page, backend, case)
    assert said not in words_on(app)
    app.button(key="claim").click().run()
    assert said in words_on(app)
    assert ("Leave it to a senior reviewer" in words_on(app)) == (role == "reviewer")


def test_four_eyes_means_another_person(open_page, reviewer, case):
    """Whoever gave the first approval is not offered the second."""
    given = {"actor": reviewer.name, "outcome": "approve", "reason": "evidence_checked", "note": "", "amount": None,
             "term_months": None, "answered_at": at(hours=1), "position": 1}  # fmt: skip
    case["review"] |= {"state": "second", "verdicts": [given]}
    app = opened(open_page, reviewer, case)
    assert "another person gives the second" in words_on(app)
    assert not verdict_note(app)


def test_a_draft_survives_giving_back_and_coming_again(open_page, reviewer, case):
    """What was typed is kept at every change, beyond this session."""
    fill(claimed(open_page, reviewer, case), case, note="Half a thought")
    again = opened(open_page, reviewer, case)
    assert again.text_area[0].value == "Half a thought"


def test_a_session_that_ends_mid_verdict_saves_nothing_and_says_so(open_page, reviewer, case):
    """Either the verdict is saved once, or the page says that it is not; the draft is kept."""
    app = fill(claimed(open_page, reviewer, case), case)
    for method in ("decide", "who_am_i", "case"):
        reviewer.failing(method, SignedOut("This session has ended: sign in again."))
    save(app, case)
    assert not case["review"]["verdicts"]
    assert "Your session has ended" in words_on(app)
    reviewer.fails.clear()
    assert opened(open_page, reviewer, case).text_area[0].value == "Called the employer."


def test_writing_a_verdict_keeps_the_session_alive(open_page, reviewer, case):
    """The form reruns alone; the API still learns that somebody is there."""
    app = claimed(open_page, reviewer, case)
    app.session_state["touched"] = 0.0
    reviewer.calls.clear()
    app.get_by_key(f"outcome-{case['review']['id']}").set_value("decline").run()
    assert ("who_am_i",) in reviewer.calls


def test_an_api_that_times_out_on_a_verdict_keeps_the_draft(open_page, reviewer, case):
    """Nobody knows whether it arrived: saving again is harmless, and the page says that."""
    app = fill(claimed(open_page, reviewer, case), case)
    reviewer.failing("decide", Unreachable("The API did not answer in time.", perhaps_done=True))
    save(app, case)
    assert "Not known" in words_on(app)
    assert "saving again cannot count twice" in words_on(app)
    assert app.text_area[0].value == "Called the employer."


def test_an_analyst_sees_the_case_and_no_form(open_page, reviewer, case):
    """Reading is not deciding."""
    app = opened(open_page, reviewer.as_another("Anna Analyst", "analyst"), case)
    assert "a reviewer decides it" in words_on(app)
    assert not [button for button in app.button if button.key == "claim"]


def test_an_ended_session_leads_to_the_door(open_page):
    """The next run of any page notices."""
    app = open_page("nothing", SignedOutBackend())
    assert "Your session has ended" in words_on(app)
    assert not app.exception
