"""One way to write a policy file: keys in a fixed order, a row on a line, so that a change reads as one.

Editors of decision tables order keys as they please and spread a row over a screen. What a
policy decides does not depend on either; only its digest does.
"""

import json
from typing import Any

# What a reader wants first. Keys that are not here follow in the order of the alphabet, the cells
# of a row in the order of its table's columns.
ORDER = (
    "contentType", "version", "_id", "id", "name", "sourceId", "targetId", "type", "sourceHandle", "position", "x", "y",
    "field", "condition", "content", "hitPolicy", "passThrough", "inputField", "outputPath", "executionMode",
    "statements", "inputs", "outputs", "rules", "nodes", "edges",
)  # fmt: skip


def formatted(policy: str) -> str:
    """The same policy. Raises ValueError for what is no JSON."""
    return _written(json.loads(policy), columns=(), margin="") + "\n"


def _written(value: Any, columns: tuple[str, ...], margin: str) -> str:
    inside = margin + " "
    if isinstance(value, dict):
        columns = _columns_of(value) or columns
        members = [(key, value[key]) for key in sorted(value, key=lambda key: _rank(key, columns))]
        if all(not isinstance(member, dict | list) for _, member in members):
            return "{" + ", ".join(f"{_text(key)}: {_text(member)}" for key, member in members) + "}"
        lines = [f"{inside}{_text(key)}: {_written(member, columns, inside)}" for key, member in members]
        return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inside + _written(item, columns, inside) for item in value) + f"\n{margin}]"
    return _text(value)


def _columns_of(table: dict[str, Any]) -> tuple[str, ...]:
    columns = [*(table.get("inputs") or ()), *(table.get("outputs") or ())]
    return tuple(column["id"] for column in columns if isinstance(column, dict) and "id" in column)


def _rank(key: str, columns: tuple[str, ...]) -> tuple[int, int, str]:
    if key in ORDER:
        return 0, ORDER.index(key), key
    return (1, columns.index(key), key) if key in columns else (2, 0, key)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
