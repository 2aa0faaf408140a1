"""Drift, drawn: how far each feature moved, week by week, and bin by bin."""

from typing import Any

import altair as alt
import pandas as pd

from ui.backend import Json
from ui.drawing import axis, titled

LEVELS = {"act": "#c0392b", "look": "#cf6a24", "quiet": "#3c8fb3", "too_small": "#7b8a93"}
LEVEL_WORDS = {"act": "act on it", "look": "look at it", "quiet": "quiet", "too_small": "too few rows"}
TRAINING, NOW = "training", "now"
SIDES = {TRAINING: "#7b8a93", NOW: "#cf6a24"}
LIMITS = (0.1, 0.25)
GREY = "#7b8a93"
MOST_LINES = 8
MOST_BARS = 25


def by_feature(columns: list[Json], ink: str | None = None) -> alt.LayerChart:
    """PSI of every column, worst first, with the usual limits and what chance alone would give."""
    rows = [
        {"feature": c["feature"], "psi": c["psi"], "expected": c["expected_psi"], "level": LEVEL_WORDS[c["level"]],
         "rows": c["n_current"], "p": c["p_value"]}
        for c in worst_first(columns)
    ]  # fmt: skip
    names = [row["feature"] for row in rows]
    up = alt.Y("feature:N", title="column", sort=names, axis=axis(ink, labelLimit=220, labelOverlap=False))
    colours = alt.Color(
        "level:N", title="level", scale=alt.Scale(domain=list(LEVEL_WORDS.values()), range=list(LEVELS.values())),
        legend=alt.Legend(orient="top", **({"labelColor": ink, "titleColor": ink} if ink else {})),
    )  # fmt: skip
    tips = [
        alt.Tooltip("feature", title="Column"), alt.Tooltip("psi", format=".3f", title="PSI"),
        alt.Tooltip("expected", format=".3f", title="By chance"), alt.Tooltip("rows", format=",", title="Rows now"),
        alt.Tooltip("p", format=".2g", title="p"),
    ]  # fmt: skip
    base = alt.Chart(pd.DataFrame(rows))
    bars = base.mark_bar(height=14).encode(x=_psi(ink), y=up, color=colours, tooltip=tips)
    chance = base.mark_tick(color=GREY, thickness=2, size=18).encode(x=alt.X("expected:Q"), y=up)
    limits = alt.Chart(pd.DataFrame({"psi": LIMITS})).mark_rule(color=GREY, strokeDash=[4, 4]).encode(x=alt.X("psi:Q"))
    # A step each: of a height in all, legend and axis take their part, and every second name went.
    return (bars + chance + limits).properties(title=titled("How far each column moved", ink), height=alt.Step(22))


def over_time(history: list[Json], ink: str | None = None) -> alt.LayerChart:
    """PSI of the columns that moved most, check by check."""
    table = pd.DataFrame(history)
    furthest = table.groupby("feature")["psi"].max().sort_values(ascending=False).index[:MOST_LINES]
    table = table[table["feature"].isin(furthest)].assign(at=pd.to_datetime(table["window_to"], utc=True))
    colours = alt.Color(
        "feature:N", title="column", sort=list(furthest), scale=alt.Scale(scheme="tableau10"),
        legend=alt.Legend(orient="right", **({"labelColor": ink, "titleColor": ink} if ink else {})),
    )  # fmt: skip
    lines = alt.Chart(table).mark_line(point=True).encode(
        x=alt.X("at:T", title="end of the window", axis=axis(ink)),
        y=alt.Y("psi:Q", title="PSI", axis=axis(ink), scale=alt.Scale(zero=True)),
        color=colours,
        tooltip=[alt.Tooltip("feature", title="Column"), alt.Tooltip("at", title="Until"),
                 alt.Tooltip("psi", format=".3f", title="PSI"), alt.Tooltip("n_current", format=",", title="Rows")],
    )  # fmt: skip
    limits = alt.Chart(pd.DataFrame({"psi": LIMITS})).mark_rule(color=GREY, strokeDash=[4, 4]).encode(y=alt.Y("psi:Q"))
    return (lines + limits).properties(title=titled("PSI check by check", ink), height=280)


def bins(column: Json, ink: str | None = None) -> alt.Chart:
    """The shares of one column's bins, in training and now."""
    chosen = shown_bins(column)
    rows = [
        {"bin": each["label"], "what": side, "share": each[key]}
        for each in chosen
        for side, key in ((TRAINING, "reference"), (NOW, "current"))
    ]
    order = [each["label"] for each in chosen]
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_bar()
        .encode(
            x=alt.X("bin:N", title=column["feature"], sort=order, axis=axis(ink, labelAngle=-35, labelLimit=160)),
            xOffset=alt.XOffset("what:N", sort=list(SIDES)),
            y=alt.Y("share:Q", title="share of applications", axis=axis(ink, format="%")),
            color=alt.Color(
                "what:N", title=None, scale=alt.Scale(domain=list(SIDES), range=list(SIDES.values())),
                legend=alt.Legend(orient="top", **({"labelColor": ink} if ink else {})),
            ),
            tooltip=[alt.Tooltip("bin", title="Bin"), alt.Tooltip("what", title=" "),
                     alt.Tooltip("share", format=".1%", title="Share")],
        )
        .properties(title=titled(f"{column['feature']}: training and now", ink), height=280)
    )  # fmt: skip


def shown_bins(column: Json) -> list[Json]:
    """Bins with something in them; of a long list those that moved most."""
    there = [each for each in column["bins"] if each["reference"] or each["current"]]
    if len(there) <= MOST_BARS:
        return there
    furthest = sorted(there, key=lambda each: -abs(each["reference"] - each["current"]))[:MOST_BARS]
    return [each for each in there if each in furthest]


def worst_first(columns: list[Json]) -> list[Json]:
    return sorted((c for c in columns if c["psi"] is not None), key=lambda c: -c["psi"])


def _psi(ink: str | None) -> Any:
    return alt.X("psi:Q", title="PSI (dashed: 0.1 and 0.25; tick: by chance)", axis=axis(ink))
