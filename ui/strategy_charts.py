"""What treatment does, drawn: the difference to those held out, with its interval."""

import altair as alt
import pandas as pd

from ui.backend import Json
from ui.drawing import axis, titled

BLUE, GREY = "#3c8fb3", "#7b8a93"


def effect(read: list[Json], ink: str | None = None) -> alt.LayerChart:
    """Below the line fewer payments were missed than by those left alone."""
    rows = [
        {"day": f"{each['day']} days", "difference": each["comparison"]["difference"],
         "low": each["comparison"]["interval"][0], "high": each["comparison"]["interval"][1]}
        for each in read
    ]  # fmt: skip
    names = [row["day"] for row in rows]
    across = alt.X("day:N", title="after the episode opened", sort=names, axis=axis(ink, labelAngle=0))
    up = alt.Y("difference:Q", title="missed payments, treated less held out", axis=axis(ink, format="+.0%"))
    base = alt.Chart(pd.DataFrame(rows))
    none = alt.Chart(pd.DataFrame({"difference": [0.0]})).mark_rule(color=GREY, strokeDash=[4, 4]).encode(y=up)
    bars = base.mark_rule(color=BLUE, strokeWidth=2).encode(
        x=across, y=alt.Y("low:Q", title="missed payments, treated less held out"), y2="high:Q"
    )
    dots = base.mark_point(filled=True, size=90, color=BLUE).encode(
        x=across, y=up, tooltip=[alt.Tooltip("day:N", title="After"),
                                 alt.Tooltip("difference:Q", format="+.1%", title="Difference")]
    )  # fmt: skip
    return (none + bars + dots).properties(title=titled("Effect on missed payments", ink), height=260)


def points(difference: float) -> str:
    """A difference of shares, in percentage points."""
    return f"{difference * 100:+.1f} points"
