"""An experiment before it begins: what the champion is taken to be, how many it takes, and how long."""

from math import sqrt

from plimsoll.domain.durations import months_in_words
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models.experiments import INTERIM_LEVEL, Baseline, Design, Metric, Plan, Question, final_level
from plimsoll.domain.models.performance import PerformanceReport
from plimsoll.domain.models.sample_sizes import two_aucs, two_means, two_proportions
from plimsoll.domain.underwriting.product import OutcomeTerms, Product, RiskTerms, Scale


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
            f"At {baseline.monthly:,.0f} a month that takes {months_in_words(months)}, and "
            f"{terms.maturity_months} months more until the last of them are ripe."
        )
    if question.looks > 1:
        said.append(
            f"{question.looks - 1} interim looks end it early at p < {INTERIM_LEVEL:g}; the last look is held against "
            f"{final_level(question):.3f}."
        )
    else:
        said.append("There is one look, at the end: readings before it are no verdict.")
    return said
