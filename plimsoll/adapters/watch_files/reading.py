"""One file of the watch, read anew when it changes."""

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
        self._model, self._name, self._folders = model, name, folders
        self._read: tuple[tuple[Path, int], Read] | None = None

    def __call__(self) -> Read:
        """Raises WatchFileUnreadable, naming file and key."""
        place = self.place()
        seen = place, place.stat().st_mtime_ns
        if self._read is None or self._read[0] != seen:
            self._read = seen, as_model(self._model, read_toml(place), place)
        return self._read[1]

    def place(self) -> Path:
        found = next((folder / self._name for folder in self._folders if (folder / self._name).is_file()), None)
        if found is None:
            raise WatchFileUnreadable(f"There is no {self._name} in {' or '.join(map(str, self._folders))}.")
        return found


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
