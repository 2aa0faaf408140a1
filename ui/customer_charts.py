"""A customer's own rhythm and risk, drawn; each chart has its table."""

from typing import Any

import altair as alt
import pandas as pd

from ui import words
from ui.backend import Json
from ui.drawing import axis, titled

IN, OUT, LATE, GREY = "#3c8fb3", "#cf6a24", "#c0392b", "#7b8a93"
FLOWS = {"income": ("came in", IN), "spent": ("was spent", OUT)}
HEIGHT = 240


def risk_over_time(history: list[Json], ink: str | None = None) -> alt.Chart:
    """The probability at each change of level; None where a rule alone gave the level."""
    rows = [
        {"at": change["as_of"], "probability": change["probability"], "level": words.word(change["level"])}
        for change in reversed(history)
        if change["probability"] is not None
    ]
    table = pd.DataFrame(rows)
    table["at"] = pd.to_datetime(table["at"], utc=True)
    return (
        alt.Chart(table)
        .mark_line(point=True, color=OUT, interpolate="step-after")
        .encode(
            x=alt.X("at:T", title="as of", axis=axis(ink)),
            y=alt.Y("probability:Q", title="probability of a missed payment", axis=axis(ink, format=".0%"),
                    scale=alt.Scale(zero=True)),
            tooltip=[alt.Tooltip("at:T", title="As of"), alt.Tooltip("level:N", title="Level"),
                     alt.Tooltip("probability:Q", format=".1%", title="Probability")],
        )
        .properties(title=titled("Risk, change by change", ink), height=HEIGHT)
    )  # fmt: skip


def weeks(rows: list[Json], ink: str | None = None) -> alt.Chart:
    """What came in and what was spent, week by week."""
    flat = [{"monday": row["monday"], "what": FLOWS[flow][0], "amount": row[flow]} for row in rows for flow in FLOWS]
    names, colours = zip(*FLOWS.values(), strict=True)
    return (
        alt.Chart(pd.DataFrame(flat))
        .mark_bar()
        .encode(
            x=alt.X("monday:O", title="week from", axis=axis(ink, labelAngle=-35, labelOverlap=True)),
            xOffset=alt.XOffset("what:N", sort=list(names)),
            y=alt.Y("amount:Q", title="amount", axis=axis(ink)),
            color=alt.Color("what:N", title=None, scale=alt.Scale(domain=list(names), range=list(colours)),
                            legend=_legend(ink)),
            tooltip=[alt.Tooltip("monday:O", title="Week from"), alt.Tooltip("what:N", title=" "),
                     alt.Tooltip("amount:Q", format=",.2f", title="Amount")],
        )
        .properties(title=titled("In and out, week by week", ink), height=HEIGHT)
    )  # fmt: skip


def months(rows: list[Json], ink: str | None = None) -> alt.LayerChart:
    """What was billed and what of it was paid; red where a month was reported late."""
    flat = [
        {"month": row["month"][:7], "what": what, "amount": row[key],
         "late": "late" if (row["months_late"] or 0) > 0 else "on time or not said"}
        for row in rows for what, key in (("billed", "bill"), ("paid", "paid")) if row[key] is not None
    ]  # fmt: skip
    late = [{"month": row["month"][:7], "amount": 0, "months": row["months_late"]}
            for row in rows if (row["months_late"] or 0) > 0]  # fmt: skip
    across = alt.X("month:O", title="month", axis=axis(ink, labelAngle=-35))
    bars = alt.Chart(pd.DataFrame(flat)).mark_bar().encode(
        x=across, xOffset=alt.XOffset("what:N", sort=["billed", "paid"]),
        y=alt.Y("amount:Q", title="amount", axis=axis(ink)),
        color=alt.Color("what:N", title=None, legend=_legend(ink),
                        scale=alt.Scale(domain=["billed", "paid"], range=[GREY, IN])),
        tooltip=[alt.Tooltip("month:O", title="Month"), alt.Tooltip("what:N", title=" "),
                 alt.Tooltip("amount:Q", format=",.2f", title="Amount"), alt.Tooltip("late:N", title="State")],
    )  # fmt: skip
    layers: list[Any] = [bars]
    if late:  # a layer without marks is an image without a name
        marks = alt.Chart(pd.DataFrame(late)).mark_point(
            shape="triangle-up", size=120, filled=True, color=LATE
        ).encode(x=across, y="amount:Q", tooltip=[alt.Tooltip("month:O", title="Late in"),
                                                  alt.Tooltip("months:Q", title="Months late")])  # fmt: skip
        layers.append(marks)
    return alt.layer(*layers).properties(title=titled("Bills and payments (red: reported late)", ink), height=HEIGHT)


def rhythm(pace: Json, ink: str | None = None) -> alt.LayerChart:
    """The days on which something regular came, with its amount, and the day it is expected next."""
    seen = [{"day": one["day"], "amount": one["amount"], "what": "came"} for one in pace["seen"]]
    base = alt.Chart(pd.DataFrame(seen).assign(day=lambda t: pd.to_datetime(t["day"])))
    amount = alt.Y("amount:Q", title="amount", axis=axis(ink), scale=alt.Scale(zero=True))
    stems = base.mark_bar(width=3, color=IN).encode(
        x=alt.X("day:T", title=None, axis=axis(ink)), y=amount,
        tooltip=[alt.Tooltip("day:T", title="Day"), alt.Tooltip("amount:Q", format=",.2f", title="Amount")],
    )  # fmt: skip
    layers = [stems]
    if pace["expected"]:
        due = pd.DataFrame({"day": pd.to_datetime([pace["expected"]]), "say": ["expected"]})
        layers.append(
            alt.Chart(due).mark_rule(color=OUT, strokeDash=[4, 4], strokeWidth=2).encode(
                x="day:T", tooltip=[alt.Tooltip("day:T", title="Expected next")]
            )
        )  # fmt: skip
    name = words.plain_code(pace["name"])
    return alt.layer(*layers).properties(title=titled(f"{name} (dashed: expected next)", ink), height=150)


def _legend(ink: str | None) -> Any:
    return alt.Legend(orient="top", title=None, **({"labelColor": ink} if ink else {}))
