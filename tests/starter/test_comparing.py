"""A comparison takes longer than the API lets anybody wait: it goes on, and is there for whoever asks again."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models.side_by_side import SideBySide, too_few
from starter.models.comparing import side_by_side

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Contest:
    """Says how often it began, and ends when the folder holds `go`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def side_by_side(self, product: Any, one: Any, other: Any, now: datetime) -> SideBySide:
        with (self.folder / "begun").open("a") as begun:
            begun.write("once\n")
        while not (self.folder / "go").exists():
            time.sleep(0.05)
        if (self.folder / "bad").exists():
            raise InvalidRequest("The data are gone.")
        return too_few(one.called, other.called, 3, 4)

    def wait_until_begun(self) -> None:
        while not self.begun():
            time.sleep(0.05)

    def begun(self) -> int:
        path = self.folder / "begun"
        return len(path.read_text().splitlines()) if path.exists() else 0


def two(name: str) -> tuple[Any, Any]:
    return tuple(SimpleNamespace(id=f"{name}-{at}", called=f"{name}@{at}", product="p") for at in "12")  # type: ignore[return-value]


def house(folder: Path) -> Any:
    return SimpleNamespace(contest=Contest(folder), products=SimpleNamespace(get=lambda product: product))


async def given_up_on(ports: Any, one: Any, other: Any) -> None:
    """Asked, begun, and left as the API leaves it when its patience is over."""
    asked = asyncio.create_task(side_by_side(ports, one, other, NOW))
    await asyncio.to_thread(ports.contest.wait_until_begun)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked


async def test_who_asks_again_finds_the_work_where_it_is(tmp_path: Path):
    ports, (one, other) = house(tmp_path), two("again")
    await given_up_on(ports, one, other)
    again = asyncio.create_task(side_by_side(ports, one, other, NOW))
    (tmp_path / "go").touch()
    assert (await again).difference is None
    assert ports.contest.begun() == 1


async def test_what_was_told_is_worked_out_anew_the_next_time(tmp_path: Path):
    ports, (one, other) = house(tmp_path), two("anew")
    (tmp_path / "go").touch()
    for _ in range(2):
        await side_by_side(ports, one, other, NOW)
    assert ports.contest.begun() == 2


async def test_a_refusal_is_told_and_not_kept(tmp_path: Path):
    ports, (one, other) = house(tmp_path), two("refused")
    (tmp_path / "go").touch()
    (tmp_path / "bad").touch()
    with pytest.raises(InvalidRequest, match="The data are gone"):
        await side_by_side(ports, one, other, NOW)
    (tmp_path / "bad").unlink()
    assert (await side_by_side(ports, one, other, NOW)).rows == 3
