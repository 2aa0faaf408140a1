"""Values as TOML writes them."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

WIDTH = 110


def said(value: Any) -> str:
    """One value. A JSON string is a TOML string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return said(str(value))
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return _list(value)
    return _number(value) if isinstance(value, float) else str(value)


def line(name: str, value: Any, comment: str = "") -> str:
    written = f"{name} = {said(value)}"
    return f"{written:<33} # {one_line(comment)}" if comment else written


def one_line(text: str) -> str:
    """A comment ends with its line."""
    return " ".join(text.split())


def rule(title: str) -> str:
    return f"# ---------------------------------------------------------------- {title}"


def _number(value: float) -> str:
    text = f"{value:.15g}"
    return text if "." in text or "e" in text else f"{text}.0"


def _list(values: Iterable[Any]) -> str:
    items = [said(value) for value in values]
    text = "[" + ", ".join(items) + "]"
    return text if len(text) <= WIDTH else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
