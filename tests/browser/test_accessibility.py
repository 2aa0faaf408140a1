"""axe-core's WCAG 2.1 rules, A and AA, over every page in both themes: nothing on any may break one."""

from importlib.resources import files

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from ui.gate import PAGES

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
LOOK = """async ([code, tags]) => {
    if (!window.axe) (0, eval)(code);
    const found = await axe.run(document, {runOnly: {type: "tag", values: tags}});
    return [found.passes.length, found.violations.map(
        rule => `${rule.id}: ${rule.nodes.map(n => n.target.join(" ") + " " + n.html.slice(0, 200)).join("; ")}`
    )];
}"""


def faults(page: Page) -> list[str]:
    passed, broken = page.evaluate(LOOK, [AXE, RULES])
    assert passed > 5, "axe found next to nothing to look at: is the page there?"
    return broken


def settle(page: Page) -> None:
    """Until the script ran to its end and every part is drawn."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=30_000)
    page.wait_for_function("document.querySelectorAll('[data-testid=stSkeleton]').length === 0")
    page.wait_for_timeout(700)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("visit", ["light", "dark"], indirect=True)
def test_no_page_breaks_a_rule_of_wcag_2_1_aa(visit: Visit):
    """Each page with something on it: a case under review, a trace of a decision, an open expander."""
    task = visit.stack.free_case()
    found: dict[str, list[str]] = {}
    for door in ("/sign-in", "/sign-out"):
        visit.go(door)
        found[door] = faults(visit.page)
    visit.sign_in("admin")
    settle(visit.page)
    for path in PAGES:
        on_it = {"/case": f"?id={task['application_id']}", "/trace": f"?id={task['application_id']}"}.get(path, "")
        visit.go(path + on_it)
        settle(visit.page)
        for more in visit.page.locator("[data-testid=stExpander] summary").all()[:3]:
            more.click()
        settle(visit.page)
        found[path] = faults(visit.page)
    assert {path: broken for path, broken in found.items() if broken} == {}
