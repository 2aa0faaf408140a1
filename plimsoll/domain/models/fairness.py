"""Whether groups of people fare differently, by how much, and how sure that is.

Groups are kept apart from everything a model reads and are looked at here alone. The adverse
impact ratio is a group's approval rate over that of the group which fares best; four fifths
is the usual line (29 CFR 1607.4(D)), with a test beside it, because small groups cross it by
chance. A group too small to say anything of is said to be too small.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models import metrics
from plimsoll.domain.models.examples import Column
from plimsoll.domain.models.metrics import auc, auc_of_ranks, mid_ranks, two_sided, wilson
from plimsoll.domain.underwriting.portfolio import fisher_exact
from plimsoll.domain.values import Value

FOUR_FIFTHS = 0.8
FEWEST_MEMBERS = 50
FEWEST_ENDED = 10  # of either ending, for error rates
APPROVING = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
CLEAR_PROXY, STRONG_PROXY = 0.65, 0.8
NOT_KNOWN = "not known"

Flags = npt.NDArray[np.bool_]
Shares = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


class GroupAtCut(Value):
    """One group at one cut-off."""

    group: str
    rows: int
    approved: float
    approved_interval: tuple[float, float]
    ratio: float | None  # over the group that fares best; None for that group itself
    p: float | None
    below_four_fifths: bool = False  # and chance does not explain it

    @property
    def sentence(self) -> str:
        if self.ratio is None:
            return f"{self.group}: {self.approved:.1%} approved, the highest rate (n = {self.rows})."
        chance = "" if self.p is None else f", p {in_words(self.p)}"
        return f"{self.group}: {self.approved:.1%} approved, ratio {self.ratio:.2f} (n = {self.rows}{chance})."


class CutOff(Value):
    approving: float  # share of all applicants
    cut: float
    groups: tuple[GroupAtCut, ...]

    @property
    def lowest_ratio(self) -> float:
        return min((group.ratio for group in self.groups if group.ratio is not None), default=1.0)


class GroupReport(Value):
    """One attribute, such as age."""

    attribute: str
    too_small: dict[str, str]  # group -> why nothing is said of it
    cut_offs: tuple[CutOff, ...]
    at_the_cut: CutOff | None  # the product's own
    mean_difference: dict[str, float]  # group -> log-odds against the rest, in standard deviations
    errors: tuple[dict[str, Any], ...]  # approved among those who would have paid, and among those who would not
    calibration: tuple[dict[str, Any], ...]
    proxies: tuple[dict[str, Any], ...] = ()  # features that tell the group, most telling first
    all_features_tell: float | None = None  # AUC of the group predicted from all features

    @property
    def sentences(self) -> tuple[str, ...]:
        said = [f"{group}: {why}" for group, why in self.too_small.items()]
        if self.at_the_cut is not None:
            said += [
                f"{found.sentence} That is below four fifths."
                for found in self.at_the_cut.groups
                if found.below_four_fifths
            ]
        return tuple(said)


def group_report(
    attribute: str,
    groups: Column,
    bad: Flags,
    probability: Shares,
    *,
    cut: float | None = None,
    features: Mapping[str, Column] | None = None,
    all_features_tell: float | None = None,
) -> GroupReport:
    """`cut` is the product's own, on the scale of `probability`."""
    names = _names(groups)
    enough = [name for name in _by_size(names) if (names == name).sum() >= FEWEST_MEMBERS and name != NOT_KNOWN]
    odds = np.log(np.clip(probability, 1e-9, 1 - 1e-9) / (1 - np.clip(probability, 1e-9, 1 - 1e-9)))
    cuts = [(share, float(np.quantile(probability, share))) for share in APPROVING]
    return GroupReport(
        attribute=attribute,
        too_small=_too_small(names, enough),
        cut_offs=tuple(_at(names, enough, probability, at, share) for share, at in cuts),
        at_the_cut=None if cut is None else _at(names, enough, probability, cut, float((probability <= cut).mean())),
        mean_difference={name: _difference(odds, names == name) for name in enough} if len(enough) > 1 else {},
        errors=tuple(_errors(name, names == name, bad, probability, cut) for name in enough) if cut is not None else (),
        calibration=tuple(metrics.by_segment(bad.astype(np.int64), probability, names.astype(object))),
        proxies=tuple(_proxies(names, enough, features or {})),
        all_features_tell=all_features_tell,
    )


def in_words(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def can_be_compared(groups: Column) -> bool:
    """Whether at least two groups are large enough to say something of."""
    counts = np.unique(_names(groups), return_counts=True)
    return (
        sum(bool(count >= FEWEST_MEMBERS) and str(name) != NOT_KNOWN for name, count in zip(*counts, strict=True)) > 1
    )


def adverse_impact(groups: Column, approved: Flags) -> float:
    """The lowest ratio over groups large enough to say something; 1 when there is only one."""
    names = _names(groups)
    rates = [
        float(approved[names == name].mean())
        for name in np.unique(names)
        if name != NOT_KNOWN and (names == name).sum() >= FEWEST_MEMBERS
    ]
    return min(rates) / max(rates) if len(rates) > 1 and max(rates) > 0 else 1.0


def reweighed(groups: Column, bad: Flags) -> Shares:
    """Weights under which group and ending are unrelated (Kamiran and Calders 2012)."""
    names = _names(groups)
    weights = np.ones(len(bad))
    for name in np.unique(names):
        for ending in (True, False):
            rows = (names == name) & (bad == ending)
            if rows.any():
                weights[rows] = (names == name).mean() * (bad == ending).mean() / rows.mean()
    return weights


def tells(column: Column, member: Flags) -> float:
    """AUC with which one column tells members of a group from the rest, whichever way."""
    return _telling(column)(member)


def _telling(column: Column) -> Callable[[Flags], float]:
    """One column, ranked or counted once for all the groups that it is asked about."""
    asked = _numbers_telling(column) if column.dtype.kind in "fiu" else _words_telling(column)

    def told(member: Flags) -> float:
        return asked(member.astype(np.int64)) if 0 < member.sum() < len(member) else 0.5

    return told


def _numbers_telling(column: Column) -> Callable[[Labels], float]:
    values = column.astype(np.float64)
    known = ~np.isnan(values)
    ranks, of_gaps = mid_ranks(values[known]), mid_ranks(known.astype(np.float64))

    def told(labels: Labels) -> float:
        gap = auc_of_ranks(labels, of_gaps)
        area = auc_of_ranks(labels[known], ranks) if 0 < labels[known].sum() < known.sum() else 0.5
        return max(area, 1 - area, gap, 1 - gap)

    return told


def _words_telling(column: Column) -> Callable[[Labels], float]:
    places = np.unique(_names(column), return_inverse=True)[1]
    return lambda labels: _words_tell(places, labels)


def _words_tell(places: Labels, labels: Labels) -> float:
    """Each word as its share of members in every second row, judged on the others."""
    learnt = np.arange(len(labels)) % 2 == 0
    if not 0 < labels[~learnt].sum() < (~learnt).sum():
        return 0.5
    rows = np.bincount(places[learnt], minlength=int(places.max()) + 1)
    members = np.bincount(places[learnt], weights=labels[learnt], minlength=int(places.max()) + 1)
    shares = (members + 5 * labels.mean()) / (rows + 5)
    area = auc(labels[~learnt], shares[places[~learnt]])
    return max(area, 1 - area)


def _at(names: Column, enough: list[str], probability: Shares, cut: float, share: float) -> CutOff:
    approved = probability <= cut
    counts = {name: (int(approved[names == name].sum()), int((names == name).sum())) for name in enough}
    best = max(enough, key=lambda name: counts[name][0] / counts[name][1], default=None)
    told = tuple(_against(name, best, counts) for name in enough) if best is not None else ()
    return CutOff(approving=round(share, 4), cut=round(cut, 6), groups=told)


def _against(name: str, best: str, counts: Mapping[str, tuple[int, int]]) -> GroupAtCut:
    hits, rows = counts[name]
    best_hits, best_rows = counts[best]
    rate, best_rate = hits / rows, best_hits / best_rows
    ratio = None if name == best or best_rate == 0 else rate / best_rate
    p = None if ratio is None else _chance(hits, rows, best_hits, best_rows)
    return GroupAtCut(
        group=name,
        rows=rows,
        approved=round(rate, 4),
        approved_interval=wilson(hits, rows),
        ratio=None if ratio is None else round(ratio, 4),
        p=p,
        below_four_fifths=ratio is not None and ratio < FOUR_FIFTHS and p is not None and p < 0.05,
    )


def _chance(hits: int, rows: int, best_hits: int, best_rows: int) -> float:
    """Fisher's exact test where a cell is small, the z-test of two shares elsewhere."""
    whole = (hits + best_hits) / (rows + best_rows)
    if min(whole, 1 - whole) * min(rows, best_rows) < 10 and rows + best_rows < 5_000:
        return fisher_exact(hits, rows - hits, best_hits, best_rows - best_hits)
    spread = float(np.sqrt(whole * (1 - whole) * (1 / rows + 1 / best_rows)))
    return 1.0 if spread == 0 else two_sided((hits / rows - best_hits / best_rows) / spread)


def _errors(name: str, member: Flags, bad: Flags, probability: Shares, cut: float | None) -> dict[str, Any]:
    approved = probability <= (cut or 0.0)
    good, worse = member & ~bad, member & bad
    told: dict[str, Any] = {"group": name, "good": int(good.sum()), "bad": int(worse.sum())}
    for key, rows in (("approved_among_good", good), ("approved_among_bad", worse)):
        if rows.sum() < FEWEST_ENDED:
            told[f"{key}_too_few"] = f"only {int(rows.sum())}"
            continue
        told[key] = round(float(approved[rows].mean()), 4)
        told[f"{key}_interval"] = [round(bound, 4) for bound in wilson(int(approved[rows].sum()), int(rows.sum()))]
    return told


def _difference(odds: Shares, member: Flags) -> float:
    """Standardised mean difference of the score: its group's mean less that of the rest, in pooled deviations."""
    ours, rest = odds[member], odds[~member]
    if len(ours) < 2 or len(rest) < 2:
        return 0.0
    pooled = float(np.sqrt((ours.var(ddof=1) + rest.var(ddof=1)) / 2))
    return round(float(ours.mean() - rest.mean()) / pooled, 4) if pooled else 0.0


def _proxies(names: Column, enough: list[str], features: Mapping[str, Column]) -> list[dict[str, Any]]:
    # Two groups are told from each other once; and what tells twenty people from the rest is chance.
    asked = [name for name in enough if (names != name).sum() >= FEWEST_MEMBERS]
    members = {name: names == name for name in (asked if len(asked) > 2 else asked[:1])}
    found: list[dict[str, Any]] = []
    for feature, column in features.items():
        telling = _telling(column)
        found += [
            {"feature": feature, "group": name, "auc": round(telling(member), 4)} for name, member in members.items()
        ]
    for row in found:
        row["proxy"] = "strong" if row["auc"] >= STRONG_PROXY else "clear" if row["auc"] >= CLEAR_PROXY else "none"
    return sorted(found, key=lambda row: -row["auc"])


def _too_small(names: Column, enough: list[str]) -> dict[str, str]:
    small = {}
    for name in _by_size(names):
        rows = int((names == name).sum())
        if name == NOT_KNOWN:
            small[name] = f"of {rows} nobody knows the group"
        elif name not in enough:
            small[name] = f"n = {rows}: too few to say anything of them"
    return small


def _by_size(names: Column) -> list[str]:
    values, counts = np.unique(names, return_counts=True)
    return [str(value) for value in values[np.argsort(-counts, kind="stable")]]


def _names(groups: Column) -> Column:
    return np.array([NOT_KNOWN if value is None or value != value else str(value) for value in groups])
