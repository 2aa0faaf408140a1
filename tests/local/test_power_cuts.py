"""F32: everything, or the supervisor alone, killed at any moment; the next `up` has it all again."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plimsoll.local import stack, state
from plimsoll.local.processes import ProcessMark, members_of_session

PARTS = "postgres,temporal,namespace,sandbox"
COLD_START = 60.0


def up_command(home: Path) -> dict:
    command = [sys.executable, "-m", "plimsoll.local", "up", "--detach", "--ports", "auto", "--only", PARTS]
    return {"args": command, "env": {**os.environ, "PLIMSOLL_HOME": str(home)}}


def kill_at_once(processes: list[ProcessMark]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_a_cold_start_after_a_cut_at_any_moment(home: Path, seed: int):
    chance = random.Random(seed)
    starting = subprocess.Popen(**up_command(home))
    time.sleep(chance.uniform(0.3, 4))
    starting.kill()
    starting.wait()
    supervisor = state.load(home).supervisor
    if supervisor:
        kill_at_once(chance.choice([members_of_session(supervisor), [supervisor]]))

    began = time.monotonic()
    assert subprocess.run(**up_command(home)).returncode == 0
    assert time.monotonic() - began < COLD_START
    assert stack.describe(home)["ready"]

    supervisor = state.load(home).supervisor
    assert supervisor
    stack.down(home)
    assert members_of_session(supervisor) == []
