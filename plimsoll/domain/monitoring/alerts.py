"""What follows from a drift check: the product's rules held against its figures."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from plimsoll.domain.monitoring.drift import ColumnDrift, Drift, Level
from plimsoll.domain.monitoring.terms import FEATURES, OF_THE_MODEL, Action, Measure, MonitoringTerms, Rule
from plimsoll.domain.values import Value


class State(StrEnum):
    TAKEN = "taken"  # now
    WAITING = "waiting"  # so far not in enough windows in a row
    CONTINUES = "continues"  # taken a while ago, and it goes on
    LOOKED_BACK = "looked_back"  # would have been taken: the window was checked afterwards


class Breach(Value):
    """One column beyond one rule's limit."""

    column: str
    value: float
    p_value: float
    rows: int


class Alert(Value):
    """One rule that was broken, and what is done about it."""

    rule: str
    action: Action
    state: State
    measure: Measure
    above: float
    breaches: tuple[Breach, ...]
    windows: int  # in a row, this one included
    of_windows: int
    text: str


class PastCheck(Value):
    """An earlier check of the same model, as far as rules look back."""

    checked_at: datetime
    scheduled: bool  # only those count as windows in a row: a person may check ten times in a minute
    broken: tuple[str, ...]  # rules
    acted: tuple[str, ...]  # rules whose action was taken then


def alerts(terms: MonitoringTerms, drift: Drift, past: Sequence[PastCheck], now: datetime) -> tuple[Alert, ...]:
    """`past` is newest first."""
    return tuple(
        _alert(rule, breaches, terms, drift, past, now) for rule in terms.rules if (breaches := broken(rule, drift))
    )


def broken(rule: Rule, drift: Drift) -> tuple[Breach, ...]:
    """The columns beyond the limit, worst first; a window with too few rows breaks nothing."""
    found = [breach for column in _watched(rule, drift) if (breach := _breach(rule, column, drift.significance))]
    return tuple(sorted(found, key=lambda breach: -breach.value))


def _watched(rule: Rule, drift: Drift) -> Iterator[ColumnDrift]:
    if rule.watches == FEATURES:
        yield from drift.features
    elif rule.watches in OF_THE_MODEL:
        column = getattr(drift, rule.watches)
        if column is not None:
            yield column
    else:
        yield from (column for column in drift.features if column.feature == rule.watches)


def _breach(rule: Rule, column: ColumnDrift, significance: float) -> Breach | None:
    value, p_value = _measured(rule.measure, column)
    if value is None or p_value is None or column.level is Level.TOO_SMALL:
        return None
    if column.n_current < rule.minimum_rows or p_value >= significance or value <= rule.above:
        return None
    return Breach(column=column.feature, value=value, p_value=p_value, rows=column.n_current)


def _measured(measure: Measure, column: ColumnDrift) -> tuple[float | None, float | None]:
    if measure is Measure.KS:
        return column.ks, column.ks_p_value
    if measure is Measure.MISSING:
        missing = column.missing_current
        return None if missing is None else missing - column.missing_reference, column.p_value
    value = {
        Measure.PSI: column.psi,
        Measure.EFFECT_SIZE: column.effect_size,
        Measure.UNSEEN: column.unseen_current,
    }[measure]
    return value, column.p_value


def _alert(
    rule: Rule,
    breaches: tuple[Breach, ...],
    terms: MonitoringTerms,
    drift: Drift,
    past: Sequence[PastCheck],
    now: datetime,
) -> Alert:
    action, remark = _fit(rule.action, drift)
    in_a_row = 1 + _in_a_row(rule, past)
    state = _state(rule, in_a_row, past, now - timedelta(days=terms.remind_after_days))
    return Alert(
        rule=rule.name,
        action=action,
        state=state,
        measure=rule.measure,
        above=rule.above,
        breaches=breaches,
        windows=in_a_row,
        of_windows=rule.windows,
        text=" ".join(part for part in (_sentence(rule, breaches), remark, _progress(rule, in_a_row, state)) if part),
    )


def _fit(action: Action, drift: Drift) -> tuple[Action, str]:
    """A score that moved together with its input is no fault of the model: the old one sees the same input."""
    if action is not Action.ROLL_BACK:
        return action, ""
    moved = [column.feature for column in drift.features if column.level in (Level.LOOK, Level.ACT)]
    if not moved:
        return action, ""
    return Action.RETRAIN, f"The input moved too ({', '.join(moved)}), so a retrain is asked for instead of going back."


def _in_a_row(rule: Rule, past: Sequence[PastCheck]) -> int:
    counted = 0
    for check in past:
        if check.scheduled and rule.name not in check.broken:
            break
        counted += check.scheduled
    return counted


def _state(rule: Rule, in_a_row: int, past: Sequence[PastCheck], told_since: datetime) -> State:
    if in_a_row < rule.windows:
        return State.WAITING
    told = any(rule.name in check.acted and check.checked_at > told_since for check in past)
    return State.CONTINUES if told else State.TAKEN


def _sentence(rule: Rule, breaches: tuple[Breach, ...]) -> str:
    worst, others = breaches[0], len(breaches) - 1
    more = f", and {others} more" if others else ""
    return (
        f"{rule.name.capitalize()}: {rule.measure.value.replace('_', ' ')} of {worst.column} is {worst.value:.3g}, "
        f"above {rule.above:g}, on {worst.rows:,} rows{more}."
    )


def _progress(rule: Rule, in_a_row: int, state: State) -> str:
    if state is State.WAITING:
        return f"Window {in_a_row} of {rule.windows} in a row."
    return "Told before; it goes on." if state is State.CONTINUES else ""
