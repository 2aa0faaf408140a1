"""Scores without a case: over HTTP on schedule, in-process by column, and a file through the command line."""

import csv
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import uvloop

from bench.decisions import line
from bench.house import PRODUCT, CpuMeter, bench_ports, bench_stack
from bench.http_load import post, send_at_rate
from plimsoll.domain.models.examples import Column
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec
from plimsoll.ports import ColumnScorer
from plimsoll.settings import Settings
from plimsoll.wiring import Ports
from plimsoll.wiring.packs import product_packs

PARTS = ["postgres", "migrate", "api"]
Line = dict[str, Any]


def measure(quick: bool) -> Iterator[Line]:
    """Each figure as soon as it is there: whoever ends it early keeps what was measured."""
    seconds, rates = (2.0, (100,)) if quick else (15.0, (300, 500, 700))
    rows, file_rows = (20_000, 2_000) if quick else (1_000_000, 1_000_000)
    with bench_stack(PARTS, {"PLIMSOLL_HOT_WORKER": "false"}) as settings:
        yield from uvloop.run(_over_http(settings, rates, seconds))
        yield from uvloop.run(_in_process(settings, rows))
        yield from _a_file(settings, file_rows)


# Over HTTP ----------------------------------------------------------------------------------------


async def _over_http(settings: Settings, rates: tuple[int, ...], seconds: float) -> list[Line]:
    lines, answered = [], 0
    for reasons in (False, True):
        requests = _questions(settings, reasons)
        warm = await send_at_rate(settings.api, requests, 50, 2)
        answered += warm.statuses[200]
        for rate in rates:
            everything = CpuMeter(settings.home_dir)
            spent = everything.read()
            seen = await send_at_rate(settings.api, requests, rate, seconds)
            spent, good = everything.read() - spent, seen.statuses[200]
            answered += good
            what = f"with reasons, {rate}/s offered" if reasons else f"{rate}/s offered"
            lines += [
                line(f"scores a second, {what}", good / seen.seconds, "per second", rate),
                line(f"score p50, {what}", seen.quantile(0.5) * 1000, "ms"),
                line(f"score p95, {what}", seen.quantile(0.95) * 1000, "ms"),
                line(f"score p99, {what}", seen.quantile(0.99) * 1000, "ms"),
                line(f"answers that were no score, {what}", seen.statuses.total() - good, "answers"),
                line(f"CPU of all parts and the generator per score, {what}", spent / max(good, 1) * 1000, "ms"),
            ]
    async with bench_ports(settings) as ports:
        logged = await ports.database.row("select count(*) as n from prediction where kind = 'api'")
    assert logged is not None
    lines[-1]["accounting"] = {"answered": answered, "logged": logged["n"], "balanced": answered == logged["n"]}
    return lines


def _questions(settings: Settings, reasons: bool) -> Iterator[bytes]:
    key = json.loads((settings.secrets / "keys.json").read_text())["channel"]
    rows = _rows(product_packs(settings).get(PRODUCT).features, 2000)
    bodies = [json.dumps({"product": PRODUCT, "features": row, "reasons": reasons}).encode() for row in rows]
    for body in itertools.cycle(bodies):
        yield post(settings.api, "/v1/scores", key, "", body)


def _rows(features: tuple[FeatureSpec, ...], count: int) -> list[dict[str, Any]]:
    """Rows drawn from what the pack allows; no one's real values."""
    draw = random.Random(0)
    numbers = {"term_months": (6, 60), "amount": (300, 15_000)}
    return [
        {
            spec.name: draw.randint(*numbers.get(spec.name, (0, 100)))
            if spec.kind is FeatureKind.NUMBER
            else draw.choice(spec.values)
            for spec in features
        }
        for _ in range(count)
    ]


# In-process ---------------------------------------------------------------------------------------


async def _in_process(settings: Settings, rows: int) -> list[Line]:
    async with bench_ports(settings) as ports:
        product = ports.products.get(PRODUCT)
        pin = (await ports.live.lineup(product.model)).must_have_champion()
        return list(_by_column(ports, pin, rows))


def _by_column(ports: Ports, pin: ModelPin, rows: int) -> Iterator[Line]:
    scorer: ColumnScorer = ports.columns
    columns = _table(tuple(scorer.features(pin)), rows)
    loaded = ports.scorer.loaded(pin)
    matrix = loaded.matrix(columns)
    yield _rate("rows a second through the raw model", rows, lambda: loaded.probabilities(matrix))
    yield _rate("rows a second from columns to probabilities", rows, lambda: scorer.probabilities(pin, columns))
    some = {name: values[: rows // 5] for name, values in columns.items()}
    yield _rate("rows a second from columns to reasons' shares", rows // 5, lambda: scorer.contributions(pin, some))


def _table(features: tuple[FeatureSpec, ...], rows: int) -> dict[str, Column]:
    few = _rows(features, 5000)
    places = np.random.default_rng(0).integers(0, len(few), rows)
    return {
        spec.name: np.array(
            [row[spec.name] for row in few], dtype=np.float64 if spec.kind is FeatureKind.NUMBER else object
        )[places]
        for spec in features
    }


def _rate(name: str, rows: int, work: Callable[[], Any]) -> Line:
    """The median of three runs."""
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return line(name, rows / sorted(taken)[1], "per second")


# A file -------------------------------------------------------------------------------------------


def _a_file(settings: Settings, rows: int) -> Iterator[Line]:
    """`plimsoll score` on a CSV: how fast, and how much memory at a tenth of the rows and at all of them."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, tenth = _scored_file(settings, Path(folder), rows // 10)
        yield line(f"rows a second, `plimsoll score` of {rows // 10:,} rows", rows / 10 / seconds, "per second")
        yield line(f"memory of `plimsoll score` at {rows // 10:,} rows", tenth, "MiB")
        seconds, whole = _scored_file(settings, Path(folder), rows)
        yield line(f"rows a second, `plimsoll score` of {rows:,} rows", rows / seconds, "per second")
        yield line(f"memory of `plimsoll score` at {rows:,} rows", whole, "MiB", tenth)


def _scored_file(settings: Settings, folder: Path, rows: int) -> tuple[float, float]:
    """Seconds, and the highest resident memory in MiB."""
    path = folder / f"{rows}.csv"
    few = _rows(product_packs(settings).get(PRODUCT).features, 1000)
    with path.open("w", newline="") as table:
        writer = csv.DictWriter(table, list(few[0]))
        writer.writeheader()
        writer.writerows(itertools.islice(itertools.cycle(few), rows))
    command = [sys.executable, "-m", "starter.cli.main", "score", str(path), "--out", str(folder / "out.csv")]
    began, highest = time.perf_counter(), 0.0
    process = psutil.Popen(command, env=dict(os.environ), stderr=subprocess.DEVNULL)
    while process.poll() is None:
        highest = max(highest, process.memory_info().rss / 1024**2)
        time.sleep(0.2)
    if process.returncode:
        raise RuntimeError(f"`plimsoll score` ended with {process.returncode}")
    return time.perf_counter() - began, highest
