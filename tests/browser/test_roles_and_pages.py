"""Every role opens every page of its menu, and none of the others, on a live stack."""

import pytest
from playwright.sync_api import expect

from plimsoll.domain.access import Role
from tests.browser.conftest import Visit
from tests.browser.test_accessibility import settle
from ui.gate import PAGES

NEEDS_NO_MENU = {"/case"}


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", sorted(Role))
def test_a_role_reads_its_pages_and_no_others(visit: Visit, role: str):
    """Nothing it is shown refuses it, nothing it may not see has a page, and no page reaches anybody outside."""
    visit.sign_in(role)
    settle(visit.page)
    links = visit.page.get_by_test_id("stSidebarNav").get_by_role("link").all()
    offered = {link.get_attribute("href").rpartition("/")[2]: link.inner_text() for link in links}
    for path, title in offered.items():
        visit.go(f"/{path}")
        expect(visit.page.get_by_role("heading", level=1)).to_have_text(title)
        settle(visit.page)
        assert visit.page.get_by_text("may not").count() == 0, path
        visit.shot(f"{role}-{path}")
    for path in sorted({page.removeprefix("/") for page in PAGES if page not in NEEDS_NO_MENU} - set(offered)):
        visit.go(f"/{path}")
        not_yours = visit.page.get_by_role("heading", level=1, name="Not for your role")
        expect(not_yours.or_(visit.page.get_by_text("Nothing to see"))).to_be_visible()
    assert visit.outside == []
    assert visit.errors == []
