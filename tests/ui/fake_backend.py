"""A backend that works without an API: it keeps cases in memory and obeys the same rules.

fake = FakeBackend(role="reviewer").with_case(a_case(amount="4800.00"))
fake.claim(task) ; fake.decide(task, {...})      # first verdict wins, as in the API
"""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from plimsoll.domain.access import Actor, Permission, Role
from ui.backend import Conflict, Forbidden, Json, NotThere, Problem, SignedOut

NOW = datetime.now(UTC)
DOCUMENTS = {"payslips": "Payslips of the last three months", "identity": "Copy of the identity card"}
REASONS = {
    "evidence_checked": "Checked the evidence with the source",
    "income_confirmed": "Income confirmed by documents",
    "risk_too_high": "Risk too high on a full look",
    "smaller_amount": "A smaller amount is affordable",
}


def at(**before: float) -> str:
    """A moment this long ago; negative for one to come."""
    return (datetime.now(UTC) - timedelta(**before)).isoformat()


def page_of(rows: list[Json], after: Any, limit: int, key: str = "id") -> Json:
    """One page of a list, as every list of the API gives it."""
    begin = next((place + 1 for place, row in enumerate(rows) if row[key] == after), 0)
    shown, more = rows[begin : begin + limit], len(rows) > begin + limit
    return {"data": shown, "has_more": more, "after": shown[-1][key] if more else None}


class FakeBackend:
    def __init__(self, role: str = "reviewer", name: str = "Rosa Reviewer") -> None:
        self.role = Role(role)
        self.name = name
        self.cases: dict[str, Json] = {}
        self.fails: dict[str, Problem] = {}  # method -> what it raises
        self.calls: list[tuple[str, ...]] = []
        self.engine = "ok"
        self.sources: list[Json] = []
        self.performances: dict[str, Json] = {}  # product -> report
        self.experiments_there: list[Json] = []
        self.rollouts_there: list[Json] = []

    def with_model(self, model: Json, **report: Any) -> "FakeBackend":
        found = {"model": model, "report": report, "card": "# Card"}
        self.reports = getattr(self, "reports", {}) | {model["id"]: found}
        return self

    def with_training(self, run: Json) -> "FakeBackend":
        self.runs_of_training = [*getattr(self, "runs_of_training", []), run]
        return self

    def models(self, after: str | None = None, limit: int = 100) -> Json:
        self._called("models")
        return page_of([found["model"] for found in getattr(self, "reports", {}).values()], after, limit)

    def model_report(self, model: str) -> Json:
        self._called("model_report", model)
        return self.reports[model]

    def trainings(self, state: str | None = None) -> list[Json]:
        self._called("trainings")
        return list(getattr(self, "runs_of_training", []))

    def with_retraining(self, run: Json) -> "FakeBackend":
        self.runs_of_retraining = [*getattr(self, "runs_of_retraining", []), run]
        return self

    def retrainings(self, limit: int = 10) -> list[Json]:
        self._called("retrainings")
        return list(getattr(self, "runs_of_retraining", []))[:limit]

    def move_model(self, model: str, verb: str, reason: str) -> Json:
        """The rules of the API: another person approves, and only what was proposed."""
        self._called("move_model", model, verb, reason)
        found = self.reports[model]["model"]
        if verb == "approval" and found["proposed_by"] == self.name:
            raise Forbidden("Four eyes: another person must approve it.")
        states = {"proposal": "proposed", "approval": "approved", "rejection": "rejected"}
        found |= {"state": states[verb]} | ({"proposed_by": self.name} if verb == "proposal" else {})
        return found

    def with_case(self, case: Json) -> "FakeBackend":
        self.cases[case["id"]] = case
        return self

    def failing(self, method: str, problem: Problem) -> "FakeBackend":
        self.fails[method] = problem
        return self

    def as_another(self, name: str, role: str = "reviewer") -> "FakeBackend":
        """A second person at the same desk."""
        other = FakeBackend(role, name)
        other.cases = self.cases
        return other

    def refreshing(self) -> "FakeBackend":
        return self

    # Who -----------------------------------------------------------------------------------

    def open_session(self) -> Json:
        self._called("open_session")
        return {"token": "pls_fake"}

    def end_session(self) -> None:
        self._called("end_session")

    def who_am_i(self) -> Json:
        self._called("who_am_i")
        actor = Actor(id=f"act_{self.name.lower().replace(' ', '_')}", name=self.name, roles=(self.role,))
        permissions = sorted(permission.value for permission in Permission if actor.may(permission))
        return {"id": actor.id, "name": actor.name, "roles": [self.role.value], "permissions": permissions}

    # Reading -------------------------------------------------------------------------------

    def portfolio_choices(self) -> Json:
        self._called("portfolio_choices")
        self._must("applications:read")
        return {"product": ["consumer-credit"], "arm": ["champion"], "version": ["consumer-credit@1"]}

    def portfolio(self, **chosen: str | None) -> Json:
        """Counts of the cases there are; `self.portfolio_changes` puts the rest in."""
        self._called("portfolio", *(f"{name}={value}" for name, value in chosen.items() if value is not None))
        self._must("applications:read")
        wanted = chosen.get("outcome")
        cases = [case for case in self.cases.values() if wanted in (None, case["outcome"])]
        decided = [case for case in cases if case["outcome"]]
        by_person = sum(case["outcome_source"] == "person" for case in decided)
        rates = {
            f"{name}_rate": sum(case["outcome"] == outcome for case in decided) / len(decided) if decided else None
            for name, outcome in (("approval", "approve"), ("decline", "decline"), ("counter_offer", "counter_offer"))
        }
        return self._counts() | rates | a_portfolio() | {
            "applications": len(cases),
            "decided": len(decided),
            "automation_rate": (len(decided) - by_person) / len(decided) if decided else None,
        } | getattr(self, "portfolio_changes", {})  # fmt: skip

    def product(self, product: str) -> Json:
        self._called("product", product)
        return {"id": product, "title": "Consumer credit", "currency": "DEM", "review_reasons": REASONS,
                "review_documents": DOCUMENTS}  # fmt: skip

    def products(self) -> list[Json]:
        self._called("products")
        return [{"id": name} for name in (self.performances or {"consumer-credit": {}})]

    def with_drift(self, *reports: Json, history: list[Json] | None = None) -> "FakeBackend":
        """Newest first."""
        self.drifts = {report["id"]: report for report in reports}
        self.drift_lines = history or []
        return self

    def drift_reports(self, product: str, after: str | None = None, limit: int = 50) -> Json:
        self._called("drift_reports", product)
        self._must("models:read")
        return page_of(list(getattr(self, "drifts", {}).values()), after, limit)

    def drift_report(self, report: str) -> Json:
        self._called("drift_report", report)
        return self.drifts[report]

    def drift_history(self, product: str) -> list[Json]:
        self._called("drift_history", product)
        return getattr(self, "drift_lines", [])

    def drift_page(self, report: str) -> bytes:
        self._called("drift_page", report)
        return b"<!DOCTYPE html>"

    def check_drift(self, product: str) -> Json:
        self._called("check_drift", product)
        self._must("drift:check")
        return {"id": f"drf_{9:026}"}

    def with_policy(self, *policies: Json) -> "FakeBackend":
        """Of one product or several; the first of a product is in force."""
        self.policies_there = [*getattr(self, "policies_there", []), *policies]
        return self

    def policies(self) -> list[Json]:
        self._called("policies")
        self._must("policies:read")
        return [
            {name: found[name] for name in ("product", "title", "version", "digest")} | {"rules": 1}
            for found in getattr(self, "policies_there", [])
            if found["in_force"]
        ]

    def policy(self, product: str, digest: str | None = None) -> Json:
        self._called("policy", product, digest or "")
        here = [found for found in self.policies_there if found["product"] == product]
        return copy.deepcopy(next(each for each in here if each["digest"] == (digest or each["digest"])))

    def policy_changes(self, product: str, before: str, after: str | None = None) -> list[str]:
        self._called("policy_changes", product, before, after or "")
        return ["R-AMOUNT-HIGH: request.amount was > 9000, becomes > 20000."]

    def try_policy(self, product: str, policy: Json, cases: int) -> Json:
        """What `self.trial` says, or a change that moves two of a hundred cases."""
        self._called("try_policy", product, str(cases))
        self._must("policies:read")
        return getattr(self, "trial", None) or a_trial()

    def performance(self, product: str) -> Json:
        self._called("performance", product)
        self._must("models:read")
        return self.performances[product]

    def queue(
        self, *, queue: str | None = None, held: str | None = None, after: str | None = None, limit: int = 50
    ) -> Json:
        self._called("queue", held or "")
        tasks = [case for case in self._waiting() if held is None or held in self._held(case["review"])]
        ordered = sorted(tasks, key=lambda case: (case["priority"] != "urgent", case["review"]["due_at"]))
        return page_of([self._row(case) for case in ordered], after, limit)

    def desk(self) -> Json:
        self._called("desk")
        reviews = [case["review"] for case in self._waiting()]
        away = getattr(self, "away", [])
        if not reviews:
            return {"data": [], "away": away}
        held = [kind for review in reviews for kind in self._held(review)]
        late = sum(review["due_at"] <= at() for review in reviews)
        asked = sum(case["status"] == "awaiting_applicant" for case in self._waiting())
        counts = {"waiting": len(reviews), "free": held.count("free"), "mine": held.count("mine"), "overdue": late}
        return {"data": [{"queue": "credit", "with_applicant": asked} | counts], "away": away}

    def similar(self, application: str) -> list[Json]:
        self._called("similar", application)
        return getattr(self, "near", [])

    def offer(self, application: str, amount: str, term_months: int) -> Json:
        self._called("offer", application, amount, str(term_months))
        terms = {"payment": "210.40", "apr": "0.119", "total_cost": "312.10"}
        return {"terms": terms, "expected_loss": None, "probability_of_default": 0.021}

    def note(self, application: str, text: str) -> None:
        self._called("note", application, text)
        notes = self.cases[application]["notes"]
        notes.append({"id": len(notes) + 1, "by": self.name, "written_at": at(), "text": text})

    def ask_for_document(self, task: str, code: str) -> None:
        """As the API: the case waits for the applicant."""
        self._called("ask_for_document", task, code)
        case = self._case_of(task)
        case["status"] = "awaiting_applicant"
        case["documents"].append({
            "id": f"doc_{code}", "code": code, "name": "Payslips of the last three months", "asked_by": self.name,
            "asked_at": at(), "until": at(days=-7), "received_at": None, "held": False,
        })  # fmt: skip

    def document(self, application: str, document: str) -> tuple[bytes, str, str]:
        self._called("document", application, document)
        return b"%PDF-1.7", "application/pdf", "Lohn.pdf"

    def hand_up(self, task: str, reason: str) -> None:
        self._called("hand_up", task, reason)
        self._case_of(task)["review"] |= {"for_seniors": True, "claimed_by": None, "lease_until": None}

    def leave(self, until: str) -> None:
        self._called("leave", until)
        self.away = [{"id": self.who_am_i()["id"], "name": self.name, "until": until}]

    def come_back(self) -> None:
        self._called("come_back")
        self.away = []

    def case(self, application: str) -> Json:
        self._called("case", application)
        if application not in self.cases:
            raise NotThere(f"There is no application {application}.")
        return copy.deepcopy(self.cases[application])

    def find(self, number: str) -> str | None:
        self._called("find", number)
        return next((c["id"] for c in self.cases.values() if number in (c["id"], c["external_id"])), None)

    def decisions(self, number: str) -> list[Json]:
        self._called("decisions", number)
        self._must("applications:read")
        shown = ("id", "external_id", "product", "status", "amount", "currency", "outcome")
        return [
            {name: case[name] for name in shown} | {"accepted_at": case["timings"]["accepted_at"]}
            for case in self.cases.values()
            if number in (case["id"], case["external_id"], case["declared"].get("applicant.id"))
        ]

    def proof(self, application: str) -> Json:
        """Fits, unless `self.broken` says what does not."""
        self._called("proof", application)
        entries = [
            {"entry": entry["seq"], "seq": entry["seq"], "kind": entry["kind"], "hash": f"{entry['seq']:064x}"}
            for entry in self.cases[application]["ledger"]
        ]
        problem = getattr(self, "broken", None)
        return {"ok": problem is None, "problem": problem, "application": application, "entries": entries, "rows": 5,
                "checked_at": at()}  # fmt: skip

    def note_copy(self, application: str, form: str, mark: str, content: str) -> None:
        self._called("note_copy", application, form, mark, content)
        self._must("applications:read")

    def verification(self) -> Json:
        self._called("verification")
        self._must("ledger:read")
        return {"ok": True, "entries": 12, "rows": 20, "checkpoints": 1, "problem": None}

    def run_of(self, application: str) -> Json:
        self._called("run_of", application)
        return {
            "workflow_id": f"underwriting/{application}/1",
            "status": "running",
            "history_length": 24,
            "pending": [],
            "ui": "http://127.0.0.1:8233/namespaces/plimsoll/workflows/x",
        }

    def runs(
        self, statuses: Any = (), waiting_on: str | None = None, stuck: bool = False, after: str | None = None,
        limit: int = 50,
    ) -> Json:  # fmt: skip
        self._called("runs", *statuses, waiting_on or "", *(["stuck"] if stuck else []))
        found = [
            self._run(case)
            for case in self.cases.values()
            if (not statuses or case["status"] in statuses) and (not waiting_on or waiting_on == self._waited_for(case))
        ]
        return page_of(found, after, limit)

    def runs_summary(self) -> Json:
        self._called("runs_summary")
        others = getattr(self, "others", [])
        kinds = sorted({run["kind"] for run in others})
        return self._counts() | {
            "others": [{"kind": kind, "n": sum(run["kind"] == kind for run in others)} for kind in kinds],
            "sources": self.sources,
            "source_names": ["bureau", "bank", "registry"],
            "engine": self.engine,
        }

    def rollouts(self, after: str | None = None, limit: int = 20) -> Json:
        self._called("rollouts")
        rows = [{name: value for name, value in one.items() if name != "evaluations"} for one in self.rollouts_there]
        return page_of(rows, after, limit)

    def rollout(self, rollout: str) -> Json:
        self._called("rollout", rollout)
        return next(one for one in self.rollouts_there if one["id"] == rollout)

    def move_rollout(self, rollout: str, verb: str, reason: str) -> Json:
        self._called("move_rollout", rollout, verb, reason)
        found = next(one for one in self.rollouts_there if one["id"] == rollout)
        found["state"] = dict(pause="paused", resume="running", promote="promoted", rollback="rolled_back")[verb]
        found["reason"] = reason
        return found

    def experiments(self, after: str | None = None, limit: int = 20) -> Json:
        self._called("experiments")
        self._must("models:read")
        return page_of(copy.deepcopy(self.experiments_there), after, limit)

    # Acting --------------------------------------------------------------------------------

    def plan_experiment(self, question: Json) -> Json:
        self._called("plan_experiment", question["metric"], question["challenger"])
        self._must("models:release")
        return {"id": "exp_new", "plan": {"words": [f"It takes 400 for {question['effect']}."]}}

    def move_experiment(self, experiment: str, verb: str, reason: str) -> Json:
        self._called("move_experiment", experiment, verb, reason)
        self._must("models:release")
        found = next(found for found in self.experiments_there if found["id"] == experiment)
        found |= {"state": "running", "started_at": at()} if verb == "start" else {"state": "stopped"}
        return copy.deepcopy(found)

    def read_experiment(self, experiment: str) -> Json:
        self._called("read_experiment", experiment)
        self._must("models:read")
        return {}

    def review(self, task: str) -> Json:
        self._called("review", task)
        return copy.deepcopy(self._task(task))

    def claim(self, task: str) -> Json:
        self._called("claim", task)
        self._must("reviews:answer")
        review = self._task(task)
        if review["claimed_by"] not in (None, self.name) and review["lease_until"] > at():
            raise Conflict("Another reviewer holds this case until 10:00 UTC.")
        if review["claimed_by"] != self.name:
            review["version"] += 1
        review |= {"state": "claimed", "claimed_by": self.name, "lease_until": at(minutes=-30)}
        return copy.deepcopy(review)

    def release(self, task: str) -> Json:
        self._called("release", task)
        review = self._task(task)
        if review["claimed_by"] != self.name:
            raise Conflict("You do not hold this case: claim it first.")
        review |= {"state": "open", "claimed_by": None, "lease_until": None, "version": review["version"] + 1}
        return copy.deepcopy(review)

    def decide(self, task: str, answer: Json) -> Json:
        self._called("decide", task, answer["outcome"], answer["reason"])
        self._must("reviews:answer")
        review = self._task(task)
        mine = next((given for given in review["verdicts"] if given["actor"] == self.name), None)
        if mine and (mine["outcome"], mine["reason"]) == (answer["outcome"], answer["reason"]):
            return copy.deepcopy(review)
        if review["state"] == "answered":
            last = review["verdicts"][-1]
            raise Conflict("This case was decided.", by=last["actor"], outcome=last["outcome"], reason=last["reason"])
        if answer["version"] != review["version"]:
            raise Conflict("The case changed since you opened it: look again before you decide.")
        review["verdicts"].append(self._verdict(answer))
        review |= {"state": "answered", "claimed_by": None, "lease_until": None, "version": review["version"] + 1}
        case = next(case for case in self.cases.values() if case["review"] and case["review"]["id"] == task)
        case |= {"status": "decided", "outcome": answer["outcome"], "outcome_source": "person"}
        return copy.deepcopy(review)

    def other_runs(self, kind: str | None = None, after: str | None = None, limit: int = 50) -> Json:
        self._called("other_runs", kind or "")
        rows = [run for run in getattr(self, "others", []) if kind in (None, run["kind"])]
        return page_of(rows, after, limit)

    def retry(self, application: str, reason: str) -> int:
        self._called("retry", application, reason)
        self._must("workflows:resume")
        return 1

    def withdraw(self, application: str, reason: str) -> None:
        self._called("withdraw", application, reason)
        self._must("applications:withdraw")
        self.cases[application]["status"] = "withdrawn"

    def resume(self, source: str, reason: str) -> Json:
        self._called("resume", source, reason)
        self._must("workflows:resume")
        return {"waiting_on": source, "resumed": sum(self._waited_for(case) == source for case in self.cases.values())}

    # Below ---------------------------------------------------------------------------------

    def _called(self, method: str, *what: str) -> None:
        self.calls.append((method, *what))
        if method in self.fails:
            raise self.fails[method]

    def _must(self, permission: str) -> None:
        if permission not in self.who_am_i()["permissions"]:
            raise Forbidden(f"{self.name} may not do this: it needs the permission {permission}.")

    def _task(self, task: str) -> Json:
        return self._case_of(task)["review"]

    def _case_of(self, task: str) -> Json:
        for case in self.cases.values():
            if case["review"] and case["review"]["id"] == task:
                return case
        raise NotThere(f"There is no review {task}.")

    def _verdict(self, answer: Json) -> Json:
        said = {name: answer.get(name) for name in ("outcome", "reason", "note", "amount", "term_months")}
        return said | {"actor": self.name, "answered_at": at(), "position": 1}

    def _waiting(self) -> list[Json]:
        waits = ("open", "claimed", "second")
        return [case for case in self.cases.values() if case["review"] and case["review"]["state"] in waits]

    def _held(self, review: Json) -> set[str]:
        """Every filter of the queue that this task fits."""
        free = review["lease_until"] is None or review["lease_until"] <= at()
        holder = "free" if free else "mine" if review["claimed_by"] == self.name else "others"
        return {holder, "second"} if review["state"] == "second" else {holder}

    def _row(self, case: Json) -> Json:
        kept = {name: value for name, value in case["review"].items() if name != "verdicts"}
        return kept | {
            "application_id": case["id"],
            **{name: case[name] for name in ("external_id", "product", "amount", "currency", "term_months")},
            "probability_of_default": case["probability_of_default"],
            "priority": case["priority"],
            "with_applicant": case["status"] == "awaiting_applicant",
        }

    def _run(self, case: Json) -> Json:
        shown = ("id", "external_id", "product", "status", "amount", "currency", "term_months", "outcome",
                 "outcome_source")  # fmt: skip
        return {name: case[name] for name in shown} | {
            "waiting_on": self._waited_for(case),
            "accepted_at": case["timings"]["accepted_at"],
            "ui": "http://127.0.0.1:8233/namespaces/plimsoll/workflows/x",
        }

    def _waited_for(self, case: Json) -> str | None:
        return ", ".join(case["waiting_on"]["what"]) if case["waiting_on"] else None

    def _counts(self) -> Json:
        statuses = [case["status"] for case in self.cases.values()]
        outcomes = [(c["outcome"], c["outcome_source"]) for c in self.cases.values() if c["outcome"]]
        waited = [w for w in map(self._waited_for, self.cases.values()) if w]
        return {
            "by_status": [{"status": status, "n": statuses.count(status)} for status in sorted(set(statuses))],
            "by_outcome": [
                {"product": "consumer-credit", "outcome": outcome, "outcome_source": source,
                 "n": outcomes.count((outcome, source))}
                for outcome, source in sorted(set(outcomes))
            ],
            "waiting_on": [{"source": w, "n": waited.count(w), "since": at(minutes=12)} for w in sorted(set(waited))],
        }  # fmt: skip


class SignedOutBackend(FakeBackend):
    """Whose session has ended."""

    def _called(self, method: str, *what: str) -> None:
        raise SignedOut("This session has ended: sign in again.")


def a_policy(**changes: Any) -> Json:
    """As `GET /v1/policies/{product}` shows the one in force."""
    rule = {"id": "R-AMOUNT-HIGH", "name": "Amount above the product", "effect": "decline", "table": "screen",
            "reason": "amount_outside_product", "conditions": {"request.amount": "> 20000"}}  # fmt: skip
    version = {"version": "1", "kept_at": at(days=9), "decisions": 40, "first_at": at(days=9), "last_at": at()}
    return {
        "product": "consumer-credit", "title": "Consumer credit", "in_force": True, "version": "2", "digest": "a" * 64,
        "tables": [{"id": "screen", "name": "Hard rules on what was declared", "rules": [rule]}],
        "grades": [{"grade": "A", "conditions": {"score.pd": "<= 0.01"}, "annual_rate": "0.09", "max_amount": "15000",
                    "max_term_months": 60}],
        "columns": {"request.amount": "Amount asked", "score.pd": "Probability of default"}, "problems": [],
        "cases": [{"name": "too much is declined", "passed": True, "problem": None}],
        "versions": [version | {"version": "2", "digest": "a" * 64, "kept_at": at(days=1)},
                     version | {"digest": "b" * 64}],
    } | changes  # fmt: skip


def a_trial(**changes: Any) -> Json:
    difference = {"application": "app_7", "was": "approve", "becomes": "decline", "rules_before": [],
                  "rules_after": ["R-AMOUNT-HIGH"]}  # fmt: skip
    return {
        "version": "3", "digest": "c" * 64, "problems": [],
        "changes": ["R-AMOUNT-HIGH: request.amount was > 20000, becomes > 9000."],
        "cases": [{"name": "too much is declined", "passed": True, "problem": None}],
        "past": {"cases": 100, "since": "2026-06-01", "until": "2026-06-30", "alike": 98,
                 "moves": [{"was": "approve", "becomes": "decline", "cases": 2}],
                 "differences": [difference, difference | {"application": "app_9"}]},
    } | changes  # fmt: skip


def a_portfolio() -> Json:
    """What the overview draws beside its counts."""
    return {
        "unit": "day",
        "refer_rate": 0.25,
        "override_rate": 0.125,
        "verdicts": {"n": 8, "against": 1},
        "time_to_yes": {"n": 40, "p50": 0.031, "p95": 7200.0},
        "cost_of_evidence": [{"currency": "DEM", "amount": "88.00", "inquiries": 120, "without_price": 0}],
        "over_time": [{"at": at(days=1), "outcome": "approve", "n": 30, "by_person": 2},
                      {"at": at(days=1), "outcome": "open", "n": 3, "by_person": 0}],
        "histogram": [{"above": 0.0, "width": 0.005, "n": 20}, {"above": 0.005, "width": 0.005, "n": 10}],
        "bands": [{"band": 0, "outcome": "approve", "n": 20}, {"band": 3, "outcome": "decline", "n": 10}],
        "band_bounds": [0.005, 0.01, 0.02, 0.05, 0.1, 0.2],
        "vintages": [{"vintage": "2026-06", "granted": 20, "known": 20, "bad": 2, "ripe": True, "bad_rate": 0.1,
                      "interval": [0.028, 0.301], "currency": "DEM", "lost": "900.00", "loss_rate": 0.04},
                     {"vintage": "2026-07", "granted": 10, "known": 0, "bad": 0, "ripe": False, "bad_rate": None,
                      "interval": None, "currency": "DEM", "lost": "0.00", "loss_rate": None}],
        "sources": [{"source": "bureau", "asked": 40, "answered": 38, "p50": 0.012, "p95": 0.9,
                     "failures": 0, "open_until": None}],
    }  # fmt: skip


# Cases ------------------------------------------------------------------------------------------

_count = 0


def a_case(**changes: Any) -> Json:
    """A referred case, as `GET /v1/applications/{id}/trace` shows it."""
    global _count
    _count += 1
    number = f"{_count:026d}"
    case = {
        "id": f"app_{number}",
        "application_id": f"app_{number}",
        "external_id": f"SGC-{_count:04d}",
        "product": "consumer-credit",
        "jurisdiction": "DE",
        "type": "credit",
        "amount": "4800.00",
        "currency": "DEM",
        "term_months": 24,
        "priority": "normal",
        "round": 1,
        "status": "review",
        "waiting_on": None,
        "outcome": None,
        "outcome_source": None,
        "score": 963,
        "probability_of_default": 0.0369,
        "reasons": [
            {"code": "checking_account", "text": "State of your checking account: overdrawn", "rank": 1,
             "source": "score"},
            {"code": "term_long", "text": "The term asked for is long: 24 months", "rank": 2, "source": "score"},
        ],
        "rule_hits": [
            {"id": "D-CLOSE", "name": "Too close to the cut", "effect": "refer", "reason": "close_call",
             "values_read": {"score.near_cut": 0.31}},
        ],
        "terms": None,
        "policy": None,
        "override": None,
        "missing_sources": [],
        "timings": {"accepted_at": at(hours=2), "decided_at": None, "steps": []},
        "declared": {
            "amount": "4800.00",
            "currency": "DEM",
            "term_months": 24,
            "purpose": "car_used",
            "party_role": "alone",
            "applicant.id": "SGC-0001",
            "applicant.employment_status": "employed",
            "applicant.tenure_band": "1_to_4_years",
            "financial.monthly_income": "1400.00",
            "financial.housing": "rent",
        },
        "evidence": [_evidence("bank", checking_state="overdrawn", savings_band="under_100"),
                     _evidence("bureau", repayment_history="repaid_duly_so_far", other_plans="none", no_file=False),
                     _evidence("registry", identity_confirmed=True, sanctions_hit=False)],
        "score_details": {
            "model": {"name": "consumer-credit", "version": "1", "role": "champion"},
            "probability_of_default": 0.0369,
            "interval": [0.024, 0.061],
            "near_cut": 0.31,
            "novelty": 0.2,
            "missing": [],
            "features": {"checking_state": "overdrawn", "term_months": 24, "savings_band": "under_100",
                         "repayment_history": "repaid_duly_so_far", "purpose": "car_used", "amount": 4800.0},
            "contributions": {"checking_state": 0.62, "term_months": 0.21, "savings_band": 0.18,
                              "repayment_history": -0.12, "purpose": -0.33, "amount": 0.04},
        },
        "proposal": {"policy": {"id": "consumer-credit", "version": "1"}},
        "why_a_person": ["Too close to the cut"],
        "documents": [],
        "notes": [],
        "review": a_review(f"rev_{number}"),
        "steps": [{"step": "score", "source": None, "lane": "express", "started_at": at(hours=2), "duration_ms": 12.5,
                   "result": "ok", "error": None}],
        "ledger": [{"entry": 1, "seq": 1, "kind": "application.received", "actor": "act_channel", "reason": "submitted",
                    "at": at(hours=2)},
                   {"entry": 2, "seq": 2, "kind": "review.opened", "actor": "act_system", "reason": "referred",
                    "at": at(hours=1.99), "why": ["Too close to the cut"]}],
    }  # fmt: skip
    return case | changes


def a_review(task: str, **changes: Any) -> Json:
    review = {
        "id": task,
        "queue": "credit",
        "state": "open",
        "version": 1,
        "why": ["Too close to the cut"],
        "opened_at": at(hours=2),
        "due_at": at(hours=-2),
        "deadline": at(days=-14),
        "escalated_at": None,
        "for_seniors": False,
        "lease_until": None,
        "four_eyes": False,
        "answered_at": None,
        "claimed_by": None,
        "verdicts": [],
    }
    return review | changes


def a_waiting_case(source: str = "bureau", **changes: Any) -> Json:
    waiting = {"what": [source], "why": {source: "timeout"}, "since": at(minutes=12), "until": at(days=-2)}
    return a_case(status="waiting", waiting_on=waiting, review=None, why_a_person=[], **changes)


def a_decided_case(outcome: str = "approve", source: str = "model", **changes: Any) -> Json:
    return a_case(status="decided", outcome=outcome, outcome_source=source, review=None, why_a_person=[], **changes)


def _evidence(source: str, **summary: Any) -> Json:
    return {
        "id": f"evi_{source}",
        "source": source,
        "purpose": "credit_application",
        "state": "answered",
        "attempts": 1,
        "sent_at": at(hours=2),
        "answered_at": at(hours=2),
        "as_of": at(hours=2),
        "waiting_since": None,
        "deadline": at(days=-2),
        "last_error": None,
        "summary": summary,
    }
