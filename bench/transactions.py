"""Transactions: a file by COPY, and lines through the API on schedule; each run ends with events in = events stored."""

import csv
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop

from bench.decisions import line
from bench.house import CpuMeter, bench_ports, bench_stack
from bench.http_load import Seen, post, send_at_rate
from plimsoll.settings import Settings

PARTS = ["postgres", "migrate", "api"]
CUSTOMERS = 20_000
A_CALL = 50  # lines of one call
A_SLICE = 10  # seconds
CATEGORIES = ("groceries", "utilities", "cash", "transfer", "salary", "rent", "other")
Line = dict[str, Any]


def measure(quick: bool) -> Iterator[Line]:
    rows, rates, seconds = (20_000, (500.0,), 2.0) if quick else (500_000, (1000.0, 3000.0, 4000.0), 20.0)
    with bench_stack(PARTS, {"PLIMSOLL_HOT_WORKER": "false"}) as settings:
        yield from _from_a_file(settings, rows)
        yield from uvloop.run(_live(settings, rates, seconds))


def measure_sustained(quick: bool) -> Iterator[Line]:
    """The rate to be held for five minutes, with nothing lost and nothing doubled."""
    rate, seconds = (500.0, 5.0) if quick else (3000.0, 300.0)
    with bench_stack(PARTS, {"PLIMSOLL_HOT_WORKER": "false"}) as settings:
        yield from uvloop.run(_live(settings, (rate,), seconds))


# A file ----------------------------------------------------------------------------------------------


def _from_a_file(settings: Settings, rows: int) -> Iterator[Line]:
    stored = 0
    with tempfile.TemporaryDirectory() as folder:
        for form in ("csv", "jsonl"):
            path = Path(folder) / f"events.{form}"
            _write(path, form, rows)
            seconds = _loaded(path)
            stored += rows
            again = _loaded(path, "--again")
            said = f"rows a second, `plimsoll transactions load` of {rows:,} rows ({form})"
            yield line(said, rows / seconds, "per second")
            yield line(f"rows a second, the same file again ({form})", rows / again, "per second")
    yield {"name": "accounting"} | uvloop.run(_books(settings, stored))


def _write(path: Path, form: str, rows: int) -> None:
    events = (_event(f"{form}-{number}", number) for number in range(rows))
    with path.open("w", newline="") as file:
        if form == "csv":
            writer = csv.DictWriter(file, list(_event("x", 0)))
            writer.writeheader()
            writer.writerows(events)
        else:
            file.writelines(json.dumps(event) + "\n" for event in events)


def _loaded(path: Path, *words: str) -> float:
    """Seconds, the start of the interpreter included."""
    command = [sys.executable, "-m", "starter.cli.main", "transactions", "load", str(path), "--json", *words]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


# Live ------------------------------------------------------------------------------------------------


async def _live(settings: Settings, rates: tuple[float, ...], seconds: float) -> list[Line]:
    calls, lines = _calls(settings), []
    async with bench_ports(settings) as ports:
        before = await ports.database.row("select count(*) as n from transaction")
    await send_at_rate(settings.api, calls, 10, 2)
    sent = 20 * A_CALL
    for rate in rates:
        everything = CpuMeter(settings.home_dir)
        spent = everything.read()
        seen = await send_at_rate(settings.api, calls, rate / A_CALL, seconds)
        spent, taken = everything.read() - spent, seen.statuses[200] * A_CALL
        sent += taken
        lines += [
            line(f"events a second at {rate:,.0f} offered, {A_CALL} a call", taken / seen.seconds, "per second", rate),
            line(f"call p50 at {rate:,.0f} events a second", seen.quantile(0.5) * 1000, "ms"),
            line(f"call p95 at {rate:,.0f} events a second", seen.quantile(0.95) * 1000, "ms"),
            line(f"call p99 at {rate:,.0f} events a second", seen.quantile(0.99) * 1000, "ms"),
            line(f"call p95 of its worst {A_SLICE} seconds", max(_by_slice(seen, seconds)) * 1000, "ms"),
            line(f"call p95 of its first {A_SLICE} seconds", next(_by_slice(seen, seconds)) * 1000, "ms"),
            line(
                f"calls not taken at {rate:,.0f} events a second", seen.statuses.total() - seen.statuses[200], "calls"
            ),
            line(f"CPU of all parts and the generator per thousand events at {rate:,.0f}", spent / taken * 1e6, "ms"),
        ]
    assert before is not None
    lines[-1]["accounting"] = await _books(settings, before["n"] + sent)
    return lines


def _by_slice(seen: Seen, seconds: float) -> Iterator[float]:
    """A queue that grew and was worked off does not show in one figure of all."""
    return (seen.quantile(0.95, begin, begin + A_SLICE) for begin in range(0, int(seconds), A_SLICE))


def _calls(settings: Settings) -> Iterator[bytes]:
    key = json.loads((settings.secrets / "keys.json").read_text())["channel"]
    run = time.time_ns()
    for call in itertools.count():
        numbers = range(call * A_CALL, (call + 1) * A_CALL)
        body = "\n".join(json.dumps(_event(f"live-{run}-{number}", number)) for number in numbers)
        yield post(settings.api, "/v1/transactions", key, "", body.encode())


_draw = random.Random(0)
_NOW = datetime.now(UTC)


def _event(name: str, number: int) -> dict[str, Any]:
    """Drawn, and labelled so; no one's real account."""
    return {
        "transaction_id": name,
        "customer": f"GEN-{_draw.randrange(CUSTOMERS)}",
        "account": f"GEN-{number % CUSTOMERS}-1",
        "occurred_at": (_NOW - timedelta(seconds=_draw.randrange(180 * 86400))).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "amount": f"{_draw.randrange(1, 200_000) / 100:.2f}",
        "currency": "EUR",
        "direction": "debit" if _draw.random() < 0.8 else "credit",
        "category": _draw.choice(CATEGORIES),
        "channel": "card",
        "merchant": f"m-{number % 997}",
        "balance_after": f"{_draw.randrange(-50_000, 500_000) / 100:.2f}",
    }


async def _books(settings: Settings, sent: int) -> dict[str, Any]:
    async with bench_ports(settings) as ports:
        row = await ports.database.row(
            """
            select (select count(*) from transaction) as stored, (select count(*) from transaction_key) as keys,
                (select count(distinct seq) from transaction) as numbers,
                (select count(*) from rejected_line) as rejected
            """
        )
    assert row is not None
    return row | {"sent": sent, "balanced": sent == row["stored"] == row["keys"] == row["numbers"]}
