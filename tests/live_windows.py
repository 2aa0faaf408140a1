"""Live applications for drift checks: what the scoring API was asked, put where its log is."""

from datetime import datetime
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from plimsoll.domain.models.calibration import corrected
from plimsoll.domain.models.scoring import ModelPin
from tests.applicants import facts_of_row, the_product, the_set
from tests.house import House

INSERT = """
insert into prediction (product, kind, model_digest, arm, features, sample_probability, probability_of_default,
                        duration_ms, scored_at)
select %(product)s, 'api', %(digest)s, 'champion', f, p, c, 1.0, %(at)s
from unnest(%(features)s::jsonb[], %(probabilities)s::float[], %(corrected)s::float[]) as x(f, p, c)
"""


def like_training(rows: int, seed: int = 3) -> list[dict[str, Any]]:
    """Snapshots of training applicants, drawn again."""
    applicants = the_set().training()
    drawn = np.random.default_rng(seed).integers(0, len(applicants), rows)
    return [
        {spec.name: facts_of_row(applicants[index]).read(spec.path) for spec in the_product().features}
        for index in drawn
    ]


def with_more_asked(snapshots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same people ask for three times as much, and some for what nobody wanted in training."""
    return [
        {**each, "amount": str(3 * float(each["amount"])), "purpose": "boat" if index % 2 else each["purpose"]}
        for index, each in enumerate(snapshots)
    ]


async def asked(
    house: House, snapshots: list[dict[str, Any]], at: datetime, *, model: ModelPin, scores_times: float = 1.0
) -> None:
    """Scored as in training, or all so many times as high."""
    reference = house.ports.drift_references.of(model.name, model.version).score
    assert reference is not None
    scores = np.random.default_rng(5).choice(reference.knots, len(snapshots)) * scores_times
    risk = the_product().risk
    await house.ports.database.run(
        INSERT,
        {
            "product": the_product().id,
            "digest": model.digest,
            "features": [Jsonb({name: _plain(value) for name, value in each.items()}) for each in snapshots],
            "probabilities": scores.tolist(),
            "corrected": corrected(scores, risk.sample_bad_rate, risk.portfolio_bad_rate).tolist(),
            "at": at,
        },
    )


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
