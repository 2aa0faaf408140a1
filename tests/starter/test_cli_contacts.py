"""`plimsoll contact` and `plimsoll template`, as a collector types them."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plimsoll.domain.access import Role
from starter.cli.templates import ensure_approved
from tests.reaching import somebody
from tests.stack_fixtures import Database
from tests.starter.serving import Served, a_served_house


@pytest.fixture
async def collector(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    async with a_served_house(tmp_path / "home", database, monkeypatch, Role.COLLECTOR) as served:
        yield served


def said(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_customer_is_made_agrees_and_says_no(collector: Served, capsys: pytest.CaptureFixture[str]):
    why = ("--reason", "told by the customer", "--json")
    where = ("--sms", "+1 (212) 555-0123", "--zone", "America/New_York", "--region", "us", "--name", "Ada")
    assert collector.run("contact", "set", "CUST-1", *where, *why) == 1, "nobody of that id yet"
    assert "--new" in capsys.readouterr().err
    assert collector.run("contact", "set", "CUST-1", "--new", *where, *why) == 0
    assert said(capsys)["addresses"] == {"sms": "+12…23"}
    assert collector.run("contact", "consent", "CUST-1", "--give", "sms", "--evidence", "form 1", *why) == 0
    assert said(capsys)["consent"]["sms"]["granted"] is True
    assert collector.run("contact", "flag", "CUST-1", "--add", "disputed", *why) == 0
    assert said(capsys)["permitted_now"]["sms"]["rule"] == "flag_disputed"
    assert collector.run("contact", "flag", "CUST-1", "--remove", "disputed", *why) == 0
    assert collector.run("contact", "opt-out", "CUST-1", *why) == 0
    assert said(capsys)["permitted_now"]["sms"]["rule"] == "opted_out"
    assert collector.run("contact", "show", "CUST-1") == 0
    assert "opted out" in capsys.readouterr().out


def test_a_mistake_is_one_sentence(collector: Served, capsys: pytest.CaptureFixture[str]):
    assert collector.run("contact", "set", "CUST-2", "--sms", "call me", "--reason", "a test") == 1
    assert collector.run("contact", "consent", "CUST-2", "--reason", "a test") == 1
    assert collector.run("contact", "show", "CUST-2") == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_list_is_loaded(collector: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "people.jsonl"
    file.write_text("".join(json.dumps({"customer": f"CUST-{n}"} | somebody()) + "\n" for n in range(3)))
    assert collector.run("contact", "load", str(file), "--reason", "first load", "--json") == 0
    assert said(capsys) == {"written": 3}


async def test_the_first_texts_of_a_local_stack_are_approved_by_two_once(
    collector: Served, monkeypatch: pytest.MonkeyPatch
):
    """As the demo does it; nobody is reached before."""
    keys = {"collector": await collector.house.key_for(Role.COLLECTOR)}
    keys["compliance"] = await collector.house.key_for(Role.COMPLIANCE)
    monkeypatch.delenv("PLIMSOLL_API_KEY")
    settings = collector.house.settings.model_copy(update={"api": collector.api})
    (settings.secrets / "keys.json").write_text(json.dumps(keys))
    first = await asyncio.to_thread(ensure_approved, settings)
    assert first == len(collector.house.ports.outreach.drafts.names())
    assert await asyncio.to_thread(ensure_approved, settings) == 0
    texts = await collector.house.ports.outreach.templates.all()
    assert {text["state"] for text in texts} == {"approved"}


def test_texts_are_checked_and_proposed_and_not_approved_by_who_may_not(
    collector: Served, capsys: pytest.CaptureFixture[str]
):
    assert collector.run("template", "check") == 0
    assert collector.run("template", "propose", "sms-reminder", "--reason", "first texts", "--json") == 0
    assert said(capsys)["state"] == "proposed"
    assert collector.run("template", "approve", "sms-reminder", "--reason", "looks fine") == 4
    assert collector.run("template", "list") == 0
    assert "sms-reminder" in capsys.readouterr().out
