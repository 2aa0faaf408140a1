"""Decided applications with what became of them, as columns: drawn as a right model would see them end."""

from datetime import date

import numpy as np

from plimsoll.domain.models.outcomes import EARLY
from plimsoll.domain.models.performance import Judged
from plimsoll.domain.underwriting.product import OutcomeTerms
from tests.applicants import the_product

AS_OF = date(2026, 11, 21)
PRODUCT = the_product().model_copy(update={"outcomes": OutcomeTerms()})


def some_decisions(rows: int = 400, seed: int = 1, vintage: str = "2025-06", **columns) -> Judged:
    """Approved applications whose outcomes are what a right model would predict."""
    random = np.random.default_rng(seed)
    probability = random.beta(1.2, 10, rows)
    given = {
        "vintage": np.array([vintage] * rows, dtype=object),
        "granted": np.ones(rows, dtype=bool),
        "sample_probability": probability,
        "probability_of_default": probability,
        "bad": (random.random(rows) < probability).astype(float),
        "amount": np.full(rows, np.nan),
        "model": np.array(["credit@1"] * rows, dtype=object),
        "arm": np.array(["champion"] * rows, dtype=object),
        "marks": {mark: np.full(rows, np.nan) for mark in EARLY},
    }
    return Judged(**{**given, **columns})


def together(*parts: Judged) -> Judged:
    names = [name for name in vars(parts[0]) if name != "marks"]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Judged(**joined, marks={mark: np.concatenate([part.marks[mark] for part in parts]) for mark in EARLY})
