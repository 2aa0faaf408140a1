"""What the pages promise is so: links lead somewhere, commands exist, nothing that can be used goes unsaid."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
MADE = ("cli", "settings", "api")
ADR_HEADINGS = ["Context", "Decision", "Consequences", "Rejected", "Enforced by"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# A path of ours in backticks: it has a slash, and no blank, placeholder or glob.
OUR_PATH = re.compile(
    r"`((?:plimsoll|activities|workflows|starter|ui|sandbox|products|migrations|tests|docs|data|deploy|bench)"
    r"/[\w./-]*)`"
)


def pages() -> list[Path]:
    """Every page of ours: at the top, in docs/, and beside the code."""
    found = [*ROOT.glob("*.md"), *DOCS.glob("**/*.md")]
    found += [page for folder in ("sandbox", "data", "deploy", "products") for page in (ROOT / folder).glob("**/*.md")]
    return sorted(found)


def maker(name: str) -> ModuleType:
    """docs/make_<name>.py as a module."""
    if str(DOCS) not in sys.path:
        sys.path.insert(0, str(DOCS))
    return importlib.import_module(f"make_{name}")


@pytest.mark.parametrize("name", MADE)
def test_a_page_made_from_the_code_is_current(name: str):
    made, page = maker(name), DOCS / f"{name}.md"
    filled = importlib.import_module("making").filled
    assert page.read_text() == filled(page, made.content()), f"run `.venv/bin/python docs/make_{name}.py`"


def test_every_verb_and_option_is_explained():
    making = maker("cli")
    for words, command in making.verbs():
        assert command.help, f"`plimsoll {words}` says nothing about itself"
        silent = [making.spelled(one) for one in making.parameters(command) if not making.explained(one)]
        assert not silent, f"`plimsoll {words}` does not explain {silent}"


def test_every_setting_has_a_sentence_and_a_line_in_the_example():
    making = maker("settings")
    example = {line.partition("=")[0] for line in (ROOT / ".env.example").read_text().splitlines()}
    for name, field in making.fields().items():
        assert field.description, f"`{name}` in plimsoll/settings.py has no description"
        assert making.variable(name) in example, f"{making.variable(name)} is not in .env.example"


def test_the_example_names_no_setting_that_does_not_exist():
    making = maker("settings")
    named = {line.partition("=")[0] for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line}
    known = {making.variable(name) for name in making.fields()} | {f"PLIMSOLL_{n.upper()}" for n in making.console()}
    assert {name for name in named if re.fullmatch(r"[A-Z_]+", name)} <= known


def test_every_route_has_a_summary_and_says_who_may():
    making = maker("api")
    for route in making.all_routes():
        assert route.summary, f"{making.method_of(route)} {route.path} has no summary"
        assert f"`{making.method_of(route)} {route.path}`" in (DOCS / "api.md").read_text()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path):
    targets = [link.partition("#") for link in LINK.findall(without_code(page)) if "://" not in link]
    missing = [path for path, _, _ in targets if path and not (page.parent / path).exists()]
    assert not missing
    lost = [f"{path}#{a}" for path, _, a in targets if a and a not in anchors(page.parent / path if path else page)]
    assert not lost


def test_the_readme_leads_to_every_page_of_the_docs():
    linked = {link.partition("#")[0] for link in LINK.findall(without_code(ROOT / "README.md"))}
    assert {f"docs/{page.name}" for page in DOCS.glob("*.md")} <= linked


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_is_there(page: Path):
    made_here = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()}
    named = [path for path in OUR_PATH.findall(page.read_text()) if path.rstrip("/") not in made_here]
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_verb_that_a_page_names_is_one(page: Path):
    known = {words for words, _ in maker("cli").verbs()}
    groups = {words.partition(" ")[0] for words in known if " " in words}
    wrong = [words for words in verbs_named(page) if not is_a_verb(words, known, groups)]
    assert not wrong


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_a_page_names_is_one(page: Path):
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`|\$ )make ([a-z][a-z-]+)", page.read_text(), re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", sorted(DOCS.glob("decisions/0*.md")), ids=lambda page: page.stem[:4])
def test_a_decision_has_its_five_parts_and_one_sentence_to_quote(page: Path):
    text = page.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ADR_HEADINGS
    decision = text.partition("## Decision")[2].partition("## Consequences")[0]
    assert decision.strip().startswith("**"), "the decision itself stands first, in bold"
    assert page.name in (DOCS / "decisions" / "README.md").read_text()


def test_the_numbers_of_decisions_run_without_a_gap():
    numbers = [int(page.name[:4]) for page in sorted(DOCS.glob("decisions/0*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_workflow_and_activity_is_in_the_glossary_or_the_architecture():
    text = (DOCS / "glossary.md").read_text() + (DOCS / "architecture.md").read_text()
    missing = [name for name in names_in_temporal() if f"`{name}`" not in text]
    assert not missing


def test_no_page_knows_where_or_by_whom_it_was_written():
    places = re.compile(r"/(?:work|home|root|Users)/|localhost:\d+/simple|@users\.noreply", re.IGNORECASE)
    assert not [page.name for page in pages() if places.search(page.read_text())]


# Reading ----------------------------------------------------------------------------------------


def without_code(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as hosts of Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def verbs_named(page: Path) -> Iterator[str]:
    """`plimsoll review next` -> `review next`; from prose and from blocks of code."""
    for words in re.findall(
        r"(?:`|^\s*(?:\$ )?(?:\.venv/bin/)?|bin/)plimsoll ([a-z][a-z |-]*)", page.read_text(), re.M
    ):
        yield words.strip()


def is_a_verb(words: str, known: set[str], groups: set[str]) -> bool:
    first, _, rest = words.partition(" ")
    if first in groups:
        return not rest or all(f"{first} {option}" in known for option in rest.split(" ")[0].split("|"))
    return all(option in known for option in first.split("|"))


def names_in_temporal() -> Iterator[str]:
    """The names under which workflows and activities are registered."""
    for file in [*(ROOT / "workflows").glob("*.py"), *(ROOT / "activities").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            decorators: list[Any] = getattr(node, "decorator_list", [])
            for call in decorators:
                if isinstance(call, ast.Call) and ast.unparse(call.func) in ("workflow.defn", "activity.defn"):
                    yield from (ast.literal_eval(k.value) for k in call.keywords if k.arg == "name")
