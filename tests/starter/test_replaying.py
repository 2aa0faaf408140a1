"""The pace of a replay, and going on where one stopped."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from starter.events.replaying import Checkpoint, History, Pace, replay

HOURS = np.array(["2026-03-01T00", "2026-03-01T01", "2026-03-01T03"], "M8[us]")


def test_a_rate_spaces_events_evenly_and_a_speed_keeps_their_rhythm():
    assert Pace(rate=2).due(HOURS).tolist() == [0, 0.5, 1]
    assert Pace(speed=3600).due(HOURS).tolist() == [0, 1, 3]
    assert Pace().due(HOURS).tolist() == [0, 0, 0]


class ADoor:
    """Takes lines until it breaks."""

    def __init__(self, breaks_after: int = 10**9) -> None:
        self.taken: list[bytes] = []
        self._breaks_after = breaks_after

    def send(self, lines: bytes) -> dict[str, Any]:
        if len(self.taken) >= self._breaks_after:
            raise ConnectionError
        some = lines.split(b"\n")
        self.taken += some
        return {"new": len(some), "repeated": 0, "rejected": 0}


def test_a_replay_that_broke_goes_on_and_nothing_is_sent_twice_or_left_out(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("starter.events.replaying.MOST_AT_ONCE", 3)
    history = History([str(number).encode() for number in range(10)], np.arange(10).astype("M8[us]"), 0)
    first, second = ADoor(breaks_after=6), ADoor()
    checkpoint = Checkpoint(tmp_path, b"\x01" * 32)
    with pytest.raises(ConnectionError):
        replay(history, Pace(), checkpoint, first.send, lambda sent, moment: None)
    sent = replay(history, Pace(), checkpoint, second.send, lambda sent, moment: None)
    assert first.taken + second.taken == history.lines
    assert (sent.lines, sent.new) == (10, 10)
    assert checkpoint.read().lines == 0
