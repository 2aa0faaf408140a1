"""The console draws its tables itself: Streamlit's own come with a download, or draw Markdown."""

import ast
from pathlib import Path

UI = Path(__file__).resolve().parent.parent.parent / "ui"
THEIRS = {"dataframe", "data_editor", "table"}


def test_no_page_calls_streamlits_tables():
    """A hidden download button was still there for whoever looked (docs/decisions/0021)."""
    calls = [
        f"{file.name}:{node.lineno}"
        for file in sorted(UI.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in THEIRS
        and ast.unparse(node.func.value) != "show"
    ]
    assert calls == []
