"""A policy file read as tables: which rules there are and which facts each of them reads.

JDM is GoRules' format: a graph of nodes, here an input, a switch on the stage, decision
tables in a row, an output. A row of a table that can fire names its rule, its effect and its
reason; the last table gives grade, price and limits.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from plimsoll.domain.errors import Unavailable
from plimsoll.domain.values import Outcome, Value

RULE_OUTPUTS = ("rule", "name", "effect", "reason")


class PolicyUnreadable(Unavailable):
    """The policy cannot be used as it stands; the message names file and place."""

    code = "policy_unreadable"


class PolicyUnavailable(Unavailable):
    """The pinned policy is not here."""

    code = "policy_unavailable"


class Rule(Value):
    """One row that can fire."""

    id: str
    name: str
    effect: Outcome | None
    reason: str | None
    table: str
    conditions: dict[str, str]  # fact path -> cell


class Policy(Value):
    version: str
    digest: str
    content: str  # the file, as read
    rules: tuple[Rule, ...]
    grades: tuple[dict[str, Any], ...]  # rows of the price table: conditions and outputs

    def rule(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def fields(self) -> set[str]:
        """Every fact path some cell reads."""
        graded = {path for row in self.grades for path in row["conditions"]}
        return graded.union(*(rule.conditions for rule in self.rules))


def read_policy(path: Path) -> Policy:
    """Raises PolicyUnreadable."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise PolicyUnavailable(f"{path.parent.name}/{path.name} is missing; every pack has a policy.") from None
    return parse_policy(content, f"{path.parent.name}/{path.name}")


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
            grades=tuple(row for row in rows if "grade" in row["outputs"]),
        )
    except (ValueError, KeyError, TypeError) as error:
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


def _literal(cell: str) -> Any:
    """ZEN writes text in single or double quotes, and the rest as JSON does."""
    cell = cell.strip()
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == "'" else json.loads(cell)
