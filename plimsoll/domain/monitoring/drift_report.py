"""One drift check on record: what was compared with what, what it gave, and what the rules make of it."""

from datetime import datetime
from enum import StrEnum

from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.monitoring.alerts import Alert, PastCheck, State
from plimsoll.domain.monitoring.drift import FEWEST, Drift, Level
from plimsoll.domain.values import Value


class Trigger(StrEnum):
    SCHEDULE = "schedule"
    PERSON = "person"
    BACKFILL = "backfill"


class DriftReport(Value):
    id: str
    product: str
    model: ModelPin
    trigger: Trigger
    window_from: datetime
    window_to: datetime
    drift: Drift
    alerts: tuple[Alert, ...]
    page: str | None = None
    page_digest: str | None = None
    checked_at: datetime

    @property
    def summary(self) -> str:
        """What a person should know first."""
        drift = self.drift
        if not drift.n_current:
            return "No application was scored in this window, so there is nothing to compare."
        rows = f"{drift.n_current:,} application{'' if drift.n_current == 1 else 's'}"
        if drift.n_current < FEWEST:
            return f"{rows} in the window: nothing is judged below {FEWEST}."
        moved = [column.feature for column in drift.columns() if column.level in (Level.LOOK, Level.ACT)]
        small = sum(column.level is Level.TOO_SMALL for column in drift.columns())
        unjudged = f"; too few rows to judge {small} of {len(drift.columns())} columns" if small else ""
        if not moved:
            return f"{rows} against {drift.n_reference:,} in training: nothing moved that matters{unjudged}."
        return f"{rows} against {drift.n_reference:,} in training: {', '.join(moved)} moved{unjudged}."

    def as_past(self) -> PastCheck:
        return PastCheck(
            checked_at=self.window_to,
            scheduled=self.trigger is not Trigger.PERSON,
            broken=tuple(alert.rule for alert in self.alerts),
            acted=tuple(alert.rule for alert in self.alerts if alert.state is State.TAKEN),
        )


def looked_back(alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
    """A check of the past says what would have been done and does nothing."""
    return tuple(
        alert.model_copy(update={"state": State.LOOKED_BACK}) if alert.state is State.TAKEN else alert
        for alert in alerts
    )
