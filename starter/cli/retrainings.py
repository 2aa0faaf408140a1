"""`plimsoll retraining …`: what was tried against the champion, and what came of it."""

from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, note, table
from starter.cli.remote import Remote

app = typer.Typer(help="Retrainings: a successor held against the champion.", no_args_is_help=True)

COLUMNS = {
    "retraining": "id", "product": "product", "state": "state", "why": "trigger", "champion": "champion",
    "challenger": "challenger", "by": "requested_by", "began": "started_at", "ended": "ended_at",
}  # fmt: skip
CANDIDATES = {"recalibrated": "the champion calibrated anew", "retrained": "the successor"}


@app.command("list")
def list_retrainings(
    product: Annotated[str | None, typer.Option(help="Only this product's.")] = None,
    state: Annotated[
        str | None, typer.Option(help="running, challenger, rejected, held_back, stopped or failed")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Retrainings, newest first."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/retrainings", product=product, state=state, limit=limit)["data"]
    if json:
        for row in found:
            as_json(row)
    elif not found:
        note("Nothing was retrained yet: `plimsoll model retrain PRODUCT` begins; drift, labels and the month do, too.")
    else:
        table(COLUMNS, [row | {"champion": _version(row["champion"]), "challenger": _version(row["challenger"])}
                        for row in found])  # fmt: skip
    return DONE


@app.command("show")
def show(retraining: Annotated[str, typer.Argument(help="rtr_…")], role: AsRole = None, json: AsJson = False) -> int:
    """One retraining: why, on what the two were compared, every check, and what came of it."""
    with Remote(role or "analyst") as api:
        found = api.get(f"/v1/retrainings/{retraining}")
    as_json(found) if json else tell(found)
    return DONE


def tell(run: dict[str, Any]) -> None:
    print(f"{run['id']} ({run['product']}) is {run['state'].replace('_', ' ')}.")
    for cause in run["causes"] or [{"trigger": run["trigger"], "sentence": run["asked"]}]:
        print(f"  {cause['trigger'].replace('_', ' ')}: {cause['sentence']}")
    if run["champion"]:
        print(f"  champion: {run['champion']['version']}")
    if run["held_out"]:
        held_out = run["held_out"]
        print(f"  compared on {held_out['rows']:,} applications from {held_out['since']} on, {held_out['bads']:,} bad")
    for tried in run["tried"]:
        verdict = "passed" if tried["passed"] else "rejected"
        print(f"  {CANDIDATES[tried['candidate']]}: {verdict}")
        for check in tried["checks"]:
            print(f"    {'+' if check['met'] else '-'} {check['requirement']}: {check['sentence']}")
        if tried["why_not"]:
            print(f"    - {tried['why_not']}")
    if run["state"] == "running" and run["training"]:
        print(f"  being trained: plimsoll model training {run['training']} --follow")
    if run["why"] and not run["tried"]:
        print(f"  {run['why']}")
    if run["challenger"]:
        print(f"  next: plimsoll model propose {run['challenger']['id']} --reason …")


def _version(model: dict[str, Any] | None) -> str | None:
    return model["version"] if model else None
