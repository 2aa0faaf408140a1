"""The sandbox as a witness: keys, order, and memory that outlives a kill."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.sandbox.asking import a_key, ask_bureau
from tests.sandbox_process import SandboxProcess, a_sandbox


def test_the_same_key_gets_the_same_bytes_and_is_marked_repeated(sandbox: SandboxProcess):
    key = a_key()
    first, second = ask_bureau(sandbox, key=key), ask_bureau(sandbox, key=key)

    assert second.content == first.content
    assert second.headers["idempotency-replayed"] == "true"
    assert [entry["served"] for entry in sandbox.requests(key=key)] == ["fresh", "repeated"]


def test_the_same_key_with_another_question_is_rejected(sandbox: SandboxProcess):
    key = a_key()
    ask_bureau(sandbox, "SGC-0001", key)

    assert ask_bureau(sandbox, "SGC-0002", key).status_code == 422
    assert [entry["served"] for entry in sandbox.requests(key=key)] == ["fresh", "rejected"]


def test_fifty_calls_at_once_under_one_key_are_one_fresh_inquiry(sandbox: SandboxProcess):
    key = a_key()
    with ThreadPoolExecutor(8) as callers:
        bodies = set(callers.map(lambda _: ask_bureau(sandbox, key=key).content, range(50)))

    assert len(bodies) == 1
    assert sum(entry["served"] == "fresh" for entry in sandbox.requests(key=key)) == 1


def test_a_report_needs_a_key(sandbox: SandboxProcess):
    assert sandbox.switchboard.post("/bureau/reports", json={"reference": "SGC-0001"}).status_code == 400


def test_requests_are_told_in_order_from_a_given_number_on(sandbox: SandboxProcess):
    seen = sandbox.requests()[-1:]
    since = seen[0]["seq"] if seen else 0
    keys = [a_key() for _ in range(3)]
    for key in keys:
        ask_bureau(sandbox, key=key)

    later = sandbox.requests("bureau", since=since)
    assert [entry["key"] for entry in later] == keys
    assert [entry["seq"] for entry in later] == [since + 1, since + 2, since + 3]


def test_answers_and_requests_survive_a_kill(tmp_path: Path):
    with a_sandbox(tmp_path) as sandbox:
        key = a_key()
        report = ask_bureau(sandbox, key=key)
        sandbox.kill()
        sandbox.start()

        assert ask_bureau(sandbox, key=key).content == report.content
        assert [entry["served"] for entry in sandbox.requests()] == ["fresh", "repeated"]


def test_a_line_torn_by_a_kill_is_dropped(tmp_path: Path):
    with a_sandbox(tmp_path) as sandbox:
        ask_bureau(sandbox)
        sandbox.kill()
        with sandbox.log.open("ab") as journal:
            journal.write(b'{"seq": 2, "at": "20')
        sandbox.start()
        ask_bureau(sandbox)

        assert [entry["seq"] for entry in sandbox.requests()] == [1, 2]
