"""The portfolio, drawn: over time, by risk, by month of decision. Each chart has its table beside it."""

from datetime import tzinfo
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from ui import words
from ui.backend import Json
from ui.drawing import axis, titled

# Told apart by colour-blind eyes, and legible on both grounds; always in this order.
OUTCOMES = {
    "approve": ("Approved", "#3c8fb3"),
    "counter_offer": ("Counter-offer", "#8c6bb1"),
    "decline": ("Declined", "#cf6a24"),
    "open": ("Not decided", "#7b8a93"),
}
RISK, SEEN, LOST, GREY = "#3c8fb3", "#cf6a24", "#8c6bb1", "#7b8a93"
BAD_RATE, LOSS_RATE = "bad rate", "lost of the money lent"
HEIGHT = 320
UNIT_FORMATS = {"hour": "%-d %b %H:%M", "day": "%-d %b", "week": "%-d %b %Y", "month": "%b %Y"}


def over_time(rows: list[Json], unit: str, zone: tzinfo, ink: str | None = None) -> alt.Chart:
    """How many came in, and what became of them."""
    table = [
        {"at": day_of(row["at"], unit, zone), "what": OUTCOMES[row["outcome"]][0], "n": row["n"],
         "rank": list(OUTCOMES).index(row["outcome"])}
        for row in in_order(rows)
    ]  # fmt: skip
    names = list(dict.fromkeys(row["at"] for row in table))
    return (
        alt.Chart(pd.DataFrame(table))
        .mark_bar()
        .encode(
            x=alt.X("at:O", title=f"accepted, by {unit}", sort=names,
                    axis=axis(ink, labelAngle=-35, labelOverlap=True)),
            y=alt.Y("n:Q", title="applications", axis=axis(ink, tickMinStep=1)),
            color=_outcomes(ink),
            order=alt.Order("rank:Q"),
            tooltip=[alt.Tooltip("at:O", title="Accepted"), alt.Tooltip("what:N", title="Outcome"),
                     alt.Tooltip("n:Q", format=",", title="Applications")],
        )
        .properties(title=titled("Applications over time", ink), height=HEIGHT)
    )  # fmt: skip


def histogram(bins: list[Json], ink: str | None = None) -> alt.Chart:
    """How the probabilities of default spread; the last bar holds everything above."""
    rows = [
        {"from": b["above"], "to": b["above"] + b["width"], "n": b["n"],
         "label": f"{words.share(b['above'], 2)} to {words.share(b['above'] + b['width'], 2)}"}
        for b in bins
    ]  # fmt: skip
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_bar(color=RISK, binSpacing=1)
        .encode(
            x=alt.X("from:Q", bin="binned", title="probability of default", axis=axis(ink, format=".1~%")),
            x2=alt.X2("to:Q"),
            y=alt.Y("n:Q", title="applications", axis=axis(ink, tickMinStep=1)),
            tooltip=[alt.Tooltip("label:N", title="Risk"), alt.Tooltip("n:Q", format=",", title="Applications")],
        )
        .properties(title=titled("Probability of default", ink), height=HEIGHT)
    )


def by_risk(rows: list[Json], bounds: list[float], ink: str | None = None) -> alt.Chart:
    """What was decided in each band of risk."""
    names = band_names(bounds)
    table = pd.DataFrame(
        [{"band": names[row["band"]], "what": OUTCOMES[row["outcome"]][0], "n": row["n"]} for row in in_order(rows)]
    )
    return (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("n:Q", title="applications", axis=axis(ink, tickMinStep=1)),
            y=alt.Y("band:N", title="risk of default", sort=names, axis=axis(ink, labelOverlap=False)),
            color=_outcomes(ink),
            tooltip=[alt.Tooltip("band:N", title="Risk"), alt.Tooltip("what:N", title="Outcome"),
                     alt.Tooltip("n:Q", format=",", title="Applications")],
        )
        .properties(title=titled("Risk, and what was decided", ink), height=HEIGHT)
    )  # fmt: skip


def losses(vintages: list[Json], ink: str | None = None) -> alt.LayerChart:
    """Bad rate with its interval, and the share of the money that was lost. Hollow: too young to judge."""
    rows = [
        {"vintage": v["vintage"], "what": what, "share": v[key], "state": "ripe" if v["ripe"] else "so far",
         "known": f"{v['known']:,} of {v['granted']:,}"}
        for v in vintages
        for what, key in ((BAD_RATE, "bad_rate"), (LOSS_RATE, "loss_rate"))
        if v[key] is not None
    ]  # fmt: skip
    spans = [{"vintage": v["vintage"], "low": v["interval"][0], "high": v["interval"][1]}
             for v in vintages if v["interval"]]  # fmt: skip
    months = [v["vintage"] for v in vintages]
    across = alt.X("vintage:N", title="month of decision", sort=months, axis=axis(ink, labelAngle=-35))
    up = alt.Y("share:Q", title="share", axis=axis(ink, format="%"), scale=alt.Scale(zero=True))
    points = alt.Chart(pd.DataFrame(rows)).mark_point(size=70, strokeWidth=2).encode(
        x=across, y=up,
        color=alt.Color("what:N", scale=alt.Scale(domain=[BAD_RATE, LOSS_RATE], range=[SEEN, LOST]),
                        legend=_legend(ink)),
        shape=alt.Shape("what:N", legend=None),
        fillOpacity=alt.condition("datum.state == 'ripe'", alt.value(1), alt.value(0)),
        fill=alt.Color("what:N", scale=alt.Scale(domain=[BAD_RATE, LOSS_RATE], range=[SEEN, LOST]), legend=None),
        tooltip=[alt.Tooltip("vintage:N", title="Decided in"), alt.Tooltip("what:N", title=" "),
                 alt.Tooltip("share:Q", format=".1%", title="Share"), alt.Tooltip("known:N", title="Ends known"),
                 alt.Tooltip("state:N", title="State")],
    )  # fmt: skip
    bars = alt.Chart(pd.DataFrame(spans)).mark_rule(color=SEEN).encode(
        x=across, y=alt.Y("low:Q", title="share"), y2=alt.Y2("high:Q")
    )  # fmt: skip
    return (bars + points).properties(title=titled("Bad rate and loss by month of decision", ink), height=HEIGHT)


# Tables ----------------------------------------------------------------------------------------


def time_table(rows: list[Json], unit: str, zone: tzinfo) -> list[dict[str, Any]]:
    return [
        {"Accepted": day_of(row["at"], unit, zone), "Outcome": OUTCOMES[row["outcome"]][0],
         "Applications": f"{row['n']:,}", "By a person": f"{row['by_person']:,}"}
        for row in in_order(rows)
    ]  # fmt: skip


def risk_table(rows: list[Json], bounds: list[float]) -> list[dict[str, Any]]:
    names = band_names(bounds)
    counts = {(row["band"], row["outcome"]): row["n"] for row in rows}
    return [
        {"Risk of default": name} | {word: f"{counts.get((band, code), 0):,}" for code, (word, _) in OUTCOMES.items()}
        for band, name in enumerate(names)
    ]


def vintage_table(vintages: list[Json]) -> list[dict[str, Any]]:
    return [
        {"Decided in": v["vintage"], "Granted": f"{v['granted']:,}", "Ends known": f"{v['known']:,}",
         "Bad": f"{v['bad']:,}", "Bad rate": words.share(v["bad_rate"]),
         "95 %": " to ".join(words.share(b) for b in v["interval"]) if v["interval"] else words.NOTHING,
         "Lost": words.money(v["lost"], v["currency"]) if v["lost"] else words.NOTHING,
         "Of the money lent": words.share(v["loss_rate"]), "State": "Ripe" if v["ripe"] else "Too young to judge"}
        for v in vintages
    ]  # fmt: skip


def band_names(bounds: list[float]) -> list[str]:
    said = [f"{bound * 100:g} %" for bound in bounds]
    return [
        f"under {said[0]}",
        *(f"{low[:-2]} to {high}" for low, high in pairwise(said)),
        f"{said[-1]} and more",
    ]


def in_order(rows: list[Json]) -> list[Json]:
    known = [row for row in rows if row["outcome"] in OUTCOMES]
    return sorted(known, key=lambda row: (row.get("at") or "", list(OUTCOMES).index(row["outcome"])))


def day_of(at: str, unit: str, zone: tzinfo) -> str:
    found = words.as_time(at)
    return words.NOTHING if found is None else f"{found.astimezone(zone):{UNIT_FORMATS[unit]}}"


def _outcomes(ink: str | None) -> alt.Color:
    names, colours = zip(*OUTCOMES.values(), strict=True)
    return alt.Color("what:N", scale=alt.Scale(domain=list(names), range=list(colours)), legend=_legend(ink))


def _legend(ink: str | None) -> alt.Legend:
    return alt.Legend(orient="top", title=None, columns=2, **({"labelColor": ink} if ink else {}))
