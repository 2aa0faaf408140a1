"""`plimsoll experiment …`: two models compared, with the sample said beforehand."""

from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, note, table
from starter.cli.remote import Remote

app = typer.Typer(help="Experiments: two models compared, with the sample said beforehand.", no_args_is_help=True)

Experiment = Annotated[str, typer.Argument(help="Id of an experiment, `exp_…`.")]
Reason = Annotated[str, typer.Option("--reason", help="Goes on record.")]


@app.command("plan")
def plan(
    product: str,
    challenger: Annotated[str, typer.Option(help="The approved version that is tried: mdl_…, or name@version.")],
    effect: Annotated[float, typer.Option(help="Smallest difference worth finding: 0.01 is one per cent point.")],
    metric: Annotated[str, typer.Option(help="bad_rate, cost or auc.")] = "bad_rate",
    design: Annotated[
        str, typer.Option(help="arms, or shadow: both score everybody, the challenger decides nothing.")
    ] = "arms",
    share: Annotated[float, typer.Option(help="Of applicants, the challenger's.")] = 0.2,
    alpha: Annotated[float, typer.Option(help="How often it may see a difference that is none.")] = 0.05,
    power: Annotated[float, typer.Option(help="How often it shall see one that is there.")] = 0.8,
    looks: Annotated[int, typer.Option(help="Planned readings that count, the last included.")] = 1,
    baseline: Annotated[float | None, typer.Option(help="The champion's value, when you know better.")] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """How many it takes and how long, before anything is dealt out."""
    question: dict[str, Any] = {
        "product": product, "challenger": challenger, "effect": effect, "metric": metric, "design": design,
        "share": share, "alpha": alpha, "power": power, "looks": looks, "baseline": baseline,
    }  # fmt: skip
    with Remote(role or "model_owner", timeout=120) as api:
        found, _ = api.post("/v1/experiments", {name: value for name, value in question.items() if value is not None})
    if json:
        as_json(found)
        return DONE
    print(f"{found['id']}: {found['challenger']['version']} against {found['champion']['version']}")
    for sentence in found["plan"]["words"]:
        print(f"  {sentence}")
    print(f"  Formula: {found['plan']['formula']}. `plimsoll experiment start {found['id']} --reason …` begins.")
    return DONE


@app.command("start")
def start(experiment: Experiment, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Deals out applicants: the challenger gets its share of them."""
    return _said(experiment, "start", reason, role, json)


@app.command("stop")
def stop(experiment: Experiment, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Deals out no more. What was dealt can be read once it is ripe."""
    return _said(experiment, "stop", reason, role, json)


@app.command("read")
def read(experiment: Experiment, role: AsRole = None, json: AsJson = False) -> int:
    """What may be said today: difference, interval, p, and whether that is a verdict."""
    with Remote(role or "analyst", timeout=120) as api:
        found, _ = api.post(f"/v1/experiments/{experiment}/reading")
    if json:
        as_json(found)
        return DONE
    table(
        {"arm": "arm", "dealt": "assigned", "decided": "decided", "granted": "granted", "ripe": "ripe",
         "compared": "counted"},
        [{"arm": arm, **found[arm]} for arm in ("champion", "challenger")],
    )  # fmt: skip
    _print_comparison(found["comparison"])
    for sentence in found["words"]:
        print(sentence)
    return DONE


@app.command("list")
def list_experiments(
    product: Annotated[str | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Experiments, newest first."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/experiments", product=product, limit=limit)["data"]
    if json:
        for row in found:
            as_json(row)
    elif not found:
        note("No experiment was planned yet: `plimsoll experiment plan` says how many applicants one would take.")
    else:
        table(
            {"experiment": "id", "product": "product", "metric": "metric", "design": "design", "state": "state",
             "challenger": "challenger", "share": "share", "verdict": "verdict", "planned": "planned_at"},
            [_row(row) for row in found],
        )  # fmt: skip
    return DONE


@app.command("show")
def show(experiment: Experiment, role: AsRole = None, json: AsJson = False) -> int:
    """One experiment: its plan, where it stands, its last reading."""
    with Remote(role or "analyst") as api:
        found = api.get(f"/v1/experiments/{experiment}")
    if json:
        as_json(found)
        return DONE
    table({"experiment": "id", "state": "state", "metric": "metric", "challenger": "challenger"}, [_row(found)])
    reading = found["reading"] or {}
    for sentence in (*found["plan"]["words"], *reading.get("words", ())):
        print(sentence)
    return DONE


def _said(experiment: str, verb: str, reason: str, role: str | None, json: bool) -> int:
    with Remote(role or "model_owner") as api:
        found, _ = api.post(f"/v1/experiments/{experiment}/{verb}", {"reason": reason})
    as_json(found) if json else print(f"{experiment} is {found['state']}.")
    return DONE


def _row(found: dict[str, Any]) -> dict[str, Any]:
    question = found["plan"]["question"]
    return found | {
        "metric": question["metric"],
        "design": question["design"],
        "share": question["share"] if question["design"] == "arms" else None,
        "challenger": found["challenger"]["version"],
        "verdict": (found["reading"] or {}).get("verdict", "none_yet").replace("_", " "),
    }


def _print_comparison(found: dict[str, Any] | None) -> None:
    if found:
        low, high = found["interval"]
        print(
            f"champion {found['champion']:.4f}, challenger {found['challenger']:.4f}: difference "
            f"{found['difference']:+.4f} (95 % interval {low:+.4f} to {high:+.4f}), p {found['p']:.4f}; "
            f"{found['method']}"
        )
