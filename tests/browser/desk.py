"""What a reviewer does at a case, in the browser."""

import time

from playwright.sync_api import expect

from tests.browser.conftest import LiveStack, Visit

NOTE = "Spoke to the employer; income is as declared."


def open_and_claim(visit: Visit) -> str:
    """Comes in as a reviewer, opens a free case and claims it. Returns the application's id."""
    application = visit.stack.free_case()["application_id"]
    visit.come_in("reviewer", f"/case?id={application}")
    visit.page.get_by_role("button", name="Claim").click()
    expect(visit.page.get_by_text("Yours until")).to_be_visible()
    return application


def take_next(visit: Visit) -> None:
    """Presses N as a person would: again when a page still busy drawing itself did not hear it."""
    for _ in range(4):
        visit.page.keyboard.press("n")
        try:
            expect(visit.page.get_by_text("Yours until")).to_be_visible(timeout=5_000)
            return
        except AssertionError:
            if "/case" in visit.page.url:
                break
    expect(visit.page.get_by_text("Yours until")).to_be_visible()


def fill(
    visit: Visit, outcome: str = "Decline", reason: str = "Risk too high on a full look", note: str = NOTE
) -> None:
    """Leaves the cursor in the note, uncommitted, as a person would."""
    visit.page.get_by_role("radio", name=outcome).or_(visit.page.get_by_role("button", name=outcome)).first.click()
    visit.page.get_by_role("combobox", name="Reason").click()
    visit.page.get_by_role("option", name=reason).click()
    visit.page.get_by_label("Note", exact=True).click()
    visit.page.keyboard.type(note)


def settled(stack: LiveStack, application: str) -> dict:
    give_up_at = time.monotonic() + 20
    while True:
        found = stack.ask("reviewer", "GET", f"/v1/applications/{application}")
        if found["status"] == "decided" or time.monotonic() > give_up_at:
            return found
        time.sleep(0.2)
