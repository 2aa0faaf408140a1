"""`watch/strategy.toml`: what is done for customers at risk, read again when it changes."""

import time
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from plimsoll.domain.errors import Unavailable
from plimsoll.domain.outreach.strategy import StrategyTable, digest_of

NAME = "strategy.toml"
LOOKS_EVERY = 1.0  # seconds


class StrategyUnreadable(Unavailable):
    """The table cannot be used as it stands; the message names the place."""

    code = "strategy_unreadable"


class StrategyFile:
    """The first of these folders that holds one: a lender's own comes before the shipped."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._read: tuple[tuple[Path, int], StrategyTable] | None = None
        self._looked = float("-inf")

    def table(self) -> StrategyTable:
        """Raises StrategyUnreadable."""
        if self._read is not None and time.monotonic() - self._looked < LOOKS_EVERY:
            return self._read[1]
        place = next((folder / NAME for folder in self._folders if (folder / NAME).is_file()), None)
        if place is None:
            raise StrategyUnreadable(f"There is no {NAME} in {' or '.join(map(str, self._folders))}.")
        stamp = (place, place.stat().st_mtime_ns)
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, _parsed(place))
        self._looked = time.monotonic()
        return self._read[1]

    def sweep_every(self) -> timedelta:
        return timedelta(hours=self.table().sweep_every_hours)


def _parsed(place: Path) -> StrategyTable:
    try:
        content = place.read_bytes()
        return StrategyTable.model_validate(tomllib.loads(content.decode()) | {"digest": digest_of(content)})
    except ValidationError as error:
        raise StrategyUnreadable(f"{place}: {_first(error)}.") from None
    except (OSError, ValueError) as error:
        raise StrategyUnreadable(f"{place} cannot be read as TOML: {error}.") from None


def _first(error: ValidationError) -> str:
    found: Any = error.errors()[0]
    where = ".".join(str(part) for part in found["loc"])
    return f"{where}: {found['msg']}" if where else str(found["msg"])
