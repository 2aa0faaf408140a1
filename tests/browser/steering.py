"""What those who run the house do in the browser: models, releases, experiments, schedules, sources."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import LiveStack, Visit


def approved(stack: LiveStack, model: str) -> str:
    """This version, with the two words it needs; its name as pages give it."""
    found = stack.ask("analyst", "GET", f"/v1/models/{model}")
    for state, role, word in (("candidate", "model_owner", "proposal"), ("proposed", "model_approver", "approval")):
        if found["state"] == state:
            found = stack.ask(role, "POST", f"/v1/models/{model}/{word}", json={"reason": "for the tour"})
    return f"{found['name']}@{found['version']}"


def newest(stack: LiveStack, listed: str) -> dict:
    return stack.ask("analyst", "GET", listed, params={"limit": 1})["data"][0]


def live(stack: LiveStack) -> str:
    """The version that decides now."""
    models = stack.ask("analyst", "GET", "/v1/models", params={"limit": 100})["data"]
    return next(model["id"] for model in models if model["role"] == "champion")


def say_why(place: Page | Locator, label: str, reason: str, button: str) -> None:
    """Types the reason and leaves the box, as whoever reaches for the button does; then presses it. Not before the
    box is empty again: what was written before is taken out of it once it is done."""
    box = place.get_by_label(label).first
    expect(box).to_have_value("")
    box.fill(reason)
    box.press("Tab")
    place.get_by_role("button", name=button, exact=True).first.click()


def styled(visit: Visit) -> bool:
    """The page still has its own look, which Streamlit takes away when a fragment sends a toast."""
    ours = "[...document.styleSheets].some(sheet => [...sheet.cssRules].some(rule => rule.selectorText === '.listed'))"
    return visit.page.evaluate(ours)


def begin_release(visit: Visit, version: str, reason: str) -> dict:
    """On the page; what the API says of it."""
    visit.come_in("model_owner", "/releases")
    visit.page.get_by_text("Begin a release").click()
    expect(visit.page.get_by_role("combobox", name="Version")).to_have_value(version)
    say_why(visit.page, "Why this one", reason, "Begin in the shadow")
    expect(visit.page.get_by_text("decides for nobody yet")).to_be_visible()
    return newest(visit.stack, "/v1/rollouts")


def card(visit: Visit, kind: str, name: str) -> Locator:
    return visit.page.locator(f".st-key-{kind}-{name}")
