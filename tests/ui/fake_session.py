"""Who somebody is, what they asked for, and what refuses them: what every fake of the backend begins with."""

from datetime import UTC, datetime, timedelta
from typing import Any, Self

from plimsoll.domain.access import Actor, Permission, Role
from ui.backend import Forbidden, Json, Problem


def at(**before: float) -> str:
    """A moment this long ago; negative for one to come."""
    return (datetime.now(UTC) - timedelta(**before)).isoformat()


def page_of(rows: list[Json], after: Any, limit: int, key: str = "id") -> Json:
    """One page of a list, as every list of the API gives it."""
    begin = next((place + 1 for place, row in enumerate(rows) if row[key] == after), 0)
    shown, more = rows[begin : begin + limit], len(rows) > begin + limit
    return {"data": shown, "has_more": more, "after": shown[-1][key] if more else None}


class FakeSession:
    def __init__(self, role: str, name: str) -> None:
        self.role = Role(role)
        self.name = name
        self.fails: dict[str, Problem] = {}  # method -> what it raises
        self.calls: list[tuple[str, ...]] = []

    def failing(self, method: str, problem: Problem) -> Self:
        self.fails[method] = problem
        return self

    def refreshing(self) -> Self:
        return self

    def open_session(self) -> Json:
        self._called("open_session")
        return {"token": "pls_fake"}

    def end_session(self) -> None:
        self._called("end_session")

    def who_am_i(self) -> Json:
        self._called("who_am_i")
        actor = Actor(id=f"act_{self.name.lower().replace(' ', '_')}", name=self.name, roles=(self.role,))
        permissions = sorted(permission.value for permission in Permission if actor.may(permission))
        return {"id": actor.id, "name": actor.name, "roles": [self.role.value], "permissions": permissions}

    def _called(self, method: str, *what: str) -> None:
        self.calls.append((method, *what))
        if method in self.fails:
            raise self.fails[method]

    def _must(self, permission: str) -> None:
        if permission not in self.who_am_i()["permissions"]:
            raise Forbidden(f"{self.name} may not do this: it needs the permission {permission}.")
