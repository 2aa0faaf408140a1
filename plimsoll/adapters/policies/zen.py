"""Policies evaluated by zen-engine. The engine says which rows fired; what that means is domain."""

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

from plimsoll.adapters.policies import cases, checking
from plimsoll.adapters.policies.formatting import formatted
from plimsoll.domain.underwriting.decision import PolicyPin, PolicyVerdict, RuleHit
from plimsoll.domain.underwriting.facts import Facts, Stage
from plimsoll.domain.underwriting.policy import Policy, PolicyUnavailable, PolicyUnreadable, differences, parse_policy
from plimsoll.domain.underwriting.product import Product


class ZenPolicyEngine:
    """`<folder>/<id>/policy.json` in the first folder that has it, each version compiled once and kept by its digest.

    A policy that was edited since it was pinned is still in memory for the cases that pinned
    it; after a restart they raise PolicyUnavailable and pin again.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._compiled: dict[str, tuple[Policy, Any]] = {}
        self._current: dict[str, tuple[tuple[Path, int], Policy]] = {}
        self._compiling = threading.Lock()

    def pin(self, product: Product) -> PolicyPin:
        policy = self.policy(product)
        return PolicyPin(id=product.id, version=policy.version, digest=policy.digest)

    def evaluate(self, product: Product, pin: PolicyPin, stage: Stage, facts: Facts) -> PolicyVerdict:
        """Raises PolicyUnavailable when the pinned policy is gone, PolicyUnreadable when it cannot be evaluated."""
        policy, decision = self._pinned(product, pin)
        return evaluated(product, policy, decision, pin, stage, facts)

    def policy(self, product: Product) -> Policy:
        """The policy as it is now, read again when the file changes."""
        path = self._place(product) / "policy.json"
        touched = (path, path.stat().st_mtime_ns if path.exists() else 0)
        if self._current.get(product.id, (None,))[0] != touched:
            policy = read_policy(path)
            self._compile(policy)
            self._current[product.id] = (touched, policy)
        return self._current[product.id][1]

    def check(self, product: Product) -> list[str]:
        """What is wrong with the product's policy, in sentences; nothing when it is sound."""
        try:
            return checking.problems(product, self.policy(product))
        except (PolicyUnreadable, PolicyUnavailable) as error:
            return [error.message]

    def run_cases(self, product: Product) -> list[cases.CaseResult]:
        """Each case in the pack's `cases/` against the policy as it is now."""
        pin = self.pin(product)
        return [
            case.run(product, lambda stage, facts: self.evaluate(product, pin, stage, facts))
            for case in cases.read_cases(self._place(product) / "cases")
        ]

    def changes(self, product: Product, older: Path, newer: Path | None = None) -> list[str]:
        """What changed from an older policy file to a newer one, or to the product's policy as it is now."""
        return differences(read_policy(older), read_policy(newer) if newer else self.policy(product))

    def trial(self, product: Product, content: bytes | None = None) -> "Trial":
        """Another policy for this product, tried without being in force; without content, the one that is.

        Raises PolicyUnreadable.
        """
        policy = self.policy(product) if content is None else parse_policy(content, "What was given")
        return Trial(product, policy, self._place(product) / "cases")

    def put_in_form(self, product: Product, write: bool = True) -> bool:
        """Whether the product's policy file was written otherwise than `formatting` has it; now it is not."""
        path = self._place(product) / "policy.json"
        policy = read_policy(path)  # refuses what is no policy
        in_form = formatted(policy.content)
        if write and in_form != policy.content:
            path.write_text(in_form)
        return in_form != policy.content

    def _place(self, product: Product) -> Path:
        places = [folder / product.id for folder in self._folders]
        return next((place for place in places if (place / "product.toml").exists()), places[-1])

    def _pinned(self, product: Product, pin: PolicyPin) -> tuple[Policy, Any]:
        if pin.digest not in self._compiled:
            self.policy(product)
        if pin.digest not in self._compiled:
            raise PolicyUnavailable(
                f"The policy {pin.version} of {product.id} this case began with is gone; decide it again."
            )
        return self._compiled[pin.digest]

    def _compile(self, policy: Policy) -> None:
        with self._compiling:
            if policy.digest not in self._compiled:
                self._compiled[policy.digest] = (policy, compiled(policy))


class Trial:
    """A policy, what is wrong with it, and what it says; nothing decides by it and nothing is kept of it."""

    def __init__(self, product: Product, policy: Policy, folder: Path) -> None:
        self._product = product
        self._folder = folder
        self._decision = compiled(policy)
        self._pin = PolicyPin(id=product.id, version=policy.version, digest=policy.digest)
        self.policy = policy

    def problems(self) -> list[str]:
        return checking.problems(self._product, self.policy)

    def run_cases(self) -> list[cases.CaseResult]:
        return [case.run(self._product, self.evaluate) for case in cases.read_cases(self._folder)]

    def evaluate(self, stage: Stage, facts: Facts) -> PolicyVerdict:
        return evaluated(self._product, self.policy, self._decision, self._pin, stage, facts)


def evaluated(
    product: Product, policy: Policy, decision: Any, pin: PolicyPin, stage: Stage, facts: Facts
) -> PolicyVerdict:
    """Raises PolicyUnreadable when the engine cannot answer."""
    try:
        answer = decision.evaluate({**facts.values, "stage": stage.value})["result"]
    except RuntimeError as error:
        raise PolicyUnreadable(
            f"The policy of {product.id} cannot be evaluated: {checking.first_line(error)}"
        ) from None
    return _verdict(policy, pin, answer, facts)


def read_policy(path: Path) -> Policy:
    """Raises PolicyUnavailable, PolicyUnreadable."""
    where = str(Path(path.parent.name) / path.name)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise PolicyUnavailable(f"{where} is missing; every pack has a policy.") from None
    return parse_policy(content, where)


def compiled(policy: Policy) -> Any:
    """A ZenDecision. Raises PolicyUnreadable when the engine refuses the graph."""
    import zen

    try:
        decision = zen.ZenEngine().create_decision(policy.content)
        decision.validate()
    except RuntimeError as error:
        raise PolicyUnreadable(f"The policy is refused by the engine: {checking.first_line(error)}") from None
    for problem in checking.unreadable_cells(policy):
        raise PolicyUnreadable(problem)
    return decision


def _verdict(policy: Policy, pin: PolicyPin, answer: dict[str, Any], facts: Facts) -> PolicyVerdict:
    terms = answer.get("terms") or {}
    tables = dict.fromkeys(rule.table for rule in policy.rules)
    fired = [row for table in tables for row in answer.get(table) or ()]
    return PolicyVerdict(
        policy=pin,
        hits=tuple(_hit(policy, row["rule"], facts) for row in fired),
        grade=terms.get("grade"),
        annual_rate=_decimal(terms.get("annual_rate")),
        max_amount=_decimal(terms.get("max_amount")),
        max_term_months=terms.get("max_term_months"),
    )


def _hit(policy: Policy, rule_id: str, facts: Facts) -> RuleHit:
    """With the values read: the facts behind the row's cells that are not empty."""
    rule = policy.rule(rule_id)
    if rule is None:
        raise PolicyUnreadable(f"The policy fired {rule_id!r}, which none of its rows declares.")
    return RuleHit(
        id=rule.id,
        name=rule.name,
        effect=rule.effect,
        reason=rule.reason,
        values_read={path: facts.read(path) for path in rule.conditions if _is_fact(path, facts)},
    )


def _is_fact(path: str, facts: Facts) -> bool:
    """Some columns read what an earlier table found; that is no fact of the case."""
    return path.split(".")[0] in facts.values


def _decimal(number: Any) -> Decimal | None:
    return None if number is None else Decimal(str(number))
