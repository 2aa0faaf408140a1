"""The drift report as a page, drawn by Evidently from bins and figures that are ours.

Left to itself Evidently drops what is missing, bins numbers over both samples and gives an
empty bin another share than the statistics do, so that its figures would differ from every
other screen's. It is fed one word per row, the bin, and told our PSI and verdict; it draws.
"""

import html
import json
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from plimsoll.domain.monitoring.drift import ColumnDrift, Drift, Level

MOST_ROWS = 5_000  # drawn for each side; shares are kept, so the bars are those of all rows
NOTHING_TO_DRAW = "<!DOCTYPE html><html lang='en'><head></head><body></body></html>"
METHOD = "psi_of_fixed_bins"
# Belt and braces: the page carries all it needs, and a browser is told to ask nobody for more.
NOTHING_FROM_OUTSIDE = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)


class EvidentlyPages:
    """Draws one page at a time: Evidently looks methods up in a registry of the whole process."""

    def __init__(self) -> None:
        self._drawing = threading.Lock()

    def draw(self, drift: Drift, title: str, remarks: Sequence[str]) -> str:
        """A page that stands alone. Columns without a row to compare are left out, and it says so."""
        shown = [column for column in drift.columns() if column.bins]
        with self._drawing:
            page = snapshot_of(shown).get_html_str(as_iframe=False) if shown else NOTHING_TO_DRAW
        return _framed(page, title, [*remarks, *_remarks(drift, shown)])


def snapshot_of(columns: Sequence[ColumnDrift]) -> Any:
    """Evidently's own result."""
    os.environ.setdefault("DO_NOT_TRACK", "1")  # Evidently would tell its makers
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    method = _ours({column.feature: column for column in columns})
    definition = DataDefinition(categorical_columns=[column.feature for column in columns])
    before, now = (
        Dataset.from_pandas(_rows(columns, current=current), data_definition=definition) for current in (False, True)
    )
    # One column is enough for Evidently's headline.
    return Report([DataDriftPreset(method=method, drift_share=1 / len(columns))]).run(now, before)


def _ours(columns: dict[str, ColumnDrift]) -> str:
    """Registers the method that answers with our figure and our verdict. Returns its name."""
    from evidently.legacy.calculations.stattests import StatTest, register_stattest
    from evidently.legacy.core import ColumnType

    def figure(reference: Any, current: Any, kind: Any, threshold: float) -> tuple[float, bool]:
        column = columns[reference.name]
        return float(column.psi or 0.0), column.level in (Level.LOOK, Level.ACT)

    test = StatTest(METHOD, "PSI, bins fixed in training", [ColumnType.Categorical], default_threshold=0.1)
    register_stattest(test, figure)
    return METHOD


def _rows(columns: Sequence[ColumnDrift], *, current: bool) -> Any:
    """A column of bin labels for each, in the shares that were measured."""
    import pandas as pd

    rows = min(MOST_ROWS, max(column.n_current if current else column.n_reference for column in columns))
    drawn = {}
    for column in columns:
        shares = np.array([each.current if current else each.reference for each in column.bins])
        labels = np.array([each.label for each in column.bins], dtype=object)
        drawn[column.feature] = np.repeat(labels, whole_shares(shares, rows))
    return pd.DataFrame(drawn)


def whole_shares(shares: Any, rows: int) -> Any:
    """So many rows dealt out in these shares; what rounding leaves goes to the largest remainders."""
    exact = shares / shares.sum() * rows
    whole = np.floor(exact).astype(np.int64)
    left = rows - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:left]] += 1
    return whole


def _remarks(drift: Drift, shown: Sequence[ColumnDrift]) -> list[str]:
    said = [
        f"{drift.n_current:,} applications against {drift.n_reference:,} in training. The score of each column is PSI "
        "over bins fixed in training, with bins of their own for missing and unseen values: the same number as in the "
        "console. “Detected” follows the level, which also asks how many rows there are and what chance would give."
    ]
    if max(drift.n_current, drift.n_reference) > MOST_ROWS:
        said.append(
            f"Bars are drawn with at most {MOST_ROWS:,} rows a side in the measured shares; figures are of all."
        )
    if small := [column.feature for column in drift.columns() if column.level is Level.TOO_SMALL]:
        said.append(f"Too few rows to judge: {', '.join(small)}.")
    if absent := [column.feature for column in drift.columns() if column not in shown]:
        said.append(f"Not drawn, for want of anything to compare: {', '.join(absent)}.")
    return said


def _framed(page: str, title: str, remarks: Sequence[str]) -> str:
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{NOTHING_FROM_OUTSIDE}">'
        f"<title>{html.escape(title)}</title>"
    )
    said = "".join(f"<p style='margin:.3rem 0'>{html.escape(remark)}</p>" for remark in remarks)
    intro = (
        "<header style='font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:1rem auto;padding:0 1.5rem'>"
        f"<h1 style='font-size:1.4rem'>{html.escape(title)}</h1>{said}</header>"
    )
    page = page.replace("<head>", f"<head>{head}", 1)
    return page.replace("<body>", f"<body>{intro}", 1)


def main() -> None:
    """A page on stdout for what is asked on stdin, as `pages.py` does."""
    asked = json.load(sys.stdin)
    page = EvidentlyPages().draw(Drift.model_validate(asked["drift"]), asked["title"], asked["remarks"])
    sys.stdout.buffer.write(page.encode())


if __name__ == "__main__":
    main()
