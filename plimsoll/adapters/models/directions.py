"""Whether a model keeps the directions it was given."""

from typing import Any

import numpy as np

from plimsoll.adapters.models.families import Layout
from plimsoll.domain.models.features import Matrix

STEPS_OF_A_CHECK, ROWS_OF_A_CHECK = 12, 200
# Differences below this come from adding the same numbers in another order.
ROUNDING = 1e-6


def broken_directions(model: Any, layout: Layout, rows: Matrix) -> tuple[str, ...]:
    """Columns along which the risk once moves the wrong way, tried on real rows over the whole range of values."""
    tried = rows[:: max(1, len(rows) // ROWS_OF_A_CHECK)][:ROWS_OF_A_CHECK]
    return tuple(
        layout.names[column]
        for column, sign in enumerate(layout.signs)
        if sign and _moves_wrongly(model, tried, rows[:, column], column, sign)
    )


def _moves_wrongly(model: Any, tried: Matrix, values: Matrix, column: int, sign: int) -> bool:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return False
    steps = np.unique(np.quantile(known, np.linspace(0, 1, STEPS_OF_A_CHECK)))
    moved = np.repeat(tried, len(steps), axis=0)
    moved[:, column] = np.tile(steps, len(tried))
    raw = model.raw_log_odds(moved).reshape(len(tried), len(steps))
    return bool((sign * np.diff(raw, axis=1) < -ROUNDING).any())
