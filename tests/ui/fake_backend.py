"""A backend that works without an API: it keeps cases in memory and obeys the same rules.

fake = FakeBackend(role="reviewer").with_case(a_case(amount="4800.00"))
fake.claim(task) ; fake.decide(task, {...})      # first verdict wins, as in the API
"""

from tests.ui.fake_desk import REASONS
from tests.ui.fake_models import FakeModels
from tests.ui.fake_policies import FakePolicies
from tests.ui.fake_runs import FakeRuns
from tests.ui.fake_session import at
from ui.backend import Json, SignedOut

DOCUMENTS = {"payslips": "Payslips of the last three months", "identity": "Copy of the identity card"}


class FakeBackend(FakeRuns, FakeModels, FakePolicies):
    def __init__(self, role: str = "reviewer", name: str = "Rosa Reviewer") -> None:
        super().__init__(role, name)
        self.review_terms: Json = {}  # limits of the product

    def as_another(self, name: str, role: str = "reviewer") -> "FakeBackend":
        """A second person at the same desk."""
        other = FakeBackend(role, name)
        other.cases = self.cases
        return other

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
                "review_documents": DOCUMENTS} | self.review_terms  # fmt: skip

    def products(self) -> list[Json]:
        self._called("products")
        return [{"id": name} for name in self.products_there]

    def newest_decided(self) -> list[Json]:
        self._called("newest_decided")
        self._must("applications:read")
        return [case for case in self.cases.values() if case["status"] == "decided"][:1]

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


class SignedOutBackend(FakeBackend):
    """Whose session has ended."""

    def _called(self, method: str, *what: str) -> None:
        raise SignedOut("This session has ended: sign in again.")


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
