"""A home of its own for each test, emptied of processes whatever the test did."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plimsoll.local import stack

OUTSIDE = ("DATABASE_URL", "DATABASE_OWNER_URL", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "PLIMSOLL_HOME")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for word in OUTSIDE:
        monkeypatch.delenv(word, raising=False)
    yield tmp_path / "home"
    stack.down(tmp_path / "home")
