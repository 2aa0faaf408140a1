"""The API on a port, for the command line, which is a client like any other."""

import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from plimsoll.domain.access import Role
from plimsoll.local import ports
from starter.api.app import create_app
from starter.cli import main
from tests.house import House, a_house, settings_of
from tests.stack_fixtures import Database


@dataclass
class Served:
    """`served.run("score", "file.csv")` is `plimsoll score file.csv`, and returns its exit code."""

    house: House
    api: str
    run: Callable[..., int]


@asynccontextmanager
async def a_served_house(
    home: Path, database: Database, monkeypatch: pytest.MonkeyPatch, role: Role, models: Path | None = None
) -> AsyncIterator[Served]:
    """A house with its API on a port, and the command line as somebody of this role; a fake scorer without models."""
    async with a_house(home, database, faked=models is None, models=models) as house:
        port = ports.free_port()
        monkeypatch.setenv("PLIMSOLL_HOME", str(home))
        monkeypatch.setenv("PLIMSOLL_API", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("PLIMSOLL_API_KEY", await house.key_for(role))

        def run(*words: str) -> int:
            monkeypatch.setattr(sys, "argv", ["plimsoll", *words])
            return main.run()

        with _serving(create_app(settings_of(home, database, hot_worker=False, models=models)), port):
            yield Served(house, f"http://127.0.0.1:{port}", run)


@contextmanager
def _serving(app, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    give_up = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)
