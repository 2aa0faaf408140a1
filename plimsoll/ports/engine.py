"""What Postgres owes the engine, and which runs it says are open."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol

from pydantic import Field

from plimsoll.domain.underwriting.product import Lane
from plimsoll.domain.values import Priority, Status, Value


class EngineTask(Value):
    """One start or signal owed to the engine, with what is needed to deliver it."""

    id: int
    kind: str  # start, or a signal's name
    application: str
    round: int
    run_suffix: int
    lane: Lane
    priority: Priority
    product: str
    status: Status
    attempts: int = 1
    payload: dict[str, Any] = Field(default_factory=dict)


class OpenRun(Value):
    """A run that is no application's and that Postgres says should be under way."""

    kind: str  # training | rollout | intervention
    id: str
    product: str
    priority: int = Field(default=3, ge=1, le=5)  # 1 is served first


class RunTask(Value):
    """One start or signal owed to such a run."""

    id: int
    kind: str  # start, or a signal's name
    run: OpenRun


class EngineOutbox(Protocol):
    """What must still happen at the engine, kept until it is delivered."""

    async def claim(self, limit: int, lane: str = "engine") -> Sequence[EngineTask | RunTask]: ...

    async def delivered(self, *tasks: int) -> None: ...

    async def failed(self, task: int, error: str, again_in: float) -> None: ...

    async def open_cases(self, older_than: timedelta) -> Sequence[EngineTask]: ...

    async def has_ended(self, application: str) -> bool: ...

    async def start_under_new_id(self, application: str) -> int: ...


class OpenRuns(Protocol):
    """What should be under way besides applications."""

    async def open_runs(self, older_than: timedelta) -> Sequence[OpenRun]: ...
