"""Ports of the stack: the well-known ones, free ones, and who sits on a taken one."""

import random
import socket
from collections.abc import Collection, Mapping

import psutil

from plimsoll.local.errors import PortTaken

# What people type and bookmark. Postgres is not on 5432, where a machine often has its own.
WELL_KNOWN = {
    "api": 8080,
    "console": 8501,
    "sandbox": 8090,
    "temporal": 7233,
    "temporal_ui": 8233,
    "postgres": 54329,
}
# Temporal's four services talk to each other over these, and we ask whether it is ready; nobody types them.
INTERNAL = (
    "temporal_frontend_http",
    "temporal_frontend_membership",
    *(f"temporal_{name}_{use}" for name in ("history", "matching", "worker") for use in ("grpc", "membership")),
)
# Below the range from which the kernel takes ports for outgoing connections, so that
# none of those can slip in between our choice and the part's own bind.
FREE_RANGE = range(20_000, 32_000)
LOOPBACK = "127.0.0.1"


def choose(names: tuple[str, ...], remembered: Mapping[str, int], automatic: bool) -> dict[str, int]:
    """A port per name: the one remembered, else the well-known one, else any free one.

    Raises PortTaken for a well-known port somebody else holds, unless `automatic`.
    """
    chosen: dict[str, int] = {}
    for name in names:
        wanted = remembered.get(name) or (None if automatic else WELL_KNOWN.get(name))
        if wanted and wanted not in chosen.values() and is_free(wanted):
            chosen[name] = wanted
        elif wanted and name in WELL_KNOWN and not automatic:
            raise port_taken(name, wanted)
        else:
            chosen[name] = free_port(excluding=chosen.values())
    return chosen


def is_free(port: int) -> bool:
    with socket.socket() as attempt:
        # A port whose last connections still time out is free to listen on again.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port(excluding: Collection[int] = ()) -> int:
    """A port nobody listens on, from a random place so that two homes rarely meet."""
    for port in random.sample(FREE_RANGE, len(FREE_RANGE)):
        if port not in excluding and is_free(port):
            return port
    raise RuntimeError("no free port between 20000 and 32000")


def accepts(port: int, host: str = LOOPBACK) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def port_taken(name: str, port: int) -> PortTaken:
    holder = holder_of(port)
    by = f" by {holder}" if holder else ""
    return PortTaken(f"Port {port}, needed by {name}, is taken{by}; free it, or choose free ports with `--ports auto`.")


def holder_of(port: int) -> str | None:
    """Program and process id of who listens there, when we may know."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.pid
            if listens and connection.laddr and connection.laddr.port == port:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return None
