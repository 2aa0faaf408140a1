"""What an experiment found, drawn: the difference with its interval, against none and against the one sought."""

import altair as alt
import pandas as pd

from ui.backend import Json

COLOUR, GREY = "#3c8fb3", "#7b8a93"
NAMES = {"bad_rate": "bad rate", "cost": "cost per applicant", "auc": "AUC"}


def difference(comparison: Json, question: Json, ink: str | None = None) -> alt.LayerChart:
    """Challenger less champion. The dashed line is no difference, the dotted one the effect that was planned for."""
    dyed = {"labelColor": ink, "titleColor": ink} if ink else {}
    low, high = comparison["interval"]
    sought = question["effect"] if question["metric"] == "auc" else -question["effect"]
    reach = max(abs(low), abs(high), abs(sought)) * 1.15
    title_of_axis = f"difference in {NAMES[question['metric']]}, challenger less champion"
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    across = alt.X("difference:Q", title=title_of_axis, axis=alt.Axis(**dyed), scale=scale)
    row = alt.Y("arm:N", title=None, axis=None)
    found = alt.Chart(
        pd.DataFrame(
            [{"arm": "", "difference": comparison["difference"], "low": low, "high": high, "p": comparison["p"]}]
        )
    )
    bar = found.mark_rule(color=COLOUR, strokeWidth=3).encode(
        x=alt.X("low:Q", title=title_of_axis, axis=alt.Axis(**dyed), scale=scale), x2="high:Q", y=row
    )
    point = found.mark_point(filled=True, size=120, color=COLOUR).encode(
        x=across, y=row, tooltip=[alt.Tooltip("difference", format="+.4f"), alt.Tooltip("p", format=".4f")]
    )
    lines = [
        alt.Chart(pd.DataFrame({"difference": [at]})).mark_rule(color=GREY, strokeDash=dash).encode(x=across)
        for at, dash in ((0.0, [6, 4]), (sought, [2, 3]))
    ]
    title = alt.Title("Difference with its 95 % interval", anchor="start", **({"color": ink} if ink else {}))
    return (lines[0] + lines[1] + bar + point).properties(title=title, height=90)
