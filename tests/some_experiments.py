"""Questions, and applicants dealt to two arms."""

from datetime import date

import numpy as np

from plimsoll.domain.models.experiments import Baseline, Compared, Question

ON = date(2028, 1, 1)


def a_question(**changes) -> Question:
    return Question(**{"product": "consumer-credit", "challenger": "mdl_2", "effect": 0.05, "share": 0.5} | changes)


def a_baseline(**changes) -> Baseline:
    return Baseline(**{"value": 0.2, "bad_rate": 0.2, "spread": 2.0, "source": "seen", "monthly": 500} | changes)


def some_dealt(rows: int, champion: float = 0.2, challenger: float = 0.2, seed: int = 0, **columns) -> Compared:
    """Half to either arm, all granted, with these bad rates; scores that order them somewhat."""
    random = np.random.default_rng(seed)
    arm = np.arange(rows) % 2 == 1
    bad = (random.random(rows) < np.where(arm, challenger, champion)).astype(float)
    score = random.normal(size=rows) + bad
    given = {
        "challenger": arm,
        "vintage": np.array(["2026-06"] * rows, dtype=object),
        "decided": np.ones(rows, dtype=bool),
        "granted": np.ones(rows, dtype=bool),
        "bad": bad,
        "score": score,
        "shadow_score": np.full(rows, np.nan),
    }
    return Compared(**{**given, **columns})
