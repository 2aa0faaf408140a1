"""A policy file read as tables: which rules there are and which facts each of them reads.

JDM is GoRules' format: a graph of nodes, here an input, a switch on the stage, decision
tables in a row, an output. A row of a table that can fire names its rule, its effect and its
reason; the last table gives grade, price and limits. A table's answer is found under the
table's id. Evaluating it is the policy engine's; this is for checks, records and diffs.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from pydantic import Field

from plimsoll.domain.errors import InvalidRequest, Unavailable
from plimsoll.domain.values import Outcome, Value


class PolicyUnreadable(Unavailable):
    """The policy cannot be used as it stands; the message names file and place."""

    code = "policy_unreadable"


class PolicyUnavailable(Unavailable):
    """The pinned policy is not here."""

    code = "policy_unavailable"


@contextmanager
def handed_in() -> Iterator[None]:
    """What is unreadable in a policy in force heals with time; in one that was handed in, its sender must mend it."""
    try:
        yield
    except PolicyUnreadable as error:
        raise InvalidRequest(error.message) from None


class Rule(Value):
    """One row that can fire."""

    id: str
    name: str
    effect: Outcome | None
    reason: str | None
    table: str
    conditions: dict[str, str]  # fact path -> cell


class GradeRow(Value):
    """One row of the price table."""

    grade: str
    conditions: dict[str, str]
    annual_rate: Decimal
    max_amount: Decimal
    max_term_months: int

    @property
    def highest_pd(self) -> float | None:
        """The bound of a row that reads `<= number` of the probability of default; None for another form."""
        bound = re.fullmatch(r"<=\s*([0-9.]+)", self.conditions.get("score.pd", ""))
        return float(bound[1]) if bound else None


class Table(Value):
    """One table of the graph, in the order in which they are asked."""

    id: str
    name: str


class Policy(Value):
    version: str
    digest: str
    content: str  # the file, as read
    rules: tuple[Rule, ...]
    grades: tuple[GradeRow, ...]
    tables: tuple[Table, ...] = ()
    columns: dict[str, str] = Field(default_factory=dict)  # fact path -> what its column is called

    def rule(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def fields(self) -> set[str]:
        """Every fact path some cell reads."""
        graded = {path for row in self.grades for path in row.conditions}
        return graded.union(*(rule.conditions for rule in self.rules))


def parse_policy(content: bytes, where: str) -> Policy:
    """`where` names the file in messages. Raises PolicyUnreadable."""
    try:
        graph = json.loads(content)
        tables = [node for node in graph["nodes"] if node["type"] == "decisionTableNode"]
        rows = [row for table in tables for row in _rows(table)]
        return Policy(
            version=str(graph.get("version", "")),
            digest=hashlib.sha256(content).hexdigest(),
            content=content.decode(),
            rules=tuple(_rule(row) for row in rows if "rule" in row["outputs"]),
            grades=tuple(_grade(row) for row in rows if "grade" in row["outputs"]),
            tables=tuple(Table(id=table["id"], name=table.get("name", table["id"])) for table in tables),
            columns={
                column["field"]: column.get("name") or column["field"]
                for table in tables
                for column in table["content"]["inputs"]
            },
        )
    except json.JSONDecodeError as error:
        raise PolicyUnreadable(f"{where} is not JSON: {error}.") from None
    except KeyError as error:
        raise PolicyUnreadable(f"{where} is not a policy of ours: {error} is missing.") from None
    except (ValueError, TypeError, ArithmeticError) as error:
        raise PolicyUnreadable(f"{where} is not a policy of ours: {type(error).__name__} {error}.") from None


def _rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    """Each row as {table, conditions, outputs}; outputs must be literals."""
    content = table["content"]
    return [
        {
            "table": table["id"],
            "conditions": {
                column["field"]: row[column["id"]].strip()
                for column in content["inputs"]
                if (row.get(column["id"]) or "").strip()
            },
            "outputs": {column["field"]: _literal(row.get(column["id"]) or "null") for column in content["outputs"]},
        }
        for row in content["rules"]
    ]


def _rule(row: dict[str, Any]) -> Rule:
    outputs = row["outputs"]
    return Rule(
        id=outputs["rule"],
        name=outputs["name"],
        effect=Outcome(outputs["effect"]) if outputs.get("effect") else None,
        reason=outputs.get("reason"),
        table=row["table"],
        conditions=row["conditions"],
    )


def _grade(row: dict[str, Any]) -> GradeRow:
    outputs = row["outputs"]
    return GradeRow(
        grade=outputs["grade"],
        conditions=row["conditions"],
        annual_rate=Decimal(str(outputs["annual_rate"])),
        max_amount=Decimal(str(outputs["max_amount"])),
        max_term_months=outputs["max_term_months"],
    )


def _literal(cell: str) -> Any:
    """ZEN writes text in single or double quotes, and the rest as JSON does."""
    cell = cell.strip()
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == "'" else json.loads(cell)


def differences(old: Policy, new: Policy) -> list[str]:
    """Rule by rule and grade by grade, in sentences; nothing when they decide alike."""
    before = {rule.id: rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    found = [f"{rule.id} is gone: {rule.name}." for rule in old.rules if rule.id not in after]
    found += [f"{rule.id} is new: {_told(rule)}." for rule in new.rules if rule.id not in before]
    for rule in new.rules:
        if rule.id in before and before[rule.id] != rule:
            found += _changes(before[rule.id], rule)
    return found + _grade_changes(old, new)


def _changes(old: Rule, new: Rule) -> list[str]:
    found = []
    for path in sorted({*old.conditions, *new.conditions}):
        was, becomes = old.conditions.get(path, "anything"), new.conditions.get(path, "anything")
        if was != becomes:
            found.append(f"{new.id}: {path} was {was}, becomes {becomes}.")
    for what in ("effect", "reason", "name", "table"):
        if getattr(old, what) != getattr(new, what):
            found.append(f"{new.id}: {what} was {getattr(old, what)}, becomes {getattr(new, what)}.")
    return found


def _grade_changes(old: Policy, new: Policy) -> list[str]:
    before = {row.grade: row for row in old.grades}
    after = {row.grade: row for row in new.grades}
    found = [f"Grade {grade} is gone." for grade in before if grade not in after]
    found += [f"Grade {grade} is new." for grade in after if grade not in before]
    for grade in before.keys() & after.keys():
        for what in ("conditions", "annual_rate", "max_amount", "max_term_months"):
            was, becomes = getattr(before[grade], what), getattr(after[grade], what)
            if was != becomes:
                found.append(f"Grade {grade}: {what} was {was}, becomes {becomes}.")
    return sorted(found)


def _told(rule: Rule) -> str:
    conditions = " and ".join(f"{path} {cell}" for path, cell in rule.conditions.items())
    return f"{rule.name} ({conditions} → {rule.effect})"
