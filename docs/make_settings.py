"""Writes docs/settings.md from plimsoll/settings.py: `.venv/bin/python docs/make_settings.py`."""

import sys
from pathlib import Path
from typing import Any

from making import table, write_or_check
from pydantic import AliasChoices

from plimsoll.settings import ROOT, Settings
from ui.settings import ConsoleSettings

PAGE = Path(__file__).parent / "settings.md"


def content() -> str:
    of_all = [(f"`{variable(name)}`", field.description or "", default(field)) for name, field in fields().items()]
    of_console = [
        (f"`PLIMSOLL_{name.upper()}`", field.description or "", default(field)) for name, field in console().items()
    ]
    headings = ("variable", "what it says", "default")
    return f"{table(headings, of_all)}\n\nThe console reads these besides:\n\n{table(headings, of_console)}"


def fields() -> dict[str, Any]:
    return dict(Settings.model_fields)


def console() -> dict[str, Any]:
    """What the console alone reads."""
    return {name: field for name, field in ConsoleSettings.model_fields.items() if name not in Settings.model_fields}


def variable(name: str) -> str:
    """The environment variable that a setting is read from."""
    alias = Settings.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"{Settings.model_config['env_prefix']}{name}".upper()


def default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None or value in ({}, ()):
        return "none"
    if isinstance(value, Path) and value.is_relative_to(ROOT):
        return f"`{value.relative_to(ROOT)}/` of the checkout"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, content))
