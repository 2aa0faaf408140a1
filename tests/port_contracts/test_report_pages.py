"""Whoever keeps the pages of drift reports keeps the port's promises: the folder and the fake."""

from collections.abc import Callable
from pathlib import Path

import pytest

from plimsoll.adapters.reports.pages import PageFolder
from plimsoll.domain.errors import NotFound, Unavailable
from tests.fake_alerts import FakePages

REPORT = f"drf_{1:026}"
PAGE = b"<!DOCTYPE html>what moved"
MAKERS: dict[str, Callable[[Path], PageFolder | FakePages]] = {"fake": lambda _: FakePages(), "folder": PageFolder}


@pytest.fixture(params=sorted(MAKERS))
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> PageFolder | FakePages:
    return MAKERS[request.param](tmp_path)


def test_what_was_kept_is_read_by_its_name_and_digest(pages):
    name, digest = pages.keep(REPORT, "consumer-credit", PAGE)
    assert pages.read(name, digest) == PAGE


def test_a_page_that_is_not_there_is_no_page_of_another(pages):
    pages.keep(REPORT, "consumer-credit", PAGE)
    for name in (None, f"consumer-credit/drf_{2:026}.html.gz"):
        with pytest.raises(NotFound):
            pages.read(name, None)


def test_a_page_that_is_not_what_was_drawn_is_not_shown(pages):
    name, _ = pages.keep(REPORT, "consumer-credit", PAGE)
    with pytest.raises(Unavailable):
        pages.read(name, "0" * 64)
