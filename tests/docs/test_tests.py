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


def test_only_the_first_conftest_brings_in_what_a_whole_run_shares():
    """Imported a second time, a fixture of the session is another fixture: once there were four sandboxes."""
    shared = {
        name
        for module in ("stack_fixtures.py", "sandbox_process.py", "conftest.py")
        for name in session_fixtures_in(ROOT / "tests" / module)
    }
    assert shared >= {"local_postgres", "local_temporal", "running_sandbox"}
    again = [
        f"{file.relative_to(ROOT)} imports {alias.name}"
        for file in (ROOT / "tests").glob("**/*.py")
        if file != ROOT / "tests" / "conftest.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in shared
    ]
    assert not again


def session_fixtures_in(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            said = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
            if "fixture" in said and "session" in said:
                yield node.name


def examples_in(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node
