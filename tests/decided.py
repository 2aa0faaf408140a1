"""Decided applications without a run: scored and recorded straight into the stores."""

from datetime import datetime
from typing import Any

from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.values import Outcome
from tests.adapters.postgres.test_casework import a_run, a_verdict
from tests.applicants import a_score
from tests.builders import NOW, a_sound_application
from tests.house import House

CHAMPION = ModelPin(name="consumer-credit", version="1", digest="1" * 64)
CHALLENGER = ModelPin(name="consumer-credit", version="2", digest="2" * 64, role="challenger", arm="challenger")


async def decided(
    house: House,
    outcome: Outcome = Outcome.APPROVE,
    probability: float = 0.02,
    *,
    at: datetime = NOW,
    model: ModelPin = CHAMPION,
    external_id: str | None = None,
    **changes: Any,
) -> str:
    """One application with a decision of this moment."""
    numbered = {"external_id": external_id} if external_id else {}
    application = await house.accept(a_sound_application(**changes) | numbered)
    case = await house.ports.casework.load(application)
    await house.ports.casework.scored(case, a_score(probability, model=model), at, a_run("score"))
    await house.ports.casework.record(case, a_verdict(outcome), None, at, a_run("record"))
    return application
