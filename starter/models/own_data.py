"""From a lender's own file to a product that can be trained, applied for and decided."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.lenders_file import labels
from plimsoll.domain.lenders_file.columns import TextColumn, decimal_mark, in_values
from plimsoll.domain.lenders_file.labels import BAD, NOT_YET, Target
from plimsoll.domain.lenders_file.own_data import OwnData, OwnFeature, Wishes, understand
from plimsoll.domain.lenders_file.own_product import Draft, feature_specs
from plimsoll.domain.models.calibration import corrected
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.underwriting.cut_offs import CutOffs, cut_offs, portfolio_weights
from plimsoll.domain.underwriting.product import FeatureKind, Loader
from plimsoll.settings import Settings
from plimsoll.wiring.labelled import lenders_file
from plimsoll.wiring.models import first_look
from plimsoll.wiring.packs import check_new_name, lenders_table, make_pack, product_packs

CURRENCY, JURISDICTION = "EUR", "DE"  # until somebody says; marked as assumed
NO_WISHES = Wishes()
LARGEST_COPY = 500 * 1024 * 1024
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Order:
    """What the person asked for."""

    name: str
    file: Path
    target: str  # COL or COL=BAD, several bad values parted by bars
    good: tuple[str, ...] = ()
    wishes: Wishes = NO_WISHES
    title: str | None = None
    currency: str | None = None
    jurisdiction: str | None = None
    contract_age: int = 18
    cost_of_bad: float = 5.0
    refer_share: float = 0.10
    portfolio_bad_rate: float | None = None
    leave_file: bool = False  # where it is, rather than copying it beside the pack
    force: bool = False


def new_product(order: Order, settings: Settings, progress: Progress) -> tuple[Draft, Path]:
    """Makes the pack; the draft it was written from, and its folder. Raises InvalidRequest in one sentence."""
    check_new_name(settings, order.name, order.force)
    progress("reading the file", 0, 1)
    table = lenders_table(order.file)
    wanted, bad_values = labels.split_target(order.target)
    heading = labels.find_column(wanted, table.headings)
    wishes = _in_headings(order.wishes, table.headings)
    columns = {name: table.column(name) for name in table.headings}
    target = labels.target_of(columns[heading], bad_values, order.good)
    ended = labels.endings(columns[heading], target)
    rows, bad = np.flatnonzero(ended != NOT_YET), ended[ended != NOT_YET] == BAD
    columns = {name: TextColumn(name, column.words, column.codes[rows]) for name, column in columns.items()}
    decimal = decimal_mark(columns.values())
    own = understand(columns, heading, bad, decimal, wishes, progress=progress)
    draft = _draft(order, own, target, columns, bad, decimal, table, progress)
    copied = None if order.leave_file or order.file.stat().st_size > LARGEST_COPY else order.file
    progress("writing and checking the pack", 0, 1)
    return draft, make_pack(settings, _with_file(draft, order.file, copied), copied, order.force)


def sample_rows(product: str, sample: int, seed: int, settings: Settings) -> Iterator[dict[str, Any]]:
    """Rows of a product's own file as applications. Raises InvalidRequest for a product without one."""
    pack = product_packs(settings).get(product)
    if pack.training.loader is not Loader.FILE:
        raise InvalidRequest(f"{product} learns from a shipped set, so it has no file of rows; try `plimsoll demo`.")
    return lenders_file(settings, pack).applications(sample, seed)


def _draft(
    order: Order,
    own: OwnData,
    target: Target,
    columns: dict[str, TextColumn],
    bad: Column,
    decimal: str,
    table: Any,
    progress: Progress,
) -> Draft:
    examples = Examples(columns={f.name: _values(f, columns[f.heading], decimal) for f in own.features}, bad=bad)
    look, probability, rows = first_look(feature_specs(own), examples, progress)
    rate = own.bads / own.rows
    portfolio = order.portfolio_bad_rate or rate
    return Draft(
        id=order.name,
        title=order.title or order.name.replace("-", " ").capitalize(),
        jurisdiction=order.jurisdiction or JURISDICTION,
        currency=order.currency or CURRENCY,
        assumed=tuple(name for name in ("currency", "jurisdiction") if getattr(order, name) is None),
        contract_age=order.contract_age,
        own=own,
        target=target,
        cut=_cut(order, probability, bad[rows], rate, portfolio),
        looked_at=look.rows,
        auc=look.auc,
        auc_interval=look.auc_interval,
        portfolio_bad_rate=portfolio,
        portfolio_is_given=order.portfolio_bad_rate is not None,
        came_from=order.file.name,
        file="",
        encoding=table.form.encoding,
        separator=table.form.separator,
        quote=table.form.quote,
        decimal=decimal,
        taken_as_good=tuple(labels.taken_as_good(columns[target.column], target).items()),
        not_ended=len(table) - own.rows,
        left_out_rows=table.left_out_rows,
    )


def _cut(order: Order, probability: Column, bad: Column, rate: float, portfolio: float) -> CutOffs:
    """On the scale the policy decides on: that of the portfolio, with each row counted as often as it occurs there."""
    return cut_offs(
        corrected(probability, rate, portfolio),
        bad,
        order.cost_of_bad,
        order.refer_share,
        portfolio_weights(bad, rate, portfolio),
    )


def _values(feature: OwnFeature, column: TextColumn, decimal: str) -> Column:
    """As training will read it."""
    if feature.kind is not FeatureKind.NUMBER:
        return in_values(column, feature.values, feature.missing)
    return column.spread(column.numbers(decimal, feature.missing) / feature.divide_by, np.nan)


def _in_headings(wishes: Wishes, headings: list[str]) -> Wishes:
    """Names of columns as the file has them. Raises TargetUnclear for one that it does not have."""
    return Wishes(
        keep=tuple(labels.find_column(name, headings) for name in wishes.keep),
        leave_out=tuple(labels.find_column(name, headings) for name in wishes.leave_out),
        sensitive=tuple(labels.find_column(name, headings) for name in wishes.sensitive),
    )


def _with_file(draft: Draft, file: Path, copied: Path | None) -> Draft:
    return draft.model_copy(update={"file": f"data/{file.name}" if copied else str(file.resolve())})
