"""One file of the watch, read anew when it changes."""

import contextlib
import tomllib
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from plimsoll.domain.errors import Unavailable

Read = TypeVar("Read", bound=BaseModel)


class WatchFileUnreadable(Unavailable):
    """A file of the watch cannot be used as it stands; the message names file and key."""

    code = "watch_file_unreadable"


class WatchFile(Generic[Read]):
    """The first of these folders that has the file decides."""

    def __init__(self, model: type[Read], name: str, *folders: Path) -> None:
        self._model, self._name = model, name
        self._places = tuple(folder / name for folder in folders)
        self._read: tuple[tuple[Path, int], Read] | None = None

    def __call__(self) -> Read:
        """Raises WatchFileUnreadable, naming file and key."""
        seen = self._found()
        if self._read is None or self._read[0] != seen:
            self._read = seen, as_model(self._model, read_toml(seen[0]), seen[0])
        return self._read[1]

    def _found(self) -> tuple[Path, int]:
        """Where it is, and of when."""
        for place in self._places:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                return place, place.stat().st_mtime_ns
        folders = " or ".join(str(place.parent) for place in self._places)
        raise WatchFileUnreadable(f"There is no {self._name} in {folders}.")


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise WatchFileUnreadable(f"{path} cannot be read: {error}.") from None


def as_model(model: type[Read], content: dict[str, Any], path: Path) -> Read:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        found = error.errors()[0]
        key = ".".join(str(part) for part in found["loc"])
        problem = found["msg"].removeprefix("Value error, ")
        raise WatchFileUnreadable(f"{path}: {key + ': ' if key else ''}{problem}.") from None
