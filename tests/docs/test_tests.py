"""Tests are examples that a colleague would read aloud, so their names are sentences."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHORTEST_SENTENCE = 3  # words: who does what


def test_every_test_says_what_it_protects():
    """By its name, or, where the name is short, by a docstring."""
    silent = [
        f"{file.relative_to(ROOT)}:{test.lineno} {test.name}"
        for file in sorted((ROOT / "tests").glob("**/test_*.py"))
        for test in examples_in(file)
        if len(test.name.removeprefix("test_").split("_")) < SHORTEST_SENTENCE and not ast.get_docstring(test)
    ]
    assert not silent


def examples_in(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node
