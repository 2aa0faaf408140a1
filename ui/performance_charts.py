"""How forecasts turned out, drawn: bad rate and order by vintage, predicted against seen."""

from typing import Any

import altair as alt
import pandas as pd

from ui import words
from ui.backend import Json

SEEN, PREDICTED = "seen", "predicted"
# Told apart by colour-blind eyes, and legible on both grounds.
COLOURS = {SEEN: "#cf6a24", PREDICTED: "#3c8fb3"}
GREY = "#7b8a93"


def bad_rate_by_vintage(vintages: list[Json], ink: str | None = None) -> alt.LayerChart:
    """Seen with its 95 % interval, and what was predicted, for vintages that are ripe."""
    rows = []
    for vintage in vintages:
        figures = vintage["figures"]
        if figures:
            low, high = figures["seen_interval"]
            rows.append({"vintage": vintage["name"], "share": figures["seen"], "low": low, "high": high, "what": SEEN})
            rows.append({"vintage": vintage["name"], "share": figures["predicted"], "what": PREDICTED})
    table = pd.DataFrame(rows)
    month = alt.X("vintage:N", title="month of decision", axis=_axis(ink, labelAngle=0))
    share = alt.Y("share:Q", title="share of bads", axis=_axis(ink, format="%"), scale=alt.Scale(zero=True))
    tips = [alt.Tooltip("vintage", title="Decided in"), alt.Tooltip("what", title=" "),
            alt.Tooltip("share", format=".1%", title="Share of bads")]  # fmt: skip
    base = alt.Chart(table)
    bars = base.transform_filter(f"datum.what == '{SEEN}'").mark_rule(color=COLOURS[SEEN]).encode(
        x=month, y=alt.Y("low:Q", title="share of bads"), y2=alt.Y2("high:Q")
    )  # fmt: skip
    points = base.mark_point(filled=True, size=70).encode(
        x=month, y=share, color=_colours(ink), shape=alt.Shape("what:N", legend=None), tooltip=tips
    )
    return (bars + points).properties(title=_title("Bad rate by month of decision", ink), height=280)


def auc_by_vintage(vintages: list[Json], ink: str | None = None) -> alt.LayerChart:
    """How well the score ordered applicants, with DeLong's interval; a half is chance."""
    rows = [
        {"vintage": v["name"], "auc": f["auc"], "low": f["auc_interval"][0], "high": f["auc_interval"][1]}
        for v in vintages
        if (f := v["figures"]) and f["auc"] is not None
    ]
    month = alt.X("vintage:N", title="month of decision", axis=_axis(ink, labelAngle=0))
    area = alt.Y("auc:Q", title="AUC", axis=_axis(ink), scale=alt.Scale(domain=[0.4, 1.0], clamp=True))
    base = alt.Chart(pd.DataFrame(rows, columns=["vintage", "auc", "low", "high"]))
    bars = base.mark_rule(color=COLOURS[PREDICTED], clip=True).encode(
        x=month, y=alt.Y("low:Q", title="AUC"), y2=alt.Y2("high:Q")
    )
    points = base.mark_point(filled=True, size=70, color=COLOURS[PREDICTED]).encode(
        x=month, y=area, tooltip=[alt.Tooltip("vintage", title="Decided in"), alt.Tooltip("auc", format=".3f")]
    )
    chance = alt.Chart(pd.DataFrame({"auc": [0.5]})).mark_rule(color=GREY, strokeDash=[4, 4]).encode(y=alt.Y("auc:Q"))
    return (chance + bars + points).properties(title=_title("Order of applicants (AUC) by month", ink), height=280)


def reliability(figures: Json, ink: str | None = None) -> alt.LayerChart:
    """Predicted against seen in ten bins of equal count: on the line the probabilities are right."""
    rows = [
        {"predicted": b["predicted"], "seen": b["seen"], "low": b["seen_interval"][0], "high": b["seen_interval"][1],
         "rows": b["rows"]}
        for b in figures["reliability"]
    ]  # fmt: skip
    longest = max([row["high"] for row in rows] + [row["predicted"] for row in rows])
    scale = alt.Scale(domain=[0, longest], nice=False)
    across = alt.X("predicted:Q", title="predicted share of bads", axis=_axis(ink, format="%"), scale=scale)
    up = alt.Y("seen:Q", title="seen share of bads", axis=_axis(ink, format="%"), scale=scale)
    base = alt.Chart(pd.DataFrame(rows))
    right = alt.Chart(pd.DataFrame({"predicted": [0, longest], "seen": [0, longest]})).mark_line(
        color=GREY, strokeDash=[4, 4]
    )
    bars = base.mark_rule(color=COLOURS[SEEN]).encode(
        x=across, y=alt.Y("low:Q", title="seen share of bads"), y2=alt.Y2("high:Q")
    )
    points = base.mark_point(filled=True, size=70, color=COLOURS[SEEN]).encode(
        x=across,
        y=up,
        tooltip=[alt.Tooltip("predicted", format=".1%"), alt.Tooltip("seen", format=".1%"), alt.Tooltip("rows")],
    )
    layered = right.encode(x=across, y=up) + bars + points
    return layered.properties(title=_title("Predicted against seen", ink), height=280)


def vintage_table(vintages: list[Json]) -> list[dict[str, Any]]:
    """The numbers behind the charts."""
    return [
        {
            "Decided in": v["name"],
            "Decided": v["decided"],
            "Granted": v["granted"],
            "Known": v["known"],
            "State": words.word(v["state"]),
            "Seen": words.share((v["figures"] or {}).get("seen")),
            "Predicted": words.share((v["figures"] or {}).get("predicted")),
            "AUC": number((v["figures"] or {}).get("auc")),
            "AUC, 95 %": between((v["figures"] or {}).get("auc_interval")),
            "KS": number((v["figures"] or {}).get("ks")),
        }
        for v in vintages
    ]


def number(value: float | None, digits: int = 3) -> str:
    return words.NOTHING if value is None else f"{value:.{digits}f}"


def between(bounds: list[float] | None, digits: int = 3) -> str:
    return words.NOTHING if bounds is None else f"{bounds[0]:.{digits}f} to {bounds[1]:.{digits}f}"


def _axis(ink: str | None, **given: Any) -> alt.Axis:
    return alt.Axis(**given, **({"labelColor": ink, "titleColor": ink} if ink else {}))


def _title(text: str, ink: str | None) -> alt.Title:
    return alt.Title(text, anchor="start", **({"color": ink} if ink else {}))


def _colours(ink: str | None) -> alt.Color:
    legend = alt.Legend(orient="top", title=None, **({"labelColor": ink} if ink else {}))
    return alt.Color("what:N", scale=alt.Scale(domain=[*COLOURS], range=[*COLOURS.values()]), legend=legend)
