"""What a reviewer does at a case, in the browser."""

import time

from playwright.sync_api import TimeoutError as TookTooLong
from playwright.sync_api import expect

from tests.browser.conftest import LiveStack, Visit

NOTE = "Spoke to the employer; income is as declared."


def next_case(visit: Visit) -> str:
    """From the queue, as a reviewer. Returns the application's id."""
    visit.come_in("reviewer", "/queue")
    expect(visit.page.get_by_text("Refreshed")).to_be_visible()
    return take_next(visit)


def take_next(visit: Visit) -> str:
    """Presses N as a person would: again when a page still busy drawing itself did not hear it."""
    before = visit.page.url
    for _ in range(4):
        visit.page.keyboard.press("n")
        try:
            visit.page.wait_for_url(lambda url: "/case?id=" in url and url != before, timeout=5_000)
            break
        except TookTooLong:
            continue
    expect(visit.page.get_by_text("Yours until")).to_be_visible()
    return visit.page.url.partition("id=")[2]


def fill(
    visit: Visit, outcome: str = "Decline", reason: str = "Risk too high on a full look", note: str = NOTE
) -> None:
    """Leaves the cursor in the note, uncommitted, as a person would."""
    visit.page.get_by_role("radio", name=outcome).or_(visit.page.get_by_role("button", name=outcome)).first.click()
    visit.page.get_by_role("combobox", name="Reason").click()
    visit.page.get_by_role("option", name=reason).click()
    visit.page.get_by_label("Note", exact=True).click()
    visit.page.keyboard.type(note)


def commit(visit: Visit) -> None:
    """Leaves the note, which keeps it."""
    visit.page.get_by_role("heading", name="Review").click()
    visit.page.wait_for_timeout(1000)


def saved(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Save verdict").click()
    expect(visit.page.get_by_text("Your verdict is saved: decline.")).to_be_visible()


def settled(stack: LiveStack, application: str) -> dict:
    give_up_at = time.monotonic() + 20
    while True:
        found = stack.ask("reviewer", "GET", f"/v1/applications/{application}")
        if found["status"] == "decided" or time.monotonic() > give_up_at:
            return found
        time.sleep(0.2)
