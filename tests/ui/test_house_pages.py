"""Audit, keys and schedules: what was done here, who may come in, what runs by itself."""

from datetime import date
from typing import Any

import pytest

from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_session import at
from ui.backend import Forbidden, Json, Unreachable


def an_entry(number: int, **changes: Any) -> Json:
    return {"entry": number, "seq": number, "kind": "model.approved", "actor": "act_1", "actor_name": "Ada Approver",
            "reason": "read the report", "at": at(hours=1), "recorded_at": at(hours=1), "application": None,
            "model": "mdl_1"} | changes  # fmt: skip


def a_key(number: int = 1, **changes: Any) -> Json:
    return {"id": f"key_{number}", "actor": "Rosa Reviewer", "name": "desk", "roles": ["reviewer"],
            "created_at": at(days=3), "expires_at": None, "revoked_at": None} | changes  # fmt: skip


def a_schedule(**changes: Any) -> Json:
    return {"id": "drift/consumer-credit", "runs": "CheckDrift", "every_seconds": 21600.0, "paused": False,
            "note": None, "next_at": at(hours=-2), "last_at": at(hours=4), "last_run": "drift/1", "started": 7,
            "skipped": 1, "missed": 0, "running": []} | changes  # fmt: skip


class HouseBackend(FakeBackend):
    """Keeps entries, keys and schedules in memory."""

    def __init__(self, role: str = "admin", name: str = "Otto Operator") -> None:
        super().__init__(role, name)
        self.record: list[Json] = []
        self.keys_there: list[Json] = []
        self.schedules_there: list[Json] = []

    def entries(self, *, before: int | None = None, limit: int = 50, **chosen: str | None) -> Json:
        self._called("entries", *(f"{name}={value}" for name, value in chosen.items() if value))
        self._must("ledger:read")
        rows = [
            entry
            for entry in sorted(self.record, key=lambda entry: -entry["entry"])
            if (before is None or entry["entry"] < before)
            and entry["kind"].startswith(chosen.get("kind") or "")
            and chosen.get("by") in (None, entry["actor_name"])
        ]
        more = len(rows) > limit
        return {"data": rows[:limit], "has_more": more, "after": rows[limit - 1]["entry"] if more else None}

    def keys(self) -> list[Json]:
        self._called("keys")
        self._must("keys:manage")
        return self.keys_there

    def create_key(self, actor: str, roles: list[str], name: str) -> Json:
        self._called("create_key", actor, *roles, name)
        self.keys_there.append(a_key(9, actor=actor, roles=roles, name=name))
        return {"key": "plk_new_secret", "actor": actor, "roles": roles, "name": name}

    def revoke_key(self, key: str) -> None:
        self._called("revoke_key", key)
        next(one for one in self.keys_there if one["id"] == key)["revoked_at"] = at()

    def schedules(self) -> list[Json]:
        self._called("schedules")
        return self.schedules_there

    def move_schedule(self, schedule: str, verb: str, reason: str = "") -> Json:
        self._called("move_schedule", schedule, verb, reason)
        self._must("schedules:run")
        found = self.schedules_there[0]
        found["paused"] = {"pause": True, "resume": False}.get(verb, found["paused"])
        return found


@pytest.mark.parametrize(("page", "method"), [("audit", "entries"), ("keys", "keys"), ("schedules", "schedules")])
def test_an_api_that_is_away_or_refuses_is_one_sentence(open_page, page, method):
    """And no half a list."""
    for problem in (Unreachable("The engine is away."), Forbidden("You may not.")):
        app = open_page(page, HouseBackend().failing(method, problem))
        assert problem.sentence in words_on(app)
        assert not tables_on(app)


def test_an_empty_record_and_an_empty_house_say_what_to_do(open_page):
    """Each in its own words."""
    assert "Nothing on record fits" in words_on(open_page("audit", HouseBackend()))
    assert "No key is in use" in words_on(open_page("keys", HouseBackend()))
    assert "Nothing is scheduled yet" in words_on(open_page("schedules", HouseBackend()))


def test_the_record_says_who_did_what_and_why(open_page):
    """With what else the entry says."""
    backend = HouseBackend("auditor")
    backend.record = [an_entry(1), an_entry(2, kind="key.revoked", actor_name=None, actor="act_system")]
    shown = tables_on(open_page("audit", backend))[0]
    assert shown["Who"].tolist() == ["Plimsoll", "Ada Approver"]
    assert shown["Why"].tolist() == ["read the report"] * 2
    assert shown["More"].tolist() == ["model mdl_1"] * 2


def test_a_reviewers_reason_is_read_in_the_record_as_it_was_chosen(open_page):
    """The API says it beside its code; of a product that is no longer there the code is said in words."""
    backend = HouseBackend("auditor")
    answered = {"kind": "review.answered", "reason": "risk_too_high"}
    backend.record = [an_entry(1, **answered), an_entry(2, **answered, reason_text="Risk too high on a full look")]
    (shown,) = tables_on(open_page("audit", backend))
    assert shown["Why"].tolist() == ["Risk too high on a full look", "Risk too high"]
    assert not any("Risk too high" in more for more in shown["More"])


WRITTEN = ("<img src=x onerror=alert(1)>", "**b** [y](https://z.example) :red[x] $1$", "=1+1", "W" * 300, "طلب قرض",
           "<script>alert(1)</script>", 'a" onclick="x', "app_<b>", "</table><p>")  # fmt: skip


@pytest.mark.parametrize("written", WRITTEN)
def test_what_somebody_wrote_stands_in_a_table_as_it_was_written(open_page, written):
    """No tag, no Markdown, no formula, no link."""
    backend = HouseBackend("auditor")
    backend.record = [an_entry(1, reason=written, application=f"app_{1:026}")]
    (shown,) = tables_on(open_page("audit", backend))
    assert shown["Why"].tolist() == [written]
    assert shown["About"].tolist() == ["…0000001"]


def test_filters_of_the_record_reach_the_api(open_page):
    """By kind, person and day."""
    backend = HouseBackend("auditor")
    backend.record = [an_entry(1)]
    app = open_page("audit", backend)
    app.selectbox(key="kind").select("model.")
    app.text_input(key="by").input("Ada Approver")
    app.date_input(key="since").set_value(date(2026, 6, 1)).run()
    asked = [call for call in backend.calls if call[0] == "entries"][-1]
    assert {"kind=model.", "by=Ada Approver", "since=2026-06-01T00:00:00+00:00"} <= set(asked)


def test_ten_thousand_entries_are_paged(open_page):
    """Fifty at a time, and a changed filter begins anew."""
    backend = HouseBackend("auditor")
    backend.record = [an_entry(number) for number in range(1, 10_001)]
    app = open_page("audit", backend)
    assert len(tables_on(app)[0]) == 50
    app.button(key="older-audit").click().run()
    assert tables_on(app)[0]["Seq"].tolist()[0] == "9,950"
    app.text_input(key="by").input("Ada Approver").run()
    assert tables_on(app)[0]["Seq"].tolist()[0] == "10,000"


def test_a_new_key_is_shown_once(open_page):
    """Gone with the next click."""
    backend = HouseBackend()
    app = open_page("keys", backend)
    app.text_input(key="key-actor").input("Nora")
    app.text_input(key="key-name").input("laptop")
    app.multiselect(key="key-roles").select("analyst")
    next(button for button in app.button if button.label == "Make it").click().run()
    assert app.code[0].value == "plk_new_secret"
    assert ("create_key", "Nora", "analyst", "laptop") in backend.calls
    app.run()
    assert not app.code


def test_a_key_without_a_role_is_not_made(open_page):
    """With what is missing."""
    backend = HouseBackend()
    app = open_page("keys", backend)
    next(button for button in app.button if button.label == "Make it").click().run()
    assert "at least one role" in words_on(app)
    assert not [call for call in backend.calls if call[0] == "create_key"]


def test_revoking_asks_twice(open_page):
    """One click revokes nothing."""
    backend = HouseBackend()
    backend.keys_there = [a_key()]
    app = open_page("keys", backend)
    app.button(key="revoke-key_1").click().run()
    assert not [call for call in backend.calls if call[0] == "revoke_key"]
    app.button(key="sure-key_1").click().run()
    assert ("revoke_key", "key_1") in backend.calls
    assert "No key is in use" in words_on(app)


def test_a_schedule_is_paused_with_a_reason(open_page):
    """Without one nothing is paused."""
    backend = HouseBackend()
    backend.schedules_there = [a_schedule()]
    app = open_page("schedules", backend)
    app.button(key="pause-drift/consumer-credit").click().run()
    assert not [call for call in backend.calls if call[0] == "move_schedule"]
    app.text_input(key="why-drift/consumer-credit").input("the source is being moved").run()
    app.button(key="pause-drift/consumer-credit").click().run()
    assert ("move_schedule", "drift/consumer-credit", "pause", "the source is being moved") in backend.calls
    assert "resume-drift/consumer-credit" in {button.key for button in app.button}


def test_who_only_reads_sees_schedules_and_no_buttons(open_page):
    """An analyst looks on."""
    backend = HouseBackend("analyst")
    backend.schedules_there = [a_schedule()]
    app = open_page("schedules", backend)
    assert "every 6 h" in words_on(app)
    assert not [button for button in app.button if button.label in ("Run now", "Pause")]
