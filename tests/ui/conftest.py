"""Pages run in `AppTest` against a fake backend; no server, no browser."""

import re
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.ui.fake_backend import FakeBackend
from ui import drafts, drawing

APP = Path(__file__).resolve().parent.parent.parent / "ui" / "app.py"

Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def nothing_the_console_has_not() -> Iterator[None]:
    """Each AppTest reads the description of every installed package in search of components, for half a second, and
    rewrites each page's code for bare expressions, which `ui/.streamlit/config.toml` turns off."""
    config.set_option("runner.magicEnabled", False)
    drawing.schemapi.DEBUG_MODE = True  # here, and not in the console, each part of a chart is checked as it is made
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", list)
        yield


@pytest.fixture(autouse=True)
def no_drafts() -> Iterator[None]:
    yield
    drafts._kept.clear()


@pytest.fixture(autouse=True)
def main_stays_what_it_was() -> Iterator[None]:
    """AppTest leaves its page behind as `__main__`, which whoever forks or spawns afterwards would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def open_page() -> Open:
    """Opens a page as the person behind this backend: `open_page("queue", backend)`."""

    def open_(page: str, backend: FakeBackend, **query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=20)
        app.session_state["backend"] = backend
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        if page in ("home", "nothing"):
            return app
        app.switch_page(f"app_pages/{page}.py")
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return open_


def words_on(app: AppTest) -> str:
    """Every word on the page, whatever element carries it."""
    kinds = ("title", "header", "subheader", "text", "caption", "markdown", "metric")
    said = [str(element.value) for kind in kinds for element in app.get(kind)]
    said += [str(element.label) for kind in ("metric", "button") for element in app.get(kind)]
    said += [element.proto.label for element in app.get("page_link")]
    return "\n".join(said)


def tables_on(app: AppTest) -> list[pd.DataFrame]:
    """Every table on the page, as it is read."""
    found = [Table(element.proto.body) for element in app.get("html") if "<table>" in element.proto.body]
    return [pd.DataFrame(table.rows, columns=table.heads) for table in found]


class Table(HTMLParser):
    """The headings and cells of one `<table>`; anything else in it is no table of ours."""

    OURS = frozenset({"div", "table", "thead", "tbody", "tr", "th", "td"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.heads: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        leads_to_a_page = tag == "a" and re.fullmatch(r"/\w+\?id=[a-z]{3}_[0-9a-z]{26}", str(dict(attrs)["href"]))
        assert tag in self.OURS or leads_to_a_page, f"<{tag}> came from what was shown"
        if tag == "th":
            self.heads.append("")
        elif tag == "tr" and self.heads:
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows:
            self.rows[-1][-1] += data
        elif self.heads:
            self.heads[-1] += data
