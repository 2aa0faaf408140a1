"""`plimsoll model performance`: how forecasts turned out."""

from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, table
from starter.cli.remote import Remote

STATES = {
    "ripe": "ripe",
    "partly_known": "old enough, partly known",
    "young": "too young to judge",
    "nothing_granted": "nothing granted",
}


def add_to(app: typer.Typer) -> None:
    app.command("performance")(performance)


def performance(
    product: Annotated[str, typer.Argument(help="Product whose decisions are held against what became of them.")],
    as_of: Annotated[str | None, typer.Option(help="What was known on this day, YYYY-MM-DD: today.")] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """How decisions turned out: by month of decision, by model version and arm, once labels are ripe."""
    with Remote(role or "analyst", timeout=120) as api:
        found = api.get("/v1/performance", product=product, as_of=as_of)
    as_json(found) if json else _print(found)
    return DONE


def _print(found: dict[str, Any]) -> None:
    print(f"{found['product']}, as known on {found['as_of']}: {found['known']} of {found['decided']} have an outcome.")
    if not found["decided"]:
        return
    table(
        {"decided in": "name", "decided": "decided", "granted": "granted", "known": "known", "": "state",
         "seen": "seen", "predicted": "predicted", "AUC": "auc", "95 % interval": "auc_interval", "KS": "ks",
         "early marks": "early"},
        (_row(vintage) for vintage in found["vintages"]),
    )  # fmt: skip
    if found["overall"]:
        _print_figures("All ripe vintages together", found["overall"])
    for heading, cohorts in (("Model", found["by_model"]), ("Arm", found["by_arm"])):
        if len(cohorts) > 1:
            table(
                {heading: "name", "decided": "decided", "known": "known", "seen": "seen", "predicted": "predicted",
                 "AUC": "auc", "95 % interval": "auc_interval", "KS": "ks"},
                (_row(cohort) for cohort in cohorts),
            )  # fmt: skip
    for sentence in found["words"]:
        print(sentence)


def _row(cohort: dict[str, Any]) -> dict[str, Any]:
    figures = cohort["figures"] or {}
    shown = {name: cohort[name] for name in ("name", "decided", "granted", "known")}
    shown |= {name: figures.get(name) for name in ("auc", "ks")}
    shown |= {name: _percent(figures.get(name)) for name in ("seen", "predicted")}
    return shown | {
        "state": STATES.get(cohort["state"], ""),
        "auc_interval": _interval(figures.get("auc_interval")),
        "early": ", ".join(_early(mark) for mark in cohort["early"]),
    }


def _early(mark: dict[str, Any]) -> str:
    return f"{mark['mark'].replace('_', ' ')} {_percent(mark['rate'])}{'' if mark['ready'] else ' so far'}"


def _print_figures(heading: str, figures: dict[str, Any]) -> None:
    print(f"{heading}: {figures['rows']} applications, {figures['bads']} bad.")
    low, high = figures["seen_interval"]
    print(f"  seen {_percent(figures['seen'])} bad ({_percent(low)} to {_percent(high)}), predicted "
          f"{_percent(figures['predicted'])}")  # fmt: skip
    if figures["auc"] is not None:
        print(f"  AUC {figures['auc']:.3f} ({_interval(figures['auc_interval'])}), KS {figures['ks']:.3f}")
    if figures["calibration"]:
        line = figures["calibration"]
        print(
            f"  calibration: slope {line['slope']:.2f} ({_interval(line['slope_interval'])}), intercept "
            f"{line['intercept']:.2f} ({_interval(line['intercept_interval'])}), error {figures['ece']:.3f} where a "
            f"perfect model stays below {figures['ece_perfect_model_95']:.3f}: "
            f"{'right' if figures['calibrated'] else 'off'}"
        )
    matrix = figures["confusion"]
    print(
        f"  at the cut {matrix['cut']:.3%}: {matrix['false_positives']} good above it (cost "
        f"{matrix['cost_of_false_positives']:g}), {matrix['false_negatives']} bad below it (cost "
        f"{matrix['cost_of_false_negatives']:g}), {matrix['true_positives']} bad and {matrix['true_negatives']} good "
        f"on their side; {matrix['cost_per_applicant']:.3f} per applicant, in units of a good one declined"
    )
    if figures["note"]:
        print(f"  {figures['note']}")


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _interval(bounds: list[float] | None) -> str | None:
    return None if bounds is None else f"{bounds[0]:.3f} to {bounds[1]:.3f}"
