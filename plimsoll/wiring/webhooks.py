"""`secrets/webhooks.json` → who outside is told of stage events. Without the file nobody is.

{"crm": {"url": "https://crm.example.org/plimsoll", "secret": "at least sixteen characters",
         "types": ["intervention.", "contact."]}}
"""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from plimsoll.domain.errors import Unavailable
from plimsoll.domain.telling import Receiver

FILE = "webhooks.json"
READER = TypeAdapter(dict[str, Receiver])


class Receivers:
    """Read anew when the file changes."""

    def __init__(self, folder: Path) -> None:
        self._place = folder / FILE
        self._read_at: float | None = None
        self._found: Mapping[str, Receiver] = {}

    def all(self) -> Mapping[str, Receiver]:
        """Raises Unavailable for a file that is not what it should be: then nobody is told, and nothing is lost."""
        changed_at = self._place.stat().st_mtime if self._place.is_file() else None
        if changed_at != self._read_at:
            self._found = {} if changed_at is None else self._read()
            self._read_at = changed_at
        return self._found

    def _read(self) -> Mapping[str, Receiver]:
        try:
            return READER.validate_python(json.loads(self._place.read_text(encoding="utf-8")))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise Unavailable(f"{self._place}: {where}: {first['msg']}.") from None
        except (OSError, ValueError):
            raise Unavailable(f"{self._place} is not JSON that can be read: docs/webhooks.md shows its form.") from None
