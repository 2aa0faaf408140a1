"""The pace of a replay, and going on where one stopped."""

import json
from datetime import timedelta
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


def a_history(product: str | None, newest: str) -> History:
    opened = {"kind": "account_opened", "product": product} if product else {"kind": "transaction"}
    return History([json.dumps(opened).encode()], np.array([newest], "M8[us]"), 0)


def test_history_long_past_for_its_own_product_is_known_and_that_of_others_does_not_matter():
    """Its customers would count as silent for years by the clock of today."""
    clocks = [{"product": "card", "watermark": "2026-11-22T00:00:00+00:00"},
              {"product": None, "watermark": "2005-09-30T00:00:00+00:00"}]  # fmt: skip
    assert a_history("card", "2005-09-30").long_past(clocks, timedelta(days=62)) == ["card"]
    assert a_history("card", "2026-11-01").long_past(clocks, timedelta(days=62)) == []
    assert a_history("card-of-2005", "2005-09-30").long_past(clocks, timedelta(days=62)) == []
    assert a_history(None, "2005-09-30").long_past(clocks, timedelta(days=62)) == []
    assert a_history(None, "1999-09-30").long_past(clocks, timedelta(days=62)) == ["(none said)"]


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
