"""The witness: every request in order, and every answer given under a key.

With a file, each line is handed to the operating system before the caller gets its answer, so
both survive a kill of the sandbox: a caller never holds an answer that the journal forgot.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

# fresh: the source did the work · repeated: a stored answer was given again · fault: a set fault
# took its place, nothing was done · rejected: the source refused (4xx), nothing was done
Served = Literal["fresh", "repeated", "fault", "rejected"]


class Entry(NamedTuple):
    """One request. `status` is None when no answer was sent."""

    seq: int
    at: str
    source: str
    path: str
    key: str | None
    reference: str | None
    served: Served
    fault: str | None
    status: int | None


class Stored(NamedTuple):
    """An answer kept under its key, with a digest of what was asked."""

    asked: str
    body: bytes


class Journal:
    def __init__(self, file: Path | None = None) -> None:
        self._entries: list[Entry] = []
        self._stored: dict[tuple[str, str], Stored] = {}
        self._file = self._reopen(file) if file else None

    def record(
        self,
        *,
        source: str,
        path: str,
        key: str | None,
        reference: str | None,
        served: Served,
        fault: str | None = None,
        status: int | None = None,
        stored: Stored | None = None,
    ) -> None:
        """Append the request and, for a fresh answer under a key, the answer with it."""
        entry = Entry(len(self._entries) + 1, timestamp(), source, path, key, reference, served, fault, status)
        self._remember(entry, stored)
        if self._file:
            self._file.write(line_of(entry, stored))
            self._file.flush()

    def stored(self, path: str, key: str) -> Stored | None:
        return self._stored.get((path, key))

    def all_stored(self) -> list[Stored]:
        """Every answer kept under a key, in order."""
        return list(self._stored.values())

    def entries(
        self, source: str | None = None, since: int = 0, reference: str | None = None, key: str | None = None
    ) -> list[Entry]:
        """Those after sequence number `since`, in order."""
        return [
            entry
            for entry in self._entries[max(since, 0) :]
            if (source is None or entry.source == source)
            and (reference is None or entry.reference == reference)
            and (key is None or entry.key == key)
        ]

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _remember(self, entry: Entry, stored: Stored | None) -> None:
        self._entries.append(entry)
        if stored and entry.key:
            self._stored[entry.path, entry.key] = stored

    def _reopen(self, file: Path) -> BinaryIO:
        """Read back what was written, drop a line torn by a kill, go on behind it."""
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a+b")
        stream.seek(0)
        for entry, stored in whole_lines(stream):
            self._remember(entry, stored)
        return stream


def whole_lines(stream: BinaryIO) -> Iterator[tuple[Entry, Stored | None]]:
    end_of_whole = 0
    for line in stream:
        if not line.endswith(b"\n"):
            break
        end_of_whole += len(line)
        yield read_line(line)
    stream.seek(0, os.SEEK_END)
    stream.truncate(end_of_whole)


def line_of(entry: Entry, stored: Stored | None) -> bytes:
    fields: dict[str, Any] = entry._asdict()
    if stored:
        fields |= {"asked": stored.asked, "body": stored.body.decode()}
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def read_line(line: bytes) -> tuple[Entry, Stored | None]:
    fields = json.loads(line)
    stored = Stored(fields.pop("asked"), fields.pop("body").encode()) if "body" in fields else None
    return Entry(**fields), stored


def timestamp() -> str:
    return datetime.now(UTC).isoformat()
