"""A reviewer's day in a real browser, on a live stack, checked through the API."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import REFRESH
from tests.browser.desk import NOTE, commit, fill, next_case, saved, settled, take_next


@pytest.mark.timeout(600)  # the first one waits for the stack
def test_take_next_by_keyboard_decide_and_go_on(visit):
    """N takes the most urgent free case; the verdict arrives with its note, the run ends with it, and N goes on."""
    application = next_case(visit)
    fill(visit)
    visit.shot("verdict")
    saved(visit)
    task = visit.stack.task_of(application)
    assert [(said["outcome"], said["note"]) for said in task["verdicts"]] == [("decline", NOTE)]
    found = settled(visit.stack, application)
    assert (found["status"], found["outcome"], found["outcome_source"]) == ("decided", "decline", "person")
    expect(visit.page.get_by_text("Risk too high on a full look").first).to_be_visible()
    visit.shot("decided")
    assert take_next(visit) != application
    assert visit.errors == []


def test_a_double_click_is_one_verdict(visit):
    """Twice the same word is one; no error is shown for the second."""
    application = next_case(visit)
    fill(visit)
    visit.page.get_by_role("button", name="Save verdict").dblclick()
    expect(visit.page.get_by_text("Your verdict is saved: decline.")).to_be_visible()
    assert len(visit.stack.task_of(application)["verdicts"]) == 1


def test_typing_survives_the_refresh_and_ctrl_enter_saves_once_with_the_whole_note(visit):
    """The page looks for news meanwhile; text and cursor stay where they are, and what was typed last is committed."""
    application = next_case(visit)
    fill(visit, note="Half a th")
    visit.page.wait_for_timeout(1000 * REFRESH)  # twice as long as it takes to look
    visit.page.keyboard.type("ought")
    expect(visit.page.get_by_label("Note", exact=True)).to_have_value("Half a thought")
    visit.page.keyboard.press("Control+Enter")
    visit.page.keyboard.press("Control+Enter")
    expect(visit.page.get_by_text("Your verdict is saved: decline.")).to_be_visible()
    verdicts = visit.stack.task_of(application)["verdicts"]
    assert [said["note"] for said in verdicts] == ["Half a thought"]


def test_a_document_is_asked_for_handed_in_and_opened(visit):
    """The case waits for the applicant, comes back by itself, and the reviewer has the very file."""
    application = next_case(visit)
    visit.page.get_by_role("button", name="Ask for a document").click()
    visit.page.get_by_role("combobox", name="Document").click()
    visit.page.get_by_role("option", name="Payslips of the last three months").click()
    visit.page.get_by_role("button", name="Ask the applicant").click()
    expect(visit.page.get_by_text("The applicant is asked.")).to_be_visible()
    (asked,) = visit.stack.ask("reviewer", "GET", f"/v1/applications/{application}")["documents"]
    paper = b"%PDF-1.7 payslips"
    path = f"/v1/applications/{application}/documents/{asked['id']}"
    visit.stack.ask("channel", "PUT", path, content=paper, headers={"Content-Type": "application/pdf"})
    expect(visit.page.get_by_text("handed in", exact=True).first).to_be_visible()
    visit.shot("documents")
    # What has a hint is there twice, once for fingers.
    visit.page.locator(f".st-key-open-{asked['id']} button").first.click()
    with visit.page.expect_download() as saved:
        visit.page.get_by_role("button", name="Save it").click()
    assert saved.value.path().read_bytes() == paper
    assert visit.stack.ask("reviewer", "GET", f"/v1/applications/{application}")["status"] == "review"


def test_somebody_elses_verdict_is_shown_and_mine_is_not_saved(visit):
    """The second one learns who was first, and what they said."""
    task = visit.stack.task_of(next_case(visit))
    fill(visit, reason="Could not verify what was declared")
    visit.stack.ask("reviewer", "POST", f"/v1/reviews/{task['id']}/release")
    version = visit.stack.ask("reviewer", "GET", f"/v1/reviews/{task['id']}")["version"]
    answer = {"version": version, "outcome": "decline", "reason": "risk_too_high", "note": ""}
    visit.stack.ask("senior_reviewer", "POST", f"/v1/reviews/{task['id']}/decision", json=answer)
    visit.page.get_by_role("button", name="Save verdict").click()
    expect(visit.page.get_by_text("Your verdict was not saved.")).to_be_visible()
    verdicts = visit.stack.task_of(task["application_id"])["verdicts"]
    assert [said["reason"] for said in verdicts] == ["risk_too_high"]


def test_half_a_verdict_is_lost_neither_by_looking_something_up_nor_with_the_connection(visit):
    """The back button leads to the case; a page that lost its server says so, and has the note when it is back."""
    application = next_case(visit)
    fill(visit)
    commit(visit)
    visit.page.get_by_test_id("stSidebarNav").get_by_role("link", name="Workflows").click()
    expect(visit.page.get_by_role("heading", name="Workflows")).to_be_visible()
    visit.page.go_back()
    visit.page.wait_for_url(f"**/case?id={application}")
    expect(visit.page.get_by_label("Note", exact=True)).to_have_value(NOTE)
    assert visit.errors == []
    visit.page.context.set_offline(True)
    visit.page.evaluate("for (const socket of window.__sockets) socket.close()")
    gone = visit.page.get_by_text("Connection error").or_(visit.page.get_by_text("Connecting"))
    expect(gone).to_be_visible(timeout=60_000)  # closing waits for a word of the server's first
    visit.shot("connection-lost")
    visit.page.context.set_offline(False)
    visit.page.reload()
    expect(visit.page.get_by_label("Note", exact=True)).to_have_value(NOTE)
    assert visit.stack.task_of(application)["verdicts"] == []


def test_filters_live_in_the_address(visit):
    """A link to a filtered list can be sent to a colleague."""
    visit.come_in("reviewer", "/workflows")
    expect(visit.page.get_by_text("Refreshed").first).to_be_visible()
    visit.page.get_by_role("combobox", name="Show").click()
    visit.page.get_by_role("option", name="Decided").click()
    visit.page.wait_for_url("**/workflows?status=Decided")
    visit.go("/queue?show=Nobody+has+it")
    visit.page.get_by_role("link", name="…").first.click()
    visit.page.get_by_role("link", name="← Queue").click()
    expect(visit.page.get_by_role("heading", name="Queue")).to_be_visible()
    visit.page.wait_for_url("**/queue?show=Nobody+has+it")


def test_while_the_api_hangs_a_verdict_is_kept_and_counts_once_when_it_is_back(visit):
    """Nobody knows whether it arrived, and the page says so; saving again afterwards is the same verdict."""
    application = next_case(visit)
    fill(visit)
    with visit.stack.without("api"):
        visit.page.get_by_role("button", name="Save verdict").click()
        expect(visit.page.get_by_text("look again before you repeat what you did")).to_be_visible(timeout=60_000)
        visit.shot("api-away")
    visit.stack.queue()  # it answers again, and has worked off what it was asked meanwhile
    visit.go(f"/case?id={application}")
    note = visit.page.get_by_label("Note", exact=True)
    expect(note.or_(visit.page.get_by_text(NOTE)).first).to_be_visible()
    if note.is_visible():
        expect(note).to_have_value(NOTE)
        saved(visit)
    assert [said["outcome"] for said in visit.stack.task_of(application)["verdicts"]] == ["decline"]


def test_what_a_reviewer_hands_up_a_senior_reviewer_decides(visit):
    """With a note for them, and no way back for who handed it up."""
    application = next_case(visit)
    visit.page.get_by_label("For the next one at this case").fill("Income from abroad, see the contract.")
    visit.page.get_by_role("button", name="Write down").click()
    expect(visit.page.get_by_text("Written down.")).to_be_visible()
    visit.page.get_by_role("button", name="Hand up").click()
    visit.page.get_by_label("Why it is not yours to decide").fill("income from abroad")
    visit.page.get_by_role("button", name="Leave it to a senior reviewer").click()
    expect(visit.page.get_by_text("Handed up: a senior reviewer decides it.")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Claim")).to_have_count(0)
    visit.come_in("senior_reviewer", f"/case?id={application}")
    # A page that is being drawn anew may show it at its old and at its new place for a moment; on record it is once.
    expect(visit.page.get_by_text("Income from abroad, see the contract.").first).to_be_visible()
    notes = visit.stack.ask("reviewer", "GET", f"/v1/applications/{application}/trace")["notes"]
    assert [note["text"] for note in notes] == ["Income from abroad, see the contract."]
    visit.page.get_by_role("button", name="Claim").click()
    expect(visit.page.get_by_text("Yours until")).to_be_visible()
    fill(visit)
    saved(visit)
    assert settled(visit.stack, application)["outcome"] == "decline"


WRITTEN = (
    ("<img src=x onerror=alert(1)> [click](https://evil.example)", "W" * 80),
    ('=HYPERLINK("https://evil.example";"click")', "طلب قرض ١٢٣ abc شكرا"),
)


def test_what_an_applicant_writes_is_shown_as_text(visit):
    """No image is loaded, no link appears, no script runs, and no word however long pushes the page aside."""
    body = visit.stack.ask("channel", "GET", "/v1/products/consumer-credit")["example"]
    for theirs, name in WRITTEN:
        changed = body | {"external_id": theirs, "applicant": body["applicant"] | {"id": name}}
        visit.come_in("analyst", f"/case?id={visit.stack.submit(changed, wait=10)['id']}")
        for nasty in (theirs, name):
            expect(visit.page.get_by_text(nasty).first).to_be_visible()
        assert visit.page.locator("a[href*='evil.example']").count() == 0
        assert visit.page.locator("img[src='x']").count() == 0
        assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert visit.outside == []
    assert visit.errors == []


def test_a_session_revoked_mid_verdict_says_so_keeps_the_draft_and_signing_out_closes_the_door(visit):
    """Nothing is saved, the sign-in page says why, and after signing in the note is there; nobody is in after that."""
    application = next_case(visit)
    fill(visit)
    commit(visit)
    token = next(c["value"] for c in visit.page.context.cookies() if c["name"].startswith("plimsoll"))
    visit.stack.keys["this session"] = token
    visit.stack.ask("this session", "DELETE", "/v1/sessions/current")
    visit.page.get_by_role("button", name="Save verdict").click()
    expect(visit.page.get_by_text("Your session has ended")).to_be_visible()
    assert visit.stack.task_of(application)["verdicts"] == []
    visit.page.get_by_label("Your key").fill(visit.stack.keys["reviewer"])
    visit.page.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_label("Note", exact=True)).to_have_value(NOTE)
    visit.page.get_by_role("link", name="Sign out").click()
    visit.page.get_by_role("button", name="Sign out").click()
    expect(visit.page.get_by_text("You are signed out.")).to_be_visible()
    visit.go("/queue")
    expect(visit.page.get_by_label("Your key")).to_be_visible()
