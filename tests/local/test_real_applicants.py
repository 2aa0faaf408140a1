"""All 300 held-out applicants of the South German set, twice, through the whole stack as anybody gets it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plimsoll.local import stack
from plimsoll.local.processes import wait_until
from plimsoll.settings import Settings, load_settings
from plimsoll.wiring import open_ports
from starter.cli.bulk import Line, send_all
from starter.cli.remote import Remote
from tests.accounting import books_must_balance
from tests.applicants import the_set
from tests.house import release_newest, until
from tests.sandbox_process import journal_of

WHOLE = ["postgres", "migrate", "temporal", "namespace", "sandbox", "api", "worker"]
WAIT = 20.0


@pytest.fixture
def whole_stack(home: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("PLIMSOLL_HOME", str(home))
    monkeypatch.setenv("PLIMSOLL_MODELS_DIR", str(models))
    for _ in stack.up(home, ports="auto", only=WHOLE):
        pass
    yield load_settings()
    stack.down(home)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_three_hundred_real_applicants_twice_are_decided_alike_and_the_books_balance(whole_stack: Settings):
    held_out = [row.body for row in the_set().held_out()]
    async with open_ports(whole_stack) as ports:
        await release_newest(ports)
    first = answers_to(whole_stack, held_out)
    assert [answer["id"] for answer in answers_to(whole_stack, held_out)] == [answer["id"] for answer in first]

    again = [body | {"external_id": f"{body['external_id']}-again"} for body in held_out]
    second = answers_to(whole_stack, again)
    assert [said(answer) for answer in second] == [said(answer) for answer in first]

    async with open_ports(whole_stack) as ports:

        async def all_started() -> bool:
            return not await ports.outbox.backlog()

        await until(all_started, what="every application to be started")
        standing = await books_must_balance(ports, journal_of(whole_stack.sandbox), accepted=2 * len(held_out))
    assert set(standing) == {"decided", "review"}, standing


def answers_to(settings: Settings, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each in the end: what had to wait for its turn is read again."""
    lines = [Line(number, body) for number, body in enumerate(bodies, start=1)]
    with Remote("channel", settings) as api:
        return [ended(api, answer) for _, answer in send_all(api, lines, WAIT, None)]


def ended(api: Remote, answer: dict[str, Any] | Exception) -> dict[str, Any]:
    assert not isinstance(answer, Exception), answer
    link, found = answer["links"]["self"], answer

    def has_ended() -> bool:
        found.update(api.get(link))
        return found["status"] in ("decided", "review")

    assert has_ended() or wait_until(has_ended, 60, every=0.5), found
    return found


def said(answer: dict[str, Any]) -> tuple[Any, ...]:
    """What the applicant is told, whoever asks when."""
    return (answer["status"], answer["outcome"], [reason["code"] for reason in answer["reasons"]])
