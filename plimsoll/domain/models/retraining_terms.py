"""What asks for a new model, and what it must show: `[retraining]` of a pack, which may be left out."""

from typing import Annotated

from pydantic import Field

from plimsoll.domain.values import Value

Share = Annotated[float, Field(ge=0, le=1)]


class RetrainingTerms(Value):
    """The same numbers for due dates, gate and report."""

    every_days: Annotated[int, Field(ge=1, le=3_660)] = 30
    rest_days: Annotated[int, Field(ge=0, le=366)] = 7  # between two retrainings, whatever asks
    auc_lost: Share = 0.05  # of the AUC at training, and the whole interval below it
    new_labels: Share = 0.25  # of the labels the champion learnt from
    fewest_new_labels: Annotated[int, Field(ge=1)] = 200
    fewest_of_an_ending: Annotated[int, Field(ge=10)] = 50  # bads, and goods, before a hold-out says anything
    impact_lost: Share = 0.02  # of the adverse impact ratio
    reasons_moved: Share = 0.25  # of the applicants, to another principal reason on balance
    latency_more: Annotated[float, Field(ge=0)] = 0.2
    hold_out_days: Annotated[int, Field(ge=1)] = 183
