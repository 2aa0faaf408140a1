"""What every chart has: axes and titles in the ink of the theme; and how it is handed over to the page."""

from typing import Any

import altair as alt
from altair.utils import schemapi

# Once, for it holds for all threads: one that set it for itself would set it for who draws at the same moment.
alt.data_transformers.enable("default", consolidate_datasets=False, max_rows=None)
# What a chart is made of is checked by the tests: to check it at every look takes a third of the time a chart takes.
schemapi.DEBUG_MODE = False
VIEW = ("mark", "encoding", "transform", "params")  # what belongs to one view, and not to the whole


def axis(ink: str | None, **given: Any) -> alt.Axis:
    return alt.Axis(**given, **({"labelColor": ink, "titleColor": ink} if ink else {}))


def titled(text: str, ink: str | None) -> alt.Title:
    return alt.Title(text, anchor="start", **({"color": ink} if ink else {}))


def draw(place: Any, chart: alt.Chart | alt.LayerChart, alt_text: str, key: str | None = None) -> None:
    """On the page or in a part of it. The figures go inside the drawing: what Streamlit is given apart from it, it
    offers to everybody as a grid with a download (docs/decisions/0021)."""
    place.vega_lite_chart(figures_inside(chart.to_dict(validate=False)), alt=alt_text, key=key)


def figures_inside(spec: dict[str, Any]) -> dict[str, Any]:
    """The same drawing with its figures in its layers, where Streamlit does not take them out."""
    figures = spec.pop("data", None)
    if figures is None:
        return spec
    if "layer" not in spec:
        spec["layer"] = [{name: spec.pop(name) for name in VIEW if name in spec}]
    spec["layer"] = [{"data": figures} | layer for layer in spec["layer"]]
    return spec
