"""How early a missed payment is seen: the early-warning model against CatBoost's defaults on the set's plain columns.

Taiwan's 30,000 accounts as of September 2005, label October, same folds for both. The model reads signals, made
from dated events by the code of the live stream, with the directions of its pack; CatBoost as it comes reads the
17 columns of the file (no PAY_0, nothing sensitive). Reported for everyone, for those not late in August, and for those
never late from April to August: only the last two are early.
"""

import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.metrics import auc, repeated_folds_difference
from plimsoll.settings import load_settings
from plimsoll.wiring.labelled import labelled_examples, taiwan_plain
from plimsoll.wiring.models import beside_plain
from plimsoll.wiring.packs import product_packs

PACK = "early-warning"
FOLDS, REPEATS = 5, 2
TENTH = 0.1
Floats = npt.NDArray[np.float64]


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    settings = load_settings()
    product, (plain_features, plain) = product_packs(settings).get(PACK), taiwan_plain(settings)
    chosen = np.arange(len(plain))[:: 10 if quick else 1]
    examples, plain = labelled_examples(settings, product, date.today()).take(chosen), plain.take(chosen)
    bad = examples.bad.astype(np.int64)
    groups = _groups(plain.columns)
    found: dict[str, dict[str, list[Any]]] = {name: {"ours": [], "plain": []} for name in groups}
    began = time.monotonic()
    for repeat in range(1 if quick else REPEATS):
        beside = beside_plain(product, examples, (plain_features, plain), repeat)
        for name, members in groups.items():
            found[name]["ours"] += [_figures(bad, beside.ours, fold & members) for fold in beside.folds]
            found[name]["plain"] += [_figures(bad, beside.plain, fold & members) for fold in beside.folds]
    for name, members in groups.items():
        yield _row(name, found[name], bad[members]) | {"seconds": round(time.monotonic() - began)}


def _groups(columns: Any) -> dict[str, npt.NDArray[np.bool_]]:
    states = np.stack([columns[f"PAY_{month}"] for month in range(2, 7)])
    return {
        "everyone": np.ones(states.shape[1], dtype=bool),
        "not late in August": states[0] <= 0,
        "never late, April to August": (states <= 0).all(axis=0),
    }


def _figures(bad: npt.NDArray[np.int64], raw: Floats, chosen: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """AUC; share of the bad ones in the highest tenth; share of that tenth which is bad."""
    labels, scores = bad[chosen], raw[chosen]
    highest = np.argsort(-scores, kind="stable")[: round(TENTH * len(scores))]
    return auc(labels, scores), float(labels[highest].sum() / labels.sum()), float(labels[highest].mean())


def _row(name: str, found: dict[str, list[Any]], bad: npt.NDArray[np.int64]) -> dict[str, Any]:
    mean = {kind: np.mean(figures, axis=0) for kind, figures in found.items()}
    told: dict[str, Any] = {"kind": "early-warning", "who": name, "n": len(bad), "bad": round(float(bad.mean()), 4)}
    for place, measure_ in enumerate(("auc", "top_tenth_catches", "bad_in_top_tenth")):
        both = [[figures[place] for figures in found[kind]] for kind in ("ours", "plain")]
        gain = repeated_folds_difference(np.asarray(both[0]) - np.asarray(both[1]), FOLDS)
        told[measure_] = round(float(mean["ours"][place]), 4)
        told[f"{measure_}_plain"] = round(float(mean["plain"][place]), 4)
        told[f"{measure_}_gain"] = [round(bound, 4) for bound in (gain.difference, gain.low, gain.high)]
    return told
