"""Writes docs/cli.md from the commands themselves: `.venv/bin/python docs/make_cli.py`."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from making import table, write_or_check

from starter.cli.main import app

PAGE = Path(__file__).parent / "cli.md"
# Words that mean the same in every verb, for those that do not explain them again.
WELL_KNOWN = {
    "application": "Id of an application, `app_…`.",
    "review": "Id of a review task, `rev_…`.",
    "product": "Id of a product, such as `consumer-credit`.",
    "key": "Id of a key, `key_…`.",
    "--limit": "At most this many.",
    "--product": "Only this product.",
    "--queue": "Only this queue.",
}


def content() -> str:
    return "\n\n".join(section(words, command) for words, command in verbs())


def verbs() -> Iterator[tuple[str, Any]]:
    """`review list`, … with its command, in the order of `--help`."""
    yield from _below(typer.main.get_command(app), ())


def _below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield " ".join(words), command
        return
    for name, inner in command.commands.items():
        yield from _below(inner, (*words, name))


def section(words: str, command: Any) -> str:
    parts = [f"### `plimsoll {words}`", f"```\n{usage(words, command)}\n```", inspect.cleandoc(command.help or "")]
    rows = [(f"`{spelled(one)}`", explained(one), default(one)) for one in parameters(command)]
    if rows:
        parts.append(table(("", "what it says", "left out"), rows))
    return "\n\n".join(part for part in parts if part)


def usage(words: str, command: Any) -> str:
    given = [one.name.upper() for one in parameters(command) if is_argument(one)]
    needed = [spelled(one) for one in parameters(command) if not is_argument(one) and one.required]
    optional = ["[OPTIONS]"] if any(not is_argument(one) and not one.required for one in parameters(command)) else []
    return " ".join(["plimsoll", words, *given, *needed, *optional])


def parameters(command: Any) -> list[Any]:
    return [one for one in command.params if one.name != "help"]


def is_argument(one: Any) -> bool:
    return one.param_type_name == "argument"


def spelled(one: Any) -> str:
    if is_argument(one):
        return one.name.upper()
    value = "" if one.is_flag else f" {one.metavar or one.name.strip('_').upper()}"
    return "/".join([*one.opts, *one.secondary_opts]) + value


def explained(one: Any) -> str:
    return getattr(one, "help", None) or WELL_KNOWN.get(one.name if is_argument(one) else one.opts[0], "")


def default(one: Any) -> str:
    if one.required:
        return "needed"
    return "" if one.default in (None, "", False) else f"`{one.default}`"


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, content))
