"""Policy cases: facts in, the hits and the outcome that must come of them. Data of the pack.

`cases/*.toml` hold `[[case]]` tables. A case is the product's example application with
sound evidence and an ordinary score, but for what it changes.
"""

import tomllib
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from plimsoll.domain.errors import PlimsollError
from plimsoll.domain.underwriting.affordability import offer_facts
from plimsoll.domain.underwriting.deciding import ask_of, strictest
from plimsoll.domain.underwriting.decision import PolicyVerdict
from plimsoll.domain.underwriting.facts import Facts, Stage, facts_of
from plimsoll.domain.underwriting.policy import PolicyUnreadable
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Outcome, Value

ANY_DAY = date(2026, 6, 1)
BASELINE = "baseline.toml"


class Expected(Value):
    outcome: Outcome  # the most severe effect among the hits; approve when there is none
    hits: tuple[str, ...] = ()  # rule ids, in any order; all of them
    grade: str | None = None  # not looked at when absent


class Case(Value):
    name: str
    stage: Stage = Stage.DECIDE
    as_of: date = ANY_DAY
    application: dict[str, Any] = Field(default_factory=dict)
    evidence: dict[str, dict[str, Any]] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()
    score: dict[str, Any] = Field(default_factory=dict)
    expect: Expected

    def run(self, product: Product, evaluate: Callable[[Stage, Facts], PolicyVerdict]) -> "CaseResult":
        try:
            verdict = evaluate(self.stage, self._facts(product))
        except (PlimsollError, KeyError, ValueError) as error:
            return CaseResult(name=self.name, passed=False, problem=f"could not be evaluated: {error}")
        problem = self._problem(verdict)
        return CaseResult(name=self.name, passed=problem is None, problem=problem)

    def _facts(self, product: Product) -> Facts:
        body = _merged(product.example, self.application)
        gone = {"missing": self.missing, "mismatched": self.mismatched}
        facts = facts_of(product, body, self.evidence, **gone, as_of=self.as_of, stage=self.stage)
        if self.stage is Stage.SCREEN:
            return facts
        return facts.with_values(score=self.score, offer=offer_facts(ask_of(facts), facts, product.risk))

    def _problem(self, verdict: PolicyVerdict) -> str | None:
        hits = {hit.id for hit in verdict.hits}
        if hits != set(self.expect.hits):
            return f"expected the hits {_listed(self.expect.hits)}, got {_listed(hits)}"
        if strictest(verdict.hits) is not self.expect.outcome:
            return f"expected {self.expect.outcome}, got {strictest(verdict.hits)}"
        if self.expect.grade and verdict.grade != self.expect.grade:
            return f"expected grade {self.expect.grade}, got {verdict.grade}"
        return None


class CaseResult(Value):
    name: str
    passed: bool
    problem: str | None = None


def read_cases(folder: Path) -> list[Case]:
    """Every case of a pack, on top of its `baseline.toml`. Raises PolicyUnreadable naming file and case."""
    baseline = _read(folder / BASELINE) if (folder / BASELINE).exists() else {}
    files = sorted(path for path in folder.glob("*.toml") if path.name != BASELINE)
    return [_case(path, baseline, changes) for path in files for changes in _read(path).get("case", [])]


def _case(path: Path, baseline: dict[str, Any], changes: dict[str, Any]) -> Case:
    try:
        return Case(**_merged(baseline, changes))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        name = changes.get("name", "without a name")
        raise PolicyUnreadable(f"cases/{path.name}, case {name!r}: `{where}`: {problem['msg']}.") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise PolicyUnreadable(f"cases/{path.name} is not TOML: {error}.") from None


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = deepcopy(base)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if nested else value
    return merged


def _listed(hits: Any) -> str:
    return ", ".join(sorted(hits)) or "none"
