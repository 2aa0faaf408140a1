"""`plimsoll key …`: API keys."""

from typing import Annotated

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, table
from starter.cli.remote import Remote

app = typer.Typer(help="API keys.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="What it is for.")],
    roles: Annotated[list[str], typer.Option("--role", help="May be given more than once.")],
    actor: Annotated[str | None, typer.Option(help="Who holds it; the name when left out.")] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Makes a key. It is shown this once."""
    with Remote(role or "admin") as api:
        found, _ = api.post("/v1/keys", {"actor": actor or name, "roles": roles, "name": name})
    as_json(found) if json else print(found["key"])
    return DONE


@app.command("list")
def list_keys(role: AsRole = None, json: AsJson = False) -> int:
    """All keys, without their secrets."""
    with Remote(role or "admin") as api:
        found = api.get("/v1/keys")["data"]
    if json:
        for row in found:
            as_json(row)
    else:
        table(
            {"key": "id", "for": "name", "held by": "actor", "roles": "roles", "made": "created_at",
             "revoked": "revoked_at"},
            found,
        )  # fmt: skip
    return DONE


@app.command("revoke")
def revoke(key: str, role: AsRole = None, json: AsJson = False) -> int:
    """Ends a key and every session opened with it."""
    with Remote(role or "admin") as api:
        api.delete(f"/v1/keys/{key}")
    as_json({"id": key, "revoked": True}) if json else print(f"{key} is revoked.")
    return DONE
