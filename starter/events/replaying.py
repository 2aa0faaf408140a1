"""History sent again at a chosen pace, through the API like any sender's: for trying out, for showing, for measuring.

Events leave in the order in which they could be known. What was sent is kept in a file under the
home, so that a replay that stopped goes on where it was.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from plimsoll.domain.watching.events import Feed
from starter.events.files import Portion

BEAT = 0.25  # seconds from one call to the next
MOST_AT_ONCE = 2_000
MICROS = 1_000_000
OPENS_AN_ACCOUNT = b'"account_opened"'


class Portions(Protocol):
    @property
    def feed(self) -> Feed: ...

    def portions(self, now: datetime, skip: int = 0) -> Iterator[Portion]: ...

    def digest(self) -> bytes: ...


@dataclass(frozen=True)
class Pace:
    """So many events a second, or history so many times faster than it was; else as fast as they are taken."""

    rate: float | None = None
    speed: float | None = None

    def due(self, known_at: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Seconds after the start at which each event leaves."""
        if self.rate:
            return np.arange(len(known_at)) / self.rate
        if self.speed:
            return (known_at - known_at[0]).astype("i8") / MICROS / self.speed
        return np.zeros(len(known_at))


@dataclass(frozen=True)
class History:
    """The lines of a file in the order in which they could be known. All of them are held in memory."""

    lines: list[bytes]
    known_at: npt.NDArray[Any]
    rejected: int

    @classmethod
    def of(cls, file: Portions) -> "History":
        lines: list[bytes] = []
        moments, rejected = [], 0
        for portion in file.portions(datetime.now(UTC)):
            lines += [portion.line(place) for place in portion.kept]
            moments.append(portion.batch.rows["known_at"])
            rejected += len(portion.rejected)
        known_at = np.concatenate(moments) if moments else np.empty(0, "M8[us]")
        order = np.argsort(known_at, kind="stable")
        return cls([lines[place] for place in order.tolist()], known_at[order], rejected)

    def long_past(self, clocks: Iterable[Mapping[str, Any]], silence: timedelta) -> list[str]:
        """The products whose time is so far beyond the newest of these events that whoever they are about counts as
        silent by the clock of their product (docs/decisions/0020)."""
        if not len(self.known_at):
            return []
        said = {json.loads(line).get("product") for line in self.lines if OPENS_AN_ACCOUNT in line} or {None}
        newest = self.known_at[-1].astype("M8[us]").item().replace(tzinfo=UTC)
        return sorted(
            each["product"] or "(none said)"
            for each in clocks
            if each["product"] in said and datetime.fromisoformat(each["watermark"]) - newest > silence
        )


@dataclass
class Sent:
    """How far a replay is."""

    lines: int = 0
    new: int = 0
    repeated: int = 0
    rejected: int = 0


class Checkpoint:
    """Beside the other things of the home; written after every call that was answered."""

    def __init__(self, home: Path, digest: bytes) -> None:
        self._place = home / "replays" / f"{digest.hex()[:32]}.json"

    def read(self) -> Sent:
        try:
            return Sent(**json.loads(self._place.read_text()))
        except (OSError, ValueError, TypeError):
            return Sent()

    def write(self, sent: Sent) -> None:
        self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._place.with_suffix(".draft")
        draft.write_text(json.dumps(vars(sent)))
        os.replace(draft, self._place)

    def clear(self) -> None:
        self._place.unlink(missing_ok=True)


def replay(
    history: History,
    pace: Pace,
    checkpoint: Checkpoint,
    send: Callable[[bytes], dict[str, Any]],
    told: Callable[[Sent, datetime | None], None],
) -> Sent:
    """Sends what was not sent yet. `send` takes some lines and gives the API's answer."""
    sent = checkpoint.read()
    if sent.lines >= len(history.lines):
        sent = Sent()
    due = pace.due(history.known_at[sent.lines :])
    first, began = sent.lines, time.monotonic()
    while sent.lines < len(history.lines):
        ready = first + int(np.searchsorted(due, time.monotonic() - began, side="right"))
        until = min(ready, sent.lines + MOST_AT_ONCE)
        if until > sent.lines:
            _note(sent, send(b"\n".join(history.lines[sent.lines : until])), until)
            checkpoint.write(sent)
            told(sent, history.known_at[until - 1].item())
        if until == ready and sent.lines < len(history.lines):
            time.sleep(max(BEAT, due[sent.lines - first] - (time.monotonic() - began)))
    checkpoint.clear()
    return sent


def _note(sent: Sent, answer: dict[str, Any], until: int) -> None:
    sent.lines = until
    sent.new += answer["new"]
    sent.repeated += answer["repeated"]
    sent.rejected += answer["rejected"]
