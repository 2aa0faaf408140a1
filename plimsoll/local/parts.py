"""The parts of the stack, as data: what each one runs, needs, and how one sees that it is ready.

| part | what it is |
|---|---|
| postgres | the database; not started when DATABASE_URL names another |
| migrate | brings the schema up to date, once per start |
| temporal, temporal_ui | the workflow engine and its pages; not started when TEMPORAL_ADDRESS names another |
| namespace | registers the product's namespace, once per start |
| sandbox | bureau, bank, registries and message gateways, made here |
| api, worker, console | the product |
| batch | the worker for what is large and slow, such as training: its memory is not the deciding worker's |
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from plimsoll.local import postgres, temporal_server
from plimsoll.local.errors import PartUnknown, ServerMissing
from plimsoll.local.ports import INTERNAL, LOOPBACK
from plimsoll.local.postgres import APPLICATION, OWNER, Cluster
from plimsoll.local.readiness import answers
from plimsoll.local.secrets import GATEWAY_CALLBACKS
from plimsoll.local.temporal_binaries import Binaries, find
from plimsoll.local.temporal_server import TemporalServer

ROOT = Path(__file__).resolve().parent.parent.parent
QUEUES = "decisions,evidence,outreach"
DATABASE_WORDS = ("DATABASE_URL", "DATABASE_OWNER_URL")
# The ports a part needs; a part that is not here listens nowhere.
PORTS_OF: Mapping[str, tuple[str, ...]] = {
    "postgres": ("postgres",),
    "temporal": ("temporal", *INTERNAL),
    "temporal_ui": ("temporal_ui",),
    "sandbox": ("sandbox",),
    "api": ("api",),
    "console": ("console",),
}


def nothing() -> None:
    """No preparation needed."""


@dataclass(frozen=True)
class Part:
    """One process of the stack."""

    name: str
    command: tuple[str, ...]
    # None: the part runs once, and having ended well is its readiness.
    ready: Callable[[], bool] | None
    needs: tuple[str, ...] = ()
    environment: Mapping[str, str] | None = None  # None: ours
    prepare: Callable[[], None] = nothing
    once_ready: Callable[[], None] = nothing
    ready_within: float = 90.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_patience: float = 20.0


@dataclass(frozen=True)
class Given:
    """What the environment says is run by somebody else. Blank means nothing is."""

    database_url: str | None
    database_owner_url: str | None
    temporal_address: str | None
    temporal_ui_url: str | None
    temporal_namespace: str

    @classmethod
    def by(cls, environment: Mapping[str, str]) -> "Given":
        database = environment.get("DATABASE_URL") or None
        return cls(
            database_url=database,
            database_owner_url=(environment.get("DATABASE_OWNER_URL") or database) if database else None,
            temporal_address=environment.get("TEMPORAL_ADDRESS") or None,
            temporal_ui_url=environment.get("TEMPORAL_UI_URL") or None,
            temporal_namespace=environment.get("TEMPORAL_NAMESPACE") or "plimsoll",
        )


@dataclass(frozen=True)
class Plan:
    """One home's stack before it runs: its ports, what is given from outside, where things are."""

    home: Path
    ports: Mapping[str, int]
    given: Given

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.home / "postgres", self.home / "secrets", self.ports["postgres"])

    def temporal(self, binaries: Binaries) -> TemporalServer:
        return TemporalServer(self.home / "temporal", self.ports, binaries, self.given.temporal_namespace)

    def settings(self) -> dict[str, str]:
        """Where everything answers, as `plimsoll.settings` and the parts' environment want it."""
        known: dict[str, str | None] = {
            "database_url": self.given.database_url or self._own_url(APPLICATION),
            "database_owner_url": self.given.database_owner_url or self._own_url(OWNER),
            "temporal_address": self.given.temporal_address or self._own_address("temporal"),
            "temporal_ui_url": self.given.temporal_ui_url or self.site("temporal_ui"),
            "temporal_namespace": self.given.temporal_namespace,
            **{name: self.site(name) for name in ("api", "console", "sandbox")},
        }
        return {name: value for name, value in known.items() if value}

    def site(self, name: str) -> str | None:
        address = self._own_address(name)
        return f"http://{address}" if address else None

    def _own_address(self, name: str) -> str | None:
        return f"{LOOPBACK}:{self.ports[name]}" if name in self.ports else None

    def _own_url(self, role: str) -> str | None:
        return self.cluster.url(role) if "postgres" in self.ports else None


def names(given: Given, only: list[str] | None = None) -> list[str]:
    """The parts to run, in the order in which they start; the reverse is the order in which they stop."""
    everything = [
        *([] if given.database_url else ["postgres"]),
        "migrate",
        *([] if given.temporal_address else ["temporal", "temporal_ui"]),
        "namespace",
        "sandbox",
        "api",
        "worker",
        "batch",
        "console",
    ]
    unknown = sorted(set(only or ()) - {*everything, "postgres", "temporal", "temporal_ui"})
    if unknown:
        raise PartUnknown(f"There is no part {', '.join(unknown)}; there are {', '.join(everything)}.")
    return [name for name in everything if only is None or name in only]


def ports_needed(chosen: list[str]) -> tuple[str, ...]:
    return tuple(port for name in chosen for port in PORTS_OF.get(name, ()))


def parts(plan: Plan, chosen: list[str]) -> list[Part]:
    """The chosen parts of this plan; a need for a part that was not chosen is dropped."""
    made = {part.name: part for part in (_engines(plan, chosen) + _product(plan, chosen))}
    return [made[name] for name in chosen if name in made]


def _engines(plan: Plan, chosen: list[str]) -> list[Part]:
    return [
        *([_postgres(plan.cluster)] if "postgres" in chosen else []),
        *(_temporal(plan, chosen) if "temporal" in chosen else []),
    ]


def _postgres(cluster: Cluster) -> Part:
    return Part(
        name="postgres",
        command=cluster.command(),
        prepare=cluster.prepare,
        ready=lambda: cluster.answers,
        once_ready=cluster.provision,
        stop_signal=postgres.STOP_SIGNAL,
        stop_patience=postgres.STOP_PATIENCE,
    )


def _temporal(plan: Plan, chosen: list[str]) -> list[Part]:
    binaries = find()
    if binaries is None:
        raise ServerMissing("The Temporal server's binary has gone; run `plimsoll up` to get it again.")
    server = plan.temporal(binaries)
    engine = Part(
        name="temporal",
        command=server.command(),
        prepare=server.prepare,
        ready=lambda: server.serves,
        stop_signal=temporal_server.STOP_SIGNAL,
        stop_patience=temporal_server.STOP_PATIENCE,
    )
    pages = server.ui_command() if "temporal_ui" in chosen else None
    if pages is None:
        return [engine]
    ui = Part("temporal_ui", pages, ready=answers(server.ui_url, "/"), needs=_within(chosen, "temporal"))
    return [engine, ui]


def _product(plan: Plan, chosen: list[str]) -> list[Part]:
    settings = plan.settings()
    common = _environment(plan.home, settings)
    stored = {**common, **_only(settings, DATABASE_WORDS[:1])}
    owned = {**common, **_only(settings, DATABASE_WORDS)}
    address, namespace = settings.get("temporal_address", ""), plan.given.temporal_namespace
    prepared = _within(chosen, "migrate", "namespace")

    made = {
        "migrate": Part(
            "migrate",
            _python("-m", "plimsoll.adapters.postgres.migrate"),
            ready=None,
            needs=_within(chosen, "postgres"),
            environment=owned,
        ),
        "namespace": Part(
            "namespace",
            _python("-m", "plimsoll.local.temporal_namespace", address, namespace),
            ready=None,
            needs=_within(chosen, "temporal"),
            environment=common,
        ),
        "worker": _worker(plan, "worker", QUEUES, prepared, stored),
        "batch": _worker(plan, "batch", "batch", prepared, stored),
    }
    # The console and the sandbox hold no database credentials: they could only lose them.
    for name, module, needs, environment in (
        ("sandbox", "sandbox", (), common),
        ("api", "starter.api", prepared, stored),
        ("console", "ui", (), common),
    ):
        if name in chosen:
            made[name] = _site(plan, name, module, needs, environment)
    return list(made.values())


def _worker(plan: Plan, name: str, queues: str, needs: tuple[str, ...], environment: dict[str, str]) -> Part:
    ready_file = plan.home / "run" / f"{name}.ready"
    return Part(
        name,
        _python(str(ROOT / "worker.py"), "--queues", queues),
        prepare=lambda: _clear(ready_file),
        ready=ready_file.exists,
        needs=needs,
        environment={**environment, "PLIMSOLL_READY_FILE": str(ready_file)},
        stop_patience=30.0,
    )


def _site(plan: Plan, name: str, module: str, needs: tuple[str, ...], environment: dict[str, str]) -> Part:
    """A part that answers HTTP on a port of its own."""
    journal: tuple[str, ...] = ("--log", str(plan.home / "sandbox" / "journal.jsonl")) if name == "sandbox" else ()
    if name == "sandbox":
        journal += ("--callback-secret", str(plan.home / "secrets" / GATEWAY_CALLBACKS))
    return Part(
        name,
        _python("-m", module, "--host", LOOPBACK, "--port", str(plan.ports[name]), *journal),
        prepare=lambda: (plan.home / name).mkdir(mode=0o700, exist_ok=True),
        ready=answers(plan.site(name) or "", *READY_PATHS[name]),
        needs=needs,
        environment=environment,
    )


READY_PATHS = {
    "api": ("/readyz", "/healthz"),
    "console": ("/_stcore/health", "/healthz"),
    "sandbox": ("/healthz",),
}


def _environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Ours, without the database; a blank value is as good as none."""
    inherited = {key: value for key, value in os.environ.items() if key not in DATABASE_WORDS}
    engine = ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_UI_URL")
    sites = {f"PLIMSOLL_{name.upper()}": settings[name] for name in ("api", "console", "sandbox") if name in settings}
    return {
        **inherited,
        **_only(settings, engine),
        **sites,
        "PLIMSOLL_HOME": str(home),
        "PYTHONUNBUFFERED": "1",
    }


def _only(settings: Mapping[str, str], words: tuple[str, ...]) -> dict[str, str]:
    return {word: settings[word.lower()] for word in words if word.lower() in settings}


def _within(chosen: list[str], *needs: str) -> tuple[str, ...]:
    return tuple(need for need in needs if need in chosen)


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def _clear(ready_file: Path) -> None:
    ready_file.parent.mkdir(mode=0o700, exist_ok=True)
    ready_file.unlink(missing_ok=True)
