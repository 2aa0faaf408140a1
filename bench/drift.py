"""How long a drift check takes, and how much memory: a million rows of thirty columns, and 20,000 with the page.

Made rows: fifteen numbers, one of them moved and one with gaps; fifteen categories of three to thirty words.
Reading rows from the record is not in it. Drawing is, in the process of its own in which it runs, imports and all.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.monitoring.drift import Drift, Window, measure, reference_of
from plimsoll.wiring.models import drift_pages

TRAINED_ON = 100_000
NUMBERS = WORDS = 15


def measure_drift(quick: bool) -> Iterator[dict[str, Any]]:
    """Each figure as soon as it is there: drawing takes its time on a machine that has other work."""
    yield from _one(20_000, with_page=True)
    yield from _one(100_000 if quick else 1_000_000, with_page=False)


def _one(rows: int, with_page: bool) -> Iterator[dict[str, Any]]:
    before, now = some_rows(TRAINED_ON, seed=1), some_rows(rows, seed=2, moved=0.5)
    reference = reference_of(Examples(before, np.arange(TRAINED_ON) % 5 == 0))
    began = time.perf_counter()
    found = measure(reference, Window(rows=rows, columns=now))
    statistics = time.perf_counter() - began
    about = {"kind": "drift", "rows": rows, "columns": len(now)}
    moved = [each.feature for each in found.features if each.level in ("look", "act")]
    yield about | {"statistics_seconds": round(statistics, 2), "moved": moved, "peak_gib": _peak()}
    if with_page:
        (page, page_cpu), (imports, imports_cpu) = _spent(lambda: _drawn(found)), _spent(_imported)
        yield about | {
            "page_seconds": round(page, 2),
            "of_this_imports_seconds": round(imports, 2),
            "statistics_and_page_after_imports_seconds": round(statistics + page - imports, 2),
            "page_cpu_seconds": round(page_cpu, 2),
            "of_this_imports_cpu_seconds": round(imports_cpu, 2),
        }


def _spent(work: Callable[[], None]) -> tuple[float, float]:
    """By the clock, and of the processor, which a machine with other work moves less."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _drawn(found: Drift) -> None:
    with tempfile.TemporaryDirectory() as folder:
        drift_pages(Path(folder)).draw("drf_bench", "bench", found, "a page", [])


def _imported() -> None:
    """What the page's process does before it draws."""
    subprocess.run(["nice", "-n", "10", sys.executable, "-c", "import pandas, evidently.presets"], check=True)


def some_rows(rows: int, seed: int, moved: float = 0.0) -> dict[str, Column]:
    random = np.random.default_rng(seed)
    columns: dict[str, Column] = {}
    for number in range(NUMBERS):
        values = random.normal(size=rows) + (moved if number == 0 else 0.0)
        if number == 1:
            values[random.random(rows) < 0.2] = np.nan
        columns[f"number_{number:02}"] = values
    for number in range(WORDS):
        words = np.array([f"word {place}" for place in range(3 + 2 * number)], dtype=object)
        columns[f"words_{number:02}"] = words[random.integers(0, len(words), rows)]
    return columns


def _peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
