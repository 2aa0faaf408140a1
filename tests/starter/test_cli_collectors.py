"""`plimsoll collector` and `plimsoll intervention`, as a collector types them: each answer says what comes next."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.interventions import LookAt
from plimsoll.domain.access import Role
from plimsoll.domain.outreach.contact import Channel, GatewayEvent
from plimsoll.domain.outreach.strategy import By
from tests.contact_rules import WATCH
from tests.episodes import GATEWAY, a_desk, a_step, a_table, approved_templates
from tests.stack_fixtures import Database
from tests.starter.serving import Served, a_served_house


@pytest.fixture
async def collector(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """At any hour."""
    home, rules = tmp_path / "home", (WATCH / "contact_rules.toml").read_text()
    (home / "watch").mkdir(parents=True)
    begin, end = rules.index("[[hours]]"), rules.index("# Saying no")
    (home / "watch/contact_rules.toml").write_text("hours = []\ncaps = []\n" + rules[:begin] + rules[end:])
    async with a_served_house(home, database, monkeypatch, Role.COLLECTOR) as served:
        yield served


async def somebody_to_call(served: Served) -> str:
    await approved_templates(served.house)
    desk = a_desk(served.house, a_table(a_step(By.CALL)))
    came = await desk.triggered((await desk.customer()).person)
    assert came.intervention is not None
    await desk.episodes.look(came.intervention, datetime.now(UTC))
    return came.intervention


async def run(served: Served, *words: str) -> int:
    """In a thread, since it runs a loop of its own."""
    return await asyncio.to_thread(served.run, *words)


async def test_from_the_queue_to_the_answer_every_line_names_the_next(collector: Served, capsys):
    intervention = await somebody_to_call(collector)
    assert await run(collector, "collector", "next") == 0
    (task,) = re.findall(r"collector call (tsk_\w+)", capsys.readouterr().err)
    assert await run(collector, "collector", "call", task) == 0
    said = capsys.readouterr()
    assert "dial +1212" in said.out
    assert f"collector answer {task} --came" in said.err
    assert await run(collector, "collector", "answer", task, "--came", "no_help_needed") == 0
    assert f"intervention show {intervention}" in capsys.readouterr().err
    assert await run(collector, "intervention", "show", intervention) == 0
    assert "no_help_needed" in capsys.readouterr().out


async def test_what_a_customer_wrote_is_read_by_who_calls_them(collector: Served, capsys):
    """As letters alone: what strangers write may be meant for the terminal."""
    await approved_templates(collector.house)
    desk, now = a_desk(collector.house, a_table(a_step(By.EMAIL))), datetime.now(UTC)
    intervention = (await desk.triggered((await desk.customer()).person)).intervention
    assert intervention is not None
    await desk.activities.begin(LookAt(intervention=intervention, now=now))
    (contact,) = (await desk.interventions.story(intervention))["contacts"]
    answer = GatewayEvent(id="1", contact=contact["id"], text="I lost my job.\n\x1b[2JHelp me")
    await desk.hearing.hear(GATEWAY, Channel.EMAIL, [answer], now)
    await desk.episodes.look(intervention, now)
    for words in (("collector", "next"), ("intervention", "show", intervention)):
        assert await run(collector, *words) == 0
        assert "they wrote by email: “I lost my job. [2JHelp me”" in capsys.readouterr().out


async def test_with_json_nothing_but_the_object_is_said(collector: Served, capsys):
    await somebody_to_call(collector)
    assert await run(collector, "collector", "next", "--json") == 0
    said = capsys.readouterr()
    assert (said.err, said.out.startswith("{")) == ("", True)
