"""The embedded Postgres: made once, private, and back after any kind of death."""

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import psycopg
import pytest

from plimsoll.local import ports, secrets, unprivileged
from plimsoll.local.errors import StoreUnusable
from plimsoll.local.postgres import APPLICATION, OWNER, SUPERUSER, Cluster
from plimsoll.local.processes import wait_until


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path / "postgres", tmp_path / "secrets", ports.free_port())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "postgres.log"


def test_what_was_written_is_there_on_the_next_start(cluster: Cluster, log: Path):
    with cluster.running(log):
        cluster.execute("create table kept as select 7 as id")
    with cluster.running(log):
        assert cluster.execute("select id from kept") == "7"


def test_a_killed_server_is_replaced_while_its_children_still_die(cluster: Cluster, log: Path):
    with cluster.running(log) as server:
        cluster.execute("create table kept as select 7 as id")
        server.send_signal(signal.SIGKILL)
        server.wait()
        assert (cluster.data / "postmaster.pid").exists()
    with cluster.running(log):
        assert cluster.execute("select id from kept") == "7"


def test_the_next_start_waits_for_a_child_of_a_killed_server_that_is_slow_to_die(cluster: Cluster, log: Path):
    with cluster.running(log) as server:
        slow = next(child for child in psutil.Process(server.pid).children() if "checkpointer" in child.cmdline()[0])
        slow.suspend()
        server.send_signal(signal.SIGKILL)
        server.wait()
    waking = threading.Timer(2, slow.resume)
    waking.start()
    with cluster.running(log):
        assert cluster.execute("select 1") == "1"
    waking.join()


def test_a_server_whose_supervisor_died_is_stopped_by_the_next_start(cluster: Cluster, log: Path):
    cluster.prepare()
    orphan = subprocess.Popen(cluster.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert wait_until(lambda: cluster.answers, 20)
    with cluster.running(log):
        assert orphan.wait(5) == 0
        assert cluster.execute("select 1") == "1"


def test_a_stranger_with_the_number_of_a_dead_server_is_left_alone(cluster: Cluster, log: Path):
    cluster.create()
    stranger = subprocess.Popen(["sleep", "60"])
    (cluster.data / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster.data}\n")
    try:
        with cluster.running(log):
            assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_creation_that_was_interrupted_starts_over(cluster: Cluster, log: Path):
    (cluster.folder / "data.new").mkdir(parents=True)
    (cluster.folder / "data.new" / "half").touch()
    with cluster.running(log):
        assert cluster.execute("select 1") == "1"


def test_a_creation_whose_initdb_outlived_its_caller_starts_over(cluster: Cluster, log: Path):
    """That orphan clears its own draft away when it fails, and once it was ours too."""
    caller = subprocess.Popen([sys.executable, "-c", CREATING, str(cluster.directory), str(cluster.secrets_dir)])
    assert wait_until(lambda: bool(list(cluster.folder.glob("data*.new/base"))), 20)
    caller.kill()
    caller.wait()
    with cluster.running(log):
        assert cluster.execute("select 1") == "1"


CREATING = """
import sys, pathlib
from plimsoll.local.postgres import Cluster

Cluster(*map(pathlib.Path, sys.argv[1:]), 0).create()
"""


def test_commits_are_synced_pages_checksummed_and_only_the_loopback_listens(cluster: Cluster, log: Path):
    with cluster.running(log) as server:
        shown = [cluster.execute(f"show {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")]
        assert shown == ["on", "on", "on"]
        assert cluster.execute("show data_checksums") == "on"
        assert cluster.execute("show max_connections") == "200"
        assert cluster.execute("show listen_addresses") == "127.0.0.1"
        assert not list(Path("/tmp").glob(f".s.PGSQL.{cluster.port}*"))
        assert os.stat(f"/proc/{server.pid}").st_uid == os.geteuid() or os.geteuid() == 0


def test_without_its_password_nobody_gets_in(cluster: Cluster, log: Path):
    with cluster.running(log), pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://{SUPERUSER}:wrong@127.0.0.1:{cluster.port}/postgres")


def test_the_application_owns_nothing_and_the_owner_is_no_superuser(cluster: Cluster, log: Path):
    with cluster.running(log):
        with psycopg.connect(cluster.url(APPLICATION)) as application, pytest.raises(psycopg.errors.Error):
            application.execute("create table mine (id int)")
        with psycopg.connect(cluster.url(OWNER)) as owner:
            owner.execute("create table ours (id int)")
            roles = owner.execute(
                "select rolname, rolsuper, rolcreaterole from pg_roles where rolname like 'plimsoll%' order by 1"
            )
            assert roles.fetchall() == [("plimsoll_app", False, False), ("plimsoll_owner", False, False)]


def test_a_new_password_file_is_the_new_password(cluster: Cluster, log: Path):
    with cluster.running(log):
        cluster.provision()
    (cluster.secrets_dir / "postgres_app").write_text("another-one")
    with cluster.running(log), psycopg.connect(cluster.url(APPLICATION)) as application:
        assert application.execute("select current_user").fetchone() == ("plimsoll_app",)


def test_a_lost_password_is_one_sentence(cluster: Cluster, log: Path):
    cluster.create()
    (cluster.secrets_dir / "postgres_superuser").unlink()
    with pytest.raises(StoreUnusable, match="postgres_superuser is missing"), cluster.running(log):
        pass


def test_secrets_are_for_their_owner_alone(tmp_path: Path):
    folder = tmp_path / "secrets"
    secrets.make_keys(folder)
    secrets.make_passwords(folder)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    secrets.make_keys(folder)
    secrets.make_passwords(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert secrets.missing(folder) == []
    assert len(bytes.fromhex(first["kek"])) == 32


def test_the_seal_key_and_its_public_half_belong_together(tmp_path: Path):
    from cryptography.hazmat.primitives import serialization

    secrets.make_keys(tmp_path)
    private = serialization.load_pem_private_key((tmp_path / "seal_key.pem").read_bytes(), None)
    public = serialization.load_pem_public_key((tmp_path / "seal_key.pub").read_bytes())
    public.verify(private.sign(b"a checkpoint"), b"a checkpoint")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as somebody else")
def test_root_runs_postgres_in_a_user_namespace_where_that_is_allowed(cluster: Cluster, log: Path):
    if unprivileged.way() is not unprivileged.Way.NAMESPACE:
        pytest.skip("user namespaces are barred on this machine")
    with cluster.running(log) as server:
        assert "1000" in Path(f"/proc/{server.pid}/uid_map").read_text().split()
