"""The desk in memory, by the rules of the API: who holds a case, whose verdict counts, what waits for whom."""

import copy
from typing import Self

from tests.ui.fake_session import FakeSession, at, page_of
from ui.backend import Conflict, Json, NotThere

REASONS = {
    "evidence_checked": "Checked the evidence with the source",
    "income_confirmed": "Income confirmed by documents",
    "risk_too_high": "Risk too high on a full look",
    "smaller_amount": "A smaller amount is affordable",
}


class FakeDesk(FakeSession):
    def __init__(self, role: str, name: str) -> None:
        super().__init__(role, name)
        self.cases: dict[str, Json] = {}

    def with_case(self, case: Json) -> Self:
        self.cases[case["id"]] = case
        return self

    def queue(
        self, *, queue: str | None = None, held: str | None = None, after: str | None = None, limit: int = 50
    ) -> Json:
        self._called("queue", held or "")
        tasks = [
            case for case in self._waiting()
            if (held is None or held in self._held(case["review"])) and queue in (None, case["review"]["queue"])
        ]  # fmt: skip
        ordered = sorted(tasks, key=lambda case: (case["priority"] != "urgent", case["review"]["due_at"]))
        return page_of([self._row(case) for case in ordered], after, limit)

    def desk(self) -> Json:
        self._called("desk")
        queues = sorted({case["review"]["queue"] for case in self._waiting()})
        return {"data": [self._counted(queue) for queue in queues], "away": getattr(self, "away", [])}

    def _counted(self, queue: str) -> Json:
        cases = [case for case in self._waiting() if case["review"]["queue"] == queue]
        held = [kind for case in cases for kind in self._held(case["review"])]
        return {
            "queue": queue,
            "with_applicant": sum(case["status"] == "awaiting_applicant" for case in cases),
            "waiting": len(cases),
            "free": held.count("free"),
            "mine": held.count("mine"),
            "overdue": sum(case["review"]["due_at"] <= at() for case in cases),
        }

    def case(self, application: str) -> Json:
        self._called("case", application)
        if application not in self.cases:
            raise NotThere(f"There is no application {application}.")
        return copy.deepcopy(self.cases[application])

    def find(self, number: str) -> str | None:
        self._called("find", number)
        return next((c["id"] for c in self.cases.values() if number in (c["id"], c["external_id"])), None)

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
            said = {"outcome": last["outcome"], "reason": last["reason"], "reason_text": REASONS.get(last["reason"])}
            raise Conflict("This case was decided.", by=last["actor"], **said)
        if answer["version"] != review["version"]:
            raise Conflict("The case changed since you opened it: look again before you decide.")
        review["verdicts"].append(self._verdict(answer))
        review |= {"state": "answered", "claimed_by": None, "lease_until": None, "version": review["version"] + 1}
        case = next(case for case in self.cases.values() if case["review"] and case["review"]["id"] == task)
        case |= {"status": "decided", "outcome": answer["outcome"], "outcome_source": "person"}
        return copy.deepcopy(review)

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
