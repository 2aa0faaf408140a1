"""The page a person opens says the same numbers as every other screen, and asks nobody for anything."""

import re
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from plimsoll.adapters.reports.evidently import EvidentlyPages, snapshot_of, whole_shares
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.monitoring.drift import Drift, Window, measure, reference_of

RANDOM = np.random.default_rng(5)


@lru_cache
def what_evidently_gets_wrong() -> Drift:
    """One value and then another; missing values; a rare one; a plain shift."""
    before = Examples(
        columns={
            "term": np.full(30_000, 36.0),
            "record": np.where(RANDOM.random(30_000) < 0.45, np.nan, RANDOM.integers(0, 80, 30_000)),
            "town": np.array(["here"] * 29_999 + ["there"], dtype=object),
            "amount": RANDOM.lognormal(8, 1, 30_000),
        },
        bad=np.zeros(30_000, dtype=bool),
    )
    now = {
        "term": np.where(np.arange(9000) % 3 == 0, 60.0, 36.0),
        "record": RANDOM.integers(0, 80, 9000).astype(float),
        "town": np.array(["here"] * 8000 + ["elsewhere"] * 1000, dtype=object),
        "amount": RANDOM.lognormal(8.5, 1, 9000),
    }
    return measure(reference_of(before), Window(9000, now))


@lru_cache
def the_page() -> str:
    return EvidentlyPages().draw(what_evidently_gets_wrong(), "Drift of <script>x</script>", ["A remark & more."])


def test_evidently_shows_our_number_for_every_column():
    shown: dict[str, Any] = {
        re.search(r"column=(\w+)", each["metric_name"]).group(1): each["value"]  # type: ignore[union-attr]
        for each in snapshot_of(what_evidently_gets_wrong().features).dict()["metrics"]
        if each["metric_name"].startswith("ValueDrift")
    }
    ours = {each.feature: each.psi for each in what_evidently_gets_wrong().features}
    assert shown == pytest.approx(ours)
    assert ours["term"] == pytest.approx(2.84, abs=0.01)


def test_the_page_loads_nothing_and_forbids_loading_anything():
    loads = re.findall(r"""<(?:script|link|img|iframe)\b[^>]*(?:src|href)\s*=\s*["']?(?!data:)[^"'>\s]+""", the_page())
    assert loads == []
    assert not re.search(r"fonts\.(googleapis|gstatic)\.com|@import\s+url|url\(['\"]?https?:", the_page())
    assert "default-src 'none'" in the_page()


def test_title_and_remarks_are_text_and_nothing_else():
    assert "<script>x</script>" not in the_page()
    assert "Drift of &lt;script&gt;x&lt;/script&gt;" in the_page()
    assert "A remark &amp; more." in the_page()


def test_a_page_that_draws_fewer_rows_than_were_measured_says_so():
    assert "at most 5,000 rows" in the_page()


def test_a_window_without_a_row_still_gives_a_page():
    examples = Examples(columns={"amount": RANDOM.normal(size=200)}, bad=np.zeros(200, dtype=bool))
    page = EvidentlyPages().draw(measure(reference_of(examples), Window(0, {"amount": np.array([])})), "Drift", [])
    assert "for want of anything to compare: amount" in page


def test_rows_are_dealt_out_in_the_measured_shares():
    assert whole_shares(np.array([0.5, 0.25, 0.25]), 5).tolist() == [3, 1, 1]
    assert whole_shares(np.array([0.0, 1.0]), 7).tolist() == [0, 7]
