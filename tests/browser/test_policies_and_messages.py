"""The rules and the texts in a real browser: a change tried on real decisions, a text approved by another person."""

import json
import re
import tomllib

import pytest
from playwright.sync_api import expect

from plimsoll.settings import ROOT
from tests.applicants import PRODUCTS
from tests.browser.conftest import Visit

pytestmark = pytest.mark.timeout(600)
POLICY = (PRODUCTS / "consumer-credit" / "policy.json").read_text()


def test_a_stricter_policy_is_tried_on_the_decided_cases(visit: Visit, tmp_path):
    """The page says what the API says, and nothing is decided by it."""
    changed = tmp_path / "policy.json"
    changed.write_text(POLICY.replace("> 20000", "> 500"))
    before = visit.stack.ask("analyst", "GET", "/v1/portfolio")["by_outcome"]
    visit.sign_in("analyst", "/policies")
    expect(visit.page.get_by_text("In force").first).to_be_visible()
    visit.shot("policies")
    visit.page.get_by_role("tab", name="Try a change").click()
    visit.page.locator("input[type=file]").set_input_files(str(changed))
    expect(visit.page.get_by_text("policy.json").first).to_be_visible()
    visit.page.get_by_role("button", name="Try it").click()
    expect(visit.page.get_by_text("request.amount was > 20000, becomes > 500.")).to_be_visible()
    expect(visit.page.get_by_text("on the same facts and the same score")).to_be_visible()
    visit.shot("policies-trial")
    proposed = {"policy": json.loads(changed.read_text()), "cases": 200}
    past = visit.stack.ask("analyst", "POST", "/v1/policies/consumer-credit/trial", json=proposed)["past"]
    assert past["moves"]
    expect(visit.page.get_by_text(f"{past['alike']:,} would end alike")).to_be_visible()
    assert visit.stack.ask("analyst", "GET", "/v1/portfolio")["by_outcome"] == before
    assert visit.errors == []


def test_a_text_is_proposed_by_one_and_approved_by_another(visit: Visit):
    """Both on the page; the API says who stands behind it."""
    name = "email-help-offer"
    draft = visit.stack.ask("compliance", "GET", "/v1/message-templates")["data"]
    assert draft == [] or {text["name"] for text in draft} >= {name}
    if not draft:
        visit.stack.ask("collector", "POST", "/v1/message-templates", json=a_first(name))
    visit.sign_in("collector", f"/messages?id={name}@1")
    visit.page.get_by_text("Propose other words").click()
    words = visit.page.get_by_role("textbox", name="English", exact=True)
    expect(words).to_have_value(re.compile("Before it becomes a problem"))
    words.fill(words.input_value().replace("Before it becomes a problem", "Before it is a problem"))
    visit.page.get_by_label("Why").fill("shorter")
    visit.page.get_by_role("button", name="Propose", exact=True).click()
    expect(visit.page.get_by_text(f"{name}@2, proposed by")).to_be_visible()
    visit.page.context.clear_cookies()
    visit.sign_in("compliance", f"/messages?id={name}@2")
    expect(visit.page.get_by_text("Before it is a problem")).to_be_visible()
    visit.shot("messages")
    visit.page.get_by_label("Reason").fill("read in both languages")
    visit.page.get_by_role("button", name="Approve").click()
    expect(visit.page.get_by_text(f"{name}@2, proposed by")).to_have_count(0)
    texts = visit.stack.ask("analyst", "GET", "/v1/message-templates")["data"]
    approved = next(text for text in texts if (text["name"], text["version"]) == (name, 2))
    assert (approved["state"], approved["proposed_by"] != approved["approved_by"]) == ("approved", True)
    assert visit.errors == []


def a_first(name: str) -> dict:
    template = tomllib.loads((ROOT / f"watch/templates/{name}.toml").read_text())
    return {"template": template, "reason": "for the tour"}
