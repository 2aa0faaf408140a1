"""Runs of cases and of the rest, as Postgres and the engine would know them."""

from typing import Any

from tests.ui.fake_desk import FakeDesk
from tests.ui.fake_session import at, page_of
from ui.backend import Json


class FakeRuns(FakeDesk):
    def __init__(self, role: str, name: str) -> None:
        super().__init__(role, name)
        self.engine = "ok"
        self.sources: list[Json] = []

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
