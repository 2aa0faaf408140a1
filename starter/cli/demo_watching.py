"""The second half of `plimsoll demo`: real card accounts are watched, and who is at risk is reached in time.

The accounts and what happened on them are Taiwan's of 2005, in the order in which it could be known. Their holders'
addresses and consents are made up, in a zone where it is day now; the messages go to the sandbox's mailbox.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from plimsoll.domain.errors import Unavailable
from plimsoll.domain.watching.events import Event
from plimsoll.settings import Settings, load_settings
from plimsoll.wiring.watching import event_set
from starter.cli.demo import release_first, train_first
from starter.cli.printing import note
from starter.cli.remote import ApiAway, Remote
from starter.cli.templates import ensure_approved

PRODUCT = "early-warning"
ACCOUNTS = 400
EVENTS_A_SECOND = 800
AT_ONCE = 200
MIDDAY = 13
REGION = "us"  # whose rules let people be reached on every day of the week
MOST_STEPS = 3  # of a plan, before somebody is called
PATIENCE = 60.0  # seconds until the stream has been read and the first messages are out


def watch_real_accounts(accounts: int = ACCOUNTS) -> None:
    """The stack is up. Trains the early-warning model once, replays six months, and prints what came of it."""
    settings = load_settings()
    version = train_first(PRODUCT, "training an early-warning model on 30,000 real card accounts (once) …")
    release_first(PRODUCT, version)
    if texts := ensure_approved(settings):
        note(f"{texts} texts for customers: proposed by the local collector, approved by local compliance.")
    history = _history(settings, accounts)
    with Remote("collector", settings) as api:
        _make_reachable(api, sorted({event.customer for event in history}))
    with Remote("channel", settings, timeout=120) as api:
        _replay(api, history)
    with Remote("analyst", settings) as api:
        stream = _once_read(api)
        answered = _answered_by_one(api, settings)
        called = _called_by_a_collector(settings)
        _print(api, settings, len(history), accounts, stream)
    for sentence in (answered, called):
        if sentence:
            print(f"  {sentence}")


def _history(settings: Settings, accounts: int) -> list[Event]:
    """What happened on the first accounts of the set, in the order in which it could be known."""
    events = event_set("taiwan", settings.data_dir / "taiwan")()
    customers: set[str] = set()
    kept = []
    for event in events:
        customers.add(event.customer)
        if len(customers) > accounts:
            break
        kept.append(event)
    return sorted(kept, key=lambda event: event.known_at)


def _make_reachable(api: Remote, customers: list[str]) -> None:
    """Addresses nobody has, consents nobody gave: the sandbox's."""
    zone = zone_of_midday(datetime.now(UTC))
    for first in range(0, len(customers), AT_ONCE):
        some = customers[first : first + AT_ONCE]
        profiles = [profile(each, first + n, zone) for n, each in enumerate(some)]
        _until_taken(api.post, "/v1/contacts", {"contacts": profiles})


def _until_taken(send: Callable[[str, Any], object], path: str, content: Any) -> None:
    """What comes twice is known again, so a house that is too busy to answer is asked once more."""
    give_up_at = time.monotonic() + PATIENCE
    while True:
        try:
            send(path, content)
            return
        except ApiAway:
            raise
        except Unavailable:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(1.0)


def zone_of_midday(now: datetime) -> str:
    ahead = (MIDDAY - now.hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"  # the sign is the other way round there (POSIX)


def profile(customer: str, number: int, zone: str) -> dict[str, Any]:
    said_yes = {"sms": True, "email": True, "voice": True}
    addresses = {
        "sms": f"+88690{number + 2:07d}",
        "voice": f"+88690{number + 2:07d}",
        "email": f"{customer.lower()}@example.org",
    }
    return {
        "customer": customer, "name": f"customer {customer}", "addresses": addresses, "consent": said_yes,
        "zone": zone, "region": REGION, "language": "en", "evidence": "made up for the demo",
        "reason": "made up for the demo",
    }  # fmt: skip


def _replay(api: Remote, history: list[Event]) -> None:
    columns = (TextColumn("replaying six months of accounts"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    events, began, sent = iter(history), time.monotonic(), 0
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(history))
        while some := list(islice(events, AT_ONCE)):
            lines = b"\n".join(event.model_dump_json(exclude_unset=True, exclude_none=True).encode() for event in some)
            _until_taken(api.post_lines, "/v1/transactions", lines)
            sent += len(some)
            progress.advance(bar, len(some))
            time.sleep(max(0.0, began + sent / EVENTS_A_SECOND - time.monotonic()))


def _once_read(api: Remote) -> dict[str, Any]:
    """How the stream stands once everything was judged, or patience is over."""

    def read() -> Any:
        stream = api.get("/v1/customers/stream")
        return stream if stream["behind"] == 0 else None

    return _until(read) or api.get("/v1/customers/stream")


def _answered_by_one(api: Remote, settings: Settings) -> str | None:
    """One customer answers a message, as a person would who reads the sandbox's mailbox."""

    def reached() -> Any:
        contacts = api.get("/v1/contacts", state="delivered", limit=100)["data"]
        return next((each for each in contacts if each["channel"] in ("sms", "email")), None)

    contact = _until(reached)
    if contact is None:
        return None
    with httpx.Client(base_url=settings.sandbox, timeout=10, trust_env=False) as sandbox:
        messages = sandbox.get("/_mailbox", params={"channel": contact["channel"], "limit": 1000}).json()
        message = next((each for each in messages if each["key"] == contact["id"]), None)
        if message is None:
            return None
        sandbox.post(f"/_mailbox/{message['id']}/reply", content=json.dumps({"text": "I have paid"})).raise_for_status()

    def closed() -> Any:
        episode = api.get(f"/v1/interventions/{contact['intervention']}")
        return episode if episode["ending"] else None

    episode = _until(closed)
    return episode and f"one customer answered the {contact['channel']} (“I have paid”): {episode['ending']}"


def _called_by_a_collector(settings: Settings) -> str | None:
    """A collector takes the most urgent call and agrees on a plan. Who was still at a lower risk when they were
    written to first is called once they did not answer: some days are let pass for one of them."""
    with Remote("collector", settings, timeout=60) as api:
        task = _next_call(api) or _after_days_of_silence(api)
        if task is None:
            return None
        said = api.post(f"/v1/collector-tasks/{task['id']}/call")[0]
        until = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
        plan = {"tool": "payment_plan", "amount": "6000", "currency": "TWD", "due_on": until, "payments": 2}
        report = {"version": said["version"], "answer": "tool", **plan}
        api.post(f"/v1/collector-tasks/{task['id']}/answer", report)
    return "a collector called another and agreed on a payment plan in two parts"


def _next_call(api: Remote) -> Any:
    return api.post("/v1/collector-tasks/next")[0]["data"]


def _after_days_of_silence(api: Remote) -> Any:
    found = api.get("/v1/interventions", level="critical", state="treating", limit=100)["data"]
    silent = next((each for each in found if each["waits_on"] == "reply"), None)
    passed = timedelta()
    for _ in range(MOST_STEPS):
        if silent is None or silent["waits_on"] == "collector":
            break
        wait = datetime.fromisoformat(silent["until"]) - datetime.now(UTC) - passed
        hours = wait // timedelta(hours=1) + 1
        api.post("/v1/fast-forward", {"id": silent["id"], "duration": f"{hours}h"})
        passed += timedelta(hours=hours)
        silent = api.get(f"/v1/interventions/{silent['id']}")
    if silent is None:
        return None
    note(f"Nobody answered {silent['id']}: {passed.days} days were let pass.")
    return _until(lambda: _next_call(api))


def _print(api: Remote, settings: Settings, events: int, accounts: int, stream: dict[str, Any]) -> None:
    levels = ", ".join(f"{count} {level.lower()}" for level, count in stream["levels"].items())
    books = api.get("/v1/interventions/accounting")
    rules = ", ".join(f"{rule.replace('_', ' ')}: {count}" for rule, count in (books["by_rule"] or {}).items())
    contacts = api.get("/v1/contacts", limit=100)["data"]
    states = ", ".join(f"{count} {state}" for state, count in Counter(each["state"] for each in contacts).items())
    print(f"\n{accounts} real card accounts watched over six months of 2005 ({events:,} events):")
    print(f"  risk of missing the next payment: {levels}")
    print(
        f"  {books['triggers']} triggers: {books['opened']} opened an episode, {books['updated']} updated an open one, "
        f"{books['refused']} refused ({rules or 'by no rule'})"
    )
    print(f"  messages, the newest {len(contacts)}: {states}; read and answer them at {settings.sandbox}/mailbox")


def _until(found: Callable[[], Any]) -> Any:
    """What it finds, or None when patience is over."""
    give_up_at = time.monotonic() + PATIENCE
    while not (there := found()):
        if time.monotonic() > give_up_at:
            note("Nothing came of it within a minute: `plimsoll doctor` says whether a part is down.")
            return None
        time.sleep(0.25)
    return there
