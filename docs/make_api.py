"""Writes docs/api.md from the routes, roles and errors: `.venv/bin/python docs/make_api.py`."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from fastapi.routing import APIRoute
from making import table, write_or_check

from plimsoll.domain import errors
from plimsoll.domain.access import PERMISSIONS, Permission, Role
from starter.api.app import all_routes
from starter.api.auth import permissions_of

PAGE = Path(__file__).parent / "api.md"


def content() -> str:
    return "\n\n".join(("## Routes", routes(), "## Who may", roles(), "## Errors", error_codes()))


def routes() -> str:
    """One table a tag; a route's docstring follows its summary."""
    parts = []
    for tag in dict.fromkeys(tag_of(route) for route in all_routes()):
        rows = [
            (f"`{method_of(route)} {route.path}`", about(route), needed(route))
            for route in all_routes()
            if tag_of(route) == tag
        ]
        parts += [f"### {tag.capitalize()}", table(("route", "what it does", "permission"), rows)]
    return "\n\n".join(parts)


def tag_of(route: APIRoute) -> str:
    return str(route.tags[0]) if route.tags else "other"


def method_of(route: APIRoute) -> str:
    return ",".join(sorted(route.methods))


def about(route: APIRoute) -> str:
    details = " ".join(inspect.cleandoc(route.endpoint.__doc__ or "").split())
    return " ".join(part for part in (f"{route.summary}.", details) if part)


def needed(route: APIRoute) -> str:
    return " or ".join(f"`{permission}`" for permission in permissions_of(route)) or "none"


def roles() -> str:
    rows = [(f"`{permission}`", holders(permission)) for permission in Permission]
    return table(("permission", "roles that have it"), rows)


def holders(permission: Permission) -> str:
    """The roles, or the few that are left out when nearly all have it."""
    without = [role for role in Role if permission not in PERMISSIONS[role]]
    if not without:
        return "every role"
    if len(without) <= 2:
        return f"every role but {named(without)}"
    return named([role for role in Role if role not in without]) or "none yet"


def named(some: list[Role]) -> str:
    return ", ".join(f"`{role}`" for role in some)


def error_codes() -> str:
    rows = [(f"`{kind.code}`", str(kind.status), who_can_fix(kind)) for kind in family(errors.PlimsollError)]
    return table(("code", "status", "who can fix it"), rows)


def family(kind: type[errors.PlimsollError]) -> Iterator[type[errors.PlimsollError]]:
    """Every error of `plimsoll/domain/errors.py` below this one."""
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from family(child)


def who_can_fix(kind: type[errors.PlimsollError]) -> str:
    if issubclass(kind, errors.InvalidRequest):
        return "the caller"
    if issubclass(kind, errors.NeedsAPerson):
        return "a person"
    return "time: send it again after `Retry-After`"


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, content))
