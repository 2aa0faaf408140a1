"""The doctor: one true sentence per part, and what production would refuse."""

import os
import signal
from pathlib import Path

import pytest

from plimsoll.local import stack, state
from plimsoll.local.doctor import Finding, FindingState, examine, refused_in_production
from plimsoll.local.processes import wait_until
from plimsoll.settings import Settings


def about(part: str, home: Path) -> Finding:
    return next(finding for finding in examine(home) if finding.part == part)


def test_without_a_stack_it_says_how_to_make_one(home: Path):
    assert about("home", home).state is FindingState.OFF
    assert "plimsoll up" in about("home", home).sentence


def test_a_running_part_is_ok_a_killed_supervisor_is_not_nor_everything_killed(home: Path):
    list(stack.up(home, ports="auto", only=["sandbox"]))
    assert about("sandbox", home).state is FindingState.OK
    assert about("secrets", home).state is FindingState.OK
    leader = state.load(home).supervisor
    assert leader
    os.kill(leader.pid, signal.SIGKILL)
    assert wait_until(lambda: not leader.alive, 5)
    assert "left parts behind" in about("supervisor", home).sentence
    sandbox = stack.describe(home)["pids"]["sandbox"]
    os.killpg(sandbox, signal.SIGKILL)
    assert wait_until(lambda: "without `plimsoll down`" in about("supervisor", home).sentence, 5)
    stack.down(home)
    assert about("supervisor", home).state is FindingState.OFF
    assert about("sandbox", home).state is FindingState.OFF


def test_a_part_that_hangs_is_named_with_its_remedy(home: Path):
    list(stack.up(home, ports="auto", only=["sandbox"]))
    pid = stack.describe(home)["pids"]["sandbox"]
    os.kill(pid, signal.SIGSTOP)
    try:
        assert "restart sandbox" in about("sandbox", home).sentence
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_secret_others_can_read_is_wrong(home: Path):
    list(stack.up(home, ports="auto", only=["sandbox"]))
    (home / "secrets" / "kek").chmod(0o644)
    assert about("secrets", home).sentence.startswith("Others may read kek")


def test_an_engine_that_does_not_answer_is_named(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    monkeypatch.setenv("DATABASE_URL", "postgresql://plimsoll_app:secret@127.0.0.1:9/plimsoll")
    assert about("temporal", home).state is FindingState.WRONG
    assert "No connection" in about("database", home).sentence
    assert "secret" not in about("database", home).sentence


def test_a_database_of_ours_that_is_stopped_is_told_without_the_words_of_its_driver(home: Path):
    list(stack.up(home, ports="auto", only=["postgres"]))
    assert about("database", home).state is FindingState.WRONG
    assert "no schema yet" in about("database", home).sentence
    stack.down(home)
    assert about("database", home).sentence == "Postgres is not running, so nothing can be read or accepted."


def test_production_refuses_every_local_convenience(home: Path):
    refused = "\n".join(refused_in_production(Settings(home=home)))
    for word in ("PLIMSOLL_MODE", "PLIMSOLL_SOURCE_URLS", "PLIMSOLL_SECRETS_DIR", "DATABASE_URL", "TEMPORAL_ADDRESS"):
        assert word in refused


def test_production_accepts_real_engines_over_tls(home: Path, tmp_path: Path):
    settings = Settings(
        home=home,
        profile="production",
        mode="live",
        source_urls={"bureau": "https://bureau.example"},
        secrets_dir=tmp_path,
        database_url="postgresql://app@db.example/plimsoll?sslmode=verify-full",
        temporal_address="temporal.example:7233",
        api="https://api.example",
        console="https://console.example",
    )
    assert refused_in_production(settings) == []
