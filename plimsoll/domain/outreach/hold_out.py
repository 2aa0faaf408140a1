"""Who is left alone so that the effect can be seen: dealt by a digest of salt and person before anything is done.

Anybody can work it out again; the salts stand in the strategy table, the stratum with the episode:

    printf '%s' '<salt>/hold-out/<level>/<per_…>' | sha256sum

as `domain/assignment.py` reads it. Everybody is compared as assigned: a customer of the hold-out who
asked for help got it, and still counts where they were dealt.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from plimsoll.domain.durations import months_in_words
from plimsoll.domain.models.assignment import position
from plimsoll.domain.models.comparisons import compare_shares
from plimsoll.domain.models.experiments import FEWEST_OF_A_KIND, Comparison
from plimsoll.domain.models.sample_sizes import two_proportions
from plimsoll.domain.outreach.strategy import EffectTerms, StrategyTable
from plimsoll.domain.values import RiskLevel, Value

HOLD_OUT = "hold_out"


def arm_of(table: StrategyTable, person: str, stratum: RiskLevel) -> str:
    """`hold_out`, or the id of a strategy. The hold-out is dealt in each stratum anew, a strategy once for a person."""
    if position(f"{table.salt}/hold-out/{stratum}", person) < table.hold_out:
        return HOLD_OUT
    return strategy_of(table, person)


def strategy_of(table: StrategyTable, person: str) -> str:
    """Also for whoever of the hold-out asked for help."""
    place, reached = position(f"{table.salt}/strategy", person), 0.0
    for strategy in table.strategies:
        reached += strategy.share
        if place < reached:
            return strategy.id
    return table.strategies[-1].id


# Beforehand -------------------------------------------------------------------------------------


class EffectPlan(Value):
    """How many it takes, and how long at the pace of the last days."""

    terms: EffectTerms
    hold_out: float
    n_treated: int
    n_held_out: int
    monthly: float | None
    months_to_fill: float | None
    words: tuple[str, ...]


def plan_effect(table: StrategyTable, monthly: float | None) -> EffectPlan:
    """`monthly`: episodes opened in thirty days, hold-out included."""
    terms, share = table.effect, table.hold_out
    if share == 0:
        return EffectPlan(
            terms=terms, hold_out=0, n_treated=0, n_held_out=0, monthly=monthly, months_to_fill=None,
            words=("Nobody is held out, so no effect will ever be known: set hold_out between 0.05 and 0.10.",),
        )  # fmt: skip
    treated, held = two_proportions(
        max(terms.baseline - terms.effect, 1e-6), terms.baseline, share / (1 - share), terms.alpha, terms.power
    )
    months = max(held / (share * monthly), treated / ((1 - share) * monthly)) if monthly else None
    days = table.outcome_days
    words = [
        f"To find a difference of {terms.effect:.1%} where {terms.baseline:.1%} miss a payment, with power "
        f"{terms.power:.0%} at alpha {terms.alpha:g}, it takes {treated:,} treated and {held:,} held out.",
        f"Read {' and '.join(str(day) for day in days)} days after opening, as assigned; before that sample is in, "
        "nothing read is a verdict.",
    ]
    if months is not None:
        takes = months_in_words(months)
        words.append(f"At {monthly:,.0f} episodes a month that takes {takes}, and {days[-1]} days more.")
    else:
        words.append("No episode was opened in the last thirty days, so how long that takes cannot be said.")
    return EffectPlan(
        terms=terms, hold_out=share, n_treated=treated, n_held_out=held, monthly=monthly, months_to_fill=months,
        words=tuple(words),
    )  # fmt: skip


# Afterwards -------------------------------------------------------------------------------------


class Followed(Value):
    """One group of episodes at one day after opening."""

    arm: str
    stratum: RiskLevel
    day: int
    ripe: int  # old enough
    known: int  # and something is known of them
    missed: int


class EffectVerdict(StrEnum):
    NONE_YET = "none_yet"
    HELPS = "helps"
    HARMS = "harms"
    NO_DIFFERENCE_SEEN = "no_difference_seen"


class EffectReading(Value):
    """Treated against held out at one day. `challenger` of the comparison is who was treated."""

    day: int
    treated: int
    held_out: int
    share_of_sample: float
    comparison: Comparison | None
    verdict: EffectVerdict
    words: str


class ArmReading(Value):
    """One strategy against the first in the table, as assigned."""

    day: int
    arm: str
    known: int
    missed_share: float | None
    against: str | None = None
    comparison: Comparison | None = None


def ripe_before(now: datetime, day: int) -> datetime:
    """Episodes opened before this are old enough for a reading at `day`."""
    return now - timedelta(days=day)


def read_effect(table: StrategyTable, followed: tuple[Followed, ...]) -> tuple[EffectReading, ...]:
    planned = plan_effect(table, None)
    return tuple(_read(day, [each for each in followed if each.day == day], planned) for day in table.outcome_days)


def _read(day: int, rows: list[Followed], planned: EffectPlan) -> EffectReading:
    held = [each for each in rows if each.arm == HOLD_OUT]
    treated = [each for each in rows if each.arm != HOLD_OUT]
    n_held, n_treated = sum(each.known for each in held), sum(each.known for each in treated)
    enough = min(n_held, n_treated) >= FEWEST_OF_A_KIND
    comparison = (
        compare_shares((sum(each.missed for each in held), sum(each.missed for each in treated)), (n_held, n_treated))
        if enough
        else None
    )
    share = min(n_held / planned.n_held_out, n_treated / planned.n_treated) if planned.n_held_out else 0.0
    verdict = _verdict(comparison, share, planned.terms)
    return EffectReading(
        day=day, treated=n_treated, held_out=n_held, share_of_sample=share, comparison=comparison, verdict=verdict,
        words=_words(day, comparison, share, verdict, planned),
    )  # fmt: skip


def _verdict(comparison: Comparison | None, share: float, terms: EffectTerms) -> EffectVerdict:
    if comparison is None or share < 1:
        return EffectVerdict.NONE_YET
    if comparison.p >= terms.alpha:
        return EffectVerdict.NO_DIFFERENCE_SEEN
    return EffectVerdict.HELPS if comparison.difference < 0 else EffectVerdict.HARMS


def _words(
    day: int, comparison: Comparison | None, share: float, verdict: EffectVerdict, planned: EffectPlan
) -> str:  # fmt: skip
    if comparison is None:
        return f"Day {day}: too few outcomes are ripe to compute anything yet."
    low, high = comparison.interval
    seen = (
        f"Day {day}: {comparison.challenger:.1%} of the treated and {comparison.champion:.1%} of the held out missed a "
        f"payment, a difference of {comparison.difference:+.1%} ({low:+.1%} to {high:+.1%})."
    )
    said = {
        EffectVerdict.NONE_YET: f"No verdict: {share:.0%} of the planned sample is ripe.",
        EffectVerdict.HELPS: f"Treatment helps (p {comparison.p:.4f}).",
        EffectVerdict.HARMS: f"Treatment does harm (p {comparison.p:.4f}): stop it.",
        EffectVerdict.NO_DIFFERENCE_SEEN: f"No difference is seen; one of {planned.terms.effect:.1%} would have been "
        f"with a chance of {planned.terms.power:.0%}.",
    }[verdict]
    return f"{seen} {said}"


def read_arms(table: StrategyTable, followed: tuple[Followed, ...]) -> tuple[ArmReading, ...]:
    """Each strategy at each day; all but the first are compared with the first."""
    first = table.strategies[0].id
    found = []
    for day in table.outcome_days:
        counts = {arm: _counted(followed, arm, day) for arm in _arms(table, followed)}
        for arm, (known, missed) in counts.items():
            known_first, missed_first = counts[first]
            comparable = arm != first and min(known, known_first) >= FEWEST_OF_A_KIND
            found.append(
                ArmReading(
                    day=day,
                    arm=arm,
                    known=known,
                    missed_share=missed / known if known else None,
                    against=first if comparable else None,
                    comparison=compare_shares((missed_first, missed), (known_first, known)) if comparable else None,
                )
            )
    return tuple(found)


def _arms(table: StrategyTable, followed: tuple[Followed, ...]) -> list[str]:
    listed = [strategy.id for strategy in table.strategies]
    return listed + sorted({each.arm for each in followed} - {*listed, HOLD_OUT})


def _counted(followed: tuple[Followed, ...], arm: str, day: int) -> tuple[int, int]:
    rows = [each for each in followed if each.arm == arm and each.day == day]
    return sum(each.known for each in rows), sum(each.missed for each in rows)
