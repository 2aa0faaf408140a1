"""Policies in memory, and one to show."""

import copy
from typing import Any, Self

from tests.ui.fake_session import FakeSession, at
from ui.backend import Json


class FakePolicies(FakeSession):
    def with_policy(self, *policies: Json) -> Self:
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
