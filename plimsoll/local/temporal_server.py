"""The embedded Temporal server: where its binary comes from, its configuration, its command.

Server 1.32 or newer, everywhere: only there are eager activities and priorities on by
default and can one workflow skip time. Found in this order: built here before · `temporal`
on PATH · the Python SDK's download · built now with Go, three to nine minutes, once.
`TEMPORAL_ADDRESS` comes before all of these: then nothing is started at all.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from plimsoll.local import ports
from plimsoll.local.errors import ServerMissing
from plimsoll.local.processes import stop_child, wait_until
from plimsoll.local.readiness import answers
from plimsoll.local.temporal_binaries import Binaries

STOP_SIGNAL = signal.SIGTERM
STOP_PATIENCE = 15.0
RETENTION_DAYS = 30
HISTORY_SHARDS = 4  # fixed for the life of the store

# The defaults keep one tenant of a shared cluster from hurting the others; on a machine
# of our own they only cap us (45 instead of 165 dispatched workflows a second).
NO_CAP = 20_000
DYNAMIC_CONFIG = {
    "frontend.WorkflowTimeSkippingEnabled": True,  # test mode: let time pass for one case
    "system.enableActivityEagerExecution": True,
    # One partition answers our rates without forwarding between partitions.
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    # 20 a second and shard by default, and every task that is not eager passes this reader.
    "history.transferProcessorMaxPollRPS": NO_CAP,
    "history.timerProcessorMaxPollRPS": NO_CAP,
    "history.visibilityProcessorMaxPollRPS": NO_CAP,
    "frontend.rps": NO_CAP,
    "frontend.namespaceRPS": NO_CAP,
    "frontend.namespaceCount": NO_CAP,
    "frontend.namespaceRPS.visibility": 200,
    "frontend.persistenceMaxQPS": NO_CAP,
    "history.rps": NO_CAP,
    "history.persistenceMaxQPS": NO_CAP,
    "matching.rps": NO_CAP,
    "matching.persistenceMaxQPS": NO_CAP,
}


@dataclass(frozen=True)
class TemporalServer:
    """One embedded server: its store and configuration live in `directory`."""

    directory: Path
    ports: Mapping[str, int]
    binaries: Binaries
    namespace: str = "plimsoll"

    @property
    def address(self) -> str:
        return f"{ports.LOOPBACK}:{self.ports['temporal']}"

    @property
    def ui_url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self.ports['temporal_ui']}"

    @property
    def serves(self) -> bool:
        """Asked over HTTP: the gRPC port is open a second before the services behind it are healthy."""
        return answers(f"http://{ports.LOOPBACK}:{self.ports['temporal_frontend_http']}", "/api/v1/system-info")()

    def prepare(self) -> None:
        """Writes the configuration files anew; the store is made by the server itself."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # JSON is YAML: the server reads it, and we need no YAML library to write it.
        _write(self.directory / "dynamic.yaml", {key: [{"value": v}] for key, v in DYNAMIC_CONFIG.items()})
        _write(self.directory / "server.yaml", self._configuration())
        if "temporal_ui" in self.ports:
            (self.directory / "ui").mkdir(exist_ok=True)
            _write(self.directory / "ui" / "local.yaml", self._ui_configuration())

    def command(self) -> tuple[str, ...]:
        if self.binaries.command_line:
            return self._start_dev()
        configuration = str(self.directory / "server.yaml")
        return (str(self.binaries.server), "--config-file", configuration, "--allow-no-auth", "start")

    def ui_command(self) -> tuple[str, ...] | None:
        """None when the server brings its UI along."""
        if self.binaries.command_line:
            return None
        root = str(self.directory)
        return (str(self.binaries.ui), "--root", root, "--config", "ui", "--env", "local", "start")

    @contextmanager
    def running(self, log: Path, patience: float = 60) -> Iterator[subprocess.Popen[bytes]]:
        """Up within the block, stopped after it: for tests and drills. Its namespace is yours to register."""
        self.prepare()
        with log.open("ab") as output:
            server = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            wait_until(lambda: server.poll() is not None or self.serves, patience)
            if server.poll() is not None or not self.serves:
                raise ServerMissing(f"The Temporal server did not start; its log is {log}.")
            yield server
        finally:
            stop_child(server, STOP_SIGNAL, STOP_PATIENCE)

    def _configuration(self) -> dict[str, object]:
        return {
            "log": {"stdout": True, "level": "warn"},
            "persistence": {
                "defaultStore": "main",
                "visibilityStore": "main",
                "numHistoryShards": HISTORY_SHARDS,
                "datastores": {"main": {"sql": self._store()}},
            },
            "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": ports.LOOPBACK}},
            "services": {name: self._service(name) for name in ("frontend", "history", "matching", "worker")},
            "clusterMetadata": {
                "enableGlobalNamespace": False,
                "failoverVersionIncrement": 10,
                "masterClusterName": "active",
                "currentClusterName": "active",
                "clusterInformation": {
                    "active": {
                        "enabled": True,
                        "initialFailoverVersion": 1,
                        "rpcName": "frontend",
                        "rpcAddress": self.address,
                    }
                },
            },
            "dcRedirectionPolicy": {"policy": "noop"},
            "dynamicConfigClient": {"filepath": str(self.directory / "dynamic.yaml"), "pollInterval": "60s"},
        }

    def _store(self) -> dict[str, object]:
        return {
            "pluginName": "sqlite",
            "databaseName": str(self.directory / "temporal.db"),
            "connectAddr": "localhost",
            "connectProtocol": "tcp",
            "connectAttributes": {
                "cache": "private",
                "setup": "true",
                "journal_mode": "wal",
                # Survives a killed process. After a power cut the last moments may be gone from
                # here, never from Postgres, which is the authority: the reconciler starts those again.
                "synchronous": "1",
            },
            "maxConns": 1,
            "maxIdleConns": 1,
        }

    def _service(self, name: str) -> dict[str, object]:
        grpc = self.ports["temporal" if name == "frontend" else f"temporal_{name}_grpc"]
        membership = self.ports[f"temporal_{name}_membership"]
        rpc = {"grpcPort": grpc, "membershipPort": membership, "bindOnLocalHost": True}
        return {"rpc": rpc | ({"httpPort": self.ports["temporal_frontend_http"]} if name == "frontend" else {})}

    def _ui_configuration(self) -> dict[str, object]:
        return {
            "temporalGrpcAddress": self.address,
            "host": ports.LOOPBACK,
            "port": self.ports["temporal_ui"],
            "enableUi": True,
            "cors": {"allowOrigins": [self.ui_url]},
            "defaultNamespace": self.namespace,
            "disableNewsFetch": True,
        }

    def _start_dev(self) -> tuple[str, ...]:
        """The `temporal` tool's own server. Its store has one shard, so it is another file."""
        store = str(self.directory / "temporal-dev.db")
        pages = self.ports.get("temporal_ui")
        flags = ["--ip", ports.LOOPBACK, "--port", str(self.ports["temporal"]), "--db-filename", store]
        flags += ["--ui-port", str(pages)] if pages else ["--headless"]
        flags += ["--http-port", str(self.ports["temporal_frontend_http"])]
        flags += ["--namespace", self.namespace, "--log-level", "warn"]
        flags += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=1"]
        for key, value in DYNAMIC_CONFIG.items():
            flags += ["--dynamic-config-value", f"{key}={json.dumps(value)}"]
        return (str(self.binaries.command_line), "server", "start-dev", *flags)


def _write(path: Path, content: object) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(content, indent=2) + "\n")
    draft.replace(path)
