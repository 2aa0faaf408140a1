"""`plimsoll schedule …`: what runs by itself."""

from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, note, table
from starter.cli.remote import Remote

app = typer.Typer(help="What runs by itself, on a schedule.", no_args_is_help=True)

COLUMNS = {
    "schedule": "id", "runs": "runs", "every": "every", "next": "next_at", "last": "last_at", "started": "started",
    "skipped": "skipped", "state": "state",
}  # fmt: skip
Which = Annotated[str, typer.Argument(help="The schedule, such as drift/consumer-credit.")]
Reason = Annotated[str, typer.Option("--reason", help="Stands beside the schedule at Temporal.")]


@app.command("list")
def list_schedules(role: AsRole = None, json: AsJson = False) -> int:
    """Every schedule: when it runs next, what it ran last."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/schedules")["data"]
    if json:
        for row in found:
            as_json(row)
    elif not found:
        note("There is no schedule yet: a worker makes one for every product with a live model.")
    else:
        table(COLUMNS, map(_row, found))
    return DONE


@app.command("run")
def run(schedule: Which, role: AsRole = None, json: AsJson = False) -> int:
    """Runs it now; skipped while a run of it is under way."""
    return _post(schedule, "run", None, role, json, "Asked for a run now.")


@app.command("pause")
def pause(schedule: Which, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Starts nothing by itself until it is resumed."""
    return _post(schedule, "pause", {"reason": reason}, role, json, "Paused.")


@app.command("resume")
def resume(schedule: Which, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Starts by itself again."""
    return _post(schedule, "resume", {"reason": reason}, role, json, "Resumed.")


@app.command("backfill")
def backfill(
    schedule: Which,
    since: Annotated[str, typer.Option(help="Beginning of the span, such as 2026-06-01T00:00:00Z.")],
    until: Annotated[str, typer.Option(help="Its end.")],
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Runs what was due in a span of the past; says what rules would have done, and does nothing."""
    return _post(schedule, "backfill", {"since": since, "until": until}, role, json, "Asked for the runs of that span.")


def _post(schedule: str, act: str, body: Any, role: str | None, json: bool, said: str) -> int:
    with Remote(role or "model_owner") as api:
        found, _ = api.post(f"/v1/schedules/{schedule}/{act}", body)
    if json:
        as_json(found)
    else:
        print(f"{said} {found['id']}: " + ("paused" if found["paused"] else f"next at {found['next_at']}"))
    return DONE


def _row(found: dict[str, Any]) -> dict[str, Any]:
    return found | {
        "every": f"{found['every_seconds'] / 3600:g} h",
        "state": f"paused ({found['note']})" if found["paused"] else "on",
        "next_at": (found["next_at"] or "")[:16],
        "last_at": (found["last_at"] or "–")[:16],
    }
