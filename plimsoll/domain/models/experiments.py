"""A comparison of two models, said beforehand: how many it takes, and what may be concluded when.

Two designs. In `arms` the challenger decides for its share of applicants, and the arms are compared.
In `shadow` it scores everybody beside the champion, and both scores of the same application are
compared, which takes far fewer; but it decides nothing, so only the order of applicants can be compared.

A reading before the planned sample is no verdict: whoever looks after every hundred applicants and
stops at p < 0.05 finds a difference where there is none more often than one time in five (Armitage,
McPherson and Rowe 1969). Interim looks are planned or do not count; an early end takes p < 0.001
(Haybittle 1971, Peto 1976), and that chance is taken off the last look's level (Bonferroni), so that
all looks together err no more often than alpha says.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models import metrics
from plimsoll.domain.models.metrics import Shares
from plimsoll.domain.models.performance import PerformanceReport, months_since_the_end_of
from plimsoll.domain.underwriting.application import Text
from plimsoll.domain.underwriting.product import OutcomeTerms, Product, RiskTerms, Scale
from plimsoll.domain.values import Value

Flags = npt.NDArray[np.bool_]
INTERIM_LEVEL = 0.001
MOST_NEEDED = 100_000_000
FEWEST_OF_A_KIND = 5  # of either outcome in an arm, below which nothing is computed


class Metric(StrEnum):
    BAD_RATE = "bad_rate"  # bads among those granted a loan
    COST = "cost"  # per applicant: a bad loan costs, a good one earns, a decline is nothing
    AUC = "auc"  # order of applicants

    @property
    def words(self) -> str:
        return {Metric.BAD_RATE: "bad rate", Metric.COST: "cost per applicant", Metric.AUC: "AUC"}[self]

    @property
    def lower_is_better(self) -> bool:
        return self is not Metric.AUC


class Design(StrEnum):
    ARMS = "arms"
    SHADOW = "shadow"


class Question(Value):
    """What a comparison shall find out."""

    product: Text
    challenger: Text = Field(description="Id or name@version of the version that is tried.")
    metric: Metric = Metric.BAD_RATE
    effect: float = Field(gt=0, description="Smallest difference worth finding: 0.01 is one per cent point.")
    design: Design = Design.ARMS
    share: float = Field(
        default=0.2, gt=0, le=0.5, description="Of applicants, the challenger's; of no meaning in shadow."
    )
    alpha: float = Field(default=0.05, ge=0.001, le=0.2, description="How often it may see a difference that is none.")
    power: float = Field(default=0.8, ge=0.5, le=0.99, description="How often it shall see a difference that is there.")
    looks: int = Field(default=1, ge=1, le=5, description="Planned readings that count, the last one included.")
    baseline: float | None = Field(default=None, description="The champion's value, when you know better than we do.")
    correlation: float = Field(default=0.8, ge=0, lt=1, description="Of both models' AUC in shadow: assumed.")

    @model_validator(mode="after")
    def _can_be_asked(self) -> "Question":
        if self.design is Design.SHADOW and self.metric is not Metric.AUC:
            raise ValueError("a shadow decides nothing, so only `auc` can be compared in shadow")
        return self


class Baseline(Value):
    """What is known of the champion, and from where."""

    value: float  # of the metric
    bad_rate: float  # among those whose outcome will be known
    spread: float = 0.0  # standard deviation of the cost of one applicant
    source: str  # in words
    monthly: float  # applicants a month who count for the metric


class Plan(Value):
    """Fixed when the experiment is planned; a reading is held against it."""

    question: Question
    baseline: Baseline
    expected: float  # the challenger's value if the effect is there
    n_champion: int
    n_challenger: int
    months_to_fill: float | None
    months_to_read: float | None  # and until the last labels are ripe
    salt: str
    formula: str
    words: tuple[str, ...]


class Verdict(StrEnum):
    NONE_YET = "none_yet"
    CHALLENGER_BETTER = "challenger_better"
    CHAMPION_BETTER = "champion_better"
    NO_DIFFERENCE_SEEN = "no_difference_seen"


class Comparison(Value):
    champion: float
    challenger: float
    difference: float  # challenger less champion
    interval: tuple[float, float]  # 95 %
    p: float
    method: str


class Look(Value):
    """A planned reading: what it found and what followed."""

    number: int
    on: date
    share_of_sample: float
    comparison: Comparison
    level: float  # p below this ends it
    verdict: Verdict


class ArmCount(Value):
    assigned: int
    decided: int
    granted: int
    ripe: int  # decided long enough ago, or nearly all of their month known
    counted: int  # in the comparison


class Reading(Value):
    on: date
    champion: ArmCount
    challenger: ArmCount
    share_of_sample: float  # of the planned, in the arm that lags
    comparison: Comparison | None
    verdict: Verdict
    looks: tuple[Look, ...] = ()  # those that counted
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Compared:
    """Applications of an experiment as columns, one a person, by the arm they were dealt to. NaN is "not known"."""

    challenger: Flags  # dealt to the challenger; in shadow nobody
    vintage: npt.NDArray[np.object_]
    decided: Flags
    granted: Flags
    bad: Shares
    score: Shares  # of the model that decided
    shadow_score: Shares  # of the challenger beside it, in shadow

    def __len__(self) -> int:
        return len(self.bad)


# Beforehand -------------------------------------------------------------------------------------


def plan(question: Question, baseline: Baseline, terms: OutcomeTerms, salt: str) -> Plan:
    """How many it takes and how long. Raises InvalidRequest for an effect that cannot be."""
    expected = baseline.value + (-question.effect if question.metric.lower_is_better else question.effect)
    n_champion, n_challenger, formula = _sizes(question, baseline, expected)
    months = _months(question, baseline, n_champion, n_challenger)
    return Plan(
        question=question,
        baseline=baseline,
        expected=expected,
        n_champion=n_champion,
        n_challenger=n_challenger,
        months_to_fill=months,
        months_to_read=months + terms.maturity_months if months is not None else None,
        salt=salt,
        formula=formula,
        words=tuple(_beforehand(question, baseline, n_champion, n_challenger, months, terms)),
    )


def baseline_of(
    question: Question, product: Product, report: PerformanceReport, granted: float | None, monthly: float,
    auc_in_training: float | None,
) -> Baseline:  # fmt: skip
    """The champion as it was seen to be, else as it is assumed to be; `granted` is the share of the decided.

    Raises InvalidRequest when nothing is known of the order.
    """
    figures = report.granted_only or report.overall
    risk, share = product.risk, 0.5 if granted is None else granted
    assumed = risk.sample_bad_rate if product.outcomes.scale is Scale.SAMPLE else risk.portfolio_bad_rate
    bad_rate, source = assumed, "the product's own assumption, as no outcome is ripe"
    if figures:
        bad_rate, source = figures.seen, f"seen in {figures.rows:,} granted loans of ripe vintages"
    spread = spread_of_cost(share, bad_rate, risk)
    value: float | None = {Metric.BAD_RATE: bad_rate, Metric.COST: mean_cost(share, bad_rate, risk)}.get(
        question.metric
    )
    if question.metric is Metric.AUC:
        value, source = auc_in_training, "cross-validated in training"
        if report.overall and report.overall.auc is not None:
            value, source = report.overall.auc, f"seen in {report.overall.rows:,} applications of ripe vintages"
    if question.baseline is not None:
        value, source = question.baseline, "as given with the question"
    if value is None:
        raise InvalidRequest("Nothing is known of the champion's AUC: say it as `baseline`.")
    return Baseline(value=value, bad_rate=bad_rate, spread=spread, source=source, monthly=monthly)


def two_proportions(first: float, second: float, ratio: float, alpha: float, power: float) -> tuple[int, int]:
    """Rows of either arm to tell two shares apart, the second arm `ratio` times as large.

    Normal approximation with the pooled variance under the hypothesis of no difference, without
    continuity correction: Fleiss, Levin and Paik, "Statistical Methods for Rates and Proportions",
    3rd ed. 2003, section 4.4.
    """
    pooled = (first + ratio * second) / (1 + ratio)
    reach = _z(1 - alpha / 2) * sqrt((1 + ratio) * pooled * (1 - pooled))
    reach += _z(power) * sqrt(ratio * first * (1 - first) + second * (1 - second))
    rows = reach**2 / (ratio * (first - second) ** 2)
    return ceil(rows), ceil(rows * ratio)


def two_means(effect: float, spread: float, ratio: float, alpha: float, power: float) -> tuple[int, int]:
    """Rows of either arm to tell two means apart whose rows spread alike: (z + z)² σ² (1 + 1/r) / δ².

    Chow, Shao and Wang, "Sample Size Calculations in Clinical Research", 2nd ed. 2008, section 3.2.
    """
    rows = (_z(1 - alpha / 2) + _z(power)) ** 2 * spread**2 * (1 + 1 / ratio) / effect**2
    return ceil(rows), ceil(rows * ratio)


def variance_of_auc(area: float, bads: float, goods: float) -> float:
    """Hanley and McNeil, Radiology 143 (1982): negative exponential approximation, errs on the large side."""
    bad_pair, good_pair = area / (2 - area), 2 * area**2 / (1 + area)
    return (
        area * (1 - area) + (bads - 1) * (bad_pair - area**2) + (goods - 1) * (good_pair - area**2)
    ) / (bads * goods)  # fmt: skip


def two_aucs(
    first: float, second: float, bad_rate: float, ratio: float | None, alpha: float, power: float, correlation: float
) -> tuple[int, int]:
    """Rows to tell two AUCs apart: of either arm, or, without `ratio`, of the same rows scored twice.

    Scored twice, the variances lose twice the covariance (Hanley and McNeil, Radiology 148, 1983).
    """
    wanted = (abs(first - second) / (_z(1 - alpha / 2) + _z(power))) ** 2

    def variance(rows: float) -> float:
        one = variance_of_auc(first, rows * bad_rate, rows * (1 - bad_rate))
        others = rows * (ratio or 1.0)
        other = variance_of_auc(second, others * bad_rate, others * (1 - bad_rate))
        return one + other - (0.0 if ratio else 2 * correlation * sqrt(one * other))

    low, high = ceil(2 / min(bad_rate, 1 - bad_rate)), MOST_NEEDED
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if variance(middle) <= wanted else (middle + 1, high)
    return low, ceil(low * ratio) if ratio else low


def spread_of_cost(granted: float, bad_rate: float, risk: RiskTerms) -> float:
    """Standard deviation of one applicant's cost, from the shares of those granted and of bads among them."""
    bad, good = granted * bad_rate, granted * (1 - bad_rate)
    mean = mean_cost(granted, bad_rate, risk)
    return sqrt(bad * risk.cost_of_bad**2 + good * risk.cost_of_good_declined**2 - mean**2)


def mean_cost(granted: float, bad_rate: float, risk: RiskTerms) -> float:
    return granted * (bad_rate * risk.cost_of_bad - (1 - bad_rate) * risk.cost_of_good_declined)


def _sizes(question: Question, baseline: Baseline, expected: float) -> tuple[int, int, str]:
    ratio = question.share / (1 - question.share)
    alpha, power = final_level(question), question.power
    if question.metric is Metric.COST:
        if baseline.spread <= 0:
            raise InvalidRequest(
                "Every applicant costs the same, so there is nothing to compare: choose another metric."
            )
        sizes = two_means(question.effect, baseline.spread, ratio, alpha, power)
        return *sizes, "two means, Chow, Shao and Wang 2008"
    if not (0 < baseline.value < 1 and 0 < expected < 1):
        raise InvalidRequest(
            f"An effect of {question.effect:g} on {baseline.value:.3f} would be {expected:.3f}: choose a smaller one."
        )
    if question.metric is Metric.BAD_RATE:
        sizes = two_proportions(baseline.value, expected, ratio, alpha, power)
        return *sizes, "two proportions, Fleiss, Levin and Paik 2003"
    if not 0 < baseline.bad_rate < 1:
        raise InvalidRequest("Without good and bad ones no order can be compared: give the bad rate as data first.")
    paired = question.design is Design.SHADOW
    sizes = two_aucs(
        baseline.value, expected, baseline.bad_rate, None if paired else ratio, alpha, power, question.correlation
    )
    return *sizes, f"two {'correlated ' if paired else ''}AUCs, Hanley and McNeil {'1983' if paired else '1982'}"


def final_level(question: Question) -> float:
    """What is left of alpha for the last look."""
    level = question.alpha - INTERIM_LEVEL * (question.looks - 1)
    if level <= 0:
        raise InvalidRequest(f"{question.looks} looks use up an alpha of {question.alpha:g}: plan fewer.")
    return level


def _months(question: Question, baseline: Baseline, n_champion: int, n_challenger: int) -> float | None:
    if baseline.monthly <= 0:
        return None
    if question.design is Design.SHADOW:
        return n_challenger / baseline.monthly
    share = question.share
    return max(n_challenger / (share * baseline.monthly), n_champion / ((1 - share) * baseline.monthly))


def _beforehand(
    question: Question,
    baseline: Baseline,
    n_champion: int,
    n_challenger: int,
    months: float | None,
    terms: OutcomeTerms,
) -> list[str]:
    counted = {
        Metric.BAD_RATE: "granted loans with a final outcome",
        Metric.COST: "decided applicants, those granted with a final outcome",
        Metric.AUC: "scored applicants with a final outcome",
    }[question.metric]
    many = (
        f"{n_challenger:,} {counted}, each scored by both"
        if question.design is Design.SHADOW
        else f"{n_champion:,} {counted} of the champion's and {n_challenger:,} of the challenger's"
    )
    said = [
        f"To find a difference of {question.effect:g} in {question.metric.words} with power "
        f"{question.power:.0%} at alpha {question.alpha:g} it takes {many}.",
        f"The champion's {question.metric.words} is taken as {baseline.value:.4g}: {baseline.source}.",
    ]
    if question.design is Design.SHADOW:
        said.append(f"That both AUCs correlate by {question.correlation:g} is an assumption.")
    if months is None:
        said.append("Nobody was decided in the last 90 days, so how long that takes cannot be said.")
    else:
        said.append(
            f"At {baseline.monthly:,.0f} a month that takes {months:.1f} months, and {terms.maturity_months} more "
            "until the last of them are ripe."
        )
    if question.looks > 1:
        said.append(
            f"{question.looks - 1} interim looks end it early at p < {INTERIM_LEVEL:g}; the last look is held against "
            f"{final_level(question):.3f}."
        )
    else:
        said.append("There is one look, at the end: readings before it are no verdict.")
    return said


# Afterwards -------------------------------------------------------------------------------------


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


def compare_shares(bads: tuple[int, int], rows: tuple[int, int]) -> Comparison:
    """Champion first. Score test with pooled variance; Newcombe's interval from two Wilson intervals.

    Newcombe, "Interval estimation for the difference between independent proportions", Statistics
    in Medicine 17 (1998), method 10.
    """
    shares = [bad / n for bad, n in zip(bads, rows, strict=True)]
    pooled = sum(bads) / sum(rows)
    spread = sqrt(pooled * (1 - pooled) * (1 / rows[0] + 1 / rows[1]))
    (low_0, high_0), (low_1, high_1) = (metrics.wilson(bad, n) for bad, n in zip(bads, rows, strict=True))
    difference = shares[1] - shares[0]
    return Comparison(
        champion=shares[0],
        challenger=shares[1],
        difference=difference,
        interval=(
            difference - sqrt((shares[1] - low_1) ** 2 + (high_0 - shares[0]) ** 2),
            difference + sqrt((high_1 - shares[1]) ** 2 + (shares[0] - low_0) ** 2),
        ),
        p=metrics.two_sided(difference / spread) if spread else 1.0,
        method="score test of two proportions, Newcombe's interval",
    )


def compare_means(champion: Shares, challenger: Shares) -> Comparison:
    """Unequal variances, normal reference: the planned samples are large."""
    difference = float(challenger.mean() - champion.mean())
    spread = sqrt(champion.var(ddof=1) / len(champion) + challenger.var(ddof=1) / len(challenger))
    return _normal(float(champion.mean()), float(challenger.mean()), difference, spread, "two means, unequal variances")


def compare_aucs(bad: tuple[Shares, Shares], score: tuple[Shares, Shares]) -> Comparison:
    """Of different applicants: DeLong's variance of each."""
    areas, spreads = [], []
    for labels, scores in zip(bad, score, strict=True):
        areas.append(metrics.auc(labels.astype(np.int64), scores))
        spreads.append(metrics.auc_spread(labels.astype(np.int64), scores))
    together = sqrt(spreads[0] ** 2 + spreads[1] ** 2)
    return _normal(areas[0], areas[1], areas[1] - areas[0], together, "DeLong's variance of two separate AUCs")


def compare_paired_aucs(bad: Shares, champion: Shares, challenger: Shares) -> Comparison:
    """Of the same applicants: DeLong's test for correlated curves."""
    labels = bad.astype(np.int64)
    found = metrics.delong_difference(labels, challenger, champion)
    return Comparison(
        champion=metrics.auc(labels, champion),
        challenger=metrics.auc(labels, challenger),
        difference=found.difference,
        interval=(found.low, found.high),
        p=found.p,
        method="DeLong's test on the same applications",
    )


def _normal(champion: float, challenger: float, difference: float, spread: float, method: str) -> Comparison:
    return Comparison(
        champion=champion,
        challenger=challenger,
        difference=difference,
        interval=(difference - metrics.WIDE * spread, difference + metrics.WIDE * spread),
        p=metrics.two_sided(difference / spread) if spread else 1.0,
        method=method,
    )


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


def _z(probability: float) -> float:
    return NormalDist().inv_cdf(probability)
