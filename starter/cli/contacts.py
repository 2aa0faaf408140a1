"""`plimsoll contact …`: how customers may be reached, and what became of messages nobody can tell of."""

import json as jsons
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from plimsoll.domain.errors import InvalidRequest
from starter.cli.printing import DONE, AsJson, AsRole, as_json, note, readable, table
from starter.cli.remote import Remote

app = typer.Typer(help="How customers may be reached.", no_args_is_help=True)

Customer = Annotated[str, typer.Argument(help="The lender's own id, or per_…")]
Reason = Annotated[str, typer.Option("--reason", help="Why; goes on record.")]
New = Annotated[bool, typer.Option("--new", help="Somebody nobody knew yet; without it an unknown id is refused.")]
AT_ONCE = 100
CONTACTS = {
    "contact": "id", "channel": "channel", "template": "template", "state": "state", "rule": "rule",
    "sent": "sending_at", "intervention": "intervention",
}  # fmt: skip


@app.command("show")
def show(customer: Customer, role: AsRole = None, json: AsJson = False) -> int:
    """Consent, flags, masked addresses, and what may be sent now."""
    with Remote(role or "analyst") as api:
        found = api.get(f"/v1/customers/{_path(customer)}/contact")
    return _print(found, json)


@app.command("set")
def set_profile(
    customer: Customer,
    reason: Reason,
    sms: Annotated[str | None, typer.Option(help="Number for texts, +15551234567; '-' forgets it.")] = None,
    voice: Annotated[str | None, typer.Option(help="Number for calls; '-' forgets it.")] = None,
    email: Annotated[str | None, typer.Option(help="Address; '-' forgets it.")] = None,
    push: Annotated[str | None, typer.Option(help="The app's user id; '-' forgets it.")] = None,
    name: Annotated[str | None, typer.Option(help="How the customer is addressed.")] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone, Europe/Berlin.")] = None,
    region: Annotated[str | None, typer.Option(help="de, us, us-fl.")] = None,
    language: Annotated[str | None, typer.Option(help="en, de.")] = None,
    preferred: Annotated[str | None, typer.Option(help="Channel the customer wishes; '-' for none.")] = None,
    new: New = False,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Writes addresses, zone and wishes; what is not named stays."""
    given = {"sms": sms, "voice": voice, "email": email, "push": push}
    change: dict[str, Any] = {"addresses": {k: _or_none(v) for k, v in given.items() if v is not None}}
    said = {"name": name, "zone": zone, "region": region, "language": language, "preferred": preferred}
    change |= {field: _or_none(value) for field, value in said.items() if value is not None}
    return _change(customer, change, reason, role, json, new)


@app.command("consent")
def consent(
    customer: Customer,
    reason: Reason,
    give: Annotated[list[str] | None, typer.Option("--give", help="Channel agreed to; repeat it for several.")] = None,
    withdraw: Annotated[list[str] | None, typer.Option("--withdraw", help="Channel withdrawn.")] = None,
    evidence: Annotated[str, typer.Option(help="Form, recording or letter it rests on.")] = "",
    new: New = False,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Notes what the customer said of a channel: sms, email, voice, push."""
    _not_both(give, "--give", withdraw, "--withdraw")
    said = dict.fromkeys(give or [], True) | dict.fromkeys(withdraw or [], False)
    if not said:
        raise InvalidRequest("Say what the customer agreed to or withdrew: --give sms, --withdraw email.")
    return _change(customer, {"consent": said, "evidence": evidence}, reason, role, json, new)


@app.command("flag")
def flag(
    customer: Customer,
    reason: Reason,
    add: Annotated[
        list[str] | None, typer.Option("--add", help="bereaved, vulnerable, disputed, lawyer, bankrupt, complaint")
    ] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="A flag that no longer holds.")] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Pauses every contact with a customer, or lets it go on."""
    if not add and not remove:
        raise InvalidRequest("Say which flag: --add bereaved, --remove disputed.")
    _not_both(add, "--add", remove, "--remove")
    return _change(customer, {"add_flags": add or [], "remove_flags": remove or []}, reason, role, json)


@app.command("opt-out")
def opt_out(customer: Customer, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """The customer wants no more messages or calls, on any channel."""
    with Remote(role or "collector") as api:
        found, _ = api.post(f"/v1/customers/{_path(customer)}/contact/opt-out", {"reason": reason})
    return _print(found, json)


@app.command("load")
def load(
    file: Annotated[
        Path, typer.Argument(callback=readable, help="JSON lines: customer, addresses, consent, zone… ; - reads stdin")
    ],
    reason: Reason,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Many profiles at once, such as a lender's list of addresses and consents."""
    lines = (sys.stdin if str(file) == "-" else file.open(encoding="utf-8")).read().splitlines()
    bodies = [_line(number, line) | {"reason": reason} for number, line in enumerate(lines, 1) if line.strip()]
    with Remote(role or "collector", timeout=120) as api:
        for begin in range(0, len(bodies), AT_ONCE):
            api.post("/v1/contacts", {"contacts": bodies[begin : begin + AT_ONCE]})
            note(f"{min(begin + AT_ONCE, len(bodies))} of {len(bodies)} written.")
    if json:
        as_json({"written": len(bodies)})
    return DONE


@app.command("list")
def list_contacts(
    state: Annotated[str | None, typer.Option(help="unknown: those a person has to look after")] = None,
    intervention: Annotated[str | None, typer.Option(help="Only of this episode: int_…")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Messages and calls, newest first."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/contacts", state=state, intervention=intervention, limit=limit)["data"]
    if json:
        for row in found:
            as_json(row)
    elif not found:
        note("There is none.")
    else:
        table(CONTACTS, found)
    return DONE


@app.command("settle")
def settle(
    contact: Annotated[str, typer.Argument(help="con_…")],
    reason: Reason,
    arrived: Annotated[bool, typer.Option("--arrived/--not-arrived", help="Whether the customer got it.")],
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Says what became of a message whose fate nobody could tell."""
    with Remote(role or "collector") as api:
        found, _ = api.post(f"/v1/contacts/{contact}/settle", {"arrived": arrived, "reason": reason})
    if json:
        as_json(found)
    else:
        print(f"{found['id']} is {found['state']}.")
    return DONE


def _not_both(some: list[str] | None, option: str, others: list[str] | None, other: str) -> None:
    for word in set(some or []) & set(others or []):
        raise typer.BadParameter(f"{option} {word} and {other} {word} exclude each other: say one of them.")


def _change(customer: str, change: dict[str, Any], reason: str, role: str | None, json: bool, new: bool = False) -> int:
    with Remote(role or "collector") as api:
        path = f"/v1/customers/{_path(customer)}/contact"
        found = api.put(f"{path}?new=true" if new else path, change | {"reason": reason})
    return _print(found, json)


def _print(found: dict[str, Any], json: bool) -> int:
    if json:
        as_json(found)
        return DONE
    name = f" · {found['name']}" if found["name"] else ""
    print(f"{found['person']}{name} · {found['zone'] or found['region'] or 'nobody knows where'}")
    if found["flags"]:
        print(f"flags: {', '.join(found['flags'])}")
    rows = [_channel(found, channel) for channel in found["permitted_now"]]
    table({"channel": "channel", "address": "address", "consent": "consent", "now": "now"}, rows)
    print("used: " + ", ".join(f"{cap} {used}" for cap, used in found["used"].items()))
    return DONE


def _channel(found: dict[str, Any], channel: str) -> dict[str, Any]:
    from plimsoll.domain.outreach.governor import in_words

    said, ruling = found["consent"].get(channel), found["permitted_now"][channel]
    again = f", again {ruling['again_at']}" if ruling["again_at"] else ""
    return {
        "channel": channel + (" (preferred)" if found["preferred"] == channel else ""),
        "address": found["addresses"].get(channel, "-"),
        "consent": "never asked" if said is None else "yes" if said["granted"] else "no",
        "now": "permitted" if ruling["permitted"] else in_words(ruling["rule"]) + again,
    }


def _line(number: int, line: str) -> dict[str, Any]:
    try:
        body = jsons.loads(line)
    except ValueError:
        raise InvalidRequest(f"Line {number} is no JSON: write one object a line.") from None
    if not isinstance(body, dict):
        raise InvalidRequest(f"Line {number} is no object: write one a line.")
    return body


def _or_none(text: str) -> str | None:
    return None if text == "-" else text


def _path(customer: str) -> str:
    from urllib.parse import quote

    return quote(customer, safe="")
