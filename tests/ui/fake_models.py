"""Models and what is done with them, in memory: trainings, releases, experiments, drift, performance."""

import copy
from typing import Any, Self

from tests.ui.fake_session import FakeSession, at, page_of
from ui.backend import Conflict, Forbidden, Json


class FakeModels(FakeSession):
    def __init__(self, role: str, name: str) -> None:
        super().__init__(role, name)
        self.reports: dict[str, Json] = {}
        self.runs_of_training: list[Json] = []
        self.runs_of_retraining: list[Json] = []
        self.performances: dict[str, Json] = {}  # product -> report
        self.products_there: list[str] = ["consumer-credit"]
        self.experiments_there: list[Json] = []
        self.rollouts_there: list[Json] = []
        self.next_rollout: Json = {}
        self.next_experiment: Json = {}
        self.drifts: dict[str, Json] = {}
        self.drift_lines: list[Json] = []

    def with_model(self, model: Json, **report: Any) -> Self:
        found = {"model": model, "report": report, "card": "# Card"}
        self.reports = self.reports | {model["id"]: found}
        return self

    def models(self, after: str | None = None, limit: int = 100) -> Json:
        self._called("models")
        return page_of([found["model"] for found in self.reports.values()], after, limit)

    def model_report(self, model: str) -> Json:
        self._called("model_report", model)
        return self.reports[model]

    def move_model(self, model: str, verb: str, reason: str) -> Json:
        """The rules of the API: another person approves, and only what was proposed."""
        self._called("move_model", model, verb, reason)
        found = self.reports[model]["model"]
        if verb == "approval" and found["proposed_by"] == self.name:
            raise Forbidden("Four eyes: another person must approve it.")
        states = {"proposal": "proposed", "approval": "approved", "rejection": "rejected"}
        found |= {"state": states[verb]} | ({"proposed_by": self.name} if verb == "proposal" else {})
        return found

    def with_training(self, run: Json) -> Self:
        self.runs_of_training = [*self.runs_of_training, run]
        return self

    def trainings(self, state: str | None = None) -> list[Json]:
        self._called("trainings")
        return list(self.runs_of_training)

    def with_retraining(self, run: Json) -> Self:
        self.runs_of_retraining = [*self.runs_of_retraining, run]
        return self

    def retrainings(self, limit: int = 10) -> list[Json]:
        self._called("retrainings")
        return list(self.runs_of_retraining)[:limit]

    def performance(self, product: str) -> Json:
        self._called("performance", product)
        self._must("models:read")
        return self.performances[product]

    def rollouts(self, after: str | None = None, limit: int = 20) -> Json:
        self._called("rollouts")
        rows = [{name: value for name, value in one.items() if name != "evaluations"} for one in self.rollouts_there]
        return page_of(rows, after, limit)

    def rollout(self, rollout: str) -> Json:
        self._called("rollout", rollout)
        return next(one for one in self.rollouts_there if one["id"] == rollout)

    def begin_rollout(self, model: str, reason: str) -> Json:
        """`self.next_rollout` is what begins; one at a time, as in the API."""
        self._called("begin_rollout", model, reason)
        self._must("models:release")
        if any(not one["ended_at"] for one in self.rollouts_there):
            raise Conflict("Another roll-out of this model is under way.")
        self.rollouts_there.insert(0, self.next_rollout)
        return self.next_rollout

    def move_rollout(self, rollout: str, verb: str, reason: str) -> Json:
        self._called("move_rollout", rollout, verb, reason)
        found = next(one for one in self.rollouts_there if one["id"] == rollout)
        found["state"] = dict(pause="paused", resume="running", promote="promoted", rollback="rolled_back")[verb]
        found["reason"] = reason
        return found

    def experiments(self, after: str | None = None, limit: int = 20) -> Json:
        self._called("experiments")
        self._must("models:read")
        return copy.deepcopy(page_of(self.experiments_there, after, limit))

    def plan_experiment(self, question: Json) -> Json:
        """`self.next_experiment` is what was planned."""
        self._called("plan_experiment", question["metric"], question["challenger"], question["product"])
        self._must("models:release")
        self.experiments_there.insert(0, self.next_experiment)
        return self.next_experiment

    def move_experiment(self, experiment: str, verb: str, reason: str) -> Json:
        self._called("move_experiment", experiment, verb, reason)
        self._must("models:release" if verb == "start" else "models:hold")
        found = next(found for found in self.experiments_there if found["id"] == experiment)
        found |= {"state": "running", "started_at": at()} if verb == "start" else {"state": "stopped"}
        return copy.deepcopy(found)

    def read_experiment(self, experiment: str) -> Json:
        self._called("read_experiment", experiment)
        self._must("models:read")
        return {}

    def with_drift(self, *reports: Json, history: list[Json] | None = None) -> Self:
        """Newest first."""
        self.drifts = {report["id"]: report for report in reports}
        self.drift_lines = history or []
        return self

    def drift_reports(self, product: str | None = None, after: str | None = None, limit: int = 50) -> Json:
        self._called("drift_reports", product or "any")
        self._must("models:read")
        found = [report for report in self.drifts.values() if product in (None, report["product"])]
        return page_of(found, after, limit)

    def drift_report(self, report: str) -> Json:
        self._called("drift_report", report)
        return self.drifts[report]

    def drift_history(self, product: str) -> list[Json]:
        self._called("drift_history", product)
        return self.drift_lines

    def drift_page(self, report: str) -> bytes:
        self._called("drift_page", report)
        return b"<!DOCTYPE html>"

    def check_drift(self, product: str) -> Json:
        self._called("check_drift", product)
        self._must("drift:check")
        return {"id": f"drf_{9:026}"}
