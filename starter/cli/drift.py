"""`plimsoll drift …`: whether what a model is asked is still what it learnt from."""

import time
from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, UNDECIDED, AsJson, AsRole, as_json, note, table
from starter.cli.remote import Remote

app = typer.Typer(help="Drift of live applications against training.", no_args_is_help=True)

COLUMNS = {
    "report": "id", "product": "product", "level": "level", "rows": "n_current", "checked": "checked_at",
    "by": "trigger", "in short": "summary",
}  # fmt: skip
FIGURES = {
    "feature": "feature", "level": "level", "psi": "psi", "by chance": "expected_psi", "effect": "effect_size",
    "ks": "ks", "chi²": "chi_square", "p": "p_value", "n training": "n_reference", "n now": "n_current",
    "missing": "missing",
}  # fmt: skip
LOOK_EVERY = 0.5  # seconds


@app.command("check")
def check(
    product: Annotated[str, typer.Argument(help="Product whose live applications are held against training.")],
    since: Annotated[str | None, typer.Option(help="Beginning of the window, such as 2026-06-01T00:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Its end; now when absent.")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the report; it is made in any case.")] = 180,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Checks now and prints the report. Its rules act as those of a scheduled check."""
    wanted = {name: value for name, value in (("product", product), ("since", since), ("until", until)) if value}
    with Remote(role or "model_owner") as api:
        begun, _ = api.post("/v1/drift-checks", wanted)
        note(f"{begun['id']} is being made; its page is drawn last …")
        report = _waited(api, begun["id"], wait)
    if report is None:
        note(f"Not ready after {wait:g} s; it goes on. Later: plimsoll drift show {begun['id']}")
        as_json(begun) if json else None
        return UNDECIDED
    return _tell(report, json)


@app.command("list")
def list_reports(
    product: Annotated[str | None, typer.Option(help="Only this product.")] = None,
    level: Annotated[str | None, typer.Option(help="Only this level: too_small, quiet, look or act.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Checks, newest first."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/drift-reports", product=product, level=level, limit=limit)["data"]
    if json:
        for row in found:
            as_json(row)
    elif not found:
        note("No drift check was made yet: `plimsoll drift check PRODUCT` makes one.")
    else:
        table(COLUMNS, [row | {"checked_at": row["checked_at"][:16]} for row in found])
    return DONE


@app.command("show")
def show(
    report: Annotated[str, typer.Argument(help="drf_…, or a product for its latest check.")],
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """One check: every column with its figures, what the rules said and what was done."""
    with Remote(role or "analyst") as api:
        if not report.startswith("drf_"):
            newest = api.get("/v1/drift-reports", product=report, limit=1)["data"]
            if not newest:
                note(f"No drift check of {report} yet: `plimsoll drift check {report}` makes one.")
                return 1
            report = newest[0]["id"]
        found = api.get(f"/v1/drift-reports/{report}")
    return _tell(found, json)


def _waited(api: Remote, report: str, patience: float) -> Any:
    from plimsoll.domain.errors import NotFound

    give_up_at = time.monotonic() + patience
    while True:
        try:
            return api.get(f"/v1/drift-reports/{report}")
        except NotFound:
            if time.monotonic() >= give_up_at:
                return None
            time.sleep(LOOK_EVERY)


def _tell(found: dict[str, Any], json: bool) -> int:
    if json:
        as_json(found)
        return DONE
    since, until = (moment[:16].replace("T", " ") for moment in found["window"])
    print(f"{found['id']}: {found['level'].replace('_', ' ')}. {found['summary']}")
    print(f"{found['product']}, model {found['model']['name']}@{found['model']['version']}, {since} to {until} UTC")
    beside = [found[name] for name in ("score", "reason", "approval") if found[name]]
    ordered = sorted(found["features"], key=lambda column: -(column["psi"] or 0)) + beside
    table(FIGURES, [_figures(column) for column in ordered])
    for alert in found["actions"]:
        print(f"  {alert['action'].replace('_', ' ')} ({alert['state'].replace('_', ' ')}): {alert['text']}")
    for done in found.get("done", ()):
        print(f"  {done['what']}: {done['result'].replace('_', ' ')} ({done['rule']})")
    return DONE


def _figures(column: dict[str, Any]) -> dict[str, Any]:
    shown = {name: _short(column[name]) for name in ("psi", "expected_psi", "effect_size", "ks", "chi_square")}
    missing = column["missing_current"]
    return column | shown | {
        "level": column["level"].replace("_", " "),
        "p_value": "–" if column["p_value"] is None else f"{column['p_value']:.2g}",
        "missing": "–" if missing is None else f"{column['missing_reference']:.1%} → {missing:.1%}",
    }  # fmt: skip


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
