"""`plimsoll rollout …`: a release of a model, from its shadow to everybody."""

from pathlib import Path
from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, moment, note, table
from starter.cli.remote import Remote

app = typer.Typer(help="Releases of models, phase by phase.", no_args_is_help=True)

COLUMNS = {
    "roll-out": "id", "product": "product", "version": "version", "state": "state", "phase": "phase",
    "until": "deadline", "why": "reason",
}  # fmt: skip
Rollout = Annotated[str, typer.Argument(help="The roll-out: rol_…")]
Reason = Annotated[str, typer.Option("--reason", help="Goes on record.")]


@app.command("start")
def start(
    model: Annotated[str, typer.Argument(help="The approved version: mdl_…, or name@version.")],
    reason: Reason,
    plan: Annotated[
        Path | None, typer.Option(help="Other phases and gates, as TOML; see `docs/releases.md`.", exists=True)
    ] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Begins with the first phase, a shadow beside the live model unless the plan says otherwise."""
    wanted: dict[str, Any] = {"model": model, "reason": reason}
    if plan:
        wanted["plan"] = _read(plan)
    with Remote(role or "model_owner") as api:
        rollout, _ = api.post("/v1/rollouts", wanted)
    return _tell(rollout, json)


@app.command("list")
def list_rollouts(
    product: Annotated[str | None, typer.Option(help="Only this product.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Roll-outs, newest first."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/rollouts", product=product, limit=limit)["data"]
    if json:
        for row in found:
            as_json(row)
    elif not found:
        note("No model was rolled out yet: `plimsoll rollout start` begins.")
    else:
        table(COLUMNS, [row | {"version": row["model"]["version"]} for row in found])
    return DONE


@app.command("status")
def status(rollout: Rollout, role: AsRole = None, json: AsJson = False) -> int:
    """Where it stands: the phase, and each gate with its value, interval and counts."""
    with Remote(role or "analyst") as api:
        found = api.get(f"/v1/rollouts/{rollout}")
    if json:
        as_json(found)
        return DONE
    _tell(found, json)
    for gate in (found["evaluations"] or [{"gates": []}])[0]["gates"]:
        print(f"  {gate['verdict']:7} {_gate(gate)}")
    return DONE


@app.command("pause")
def pause(rollout: Rollout, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Holds it where it is; a breached gate still takes it back."""
    return _move(rollout, "pause", reason, role, json)


@app.command("resume")
def resume(rollout: Rollout, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Goes on from where it was held."""
    return _move(rollout, "resume", reason, role, json)


@app.command("promote")
def promote(rollout: Rollout, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Gives the new model everybody now, whatever the phases say."""
    return _move(rollout, "promote", reason, role, json)


@app.command("rollback")
def rollback(rollout: Rollout, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Takes it back: the old model decides from the next application on."""
    return _move(rollout, "rollback", reason, role, json)


def _move(rollout: str, verb: str, reason: str, role: str | None, json: bool) -> int:
    with Remote(role or "model_owner") as api:
        found, _ = api.post(f"/v1/rollouts/{rollout}/{verb}", {"reason": reason})
    return _tell(found, json)


def _tell(rollout: dict[str, Any], json: bool) -> int:
    if json:
        as_json(rollout)
        return DONE
    state, version = rollout["state"].replace("_", " "), rollout["model"]["version"]
    print(f"{rollout['id']}: {rollout['model']['name']}@{version} {state}, phase {rollout['phase']}")
    if rollout["reason"]:
        print(f"  {rollout['reason']}")
    if rollout["deadline"] and not rollout["ended_at"]:
        print(f"  until {moment(rollout['deadline'])} UTC at least")
    return DONE


def _gate(gate: dict[str, Any]) -> str:
    counts = f"{gate['n_new']} against {gate['n_old']}"
    if gate["value"] is None:
        return f"{gate['measure']}: needs {gate['minimum_n']}, has {counts}"
    low, high = gate["interval"]
    return f"{gate['measure']} {gate['value']:.3f} ({low:.3f} to {high:.3f}), limit {gate['limit']:g}, {counts}"


def _read(plan: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(plan.read_text())
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{plan} cannot be read as TOML: {error}") from None
