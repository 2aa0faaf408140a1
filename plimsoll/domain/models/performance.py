"""How forecasts turned out: by month of decision, by model version and arm, once labels are ripe.

A vintage is the applications decided in one month. Those who default do so early and are reported
first, so a rate taken too soon is wrong in one direction: a vintage counts when it is old enough
or nearly all of its loans are known, and shows only early marks until then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models import metrics
from plimsoll.domain.models.metrics import CalibrationLine, Labels, Shares
from plimsoll.domain.models.outcomes import EARLY, Mark
from plimsoll.domain.underwriting.product import OutcomeTerms, Product, RiskTerms, Scale
from plimsoll.domain.values import Value

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Words = npt.NDArray[np.object_]

FEWEST_FOR_A_LINE = 10  # of either outcome, below which a calibration line is arbitrary
FEWEST_TO_SAY_MUCH = 30
COUNTING = ("ripe", "partly_known")
Interval = tuple[float, float]


@dataclass(frozen=True)
class Judged:
    """Decided applications as columns, with what was known of them by one day. NaN is "not known"."""

    vintage: Words  # YYYY-MM of the decision
    granted: Flags  # approved; or offered something else, and an outcome shows that it was taken
    sample_probability: Shares
    probability_of_default: Shares
    bad: Shares
    amount: Shares  # lost of a bad one, repaid of a good
    model: Words  # name@version; None when a rule decided before any score
    arm: Words
    marks: Mapping[Mark, Shares]

    def __len__(self) -> int:
        return len(self.bad)

    def where(self, rows: Flags | Places) -> "Judged":
        return Judged(
            **{name: column[rows] for name, column in vars(self).items() if name != "marks"},
            marks={mark: column[rows] for mark, column in self.marks.items()},
        )

    @property
    def known(self) -> Flags:
        return ~np.isnan(self.bad)

    @property
    def scored(self) -> Flags:
        return ~np.isnan(self.probability_of_default)


class EarlyMark(Value):
    """A sign before maturity, counted among all who were granted a loan: who is not reported counts as well."""

    mark: Mark
    granted: int
    reported: int
    seen: int  # bad ones
    rate: float | None
    interval: Interval | None
    ready: bool  # old enough for every loan of the vintage to show it


class Confusion(Value):
    """What the cut alone would have done, against what happened. Positive is "would default"."""

    cut: float  # probability of default on the portfolio's scale
    true_positives: int
    false_positives: int  # good ones above the cut
    false_negatives: int  # bad ones below the cut
    true_negatives: int
    cost_of_false_positives: float
    cost_of_false_negatives: float
    cost_per_applicant: float


class Figures(Value):
    """How good a score was for these applicants; None where they are too few to say."""

    rows: int
    bads: int
    seen: float  # bad rate
    seen_interval: Interval
    predicted: float
    auc: float | None = None
    auc_interval: Interval | None = None
    gini: float | None = None
    ks: float | None = None
    brier: float
    calibration: CalibrationLine | None = None
    ece: float
    ece_perfect_model_95: float
    calibrated: bool | None = None  # error within that of a perfect model, and the slope may be 1
    reliability: tuple[dict[str, Any], ...] = ()
    confusion: Confusion
    lost: float | None = None  # summed amounts of the bad ones that have one
    note: str = ""


class Cohort(Value):
    """Some decided applications: a vintage, a model version, an arm."""

    name: str
    decided: int
    granted: int
    known: int  # with a final outcome
    coverage: float | None  # of the granted
    months_old: int | None = None  # since the end of the vintage
    state: str = ""  # ripe | partly_known | young | nothing_granted
    early: tuple[EarlyMark, ...] = ()
    figures: Figures | None = None


class PerformanceReport(Value):
    product: str
    as_of: date
    terms: OutcomeTerms
    decided: int
    known: int
    declined: int
    declined_known: int
    vintages: tuple[Cohort, ...]
    overall: Figures | None
    granted_only: Figures | None
    by_model: tuple[Cohort, ...]
    by_arm: tuple[Cohort, ...]
    words: tuple[str, ...]  # what must be said with the figures


def performance_report(product: Product, judged: Judged, as_of: date) -> PerformanceReport:
    """Everything known by this day of how decisions of a product turned out."""
    terms = product.outcomes
    # Every figure sorts by the probability, which is quick for rows that are in order already.
    judged = judged.where(np.argsort(judged.probability_of_default, kind="stable"))
    months = sorted(set(judged.vintage))
    place_of = {name: place for place, name in enumerate(months)}
    month_of = np.fromiter(map(place_of.__getitem__, judged.vintage), dtype=np.intp, count=len(judged))
    vintages = tuple(
        _vintage(product, name, judged.where(np.flatnonzero(month_of == place)), as_of)
        for place, name in enumerate(months)
    )
    counting = [place for place, vintage in enumerate(vintages) if vintage.state in COUNTING]
    ripe = judged.where(np.flatnonzero(np.isin(month_of, counting)))
    overall, declined = _figures_of(product, ripe), judged.where(~judged.granted)
    return PerformanceReport(
        product=product.id,
        as_of=as_of,
        terms=terms,
        decided=len(judged),
        known=int(judged.known.sum()),
        declined=len(declined),
        declined_known=int(declined.known.sum()),
        vintages=vintages,
        overall=overall,
        granted_only=_figures_of(product, ripe.where(ripe.granted)) if not ripe.granted.all() else None,
        by_model=_by(product, ripe, ripe.model, overall),
        by_arm=_by(product, ripe, ripe.arm, overall),
        words=tuple(_words(judged, vintages, terms)),
    )


def matured(judged: Judged, as_of: date, terms: OutcomeTerms) -> Flags:
    """Rows with a label of months that count: in a young one bads are known before goods."""
    counts = [
        name
        for name in set(judged.vintage)
        for rows in [judged.where(judged.vintage == name)]
        if _state(int(rows.granted.sum()), _coverage(rows), months_since_the_end_of(name, as_of), terms) in COUNTING
    ]
    return np.isin(judged.vintage, counts) & judged.known


def months_since_the_end_of(vintage: str, as_of: date) -> int:
    """Full months from the end of a YYYY-MM to a day: 0 for the month it is in and the one after."""
    year, month = (int(part) for part in vintage.split("-"))
    return max(0, (as_of.year - year) * 12 + as_of.month - month - 1)


def figures(
    bad: Labels, probability: Shares, probability_of_default: Shares, risk: RiskTerms, amount: Shares | None = None
) -> Figures:
    """`probability` is on the labels' own scale; the cut is held against `probability_of_default`."""
    bads, goods = int(bad.sum()), int(len(bad) - bad.sum())
    ece, perfect = metrics.ece(bad, probability), metrics.ece_of_a_perfect_model(probability)
    line = metrics.calibration_line(bad, probability) if min(bads, goods) >= FEWEST_FOR_A_LINE else None
    area = metrics.auc(bad, probability) if min(bads, goods) else None
    return Figures(
        rows=len(bad),
        bads=bads,
        seen=bads / len(bad),
        seen_interval=metrics.wilson(bads, len(bad)),
        predicted=float(probability.mean()),
        auc=area,
        auc_interval=metrics.auc_interval(bad, probability) if area is not None else None,
        gini=2 * area - 1 if area is not None else None,
        ks=metrics.ks(bad, probability) if area is not None else None,
        brier=metrics.brier(bad, probability),
        calibration=line,
        ece=ece,
        ece_perfect_model_95=perfect,
        calibrated=ece <= perfect and line.slope_interval[0] <= 1 <= line.slope_interval[1] if line else None,
        reliability=tuple(metrics.reliability(bad, probability)),
        confusion=confusion_at(risk, bad, probability_of_default),
        lost=_lost(bad, amount),
        note=_too_few(bads, goods),
    )


def confusion_at(risk: RiskTerms, bad: Labels, probability_of_default: Shares) -> Confusion:
    """The matrix at the cut that is live now, whatever was decided then."""
    above = probability_of_default > risk.decline_above
    false_positives, false_negatives = int((above & (bad == 0)).sum()), int((~above & (bad == 1)).sum())
    wrong_declines, wrong_grants = risk.cost_of_good_declined * false_positives, risk.cost_of_bad * false_negatives
    return Confusion(
        cut=risk.decline_above,
        true_positives=int((above & (bad == 1)).sum()),
        false_positives=false_positives,
        false_negatives=false_negatives,
        true_negatives=int((~above & (bad == 0)).sum()),
        cost_of_false_positives=wrong_declines,
        cost_of_false_negatives=wrong_grants,
        cost_per_applicant=(wrong_declines + wrong_grants) / max(len(bad), 1),
    )


# Below ------------------------------------------------------------------------------------------


def _vintage(product: Product, name: str, rows: Judged, as_of: date) -> Cohort:
    months, terms = months_since_the_end_of(name, as_of), product.outcomes
    granted, coverage = int(rows.granted.sum()), _coverage(rows)
    state = _state(granted, coverage, months, terms)
    return Cohort(
        name=name,
        decided=len(rows),
        granted=granted,
        known=int(rows.known.sum()),
        coverage=coverage,
        months_old=months,
        state=state,
        early=tuple(_early(mark, rows, months) for mark in EARLY if (~np.isnan(rows.marks[mark])).any()),
        figures=_figures_of(product, rows) if state in COUNTING else None,
    )


def _state(granted: int, coverage: float | None, months: int, terms: OutcomeTerms) -> str:
    if coverage is None:
        return "nothing_granted"
    if coverage >= terms.complete_at:
        return "ripe"
    return "partly_known" if months >= terms.maturity_months else "young"


def _coverage(rows: Judged) -> float | None:
    granted = int(rows.granted.sum())
    return float((rows.granted & rows.known).sum()) / granted if granted else None


def _early(mark: Mark, rows: Judged, months: int) -> EarlyMark:
    said = rows.marks[mark][rows.granted]
    granted, seen = len(said), int(np.nansum(said))
    return EarlyMark(
        mark=mark,
        granted=granted,
        reported=int((~np.isnan(said)).sum()),
        seen=seen,
        rate=seen / granted if granted else None,
        interval=metrics.wilson(seen, granted) if granted else None,
        ready=months >= (mark.months or 0),
    )


def _by(product: Product, rows: Judged, names: Words, overall: Figures | None) -> tuple[Cohort, ...]:
    return tuple(
        Cohort(
            name=str(name),
            decided=len(some),
            granted=int(some.granted.sum()),
            known=int(some.known.sum()),
            coverage=_coverage(some),
            figures=overall if len(some) == len(rows) else _figures_of(product, some),
        )
        for name in sorted({name for name in names if name is not None})
        for some in [rows.where(names == name)]
    )


def _figures_of(product: Product, rows: Judged) -> Figures | None:
    told = rows.where(rows.known & rows.scored)
    if not len(told):
        return None
    on_sample = product.outcomes.scale is Scale.SAMPLE
    probability = told.sample_probability if on_sample else told.probability_of_default
    return figures(
        told.bad.astype(np.int64), probability, told.probability_of_default, product.risk, amount=told.amount
    )


def _lost(bad: Labels, amount: Shares | None) -> float | None:
    lost = amount[(bad == 1) & ~np.isnan(amount)] if amount is not None else np.zeros(0)
    return float(lost.sum()) if len(lost) else None


def _too_few(bads: int, goods: int) -> str:
    if min(bads, goods) == 0:
        return f"All {bads + goods} are {'good' if bads == 0 else 'bad'}: nothing can be said of the order."
    if min(bads, goods) < FEWEST_TO_SAY_MUCH:
        return f"{bads} bad and {goods} good are few: read the intervals, not the figures."
    return ""


def _words(judged: Judged, vintages: Sequence[Cohort], terms: OutcomeTerms) -> list[str]:
    said = [_reject_bias(judged)] if len(judged) else []
    young = [vintage.name for vintage in vintages if vintage.state == "young"]
    if young:
        said.append(
            f"{_listed(young)}: younger than {terms.maturity_months} months and less than {terms.complete_at:.0%} "
            "known. Who defaults is reported before who repays, so their rates would mislead: only early marks are "
            "shown."
        )
    partly = [vintage.name for vintage in vintages if vintage.state == "partly_known"]
    if partly:
        said.append(
            f"{_listed(partly)}: old enough, but less than {terms.complete_at:.0%} of the loans have a final outcome. "
            "The figures hold for those that have, and lean towards whoever is reported first."
        )
    if terms.scale is Scale.SAMPLE and vintages:
        said.append("Labels are those of the sample with its oversampled bads: predictions are held on that scale.")
    return said


def _reject_bias(judged: Judged) -> str:
    declined = judged.where(~judged.granted)
    known, total = int(declined.known.sum()), len(declined)
    if not total:
        return "Nobody was declined, so nobody is missing from these figures for that reason."
    if known == 0:
        return (
            f"None of the {total} declined has an outcome, as nobody lent to them. The figures hold for applicants "
            "like those let through: they show less discrimination than there is among all who ask, and cannot show "
            "what declining a good applicant costs."
        )
    return (
        f"{known} of the {total} declined have an outcome, known from elsewhere. The more of them are missing, the "
        "more the figures hold only for applicants like those let through."
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
