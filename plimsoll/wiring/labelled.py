"""What a model may learn from: a product's file and its outcomes on record, the shipped sets, public ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plimsoll.adapters.datasets.south_german import FairnessGroup, LabelledApplication, SouthGerman
from plimsoll.adapters.postgres.models.decided_examples import DecidedExamples
from plimsoll.adapters.vault import LocalVault
from plimsoll.domain.errors import InvalidRequest, NotFound, Unavailable
from plimsoll.domain.models.examples import Column, Examples, pooled
from plimsoll.domain.models.features import columns_of, snapshot
from plimsoll.domain.models.training import LabelSource
from plimsoll.domain.underwriting.facts import Stage, facts_of
from plimsoll.domain.underwriting.product import FeatureSpec, Loader, Product
from plimsoll.settings import Settings
from plimsoll.wiring.packs import product_packs

if TYPE_CHECKING:
    from plimsoll.adapters.datasets.lenders_file import LendersFile
    from plimsoll.adapters.datasets.taiwan_events import TaiwanEvents


@dataclass(frozen=True)
class LabelledData:
    """The labelled applications of each product, read when somebody learns from them: its file, outcomes on record."""

    settings: Settings

    def examples(self, product: Product, labels: LabelSource, as_of: datetime) -> Examples:
        """Raises InvalidRequest, Unavailable."""
        if labels is LabelSource.OUTCOMES:
            if product.outcomes_stay_apart:
                raise InvalidRequest(product.outcomes_stay_apart)
            return self._decided(product, as_of)
        file = labelled_examples(self.settings, product, as_of.date())
        nothing_on_record = product.watches or product.outcomes_stay_apart or not self.settings.database_url
        if labels is LabelSource.FILE or nothing_on_record:
            return file
        return pooled(file, self._decided(product, as_of))

    def _decided(self, product: Product, as_of: datetime) -> Examples:
        if not self.settings.database_url:
            raise Unavailable("No database: set DATABASE_URL, or run `plimsoll up` for the embedded one.")
        vault = partial(LocalVault.from_file, self.settings.secrets / "kek")
        return DecidedExamples(self.settings.database_url, vault).examples(product, as_of)


def labelled_examples(settings: Settings, product: Product, as_of: date) -> Examples:
    """The applications a model of this product may learn from, by the loader its pack names.

    Raises InvalidRequest when a lender's own file is gone or is not what the pack says.
    """
    if product.training.loader is Loader.FILE:
        return lenders_file(settings, product).examples()
    if product.training.loader is Loader.TAIWAN_EVENTS:
        return taiwan_events(settings).examples()
    return shipped_examples(settings, product, as_of)


def lenders_file(settings: Settings, product: Product) -> "LendersFile":
    """The table a product's pack was made from."""
    from plimsoll.adapters.datasets.lenders_file import LendersFile

    return LendersFile(product, product_packs(settings).place_of(product.id))


def taiwan_events(settings: Settings) -> "TaiwanEvents":
    """The shipped card accounts, as what happened on them."""
    from plimsoll.adapters.datasets.taiwan_events import TaiwanEvents

    return TaiwanEvents(settings.data_dir / "taiwan")


def shipped_set(settings: Settings) -> SouthGerman:
    """The labelled applicants that ship with the product."""
    return SouthGerman(settings.data_dir / "south_german")


def shipped_examples(settings: Settings, product: Product, as_of: date) -> Examples:
    """The training part of the shipped set."""
    shipped = shipped_set(settings)
    return examples_of(product, shipped.training(), as_of, shipped.fairness())


def examples_of(
    product: Product,
    rows: Sequence[LabelledApplication],
    as_of: date,
    people: Mapping[str, FairnessGroup] | None = None,
) -> Examples:
    """Labelled applications of the shipped set as training reads them; `people` by reference, for fairness alone."""
    snapshots = (
        snapshot(product.features, facts_of(product, row.body, row.evidence, as_of=as_of, stage=Stage.DECIDE))
        for row in rows
    )
    return Examples(
        columns=columns_of(product.features, snapshots),
        bad=np.array([row.bad for row in rows]),
        groups=_groups([people[row.reference] for row in rows]) if people else {},
        references=np.array([row.reference for row in rows], dtype=object),
    )


def _groups(people: Sequence[FairnessGroup]) -> dict[str, Column]:
    return {
        "age": np.array([person.age_band for person in people], dtype=object),
        "foreign worker": np.array(["yes" if person.foreign_worker else "no" for person in people], dtype=object),
    }


def public_set(name: str, root: Path) -> tuple[tuple[FeatureSpec, ...], Examples]:
    """A set of the folder with the real data, and the columns of it that a model may read. Raises NotFound."""
    from plimsoll.adapters.datasets.lendingclub import LendingClub
    from plimsoll.adapters.datasets.taiwan import Taiwan

    if name == "taiwan":
        accounts = Taiwan(root / "taiwan_credit_card")
        return accounts.features(), accounts.examples()
    if name in ("lendingclub-with-price", "lendingclub-without-price"):
        loans = LendingClub(root / "lendingclub")
        examples = loans.examples()
        return loans.features(examples.columns, with_price=name.endswith("with-price")), examples
    raise NotFound(f"No public set {name!r}; there are taiwan, lendingclub-with-price, lendingclub-without-price.")


def lendingclub_loans(root: Path, within_months: int | None = None) -> tuple[tuple[FeatureSpec, ...], Examples]:
    """With LendingClub's own price among the features, labelled by the end, or by what so many months told."""
    from plimsoll.adapters.datasets.lendingclub import LendingClub

    loans = LendingClub(root / "lendingclub")
    examples = loans.examples(within_months=within_months)
    return loans.features(examples.columns, with_price=True), examples


def taiwan_plain(settings: Settings) -> tuple[tuple[FeatureSpec, ...], Examples]:
    """The shipped card accounts by the columns of their file, but for what sees the outcome and what is sensitive."""
    from plimsoll.adapters.datasets.taiwan import Taiwan

    accounts = Taiwan(settings.data_dir / "taiwan")
    return accounts.features(), accounts.examples()
