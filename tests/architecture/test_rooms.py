"""Rules of the house that an import linter cannot say: read off the source itself."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OF_THE_DOMAIN = {"pydantic", "numpy", "plimsoll"}
BELOW_THE_WORKER = {"activities", "plimsoll", "starter", "workflows"}
OF_THE_WORKER = BELOW_THE_WORKER | {"structlog", "temporalio", "uvloop"}


def test_the_domain_needs_the_standard_library_pydantic_and_numpy_only():
    foreign = {
        f"{where}: {name}"
        for file in (ROOT / "plimsoll" / "domain").glob("**/*.py")
        for where, name in imported(file)
        if name.partition(".")[0] not in OF_THE_DOMAIN | set(sys.stdlib_module_names)
    }
    assert not foreign


def test_the_domain_is_handed_the_time_and_never_asks_for_it():
    asked = [f"{where}: {call}" for file in domain() for where, call in calls(file) if call in READS_A_CLOCK]
    assert not asked


def test_the_worker_builds_and_runs_what_the_layers_below_it_hold():
    names = [name for _, name in imported(ROOT / "worker.py")]
    assert {name.partition(".")[0] for name in names} <= OF_THE_WORKER | set(sys.stdlib_module_names)
    assert not [name for name in names if name.startswith("plimsoll.adapters")]


def test_one_workflow_a_file_with_its_run_before_its_other_steps():
    for file in (ROOT / "workflows").glob("*.py"):
        classes = [node for node in ast.parse(file.read_text()).body if is_workflow(node)]
        assert len(classes) <= 1, file.name
        for workflow in classes:
            methods = [node.name for node in workflow.body if isinstance(node, ast.AsyncFunctionDef)]
            assert methods[0] == "run", f"{file.name}: a reader looks for `run` first"


def test_nothing_notifies_whose_commits_would_queue_up_for_it():
    """docs/decisions/0012: the end of a key or session is rare, and events are taken in by turns anyway."""
    files = (ROOT / "plimsoll" / "adapters" / "postgres").glob("**/*.py")
    notifies = re.compile(r"""["';(]\s*notify\s|pg_notify""", re.IGNORECASE)
    assert {file.name for file in files if notifies.search(file.read_text())} == {"access.py", "transaction_log.py"}


@pytest.mark.parametrize("name", ["utils", "util", "helpers", "common", "misc", "manager", "base"])
def test_no_module_is_called(name: str):
    """A name that fits everything tells nothing; the thing behind it is not yet understood."""
    assert not [file for file in product_files() if name in file.relative_to(ROOT).with_suffix("").parts]


def test_every_module_opens_with_what_it_is_for():
    silent = [str(f.relative_to(ROOT)) for f in product_files() if f.read_text().strip() and not docstring(f)]
    assert not silent


# Not `time.time_ns`: in an id the time is part of a name, not of a rule.
READS_A_CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.monotonic"}


def domain() -> list[Path]:
    return sorted((ROOT / "plimsoll" / "domain").glob("**/*.py"))


def product_files() -> list[Path]:
    folders = ("plimsoll", "activities", "workflows", "starter", "ui", "sandbox", "bench")
    return [ROOT / "worker.py", *(file for folder in folders for file in sorted((ROOT / folder).glob("**/*.py")))]


def imported(file: Path) -> Iterator[tuple[str, str]]:
    """(file:line, module) of every import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(file.read_text())):
        where = f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            yield from ((where, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield where, node.module


def calls(file: Path) -> Iterator[tuple[str, str]]:
    """(file:line, `a.b`) of every call of an attribute."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield f"{file.relative_to(ROOT)}:{node.lineno}", ast.unparse(node.func)


def is_workflow(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef) and any("workflow.defn" in ast.unparse(d) for d in node.decorator_list)


def docstring(file: Path) -> str | None:
    return ast.get_docstring(ast.parse(file.read_text()))
