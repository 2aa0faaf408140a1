"""The console draws its tables and hands over its charts itself: Streamlit's own way gives their figures a download."""

import ast
from pathlib import Path

UI = Path(__file__).resolve().parent.parent.parent / "ui"
THEIRS = {"dataframe", "data_editor", "table"}
THEIR_CHARTS = {"altair_chart", "vega_lite_chart", "line_chart", "bar_chart", "area_chart", "scatter_chart"}


def calls_of(names: set[str]) -> list[str]:
    return [
        f"{file.name}:{node.lineno}"
        for file in sorted(UI.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
        and ast.unparse(node.func.value) != "show"
    ]


def test_no_page_calls_streamlits_tables():
    """A hidden download button was still there for whoever looked (docs/decisions/0021)."""
    assert calls_of(THEIRS) == []


def test_charts_are_handed_over_in_one_place():
    """Given to Streamlit apart from the drawing, the figures get a grid with a download."""
    assert [call.partition(":")[0] for call in calls_of(THEIR_CHARTS)] == ["drawing.py"]
