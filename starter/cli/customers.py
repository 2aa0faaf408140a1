"""`plimsoll customer …`: who is at risk of missing a payment, and why."""

from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, note, table
from starter.cli.remote import Remote

app = typer.Typer(help="Customers who are watched, and their risk.", no_args_is_help=True)

COLUMNS = {
    "customer": "id", "level": "level", "probability": "chance", "why": "why", "since": "since", "as of": "as_of",
}  # fmt: skip
RHYTHMS = {
    "rhythm": "name", "comes": "cycle", "usually": "usual_amount", "expected": "expected", "days late": "days_late",
}  # fmt: skip
CHANGES = {"as of": "as_of", "level": "level", "before": "before", "because": "because", "why": "why"}
Customer = Annotated[str, typer.Argument(help="per_…, or your own id of the customer.")]


@app.command("list")
def list_customers(
    level: Annotated[str | None, typer.Option(help="critical, high, medium, low")] = None,
    product: Annotated[str | None, typer.Option(help="Only customers of this product, as you call it.")] = None,
    after: Annotated[str | None, typer.Option(help="Go on after this customer: per_…")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Customers, the highest risk first."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/customers", level=level, product=product, after=after, limit=limit)["data"]
    if json:
        for row in found:
            as_json(row)
    elif not found:
        note("Nobody: no transactions were read yet, or nobody is at this level. `plimsoll transactions load FILE`.")
    else:
        table(COLUMNS, [row | {"level": _level(row), "chance": _chance(row), "why": _why(row)} for row in found])
    return DONE


@app.command("show")
def show(customer: Customer, role: AsRole = None, json: AsJson = False) -> int:
    """One customer: risk with its reasons, own rhythm, signals, and how the level changed."""
    with Remote(role or "analyst") as api:
        return _tell(api.get(f"/v1/customers/{customer}"), json)


@app.command("score")
def score(customer: Customer, role: AsRole = None, json: AsJson = False) -> int:
    """Judges one customer now. Nothing is begun: `plimsoll intervention start` does that."""
    with Remote(role or "analyst") as api:
        found, _ = api.post(f"/v1/customers/{customer}/score", None)
    return _tell(found, json)


@app.command("stream")
def stream(role: AsRole = None, json: AsJson = False) -> int:
    """How far the stream is read, and how many customers are at each level."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/customers/stream")
    if json:
        as_json(found)
    else:
        table({name: name for name in found if name not in ("levels", "clocks", "silent_after_days")}, [found])
        if len(found["clocks"]) > 1:
            table({"product": "product", "its time": "watermark"}, [_clock(clock) for clock in found["clocks"]])
        table({level: level for level in found["levels"]}, [found["levels"]])
    return DONE


def _clock(clock: dict[str, Any]) -> dict[str, Any]:
    return clock | {"product": clock["product"] or "(none said)"}


def _tell(found: dict[str, Any], json: bool) -> int:
    if json:
        as_json(found)
        return DONE
    risk = found["risk"]
    if risk is None:
        note(f"{found['id']} was not judged yet: `plimsoll customer score {found['id']}`.")
    else:
        if found["silent"]:
            note(f"Nothing was heard of {found['id']} for long: this is the last judgement before that.")
        table(COLUMNS, [risk | {"id": found["id"], "chance": _chance(risk), "why": risk["row"] or ""}])
        for factor in risk["factors"]:
            typer.echo(f"  {factor['words']}")
    drawn = found["portrait"]
    if drawn is not None:
        if drawn["rhythms"]:
            table(RHYTHMS, drawn["rhythms"])
        said = [signal for signal in drawn["signals"] if signal["says"]]
        table({"signal": "name", "value": "value", "says": "says"}, said)
    if found["history"]:
        table(CHANGES, [change | {"why": _why(change)} for change in found["history"]])
    return DONE


def _level(row: dict[str, Any]) -> str:
    return f"{row['level']} (silent)" if row["silent"] else str(row["level"])


def _chance(row: dict[str, Any]) -> str:
    return "" if row["probability"] is None else f"{row['probability']:.1%}"


def _why(row: dict[str, Any]) -> str:
    return "; ".join(factor["words"] for factor in row["factors"]) or (row["row"] or "")
