"""How long the console's pages take on a house that is full: 100,000 applications, a million entries of the ledger.

Each page is run as the console's server runs it, against a real API, by somebody whose page it is: `value` is the whole
script, `api` what it waited for the API meanwhile. Each answer of the API is asked for by itself as well, with the ms
of `cpu` all parts spent on it: on a machine that does other things, that is what can be compared.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvloop

from bench.filled import FULL, SMALL, Copier, Known, Size, fill
from bench.house import SERVERS, CpuMeter, bench_stack
from plimsoll.settings import ROOT, Settings
from plimsoll.wiring import open_ports

PARTS = [*SERVERS, "api"]
AIM = 1000.0  # ms
ROUNDS, WARM = 15, 2


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    size = SMALL if quick else FULL
    with bench_stack(PARTS) as settings:
        began = time.perf_counter()
        known = uvloop.run(_filled(settings, size))
        yield _line("filling the house", [time.perf_counter() - began], "s") | {"rows": _counts(settings)}
        rounds = 2 if quick else ROUNDS
        yield from _answers(settings, known, rounds)
        yield from _pages(settings, known, rounds)


async def _filled(settings: Settings, size: Size) -> Known:
    async with open_ports(settings, wait_for_database=30) as ports:
        return await fill(settings, ports, size)


def _counts(settings: Settings) -> dict[str, int]:
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(settings.database_owner_url, row_factory=dict_row) as connection:
        return Copier(connection).counts()


# What the API answers ---------------------------------------------------------------------------


def _answers(settings: Settings, known: Known, rounds: int) -> Iterator[dict[str, Any]]:
    lately = (datetime.now(UTC).date() - timedelta(days=30)).isoformat()
    questions: dict[str, tuple[str, dict[str, Any]]] = {
        "portfolio": ("/v1/portfolio", {"zone": "Europe/Berlin"}),
        "portfolio, one product": ("/v1/portfolio", {"product": "consumer-credit", "zone": "Europe/Berlin"}),
        "portfolio, approved only": ("/v1/portfolio", {"outcome": "approve"}),
        "portfolio, last month": ("/v1/portfolio", {"since": lately}),
        "portfolio choices": ("/v1/portfolio/choices", {}),
        "applications": ("/v1/applications", {"limit": 50}),
        "applications, declined": ("/v1/applications", {"limit": 50, "outcome": "decline"}),
        "applications, failed": ("/v1/applications", {"limit": 50, "status": "failed"}),
        "applications, far back": ("/v1/applications", {"limit": 50, "after": f"app_{5000:026d}"}),
        "applications, waiting on a source": ("/v1/applications", {"limit": 50, "waiting_on": "bank"}),
        "workflows": ("/v1/workflows", {"status": "review"}),
        "workflows summary": ("/v1/workflows/summary", {}),
        "queue": ("/v1/reviews", {}),
        "trace": (f"/v1/applications/{known.case}/trace", {}),
        "proof": (f"/v1/decisions/{known.case}/proof", {}),
        "decisions by number": ("/v1/decisions", {"number": "COPY-77"}),
        "audit": ("/v1/ledger/entries", {}),
        "audit by somebody": ("/v1/ledger/entries", {"by": "nobody of that name"}),
        "audit by kind": ("/v1/ledger/entries", {"kind": "model."}),
        "customers": ("/v1/customers", {}),
        "customers, medium": ("/v1/customers", {"level": "medium"}),
        "customers stream": ("/v1/customers/stream", {}),
        "customer": (f"/v1/customers/{known.customer}", {}),
        "interventions": ("/v1/interventions", {}),
        "interventions, promised": ("/v1/interventions", {"state": "promised"}),
        "interventions accounting": ("/v1/interventions/accounting", {}),
        "interventions effect": ("/v1/interventions/effect", {}),
        "performance": ("/v1/performance", {"product": "consumer-credit"}),
        "drift reports": ("/v1/drift-reports", {"product": "consumer-credit", "limit": 50}),
        "drift history": ("/v1/drift-reports/history", {"product": "consumer-credit"}),
        "models": ("/v1/models", {}),
    }
    headers = {"Authorization": f"Bearer {_keys(settings)['auditor']}"}
    with httpx.Client(base_url=settings.api, headers=headers, trust_env=False, timeout=120) as client:
        for name, (path, asked) in questions.items():

            def ask(path: str = path, asked: dict[str, Any] = asked) -> None:
                client.get(path, params=asked).raise_for_status()

            ask()  # whatever opens a connection or starts a process does it before the meter looks
            meter = CpuMeter(settings.home_dir)
            before = meter.read()
            taken = _timed(ask, rounds)
            spent = (meter.read() - before) / (rounds + WARM) * 1000
            yield _line(f"answer: {name}", taken) | {"cpu": round(spent, 1)}


# What the console makes of it -------------------------------------------------------------------


def _pages(settings: Settings, known: Known, rounds: int) -> Iterator[dict[str, Any]]:
    shown: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        ("overview", "overview", "analyst", {}),
        ("overview, declined", "overview", "analyst", {"outcome": "decline"}),
        ("queue", "queue", "senior_reviewer", {}),
        ("case", "case", "senior_reviewer", {"id": known.waiting}),
        ("trace", "trace", "auditor", {"id": known.case}),
        ("workflows", "workflows", "admin", {}),
        ("audit", "audit", "auditor", {}),
        ("customers", "customers", "collector", {}),
        ("customer", "customers", "collector", {"id": known.customer}),
        ("interventions", "interventions", "collector", {}),
        ("intervention", "interventions", "collector", {"id": known.episode}),
        ("calls", "collectors", "collector", {}),
        ("strategies", "strategies", "collector", {}),
        ("stream", "stream", "admin", {}),
        ("models", "models", "model_owner", {}),
        ("performance", "performance", "model_owner", {}),
        ("drift", "drift", "model_owner", {}),
        ("releases", "releases", "model_owner", {}),
        ("schedules", "schedules", "admin", {}),
        ("keys", "keys", "admin", {}),
    )
    for name, page, role, query in shown:
        yield _page(name, page, _Timed(settings.api, _keys(settings)[role]), query, rounds)


def _page(name: str, page: str, backend: Any, query: dict[str, str], rounds: int) -> dict[str, Any]:
    from streamlit import config
    from streamlit.testing.v1 import AppTest

    config.set_option("runner.magicEnabled", False)  # as ui/.streamlit/config.toml has it, which is not read here
    app = AppTest.from_file(str(ROOT / "ui/app.py"), default_timeout=120)
    app.session_state["backend"] = backend
    app.run()
    app.switch_page(f"app_pages/{page}.py")
    for key, value in query.items():
        app.query_params[key] = value
    waited: list[float] = []

    def run() -> None:
        backend.waited.clear()
        app.run()
        waited.append(sum(backend.waited))

    taken = _timed(run, rounds)
    if app.exception:
        raise RuntimeError(f"The page {name} failed: {app.exception[0].message}")
    return _line(f"page: {name}", taken) | {"api": round(statistics.median(waited[WARM:]) * 1000, 1)}


def _Timed(api: str, token: str) -> Any:
    """The console's own way to the API, with a stopwatch."""
    from ui.backend import Backend

    class Timed(Backend):
        def __init__(self, api: str, token: str) -> None:
            super().__init__(api, token)
            self.waited: list[float] = []

        def refreshing(self) -> "Timed":
            return self

        def _answered(self, *given: Any, **more: Any) -> Any:
            began = time.perf_counter()
            try:
                return super()._answered(*given, **more)
            finally:
                self.waited.append(time.perf_counter() - began)

    return Timed(api, token)


def _timed(act: Callable[[], None], rounds: int) -> list[float]:
    """Milliseconds of each round; the first are for caches to warm."""
    taken = []
    for number in range(rounds + WARM):
        began = time.perf_counter()
        act()
        if number >= WARM:
            taken.append((time.perf_counter() - began) * 1000)
    return taken


def _keys(settings: Settings) -> dict[str, str]:
    return json.loads((settings.secrets / "keys.json").read_text())


def _line(name: str, taken: list[float], unit: str = "ms") -> dict[str, Any]:
    ordered = sorted(taken)
    p50 = statistics.median(ordered)
    aim = AIM if unit == "ms" else None
    return {
        "name": name,
        "value": round(p50, 1),
        "unit": unit,
        "p95": round(ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)], 1),
        "baseline": aim,
        "ratio": round(p50 / aim, 3) if aim else None,
        "load": round(os.getloadavg()[0], 1),
    }
