"""Ten thousand of whatever a page lists: it draws what can be read, and nothing fails."""

from collections.abc import Callable

import pytest

from tests.ui.care import CareBackend, a_text
from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_policies import a_policy
from tests.ui.fake_session import at
from tests.ui.some_cases import a_case, a_decided_case
from tests.ui.test_drift_page import a_report
from tests.ui.test_every_page import EVERY
from tests.ui.test_experiments_page import an_experiment
from tests.ui.test_house_pages import HouseBackend, a_key, an_entry
from tests.ui.test_models_page import a_model
from tests.ui.test_paging import LONG
from tests.ui.test_releases_page import a_rollout
from ui.show import DRAWN

MANY = 10_000


def many_entries() -> FakeBackend:
    backend = HouseBackend("auditor")
    backend.record = [an_entry(number) for number in range(1, MANY + 1)]
    return backend


def a_long_case() -> FakeBackend:
    entry = {"kind": "application.noted", "actor": "act_1", "reason": "noted", "at": at(hours=1)}
    ledger = [entry | {"entry": number, "seq": number} for number in range(1, MANY + 1)]
    return FakeBackend().with_case(a_case(id="app_0000000001", ledger=ledger))


def many_reports() -> FakeBackend:
    return FakeBackend("analyst").with_drift(*(a_report(number) for number in range(1, MANY + 1)))


def many_experiments() -> FakeBackend:
    backend, one = FakeBackend("model_owner"), an_experiment()
    backend.experiments_there = [one | {"id": f"exp_{number}"} for number in range(MANY)]
    return backend


def many_keys() -> FakeBackend:
    backend = HouseBackend()
    backend.keys_there = [a_key(number, actor=f"Person {number}") for number in range(MANY)]
    return backend


def many_texts() -> FakeBackend:
    return CareBackend("compliance").with_text(*(a_text(f"text-{number}") for number in range(MANY)))


def many_versions() -> FakeBackend:
    backend, one = FakeBackend("analyst"), a_model()
    for number in range(MANY):
        version = one | {"id": f"mdl_{number:026}", "version": f"{number:012}"}
        backend.reports[version["id"]] = {"model": version, "report": {}, "card": None}
    return backend


def many_policies() -> FakeBackend:
    version = {"kept_at": at(days=9), "decisions": 40, "first_at": at(days=9), "last_at": at()}
    kept = [version | {"version": str(number), "digest": f"{number:064x}"} for number in range(MANY)]
    return FakeBackend("analyst").with_policy(
        a_policy(versions=[version | {"version": "2", "digest": "a" * 64}, *kept])
    )


def many_releases() -> FakeBackend:
    backend, one = FakeBackend("model_owner"), a_rollout("rolled_back", ended_at=at(hours=1))
    backend.rollouts_there = [one | {"id": f"rol_{number}"} for number in range(MANY)]
    return backend


def many_refused_lines() -> FakeBackend:
    backend = CareBackend("analyst")
    line = {"at": at(), "feed": "events", "source": "api", "line": 1, "problem": "no such day", "sent_by": "a feed"}
    backend.rejected = [line | {"id": number} for number in range(MANY)]
    return backend


def many_cases_of_one() -> FakeBackend:
    backend, one = FakeBackend("auditor"), a_decided_case()
    for number in range(MANY):
        found = one | {"id": f"app_{number:026d}", "external_id": "LOAN-1"}
        backend.with_case(found)
    return backend


HOUSES: dict[str, Callable[[], FakeBackend]] = {
    "audit": many_entries, "case": a_long_case, "drift": many_reports, "experiments": many_experiments,
    "keys": many_keys, "messages": many_texts, "models": many_versions, "policies": many_policies,
    "releases": many_releases, "stream": many_refused_lines, "trace": many_cases_of_one,
}  # fmt: skip
# What these show does not grow: figures of every case, of every month, of every arm; one line a schedule of the pack.
GROW_NOT = {"overview", "performance", "schedules", "strategies"}
ASKED_FOR = {"case": {"id": "app_0000000001"}, "trace": {"id": "LOAN-1"}}


def test_every_page_is_here_turns_its_pages_or_does_not_grow():
    assert sorted({*HOUSES, *LONG, *GROW_NOT}) == EVERY


@pytest.mark.parametrize("page", sorted(HOUSES))
def test_of_ten_thousand_a_page_draws_what_can_be_read(open_page, page):
    """Neither a table nor a list of links or buttons is longer than somebody reads, and nothing fails."""
    app = open_page(page, HOUSES[page](), **ASKED_FOR.get(page, {}))
    assert not app.exception
    tables, drawn = tables_on(app), len(app.get("page_link")) + len(app.button)
    assert max([0, *map(len, tables)]) <= DRAWN
    assert drawn <= DRAWN
    assert tables or drawn > 1
    assert len(words_on(app)) > 60


def test_of_many_keys_one_is_found_by_its_holder(open_page):
    """The one that is to be revoked is not among the first fifty."""
    app = open_page("keys", many_keys())
    assert "The first 50 of 10,000: say whose" in words_on(app)
    app.text_input(key="keys-whose").set_value("person 9876").run()
    assert [button.key for button in app.button if str(button.key).startswith("revoke-")] == ["revoke-key_9876"]
    app.text_input(key="keys-whose").set_value("nobody").run()
    assert "No key is held by anybody of that name" in words_on(app)
