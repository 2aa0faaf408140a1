"""What a model was measured at, drawn: its ROC curve, calibration, gains, and what its scores hang on."""

from typing import Any

import altair as alt
import pandas as pd

from ui.backend import Json

LINE, GREY = "#3c8fb3", "#7b8a93"
HIGH = 280
MOST_BARS = 15


def roc(points: list[Json], ink: str | None = None) -> alt.LayerChart:
    """Bads found against goods mistaken for bads, at every cut; the diagonal is chance."""
    return _curve(
        pd.DataFrame(points),
        ("false_positive", "goods above the cut"),
        ("true_positive", "bads above the cut"),
        "ROC curve",
        ink,
    )


def gains(points: list[Json], ink: str | None = None) -> alt.LayerChart:
    """How many of all bads are among the riskiest share of applicants."""
    return _curve(
        pd.DataFrame(points),
        ("share", "riskiest share of applicants"),
        ("bads", "share of all bads among them"),
        "Gains",
        ink,
    )


def calibration(bins: list[Json], ink: str | None = None) -> alt.LayerChart:
    """Predicted against seen, with 95 % intervals: on the line the probabilities are right."""
    table = pd.DataFrame(bins)
    longest = float(max(table[[name for name in ("predicted", "seen", "high") if name in table]].max()))
    scale = alt.Scale(domain=[0, longest], nice=False)
    across = alt.X("predicted:Q", title="predicted share of bads", axis=_axis(ink), scale=scale)
    up = alt.Y("seen:Q", title="seen share of bads", axis=_axis(ink), scale=scale)
    line = alt.Chart(pd.DataFrame({"predicted": [0, longest], "seen": [0, longest]})).mark_line(
        color=GREY, strokeDash=[4, 4]
    )
    layers = [line.encode(x=across, y=up)]
    if "low" in table:
        rules = alt.Chart(table).mark_rule(color=LINE)
        layers.append(rules.encode(x=across, y=alt.Y("low:Q", title="seen share of bads"), y2="high:Q"))
    points = alt.Chart(table).mark_point(filled=True, size=70, color=LINE)
    layers.append(points.encode(x=across, y=up, tooltip=[*table.columns]))
    return alt.layer(*layers).properties(title=_title("Calibration", ink), height=HIGH)


def importance(features: list[Json], ink: str | None = None) -> alt.Chart:
    """What share of all contributions each feature has, the largest first."""
    table = pd.DataFrame(features).sort_values("share", ascending=False).head(MOST_BARS)
    return (
        alt.Chart(table)
        .mark_bar(color=LINE)
        .encode(
            x=alt.X("share:Q", title="share of what moves the score", axis=_axis(ink)),
            y=alt.Y("feature:N", title=None, sort="-x", axis=_axis(ink, format="", labelLimit=260)),
            tooltip=[*table.columns],
        )
        .properties(title=_title("What its scores hang on", ink), height=alt.Step(22))
    )


def _curve(
    table: pd.DataFrame, across: tuple[str, str], up: tuple[str, str], title: str, ink: str | None
) -> alt.LayerChart:
    x = alt.X(f"{across[0]}:Q", title=across[1], axis=_axis(ink))
    y = alt.Y(f"{up[0]}:Q", title=up[1], axis=_axis(ink))
    ends = pd.DataFrame({across[0]: [0, 1], up[0]: [0, 1]})
    chance = alt.Chart(ends).mark_line(color=GREY, strokeDash=[4, 4]).encode(x=x, y=y)
    line = alt.Chart(table).mark_line(color=LINE).encode(x=x, y=y, tooltip=[*table.columns])
    return (chance + line).properties(title=_title(title, ink), height=HIGH)


def _axis(ink: str | None, format: str = "%", **given: Any) -> alt.Axis:
    return alt.Axis(**({"format": format} if format else {}), **given, **_inked(ink))


def _inked(ink: str | None) -> dict[str, str]:
    return {"labelColor": ink, "titleColor": ink} if ink else {}


def _title(text: str, ink: str | None) -> alt.Title:
    return alt.Title(text, anchor="start", **({"color": ink} if ink else {}))
