"""Why a customer is at the level they are at, with values, in words that staff may say.

First what the policy's row read, then what moved the model most. Signals of one concept give one
factor; a signal without words is never said.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from plimsoll.domain.outreach.episode import Factor
from plimsoll.domain.watching.levels import LevelRow
from plimsoll.domain.watching.signals import PLACE, SIGNALS, Signal

MOST = 4
TOO_LITTLE = 0.1  # share of all that raised the risk, below which a contribution is no factor

BY_NAME = {signal.name: signal for signal in SIGNALS}


def factors(
    row: LevelRow | None,
    signals: npt.NDArray[np.float64],
    contributions: Mapping[str, float],
    words: Mapping[str, str],
) -> tuple[Factor, ...]:
    """`signals` is one row of `SIGNALS`, `contributions` what each feature adds to the log-odds."""
    named = [*(row.signals_from if row else ()), *_by_weight(contributions)]
    found: dict[str, Factor] = {}
    for name in named:
        signal = BY_NAME[name]
        value = float(signals[PLACE[name]])
        # Below nought is a change for the better ("grew by -6 %"): a tree may have used it, nobody should say it.
        if name in words and value >= 0 and signal.concept not in found:
            found[signal.concept] = factor(signal, value, words[name])
    return tuple(found.values())[:MOST]


def factor(signal: Signal, value: float, words: str) -> Factor:
    said = in_words(signal, value)
    return Factor(feature=signal.name, value=said, words=words.format(value=said))


def in_words(signal: Signal, value: float) -> str:
    """A value with the care its unit needs; units are part of the sentence, except for shares."""
    if signal.unit in ("share", "ratio"):
        return f"{round(value * 100):d} %"
    if signal.unit == "amount":
        return f"{value:,.0f}"
    return f"{value:.0f}"


def _by_weight(contributions: Mapping[str, float]) -> Sequence[str]:
    raising = {name: weight for name, weight in contributions.items() if weight > 0 and name in PLACE}
    least = TOO_LITTLE * sum(raising.values())
    return [name for name in sorted(raising, key=lambda name: -raising[name]) if raising[name] >= least]
