"""What the machine gives right now: without it, figures of two days cannot be laid side by side."""

import os
import tempfile
import time
from typing import Any

import psutil

SQUARES = 2_000_000
SYNCS = 100


def machine() -> dict[str, Any]:
    """Two yardsticks that are none of ours (Python's own speed, the disk's promise), and who else is at work."""
    return {
        "name": "machine",
        "cpus": psutil.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "million_loops_per_cpu_second": round(SQUARES / _seconds_of_squares() / 1e6, 2),
        "fsyncs_per_second": round(SYNCS / _seconds_of_syncs()),
    }


def _seconds_of_squares() -> float:
    began, total = time.process_time(), 0
    for number in range(SQUARES):
        total += number * number % 7
    return time.process_time() - began


def _seconds_of_syncs() -> float:
    """A page appended and made durable, again and again: what one commit at a time would cost."""
    page = os.urandom(8192)
    with tempfile.TemporaryFile() as file:
        began = time.perf_counter()
        for _ in range(SYNCS):
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        return time.perf_counter() - began
