"""What every chart has: axes and titles in the ink of the theme."""

from typing import Any

import altair as alt


def axis(ink: str | None, **given: Any) -> alt.Axis:
    return alt.Axis(**given, **({"labelColor": ink, "titleColor": ink} if ink else {}))


def titled(text: str, ink: str | None) -> alt.Title:
    return alt.Title(text, anchor="start", **({"color": ink} if ink else {}))
