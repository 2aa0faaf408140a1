"""The score as a waterfall: how each fact moved this applicant's odds of default."""

import math
from typing import Any

import altair as alt
import pandas as pd

from ui import words

RAISES, LOWERS = "raises risk", "lowers risk"
# Told apart by colour-blind eyes, and legible on both grounds.
TOTAL = "all together"
COLOURS = {RAISES: "#cf6a24", LOWERS: "#3c8fb3", TOTAL: "#7b8a93"}
MOST_BARS = 10


def waterfall(details: dict[str, Any], ink: str | None = None) -> alt.Chart:
    """`ink` is the colour of its words; the theme's own when None."""
    dyed = {"labelColor": ink, "titleColor": ink} if ink else {}
    steps = bars(details["contributions"], details["features"])
    table = pd.DataFrame(steps)
    facts = alt.Axis(labelLimit=230, domain=False, ticks=False, **dyed)
    odds = alt.Axis(labelExpr=ODDS, tickCount=5, labelFlush=True, **dyed)
    legend = alt.Legend(
        orient="top", direction="vertical", title=None, values=[RAISES, LOWERS], **({"labelColor": ink} if ink else {})
    )
    return (
        alt.Chart(table)
        .mark_bar(height=14, cornerRadius=2)
        .encode(
            y=alt.Y("fact:N", sort=None, title=None, axis=facts),
            x=alt.X("begin:Q", title="odds of default", axis=odds),
            x2=alt.X2("end:Q"),
            color=alt.Color(
                "direction:N", scale=alt.Scale(domain=[*COLOURS], range=[*COLOURS.values()]), legend=legend
            ),
            tooltip=[alt.Tooltip("fact:N", title="Fact"), alt.Tooltip("effect:N", title="Effect")],
        )
        .properties(height=alt.Step(22))
    )


# Log-odds add up, so bars are drawn in them; people read what they multiply the odds by.
ODDS = "'× ' + format(exp(datum.value), exp(datum.value) < 1 ? '.2f' : '.1f')"


def bars(contributions: dict[str, float], features: dict[str, Any]) -> list[dict[str, Any]]:
    """One bar per fact, the largest first, each beginning where the last one ended."""
    ordered = sorted(contributions.items(), key=lambda pair: -abs(pair[1]))
    shown, rest = ordered[:MOST_BARS], ordered[MOST_BARS:]
    steps, at = [], 0.0
    for name, moved in shown:
        said = words.value_in_words(features.get(name)).replace("_", " ")
        steps.append(_bar(f"{words.plain_code(name)}: {said}", at, moved))
        at += moved
    if rest:
        steps.append(_bar(f"{len(rest)} smaller ones", at, sum(moved for _, moved in rest)))
    together = _bar("All together", 0.0, at)
    return [*steps, together | {"direction": TOTAL}]


def _bar(fact: str, begin: float, moved: float) -> dict[str, Any]:
    direction = RAISES if moved > 0 else LOWERS
    return {
        "fact": fact,
        "begin": begin,
        "end": begin + moved,
        "direction": direction,
        "effect": f"{direction}: odds × {math.exp(moved):.2f}",
    }
