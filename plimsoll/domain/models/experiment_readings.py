"""An experiment while it runs and after: what may be said on a day, and what not yet."""

from datetime import date

import numpy as np

from plimsoll.domain.models.comparisons import compare_aucs, compare_means, compare_paired_aucs, compare_shares
from plimsoll.domain.models.experiments import (
    FEWEST_OF_A_KIND,
    INTERIM_LEVEL,
    ArmCount,
    Compared,
    Comparison,
    Design,
    Flags,
    Look,
    Metric,
    Plan,
    Question,
    Reading,
    Verdict,
    final_level,
)
from plimsoll.domain.models.metrics import Shares
from plimsoll.domain.models.performance import months_since_the_end_of
from plimsoll.domain.underwriting.product import OutcomeTerms, RiskTerms


def read(
    planned: Plan, rows: Compared, terms: OutcomeTerms, risk: RiskTerms, on: date, earlier: tuple[Look, ...] = ()
) -> Reading:
    """What may be said on this day. A planned look is taken once its part of the sample is in, and only once."""
    ripe = ripe_rows(rows, terms, on)
    counted = _counted(planned.question, rows, ripe)
    champion = _count(rows, ripe, counted, ~rows.challenger)
    challenger = _count(rows, ripe, counted, rows.challenger)
    if planned.question.design is Design.SHADOW:
        challenger = champion
    share = min(champion.counted / planned.n_champion, challenger.counted / planned.n_challenger)
    comparison = _compare(planned.question, rows, counted, risk)
    looks = _looked(planned.question, share, comparison, on, earlier)
    verdict = looks[-1].verdict if looks else Verdict.NONE_YET
    return Reading(
        on=on,
        champion=champion,
        challenger=challenger,
        share_of_sample=share,
        comparison=comparison,
        verdict=verdict,
        looks=looks,
        words=tuple(_afterwards(planned, rows, ripe, share, comparison, looks, terms)),
    )


def ripe_rows(rows: Compared, terms: OutcomeTerms, on: date) -> Flags:
    """Of months that are old enough, or of whose loans nearly all are known: others are known by their bads first."""
    ripe = np.zeros(len(rows), dtype=np.bool_)
    for vintage in set(rows.vintage[rows.decided]):
        month = rows.decided & (rows.vintage == vintage)
        granted = month & rows.granted
        known = (~np.isnan(rows.bad[granted])).mean() if granted.any() else 1.0
        if months_since_the_end_of(vintage, on) >= terms.maturity_months or known >= terms.complete_at:
            ripe |= month
    return ripe


def _counted(question: Question, rows: Compared, ripe: Flags) -> Flags:
    known = ~np.isnan(rows.bad)
    if question.metric is Metric.BAD_RATE:
        return ripe & rows.granted & known
    if question.metric is Metric.COST:
        return ripe & (known | ~rows.granted)
    counted = ripe & known & ~np.isnan(rows.score)
    return counted & ~np.isnan(rows.shadow_score) if question.design is Design.SHADOW else counted


def _count(rows: Compared, ripe: Flags, counted: Flags, arm: Flags) -> ArmCount:
    return ArmCount(
        assigned=int(arm.sum()),
        decided=int((arm & rows.decided).sum()),
        granted=int((arm & rows.granted).sum()),
        ripe=int((arm & ripe).sum()),
        counted=int((arm & counted).sum()),
    )


def _compare(question: Question, rows: Compared, counted: Flags, risk: RiskTerms) -> Comparison | None:
    champion, challenger = counted & ~rows.challenger, counted & rows.challenger
    if question.design is Design.SHADOW:
        if not _enough(rows.bad[counted]):
            return None
        return compare_paired_aucs(rows.bad[counted], rows.score[counted], rows.shadow_score[counted])
    if question.metric is Metric.COST:
        if min(champion.sum(), challenger.sum()) < FEWEST_OF_A_KIND:
            return None
        cost = costs(rows, risk)
        return compare_means(cost[champion], cost[challenger])
    if question.metric is Metric.BAD_RATE:
        if min(champion.sum(), challenger.sum()) < FEWEST_OF_A_KIND:
            return None
        bads = (int(rows.bad[champion].sum()), int(rows.bad[challenger].sum()))
        return compare_shares(bads, (int(champion.sum()), int(challenger.sum())))
    if not (_enough(rows.bad[champion]) and _enough(rows.bad[challenger])):
        return None
    arms = (champion, challenger)
    return compare_aucs((rows.bad[arms[0]], rows.bad[arms[1]]), (rows.score[arms[0]], rows.score[arms[1]]))


def costs(rows: Compared, risk: RiskTerms) -> Shares:
    """Of each applicant. A declined one costs nothing that can be seen; so nobody's outcome needs guessing."""
    cost = np.where(rows.bad == 1, risk.cost_of_bad, -risk.cost_of_good_declined)
    return np.where(rows.granted, cost, 0.0)


def _enough(bad: Shares) -> bool:
    return min(int((bad == 1).sum()), int((bad == 0).sum())) >= FEWEST_OF_A_KIND


def _looked(
    question: Question, share: float, comparison: Comparison | None, on: date, earlier: tuple[Look, ...]
) -> tuple[Look, ...]:
    """The looks that count, this one included if it is one."""
    if comparison is None or (earlier and earlier[-1].verdict is not Verdict.NONE_YET):
        return earlier
    due = min(int(share * question.looks + 1e-9), question.looks)
    taken = earlier[-1].number if earlier else 0
    if due <= taken:
        return earlier
    last = due == question.looks
    level = final_level(question) if last else INTERIM_LEVEL
    look = Look(
        number=due,
        on=on,
        share_of_sample=share,
        comparison=comparison,
        level=level,
        verdict=_verdict(question, comparison, level, last),
    )
    return (*earlier, look)


def _verdict(question: Question, comparison: Comparison, level: float, last: bool) -> Verdict:
    if comparison.p >= level:
        return Verdict.NO_DIFFERENCE_SEEN if last else Verdict.NONE_YET
    better = (comparison.difference < 0) == question.metric.lower_is_better
    return Verdict.CHALLENGER_BETTER if better else Verdict.CHAMPION_BETTER


def _afterwards(
    planned: Plan,
    rows: Compared,
    ripe: Flags,
    share: float,
    comparison: Comparison | None,
    looks: tuple[Look, ...],
    terms: OutcomeTerms,
) -> list[str]:
    question = planned.question
    said = [_conclusion(planned, share, comparison, looks)]
    unripe = int((rows.decided & ~ripe).sum())
    if unripe:
        said.append(
            f"{unripe:,} of {int(rows.decided.sum()):,} decided are too young: less than {terms.maturity_months} "
            "months old, and not nearly all of their month known. They wait outside the comparison."
        )
    if question.metric is Metric.BAD_RATE:
        said.append(
            "The arms may grant loans to different people: a lower bad rate with fewer loans is no gain by itself; "
            "`cost` weighs both."
        )
    if question.metric is Metric.AUC:
        said.append("Both AUCs hold for those whose outcome is known, who are mostly those let through.")
    return said


def _conclusion(
    planned: Plan, share: float, comparison: Comparison | None, looks: tuple[Look, ...]
) -> str:  # fmt: skip
    settled = looks[-1] if looks and looks[-1].verdict is not Verdict.NONE_YET else None
    if settled:
        found = {
            Verdict.CHALLENGER_BETTER: "the challenger is better",
            Verdict.CHAMPION_BETTER: "the champion is better",
            Verdict.NO_DIFFERENCE_SEEN: f"no difference is seen; one of {planned.question.effect:g} would have been "
            f"seen with a chance of {planned.question.power:.0%}",
        }[settled.verdict]
        return (
            f"Look {settled.number} of {planned.question.looks} on {settled.on}: {found} (p {settled.comparison.p:.4f} "
            f"against {settled.level:.3f}). That stands, whatever later readings show."
        )
    if comparison is None:
        return "Too few outcomes are ripe to compute anything yet."
    return (
        f"No verdict yet: {share:.0%} of the planned sample is ripe, and what is shown so far moves by chance. "
        f"{_next_look(planned.question, looks)}"
    )


def _next_look(question: Question, looks: tuple[Look, ...]) -> str:
    number = (looks[-1].number if looks else 0) + 1
    return f"The next look that counts is number {number} of {question.looks}, at {number / question.looks:.0%}."
