"""`plimsoll webhook …`: who outside is told of stage events."""

from typing import Annotated

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, note, table
from starter.cli.remote import Remote

app = typer.Typer(help="Who outside is told of what happens.", no_args_is_help=True)

COLUMNS = {
    "webhook": "name", "told up to": "seq", "behind": "behind", "failed": "attempts", "again at": "not_before",
    "why": "last_error", "last taken": "told_at",
}  # fmt: skip


@app.command("list")
def list_webhooks(role: AsRole = None, json: AsJson = False) -> int:
    """How far everybody was told, and what stands in the way."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/webhooks")["data"]
    if json:
        for row in found:
            as_json(row)
    elif not found:
        note("Nobody is told: name receivers in secrets/webhooks.json (docs/webhooks.md).")
    else:
        table(COLUMNS, found)
    return DONE


@app.command("tell-from")
def tell_from(
    webhook: Annotated[str, typer.Argument(help="Its name in secrets/webhooks.json.")],
    after: Annotated[int, typer.Argument(min=0, help="The next event told is the first after this seq.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; goes on record.")],
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Tells again from an earlier event, or leaves out what a receiver cannot take."""
    with Remote(role or "admin") as api:
        moved, _ = api.post(f"/v1/webhooks/{webhook}/from", {"after": after, "reason": reason})
    if json:
        as_json(moved)
    else:
        note(f"{webhook} is told from behind event {after:,} on.")
    return DONE
