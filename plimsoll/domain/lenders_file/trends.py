"""How the share of bads moves with a number: whether risk has a direction worth suggesting.

A suggestion needs a trend that chance does not make, that every fifth of the rows shows, and
that few reversals disturb. It is about one column alone; a model of many may see it otherwise.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from plimsoll.domain.monitoring.chances import chi_square_tail
from plimsoll.domain.underwriting.product import Direction
from plimsoll.domain.values import Value

MOST_BINS = 10
PARTS = 5
FEWEST_KNOWN, FEWEST_BADS = 200, 25
CLEAR_Z = 4.0  # one column in sixteen thousand looks so by chance
IN_ORDER = 0.85  # share of the differences between bins that a steady rise or fall explains
WORTH_SAYING = 1.2  # times as many bads at one end as at the other
JUMPING = 0.6
AN_END = 0.2  # of the rows
ONE_IN_A_THOUSAND = 0.001

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]


class Trend(Value):
    """What was seen, whether or not it is enough."""

    direction: Direction
    z: float  # Cochran-Armitage
    in_order: float  # share of the differences between bins that the direction explains
    same_in: int  # fifths of the rows that show the same direction
    low_end: float  # share of bads in the lowest fifth of the rows
    high_end: float
    clear: bool

    def told(self) -> str:
        """The figures that made the suggestion."""
        return (
            f"bads {self.low_end:.1%} at the low end, {self.high_end:.1%} at the high end; z {abs(self.z):.1f}; "
            f"the same in {self.same_in} of {PARTS} parts; order explains {self.in_order:.0%}"
        )


def trend(values: Numbers, bad: Flags) -> Trend | None:
    """The trend of one column; None when too little is known of it."""
    known = ~np.isnan(values)
    values, bad = values[known], bad[known]
    if len(values) < FEWEST_KNOWN or not FEWEST_BADS <= bad.sum() <= len(bad) - FEWEST_BADS:
        return None
    places, count = binned(values)
    if count < 2:
        return None
    rows, bads = _table(places, bad, count)
    z = _armitage(rows, bads)
    direction = Direction.UP if z > 0 else Direction.DOWN
    in_order = _explained(rows, bads, rising=z > 0)
    same_in = sum(_armitage(*_table(places[part::PARTS], bad[part::PARTS], count)) * z > 0 for part in range(PARTS))
    low, high = _ends(rows, bads)
    told = max(low, high) >= WORTH_SAYING * min(low, high)
    clear = abs(z) >= CLEAR_Z and same_in == PARTS and in_order >= IN_ORDER and told
    return Trend(
        direction=direction, z=round(z, 1), in_order=in_order, same_in=same_in, low_end=low, high_end=high, clear=clear
    )


def are_codes(values: Numbers, bad: Flags) -> bool:
    """Whether a few whole numbers are names rather than amounts: risk jumps up and down with them."""
    known = ~np.isnan(values)
    values, bad = values[known], bad[known]
    distinct = np.unique(values)
    if not 3 <= len(distinct) <= 15 or (distinct != np.round(distinct)).any() or (distinct < 0).any():
        return False
    rows, bads = _table(np.searchsorted(distinct, values), bad, len(distinct))
    if not _beyond_chance(rows, bads):
        return False
    return max(_explained(rows, bads, rising=True), _explained(rows, bads, rising=False)) < JUMPING


def binned(values: Numbers) -> tuple[npt.NDArray[np.int64], int]:
    """Each value's bin, and how many there are: tenths, or the values themselves when they are few."""
    distinct = np.unique(values)
    if len(distinct) <= MOST_BINS:
        return np.searchsorted(distinct, values), len(distinct)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, MOST_BINS + 1)[1:-1]))
    places = np.searchsorted(edges, values, side="left")
    used, places = np.unique(places, return_inverse=True)
    return places, len(used)


def _table(places: npt.NDArray[np.int64], bad: Flags, count: int) -> tuple[Numbers, Numbers]:
    rows: Numbers = np.bincount(places, minlength=count).astype(np.float64)
    bads: Numbers = np.bincount(places, weights=bad.astype(np.float64), minlength=count).astype(np.float64)
    return rows, bads


def _armitage(rows: Numbers, bads: Numbers) -> float:
    """Cochran-Armitage: the trend over equally spaced bins in standard deviations."""
    total, rate = rows.sum(), bads.sum() / max(rows.sum(), 1)
    steps = np.arange(len(rows))
    variance = rate * (1 - rate) * ((rows * steps**2).sum() - (rows * steps).sum() ** 2 / max(total, 1))
    return float((steps * (bads - rows * rate)).sum() / np.sqrt(variance)) if variance > 0 else 0.0


def _explained(rows: Numbers, bads: Numbers, *, rising: bool) -> float:
    """Of the differences between the bins, the share left when they must be in order (isotonic regression)."""
    rates = bads / np.maximum(rows, 1)
    mean = bads.sum() / rows.sum()
    between = (rows * (rates - mean) ** 2).sum()
    fitted = _isotonic(rates if rising else -rates, rows)
    return float((rows * ((fitted if rising else -fitted) - mean) ** 2).sum() / between) if between > 0 else 0.0


def _isotonic(rates: Sequence[float] | Numbers, weights: Numbers) -> Numbers:
    """Pool adjacent violators."""
    pools: list[list[float]] = []  # mean, weight, bins
    for rate, weight in zip(rates, weights, strict=True):
        pools.append([float(rate), float(weight), 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            rate_b, weight_b, bins_b = pools.pop()
            rate_a, weight_a, bins_a = pools.pop()
            total = max(weight_a + weight_b, 1e-12)
            pools.append([(rate_a * weight_a + rate_b * weight_b) / total, total, bins_a + bins_b])
    return np.concatenate([np.full(int(bins), mean) for mean, _, bins in pools])


def _ends(rows: Numbers, bads: Numbers) -> tuple[float, float]:
    """The share of bads at either end: as many bins as hold a fifth of the rows, one at least."""
    enough = AN_END * rows.sum()
    low = int(np.searchsorted(np.cumsum(rows), enough)) + 1
    high = min(int(np.searchsorted(np.cumsum(rows[::-1]), enough)) + 1, len(rows) - low) or 1
    low_end = bads[:low].sum() / max(rows[:low].sum(), 1)
    return float(low_end), float(bads[-high:].sum() / max(rows[-high:].sum(), 1))


def _beyond_chance(rows: Numbers, bads: Numbers) -> bool:
    rate = bads.sum() / rows.sum()
    statistic = ((bads - rows * rate) ** 2 / np.maximum(rows * rate * (1 - rate), 1e-12)).sum()
    return chi_square_tail(float(statistic), len(rows) - 1) < ONE_IN_A_THOUSAND
