"""Customers, episodes and calls as the API shows them, for the pages about them."""

from typing import Any

from tests.ui.fake_backend import FakeBackend
from tests.ui.fake_session import at, page_of
from ui.backend import Conflict, Json, NotThere, Refused

FACTORS = [{"feature": "salary_late", "value": "6", "words": "salary comes 6 days later than usual"},
           {"feature": "failed_debits", "value": "2", "words": "2 debits failed this month"}]  # fmt: skip


def a_risk(level: str = "high", **changes: Any) -> Json:
    return {"level": level, "row": "model", "probability": 0.31, "factors": FACTORS, "because": "salary",
            "as_of": at(hours=1), "judged_at": at(hours=1), "model": "early-warning@1", "since": at(days=2)
            } | changes  # fmt: skip


def a_customer(number: int = 1, level: str = "high", **changes: Any) -> Json:
    """As `GET /v1/customers/{id}` shows one."""
    return {
        "id": f"per_{number:026d}", "reference": f"C-{number}", "product": "card", "region": "DE",
        "zone": "Europe/Berlin",
        "opened_on": "2024-01-01", "newest_at": at(hours=1), "due_on": "2026-12-01", "risk": a_risk(level),
        "history": [a_risk(level) | {"before": "low"}, a_risk("low", probability=0.05) | {"before": None}],
        "portrait": a_portrait(), "silent": False,
    } | changes  # fmt: skip


def a_portrait() -> Json:
    return {
        "as_of": at(), "events": 120, "newest": "2026-11-20",
        "signals": [{"name": "salary_late", "value": 6.0, "unit": "days", "about": "salary against their own rhythm",
                     "says": "salary comes 6 days later than usual"}],
        "rhythms": [{"name": "salary", "cycle": "every month", "usual_amount": 2100.0, "expected": "2026-11-15",
                     "usual_delay_days": 0, "days_late": 6.0,
                     "seen": [{"day": "2026-10-15", "amount": 2100.0}, {"day": "2026-09-15", "amount": 2100.0}]},
                    {"name": "rent", "cycle": None, "usual_amount": None, "expected": None, "usual_delay_days": None,
                     "days_late": None, "seen": [{"day": "2026-10-03", "amount": 700.0}]}],
        "weeks": [{"monday": "2026-11-09", "income": 0.0, "spent": 310.0, "cash": 60.0, "lent": 0.0, "put_by": 0.0,
                   "drawn": 0.0, "lowest_balance": 12.0, "failed": 2}],
        "months": [{"month": "2026-10-01", "bill": 400.0, "minimum": 40.0, "limit": 2000.0, "paid": 40.0,
                    "months_late": 1}],
    }  # fmt: skip


def an_episode(number: int = 1, person: Json | None = None, **changes: Any) -> Json:
    """As `GET /v1/interventions/{id}` shows one that waits for a reply to its SMS."""
    return {
        "id": f"int_{number:026d}", "person_id": (person or a_customer())["id"], "product": "card", "source": "live",
        "state": "treating", "ending": None, "level": "high", "stratum": "high", "arm": "gentle", "strategy": "gentle",
        "table_version": "1", "probability": 0.31, "factors": FACTORS, "until": at(hours=-20), "waits_on": "reply",
        "opened_at": at(hours=4), "step_by": "sms", "step_state": "out", "step_rule": None, "asked_for_help": False,
        "steps": [{"number": 0, "by": "sms", "template": "options", "priority": 2, "state": "out", "tries": 0,
                   "rule": "quiet_hours", "result": None, "not_before": None, "until": at(hours=-20),
                   "began_at": at(hours=4), "ended_at": None}],
        "contacts": [{"id": "con_1", "step": "0", "channel": "sms", "template": "options", "template_version": 1,
                      "state": "delivered", "rule": None},
                     {"id": "con_0", "step": "0", "channel": "sms", "template": "options", "template_version": 1,
                      "state": "refused", "rule": "quiet_hours"}],
        "tasks": [], "replies": [], "commitments": [], "outcomes": [], "triggers": [{}], "ui": None,
    } | changes  # fmt: skip


def a_profile() -> Json:
    """One who may be written to, and not called at this hour."""
    return {
        "addresses": {"sms": "+49…34", "voice": "+49…99"}, "flags": [], "preferred": "sms",
        "permitted_now": {"sms": {"permitted": True, "rule": None, "again_at": None},
                          "voice": {"permitted": False, "rule": "quiet_hours", "again_at": at(hours=-9)}},
        "used": {"calls_in_7_days": "2 of 7"}, "contacts": [],
    }  # fmt: skip


def a_call(number: int = 1, **changes: Any) -> Json:
    """As `GET /v1/collector-tasks/{id}` shows one that nobody has."""
    return {
        "id": f"tsk_{number:026d}", "intervention_id": an_episode()["id"], "person_id": a_customer()["id"],
        "product": "card", "step": 0, "attempt": 0, "queue": "collectors", "script": "call-critical",
        "why": ["2 debits failed this month"], "priority": 1, "state": "open", "version": 1, "opened_at": at(hours=1),
        "due_at": at(hours=-3), "deadline": at(days=-4), "escalated_at": None, "claimed_by": None,
        "claimed_by_name": None, "lease_until": None, "answer": None, "answered_at": None, "said": None,
        "level": "critical", "probability": 0.62, "factors": FACTORS, "replies": [],
    } | changes  # fmt: skip


def a_strategy_table() -> Json:
    step = {"by": "sms", "template": "options", "priority": 2, "wait_hours": 48, "answer_within_hours": 24, "tries": 1,
            "try_again_hours": 24}  # fmt: skip
    return {
        "version": "1", "hold_out": 0.08, "rest_days": 30, "digest": "ab" * 32,
        "strategies": [{"id": "gentle", "says": "The least intrusive first.", "share": 1.0,
                        "ladders": {"critical": [step | {"by": "call", "tries": 3}], "high": [step], "medium": [step],
                                    "low": []}}],
        "tools": [{"tool": "payment_plan", "says": "Pay what is due in parts.", "once_in_days": 365,
                   "at_most_days": 180, "at_most_payments": 6}],
    }  # fmt: skip


def an_effect(ripe: bool = True) -> Json:
    compared = {"champion": 0.22, "challenger": 0.17, "difference": -0.05, "interval": [-0.09, -0.01], "p": 0.02,
                "method": "score"}  # fmt: skip
    return {
        "plan": {"words": ["It takes 2,400 episodes, 190 of them held out."]},
        "effect": [{"day": 30, "treated": 900 if ripe else 0, "held_out": 80 if ripe else 0, "share_of_sample": 0.4,
                    "comparison": compared if ripe else None, "verdict": "none_yet",
                    "words": "40 % of the planned sample: no verdict yet."}],
        "arms": [], "counts": [],
    }  # fmt: skip


def a_stream(**changes: Any) -> Json:
    return {"read_up_to": 990, "newest": 1000, "behind": 10, "watermark": at(minutes=1), "moved_at": at(),
            "clocks": [{"product": "taiwan", "watermark": at(minutes=1)}],
            "events": 990, "judged": 300, "triggers": 12, "levels": {"critical": 1, "high": 2, "medium": 3, "low": 40}
            } | changes  # fmt: skip


def a_text(name: str = "email-help-offer", version: int = 1, **changes: Any) -> Json:
    """As `GET /v1/message-templates` shows one that waits for approval."""
    content = {"name": name, "version": version, "channel": "email", "purpose": "offer", "stage": "before_default",
               "texts": {"en": {"subject": "Help", "text": f"Hello {{name}}, version {version}."},
                         "de": {"subject": "Hilfe", "text": "Hallo {name}."}}}  # fmt: skip
    return {
        "name": name, "version": version, "channel": "email", "state": "proposed", "digest": f"{version:064d}",
        "proposed_by": "Carla Collector", "proposed_at": at(days=1), "approved_by": None, "approved_at": None,
        "content": content,
    } | changes  # fmt: skip


class CareBackend(FakeBackend):
    """A fake that knows customers: it keeps them in memory and obeys the API's rules for leases, versions and calls."""

    def __init__(self, role: str = "collector", name: str = "Carla Collector") -> None:
        super().__init__(role, name)
        self.people: dict[str, Json] = {}
        self.episodes: dict[str, Json] = {}
        self.calls_there: dict[str, Json] = {}
        self.stream_now = a_stream()
        self.rejected: list[Json] = []
        self.texts: list[Json] = []
        self.effect_now = an_effect()
        self.no_profile = False
        self.barred: str | None = None  # the rule that stands against calling now

    def with_customer(self, *people: Json) -> "CareBackend":
        self.people |= {person["id"]: person for person in people}
        return self

    def with_episode(self, *episodes: Json) -> "CareBackend":
        self.episodes |= {episode["id"]: episode for episode in episodes}
        return self

    def with_call(self, *calls: Json) -> "CareBackend":
        self.calls_there |= {call["id"]: call for call in calls}
        return self

    def with_text(self, *texts: Json) -> "CareBackend":
        self.texts += texts
        return self

    def templates(self) -> list[Json]:
        self._called("templates")
        self._must("customers:read")
        return sorted(self.texts, key=lambda text: (text["name"], -text["version"]))

    def propose_template(self, template: Json, reason: str) -> Json:
        """The rules of the API: a text without a way out is refused, other words need another version."""
        self._called("propose_template", template["name"], str(template["version"]), reason)
        self._must("contacts:manage")
        if any("threat" in wording["text"] for wording in template["texts"].values()):
            raise Refused("email-help-offer cannot be proposed: it threatens.")
        made = a_text(template["name"], template["version"], proposed_by=self.name) | {"content": template}
        self.texts.append(made)
        return made

    def move_template(self, text: Json, verb: str, reason: str) -> Json:
        self._called("move_template", text["name"], str(text["version"]), verb, reason)
        self._must("messages:approve")
        found = next(t for t in self.texts if (t["name"], t["version"]) == (text["name"], text["version"]))
        if found["digest"] != text["digest"]:
            raise Conflict("It says something else than what you have read.")
        found |= {"state": "approved", "approved_by": self.name, "approved_at": at()} if verb == "approve" else {
            "state": "retired"}  # fmt: skip
        return found

    def customers(self, level: str | None = None, after: str | None = None, limit: int = 50) -> Json:
        self._called("customers", level or "")
        self._must("customers:read")
        rows = [
            {name: person[name] for name in ("id", "product", "region", "silent")} | person["risk"]
            for person in self.people.values()
            if level in (None, person["risk"]["level"])
        ]
        return page_of(rows, after, limit)

    def customer(self, number: str) -> Json:
        self._called("customer", number)
        found = next((p for p in self.people.values() if number in (p["id"], p["reference"])), None)
        if found is None:
            raise NotThere("Nobody is watched under this id: give a `per_…`, or your own id of the customer.")
        return found

    def contact_profile(self, person: str) -> Json:
        self._called("contact_profile", person)
        if self.no_profile:
            raise NotThere("There is no customer.")
        return a_profile()

    def stream(self) -> Json:
        self._called("stream")
        self._must("customers:read")
        return self.stream_now

    def rejected_lines(self, after: int | None = None, limit: int = 50) -> Json:
        self._called("rejected_lines")
        return page_of(self.rejected, after, limit)

    def interventions(self, *, after: str | None = None, limit: int = 50, **chosen: str | None) -> Json:
        self._called("interventions", *(f"{name}={value}" for name, value in chosen.items() if value))
        self._must("customers:read")
        names = {"person": "person_id"}
        rows = [
            row
            for row in self.episodes.values()
            if all(value is None or row[names.get(name, name)] == value for name, value in chosen.items())
        ]
        return page_of(rows, after, limit)

    def intervention(self, intervention: str) -> Json:
        self._called("intervention", intervention)
        if intervention not in self.episodes:
            raise NotThere(f"There is no intervention {intervention}.")
        return self.episodes[intervention]

    def intervention_accounting(self) -> Json:
        self._called("intervention_accounting")
        opened = len(self.episodes)
        return {"triggers": opened + 3, "opened": opened, "updated": 1, "refused": 2, "by_rule": {"held_out": 2}}

    def strategies(self) -> Json:
        self._called("strategies")
        self._must("customers:read")
        return {"table": a_strategy_table(), "plan": self.effect_now["plan"]}

    def effect(self) -> Json:
        self._called("effect")
        return self.effect_now

    def cancel_intervention(self, intervention: str, reason: str) -> Json:
        self._called("cancel_intervention", intervention, reason)
        self._must("interventions:act")
        self.episodes[intervention] |= {"state": "watching", "ending": "cancelled"}
        return self.episodes[intervention]

    def calls_of(self, *states: str) -> list[Json]:
        return [call for call in self.calls_there.values() if call["state"] in states]

    def call_tasks(self, state: str | None = None, after: str | None = None, limit: int = 50) -> Json:
        self._called("call_tasks", state or "")
        self._must("customers:read")
        rows = self.calls_of(state) if state else self.calls_of("open", "claimed")
        return page_of(rows, after, limit)

    def call_task(self, task: str) -> Json:
        self._called("call_task", task)
        if task not in self.calls_there:
            raise NotThere(f"There is no collector task {task}.")
        return self.calls_there[task]

    def take_next_call(self) -> Json | None:
        self._called("take_next_call")
        self._must("interventions:act")
        free = [] if self.barred else self.calls_of("open")
        return self.move_call(free[0]["id"], "claim") if free else None

    def move_call(self, task: str, verb: str) -> Json:
        self._called("move_call", task, verb)
        self._must("interventions:act")
        call = self.calls_there[task]
        if verb != "release" and self.barred:
            raise Conflict(f"This customer may not be called: {self.barred}.", rule=self.barred)
        if call["claimed_by_name"] not in (None, self.name):
            raise Conflict(f"{call['claimed_by_name']} holds this task until 10:00 UTC.")
        if verb == "claim":
            call |= {"state": "claimed", "claimed_by_name": self.name, "lease_until": at(minutes=-20), "version": 2}
        if verb == "release":
            call |= {"state": "open", "claimed_by_name": None, "lease_until": None, "version": 3}
        return call | ({"number": "+49 30 1234", "says": "Good day, this is …"} if verb == "call" else {})

    def answer_call(self, task: str, report: Json) -> Json:
        self._called("answer_call", task, report["answer"])
        call = self.calls_there[task]
        if report["version"] != call["version"]:
            raise Conflict("The task changed since you opened it: look again before you answer.")
        if report["answer"] == "promise" and "amount" not in report:
            raise Refused("This answer cannot be taken: see `fields`.",
                          fields=[{"field": "amount", "problem": "a promise to pay names its amount"}])  # fmt: skip
        self.reported = report
        call |= {"state": "answered", "answer": report["answer"], "answered_at": at(), "said": report}
        return call
