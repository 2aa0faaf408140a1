"""`plimsoll template …`: texts for customers, proposed by one person and approved by another."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll.domain.errors import InvalidRequest
from starter.cli.printing import DONE, FAILED, AsJson, AsRole, as_json, note, table
from starter.cli.remote import Remote

if TYPE_CHECKING:
    from plimsoll.domain.outreach.templates import Template
    from plimsoll.settings import Settings

app = typer.Typer(help="Texts for customers.", no_args_is_help=True)

COLUMNS = {
    "template": "name", "version": "version", "channel": "channel", "state": "state", "proposed by": "proposed_by",
    "approved by": "approved_by", "digest": "short",
}  # fmt: skip
Names = Annotated[list[str] | None, typer.Argument(help="Which; all there are when none is named.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; goes on record.")]


@app.command("list")
def list_templates(role: AsRole = None, json: AsJson = False) -> int:
    """Every version on record, and who stands behind it."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/message-templates")["data"]
    if json:
        for row in found:
            as_json(row)
    elif not found:
        note("There is none on record: `plimsoll template propose` brings those of the folder.")
    else:
        table(COLUMNS, ({**row, "short": row["digest"][:12]} for row in found))
    return DONE


@app.command("check")
def check(names: Names = None, json: AsJson = False) -> int:
    """Whether the texts in the folder may be proposed: way out, locked screen, threats, placeholders, languages."""
    from plimsoll.domain.outreach.templates import problems_of
    from plimsoll.settings import load_settings
    from plimsoll.wiring.outreach import message_drafts

    rules, drafts = message_drafts(load_settings())
    bad = 0
    for name in names or drafts.names():
        draft = drafts.get(name)
        problems = problems_of(draft, rules)
        bad += bool(problems)
        if json:
            as_json({"name": name, "version": draft.version, "digest": draft.digest, "problems": problems})
        else:
            print(f"{name}@{draft.version}: {'; '.join(problems) or 'nothing stands against it'}.")
    return FAILED if bad else DONE


@app.command("propose")
def propose(reason: Reason, names: Names = None, role: AsRole = None, json: AsJson = False) -> int:
    """Puts texts of the folder on record, for somebody else to approve."""
    with Remote(role or "collector") as api:
        for draft in _drafts(names):
            body = {"template": draft.model_dump(mode="json"), "reason": reason}
            _said(api.post("/v1/message-templates", body)[0], json)
    return DONE


@app.command("approve")
def approve(
    reason: Reason,
    names: Annotated[
        list[str] | None, typer.Argument(help="name or name@version; all that wait when none is named.")
    ] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Approves what somebody else proposed. From the next message on it is sent."""
    with Remote(role or "compliance") as api:
        for row in _waiting(api.get("/v1/message-templates")["data"], names):
            body = {"reason": reason, "digest": row["digest"]}
            _said(api.post(f"/v1/message-templates/{row['name']}/{row['version']}/approve", body)[0], json)
    return DONE


@app.command("retire")
def retire(
    name: Annotated[str, typer.Argument(help="name@version")], reason: Reason, role: AsRole = None, json: AsJson = False
) -> int:
    """Lets nobody get a text any more, from the next message on."""
    text, _, version = name.partition("@")
    if not version.isdecimal():
        raise InvalidRequest(f"{name!r} names no version: write name@version.")
    with Remote(role or "compliance") as api:
        _said(api.post(f"/v1/message-templates/{text}/{version}/retire", {"reason": reason})[0], json)
    return DONE


def ensure_approved(settings: "Settings", reason: str = "the first texts") -> int:
    """Puts what lies in the folder on record where it is not: proposed by the local collector, approved by local
    compliance. How many there were to approve."""
    from plimsoll.wiring.outreach import message_drafts

    _, drafts = message_drafts(settings)
    done = 0
    with Remote("collector", settings) as proposer, Remote("compliance", settings) as approver:
        known = {(row["name"], row["version"]) for row in approver.get("/v1/message-templates")["data"]}
        for draft in (drafts.get(name) for name in drafts.names()):
            if (draft.name, draft.version) not in known:
                body = {"template": draft.model_dump(mode="json"), "reason": reason}
                proposer.post("/v1/message-templates", body)
                read = {"digest": draft.digest, "reason": reason}
                approver.post(f"/v1/message-templates/{draft.name}/{draft.version}/approve", read)
                done += 1
    return done


def _drafts(names: list[str] | None) -> "list[Template]":
    from plimsoll.settings import load_settings
    from plimsoll.wiring.outreach import message_drafts

    _, drafts = message_drafts(load_settings())
    return [drafts.get(name) for name in names or drafts.names()]


def _waiting(found: list[dict[str, Any]], names: list[str] | None) -> list[dict[str, Any]]:
    """The named ones, the newest version where none is said; else all that nobody approved yet."""
    if not names:
        return [row for row in found if row["state"] == "proposed"]
    chosen = []
    for name in names:
        text, _, version = name.partition("@")
        fitting = [row for row in found if row["name"] == text and version in ("", str(row["version"]))]
        if not fitting:
            raise InvalidRequest(f"There is no template {name} on record: `plimsoll template propose {text}` first.")
        chosen.append(fitting[0])
    return chosen


def _said(row: dict[str, Any], json: bool) -> None:
    if json:
        as_json(row)
    else:
        print(f"{row['name']}@{row['version']} is {row['state']}.")
