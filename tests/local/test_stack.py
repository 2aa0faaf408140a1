"""The stack as a whole: it comes up, survives kills, tells the truth and leaves nothing behind.

With the parts that need no product: Postgres, Temporal and the sandbox.
"""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import psycopg
import pytest
from temporalio.client import Client

from plimsoll import settings
from plimsoll.local import ports, stack, state
from plimsoll.local.errors import NotRunning, PartFailed, PartUnknown, PortTaken, StoreUnusable
from plimsoll.local.processes import ProcessMark, members_of_session, wait_until

ENGINES = ["postgres", "temporal", "namespace"]


def start(home: Path, *only: str, detach: bool = True) -> dict:
    for _ in stack.up(home, ports="auto", detach=detach, only=list(only)):
        pass
    return stack.describe(home)


def supervisor_of(home: Path) -> ProcessMark:
    mark = state.load(home).supervisor
    assert mark
    return mark


def restarts(home: Path, part: str) -> int:
    return stack.describe(home)["parts"][part]["restarts"]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_up_answers_where_it_says_and_down_leaves_no_process(home: Path):
    told = start(home, *ENGINES, "temporal_ui", "sandbox")
    assert told["ready"]
    assert set(told["pids"]) == {"postgres", "temporal", "temporal_ui", "sandbox"}
    with psycopg.connect(state.load(home).settings["database_url"]) as application:
        assert application.execute("select current_user").fetchone() == ("plimsoll_app",)
    leader = supervisor_of(home)
    assert members_of_session(leader)

    assert stack.down(home)
    assert not any(psutil.pid_exists(pid) and ProcessMark.of(pid) for pid in told["pids"].values())
    assert members_of_session(leader) == []
    assert stack.describe(home)["pids"] == {}
    assert not stack.down(home)


def test_settings_find_the_stack_by_its_file(home: Path):
    start(home, "postgres")
    found = settings.Settings(home=home)
    assert found.database_url == state.load(home).settings["database_url"]
    assert state.STACK_FILE == settings.STACK_FILE
    assert stat.S_IMODE((home / state.STACK_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_killed_part_comes_back_on_the_same_port(home: Path):
    told = start(home, "postgres", "sandbox")
    url = state.load(home).settings["database_url"]
    for name in ("postgres", "sandbox"):
        kill(told["pids"][name])
    assert wait_until(lambda: all(restarts(home, name) == 1 for name in ("postgres", "sandbox")), 10)
    assert wait_until(lambda: stack.describe(home)["ready"], 30)
    with psycopg.connect(url) as application:
        assert application.execute("select 1").fetchone() == (1,)


def test_a_killed_supervisor_s_parts_are_stopped_by_down(home: Path):
    told = start(home, *ENGINES, "sandbox")
    leader = supervisor_of(home)
    kill(leader.pid)
    assert wait_until(lambda: not leader.alive, 5)
    assert not stack.describe(home)["ready"]
    assert stack.describe(home)["pids"] == told["pids"]
    assert stack.down(home)
    assert members_of_session(leader) == []
    assert stack.describe(home)["pids"] == {}


def test_after_everything_was_killed_up_has_it_all_again_on_the_same_ports(home: Path):
    told = start(home, *ENGINES)
    cluster_url = state.load(home).settings["database_owner_url"]
    with psycopg.connect(cluster_url) as owner:
        owner.execute("create table kept as select 7 as id")
    everything = members_of_session(supervisor_of(home))
    for process in everything:
        kill(process.pid)
    assert wait_until(lambda: not any(process.alive for process in everything), 5)
    # A killed process with many threads is gone before the last of them lets go of what it listened on.
    assert wait_until(lambda: ports.is_free(int(told["temporal"].rpartition(":")[2])), 5)

    again = start(home, *ENGINES)
    assert (again["temporal"], again["ready"]) == (told["temporal"], True)
    with psycopg.connect(cluster_url) as owner:
        assert owner.execute("select id from kept").fetchone() == (7,)


async def test_an_open_run_outlives_a_kill_of_the_server(home: Path):
    told = start(home, "temporal", "namespace")
    client = await Client.connect(told["temporal"], namespace="plimsoll")
    run = f"waits-{uuid.uuid4().hex}"
    await client.start_workflow("Anything", id=run, task_queue="nobody-listens")
    kill(told["pids"]["temporal"])
    assert wait_until(lambda: restarts(home, "temporal") == 1, 10)
    assert wait_until(lambda: stack.describe(home)["ready"], 30)
    client = await Client.connect(told["temporal"], namespace="plimsoll")
    described = await client.get_workflow_handle(run).describe()
    assert described.status is not None
    assert described.status.name == "RUNNING"


def test_restart_gives_a_part_a_new_process(home: Path):
    told = start(home, "sandbox")
    stack.restart(home, "sandbox")
    assert wait_until(lambda: stack.describe(home)["ready"] and stack.describe(home)["pids"] != told["pids"], 20)
    with pytest.raises(PartUnknown, match="no part nonsense here; there are sandbox"):
        stack.restart(home, "nonsense")


def test_restarting_what_does_not_run_is_one_sentence(home: Path):
    with pytest.raises(NotRunning, match="plimsoll up"):
        stack.restart(home, "api")


def test_a_second_up_joins_the_first(home: Path):
    first = start(home, "sandbox")
    second = start(home, "sandbox")
    assert second["pids"] == first["pids"]


def test_two_homes_run_side_by_side(home: Path, tmp_path: Path):
    other = tmp_path / "other"
    try:
        here, there = start(home, "postgres"), start(other, "postgres")
        assert here["pids"]["postgres"] != there["pids"]["postgres"]
        assert stack.down(other)
        assert stack.describe(home)["ready"]
    finally:
        stack.down(other)


def test_a_taken_port_is_one_sentence_that_says_who_and_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        monkeypatch.setitem(ports.WELL_KNOWN, "sandbox", port)
        with pytest.raises(PortTaken) as refused:
            list(stack.up(home, only=["sandbox"]))
    assert f"Port {port}, needed by sandbox, is taken by" in refused.value.message
    assert f"(process {os.getpid()})" in refused.value.message
    assert "--ports auto" in refused.value.message


def test_a_part_that_cannot_start_is_named_with_its_last_words(home: Path):
    # Nothing is migrated, there is no database at all: the run-once part must fail.
    with pytest.raises(PartFailed, match="migrate ended with exit code"):
        start(home, "migrate")
    assert stack.describe(home)["parts"]["migrate"]["state"] == "failing"


def test_lost_keys_are_not_replaced_beside_old_data(home: Path):
    start(home, "postgres")
    stack.down(home)
    (home / "secrets" / "kek").unlink()
    with pytest.raises(StoreUnusable, match="kek of"):
        start(home, "postgres")


def test_given_engines_are_not_started(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:secret@db.example/plimsoll")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
    told = start(home, "postgres", "temporal", "temporal_ui", "sandbox")
    assert list(told["parts"]) == ["sandbox"]
    assert told["temporal"] == "temporal.example:7233"
    assert state.load(home).settings["database_url"] == "postgresql://app:secret@db.example/plimsoll"


def test_the_sandbox_is_not_told_how_to_reach_the_database(home: Path):
    told = start(home, "postgres", "sandbox")
    environment = psutil.Process(told["pids"]["sandbox"]).environ()
    assert not [word for word in environment if word.startswith("DATABASE")]


def test_a_foreground_stack_ends_with_the_process_that_runs_it(home: Path):
    command = [sys.executable, "-m", "plimsoll.local", "up", "--ports", "auto", "--only", "sandbox"]
    attached = subprocess.Popen(command, env={**os.environ, "PLIMSOLL_HOME": str(home)})
    assert wait_until(lambda: stack.describe(home)["ready"], 30)
    leader = supervisor_of(home)
    attached.kill()
    attached.wait()
    assert wait_until(lambda: not leader.alive and not members_of_session(leader), 20)


def test_an_interrupt_stops_a_foreground_stack(home: Path):
    command = [sys.executable, "-m", "plimsoll.local", "up", "--ports", "auto", "--only", "sandbox"]
    attached = subprocess.Popen(command, env={**os.environ, "PLIMSOLL_HOME": str(home)})
    assert wait_until(lambda: stack.describe(home)["ready"], 30)
    attached.send_signal(signal.SIGINT)
    assert attached.wait(20) == 130
    assert stack.describe(home)["pids"] == {}


def test_the_stand_in_prints_one_json_object(home: Path):
    environment = {**os.environ, "PLIMSOLL_HOME": str(home)}
    command = [sys.executable, "-m", "plimsoll.local"]
    told = subprocess.run(
        [*command, "up", "--detach", "--json", "--ports", "auto", "--only", "sandbox"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(told.stdout)["home"] == str(home)
    assert subprocess.run([*command, "down"], env=environment).returncode == 0


@pytest.fixture
def resident(home: Path) -> psutil.Process:
    start(home, "sandbox")
    return psutil.Process(supervisor_of(home).pid)


def test_the_supervisor_is_small_and_sleeps(resident: psutil.Process):
    before = resident.cpu_times()
    time.sleep(1)
    after = resident.cpu_times()
    assert after.user + after.system - before.user - before.system < 0.02
    assert resident.memory_info().rss < 60 * 1024 * 1024
