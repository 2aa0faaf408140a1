"""Scores by models of any family from verified folders."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.families import Attributor, Family, family_named, layout_of
from plimsoll.domain.models import intervals
from plimsoll.domain.models.calibration import Calibration, corrected
from plimsoll.domain.models.examples import Column
from plimsoll.domain.models.features import Matrix, matrix, owners, snapshot, vector
from plimsoll.domain.models.novelty import Neighbourhood
from plimsoll.domain.models.scoring import ModelPin, ModelRefused, ModelUnavailable, OfferRisk, Score
from plimsoll.domain.underwriting.facts import Ask, Facts
from plimsoll.domain.underwriting.product import Product, RiskTerms
from plimsoll.domain.underwriting.reasons import score_reasons

KEPT_LOADED = 4
COMPLETIONS = 20
COMPLETED_AT_ONCE = 2_000
# Where an alternative ask shows in the features.
ASKED_PATHS = {"request.amount": "amount", "request.term_months": "term_months"}


class ModelScorer:
    """Safe to share between threads; a version is loaded and verified once, the latest few are kept."""

    def __init__(self, models_dir: Path) -> None:
        self._models = models_dir
        self._loaded: OrderedDict[str, LoadedModel] = OrderedDict()
        self._loading = threading.Lock()

    def score(self, pin: ModelPin, product: Product, facts: Facts, alternatives: Sequence[Ask]) -> Score:
        """Raises ModelRefused, and ModelUnavailable also when the model reads what the product no longer asks."""
        loaded = self.loaded(pin)
        loaded.must_fit(product)
        return loaded.score(pin, product, facts, alternatives)

    def loaded(self, pin: ModelPin) -> "LoadedModel":
        """Raises ModelRefused when the folder is not what the pin names."""
        with self._loading:
            if pin.digest not in self._loaded:
                self._loaded[pin.digest] = self._load(pin)
                while len(self._loaded) > KEPT_LOADED:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(pin.digest)
            return self._loaded[pin.digest]

    def _load(self, pin: ModelPin) -> "LoadedModel":
        folder = files.version_folder(self._models, pin.name, pin.version)
        if not folder.is_dir():
            raise ModelUnavailable(f"Version {pin.version} of the model {pin.name} is not here; restore or retrain it.")
        manifest = files.verified(folder)
        if manifest.digest != pin.digest:
            raise ModelRefused(
                f"Version {pin.version} of {pin.name} is not the one that was pinned: its digest differs."
            )
        return LoadedModel(folder, manifest)


class LoadedModel:
    """One verified version in memory."""

    def __init__(self, folder: Path, manifest: files.Manifest) -> None:
        self.manifest = manifest
        self._features = manifest.features
        self._owners = owners(manifest.features)
        family = family_named(manifest.family)
        self._model, self._members = family.load(folder, manifest.member_trees)
        self._calibration = Calibration.model_validate_json((folder / files.CALIBRATION).read_bytes())
        self._attributor = _attributor(folder, manifest, family, self._model)
        self._training_rows = np.load(folder / files.TRAINING_ROWS, allow_pickle=False)
        self._neighbourhood = Neighbourhood(manifest.features, self._training_rows)

    def must_fit(self, product: Product) -> None:
        """What nobody asks any more would be unknown of everybody, and everybody scored by what is left."""
        asked = {spec.path for spec in product.features}
        gone = [spec.name for spec in self._features if spec.path not in asked]
        if gone:
            raise ModelUnavailable(
                f"Version {self.manifest.version} of {self.manifest.name} reads {', '.join(gone)}, which {product.id} "
                "does not ask: put it back into the product, or release a version trained without it."
            )

    def score(self, pin: ModelPin, product: Product, facts: Facts, alternatives: Sequence[Ask]) -> Score:
        values = snapshot(self._features, facts)
        row = vector(self._features, values)
        asked = self._completed(row)
        everything = np.concatenate([asked, *(self._with_ask(asked, ask) for ask in alternatives)])
        sample, estimates, members = self._probabilities(everything, len(asked), product.risk)
        shares = self._contributions(asked)
        cut = product.risk.decline_above
        return Score(
            model=pin,
            sample_probability=float(sample[0]),
            probability_of_default=float(estimates[0]),
            interval=intervals.interval_of(float(estimates[0]), members[0]),
            near_cut=intervals.share_across(float(estimates[0]), members[0], cut),
            novelty=self._neighbourhood.novelty(row),
            missing=tuple(facts.read("missing") or ()),
            features=values,
            contributions=shares,
            reference=self.manifest.reference["group"],
            reasons=score_reasons(product, shares, values),
            alternatives=tuple(
                OfferRisk(
                    amount=ask.amount,
                    term_months=ask.term_months,
                    probability_of_default=float(estimate),
                    near_cut=intervals.share_across(float(estimate), spread, cut),
                )
                for ask, estimate, spread in zip(alternatives, estimates[1:], members[1:], strict=True)
            ),
        )

    def _completed(self, row: Matrix) -> Matrix:
        """What is not known is taken from training applicants, so the score is a mean over what
        it may have been and the interval carries the spread. Nothing is read as zero."""
        unknown = np.isnan(row) & ~np.isnan(self._training_rows).any(axis=0)
        if not unknown.any():
            return row[None, :]
        step = max(1, len(self._training_rows) // COMPLETIONS)
        others = self._training_rows[::step][:COMPLETIONS]
        completions = np.repeat(row[None, :], len(others), axis=0)
        completions[:, unknown] = others[:, unknown]
        return completions

    def _with_ask(self, rows: Matrix, ask: Ask) -> Matrix:
        rows = rows.copy()
        for index, spec in enumerate(self._features):
            if spec.path in ASKED_PATHS:
                rows[:, self._owners == index] = float(getattr(ask, ASKED_PATHS[spec.path]))
        return rows

    def _probabilities(
        self, rows: Matrix, completions: int, risk: RiskTerms
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Per ask: on the sample's scale, on the portfolio's, and the members' on the portfolio's."""
        raw = self._model.raw_log_odds(rows)
        sample = self._calibration.probability(raw).reshape(-1, completions).mean(axis=1)
        spread = self._calibration.probability(self._members.raw_log_odds(rows))
        rates = risk.sample_bad_rate, risk.portfolio_bad_rate
        return sample, corrected(sample, *rates), corrected(spread.reshape(len(sample), -1), *rates)

    def _contributions(self, asked: Matrix) -> dict[str, float]:
        shares = self._stretched(self._attributor.contributions(asked), asked).mean(axis=0)
        return {spec.name: float(share) for spec, share in zip(self._features, shares, strict=True)}

    def calibrated_anew(self, calibration: Calibration) -> "LoadedModel":
        """The same model with another level."""
        other = copy(self)
        other._calibration = calibration
        return other

    # ------------------------------------------------------------ many rows at once

    def matrix(self, columns: Mapping[str, Column]) -> Matrix:
        """Applications by column, in product words, as the rows below."""
        return matrix(self._features, columns)

    @property
    def native(self) -> Any:
        """The model as its family made it."""
        return self._model

    def probabilities(self, rows: Matrix) -> npt.NDArray[np.float64]:
        """Calibrated, on the sample's scale; a gap is what it is in `score`, never nought."""
        told = self._calibration.probability(self._model.raw_log_odds(rows))
        for some, completed in self._gaps(rows):
            raw = self._model.raw_log_odds(completed)
            told[some] = self._calibration.probability(raw).reshape(len(some), -1).mean(axis=1)
        return told

    def contributions_of(self, rows: Matrix) -> npt.NDArray[np.float64]:
        """(rows, features): calibrated log-odds against the reference group."""
        told = self._stretched(self._attributor.contributions(rows), rows)
        for some, completed in self._gaps(rows):
            shares = self._stretched(self._attributor.contributions(completed), completed)
            told[some] = shares.reshape(len(some), -1, shares.shape[1]).mean(axis=1)
        return told

    def _stretched(self, contributions: npt.NDArray[np.float64], rows: Matrix) -> npt.NDArray[np.float64]:
        """Of the model's log-odds, as of the calibrated ones."""
        raw = np.empty(0) if self._calibration.is_a_line else self._model.raw_log_odds(rows)
        return self._calibration.shares(contributions, raw)

    def _gaps(self, rows: Matrix) -> Iterator[tuple[npt.NDArray[np.int64], Matrix]]:
        """Rows that lack what training always had, some at a time, each as its completions one after the other."""
        never = ~np.isnan(self._training_rows).any(axis=0)
        lacking = np.flatnonzero((np.isnan(rows) & never).any(axis=1))
        for start in range(0, len(lacking), COMPLETED_AT_ONCE):
            some = lacking[start : start + COMPLETED_AT_ONCE]
            yield some, np.concatenate([self._completed(rows[row]) for row in some])


def _attributor(folder: Path, manifest: files.Manifest, family: Family, model: Any) -> Attributor:
    """CatBoost's table was made in training; other families' contributions need the reference group itself."""
    if manifest.family == "catboost":
        from plimsoll.adapters.models.families.catboost import CatBoostAttributor

        return CatBoostAttributor(model, np.load(folder / files.ATTRIBUTION, allow_pickle=False))
    reference = np.load(folder / files.REFERENCE, allow_pickle=False)
    return family.attributor(model, layout_of(manifest.features), reference)
