"""A release, drawn: how far its phases are, and where each gate stands against its limit."""

from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd

from ui import words
from ui.backend import Json
from ui.drawing import axis, titled

# Told apart by colour-blind eyes, and legible on both grounds.
STANDS = {"pass": "#3c8fb3", "wait": "#b58a1d", "breach": "#cf4a4a"}
REACHED, AHEAD = "#3c8fb3", "#9aa7af"
MEASURES = {
    "latency": "Latency (95th percentile, new over old)",
    "errors": "Errors (share, new less old)",
    "prediction_shift": "Predictions (mean, new over old)",
    "reason_mix": "Mix of reasons (distance)",
    "calibration": "Calibration (seen over expected)",
    "fairness": "Fairness (loss of approval ratio)",
}


def phases(rollout: Json, ink: str | None = None) -> alt.LayerChart:
    """The share of applicants phase by phase, and how far it is."""
    reached = _reached(rollout)
    rows = [
        {"phase": phase["name"], "share": phase["share"], "state": "reached" if place <= reached else "ahead"}
        for place, phase in enumerate(rollout["plan"]["phases"])
    ]
    order = [row["phase"] for row in rows]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("phase:N", title="phase", sort=order, axis=axis(ink, labelAngle=0)),
        y=alt.Y("share:Q", title="share of applicants", axis=axis(ink, format="%"), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("state:N", scale=alt.Scale(domain=["reached", "ahead"], range=[REACHED, AHEAD]), legend=None),
        tooltip=[alt.Tooltip("phase"), alt.Tooltip("share", format=".0%"), alt.Tooltip("state")],
    )
    return (base.mark_bar() + base.mark_tick(thickness=3)).properties(
        title=titled("Phases, and how far it is", ink), height=220
    )


def gates(readings: list[Json], ink: str | None = None) -> alt.LayerChart:
    """Each gate as a multiple of its limit, with its interval: beyond one is beyond the limit."""
    rows = [
        {
            "gate": MEASURES.get(reading["measure"], reading["measure"]),
            "value": reading["value"] / reading["limit"],
            "low": reading["interval"][0] / reading["limit"],
            "high": reading["interval"][1] / reading["limit"],
            "verdict": reading["verdict"],
        }
        for reading in readings
        if reading["value"] is not None
    ]
    base = alt.Chart(pd.DataFrame(rows, columns=["gate", "value", "low", "high", "verdict"]))
    up = alt.Y("gate:N", title=None, axis=axis(ink, labelLimit=300))
    across = alt.X("value:Q", title="multiple of the limit", axis=axis(ink))
    colour = alt.Color("verdict:N", scale=alt.Scale(domain=list(STANDS), range=list(STANDS.values())), legend=None)
    bars = base.mark_rule(strokeWidth=3).encode(
        y=up, x=alt.X("low:Q", title="multiple of the limit"), x2=alt.X2("high:Q"), color=colour
    )
    points = base.mark_point(filled=True, size=80).encode(
        y=up, x=across, color=colour, tooltip=[alt.Tooltip("gate"), alt.Tooltip("value", format=".2f")]
    )
    limit = alt.Chart(pd.DataFrame({"limit": [1.0]})).mark_rule(color=STANDS["breach"], strokeDash=[5, 4])
    return (limit.encode(x=alt.X("limit:Q")) + bars + points).properties(
        title=titled("Gates, with 95 % intervals", ink), height=max(120, 46 * len(rows))
    )


def gate_table(readings: list[Json]) -> list[dict[str, Any]]:
    """The numbers behind the chart."""
    return [
        {
            "Gate": MEASURES.get(reading["measure"], reading["measure"]),
            "Stands": words.word(f"gate_{reading['verdict']}"),
            "Value": words.NOTHING if reading["value"] is None else f"{reading['value']:.3f}",
            "95 %": words.NOTHING
            if reading["interval"] is None
            else f"{reading['interval'][0]:.3f} to {reading['interval'][1]:.3f}",
            "Limit": f"{reading['limit']:g}",
            "New": f"{reading['n_new']:,}",
            "Old": f"{reading['n_old']:,}",
            "Needed": f"{reading['minimum_n']:,}",
        }
        for reading in readings
    ]


def history_table(evaluations: list[Json], zone: Any) -> list[dict[str, Any]]:
    """When it was looked at, and how it stood."""
    return [
        {"Looked at": words.moment(datetime.fromisoformat(one["evaluated_at"]), zone), "Phase": one["phase"] + 1,
         "Stands": words.word(f"gate_{one['verdict']}")}
        for one in evaluations
    ]  # fmt: skip


def _reached(rollout: Json) -> int:
    names = [phase["name"] for phase in rollout["plan"]["phases"]]
    return -1 if rollout["state"] == "rolled_back" else names.index(rollout["phase"])
