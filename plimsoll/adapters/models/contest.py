"""Versions held against each other on labelled rows that none of them has learnt from, each loaded as it is served."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.calibrating import calibrated
from plimsoll.adapters.models.card import recalibrated_card_of
from plimsoll.adapters.models.curves import curves_of, figures_of
from plimsoll.adapters.models.families import family_named
from plimsoll.adapters.models.making import Made, published
from plimsoll.adapters.models.scorer import LoadedModel
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models import metrics
from plimsoll.domain.models.calibration import Calibration, on_sample_scale
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.models.features import Matrix
from plimsoll.domain.models.out_of_time import OutOfTime, TooLittleHeldOut, must_not_have_learnt, out_of_time
from plimsoll.domain.models.registry import ModelRecord
from plimsoll.domain.models.retraining_gate import Comparison, HeldOut, Tried, Verdict, compare
from plimsoll.domain.models.retraining_run import Candidate, HeldOutRows, LabelsKnown, TriedOut
from plimsoll.domain.models.side_by_side import SideBySide, side_by_side, too_few
from plimsoll.domain.models.training import LabelSource
from plimsoll.domain.models.untouched import learnt_until, untouched
from plimsoll.domain.underwriting.product import Product
from plimsoll.ports import TrainingData

TIMED = 100  # single scores
ROWS_FOR_REASONS = 5_000  # enough to know in what shares reasons come first
SLOW_ROWS_FOR_REASONS = 500


class AnotherInput(InvalidRequest):
    """The version reads what the product's data no longer have."""

    code = "model_reads_other_input"


@dataclass(frozen=True)
class Entrant:
    """One version, ready to be asked."""

    manifest: files.Manifest
    folder: Path
    loaded: LoadedModel

    @property
    def called(self) -> str:
        return f"{self.manifest.name}@{self.manifest.version}"

    @property
    def learnt_until(self) -> date:
        return learnt_until(self.manifest.data, datetime.fromisoformat(self.manifest.created_at))

    def rows(self, examples: Examples) -> Matrix:
        """Raises AnotherInput."""
        absent = [spec.name for spec in self.manifest.features if spec.name not in examples.columns]
        if absent:
            raise AnotherInput(
                f"{self.called} reads {', '.join(absent)}, which the product's data do not have any more: it cannot be "
                "compared on them."
            )
        return self.loaded.matrix(examples.columns)

    def tried(self, product: Product, examples: Examples) -> Tried:
        rows, risk = self.rows(examples), product.risk
        probability = self.loaded.probabilities(rows)
        cut = on_sample_scale(risk.decline_above, risk.sample_bad_rate, risk.portfolio_bad_rate)
        return Tried(
            name=self.called,
            learnt_until=self.learnt_until,
            probability=probability,
            approved=probability <= cut,
            principal=self._principal(rows),
            milliseconds=np.array([self._took(rows[at : at + 1]) for at in range(min(TIMED, len(rows)))]),
        )

    def _principal(self, rows: Matrix) -> Column:
        """The concept that raised each row's risk most, of rows spread over all of them."""
        quick = family_named(self.manifest.family).quick
        some = rows[:: 1 + len(rows) // (ROWS_FOR_REASONS if quick else SLOW_ROWS_FOR_REASONS)]
        contributions = self.loaded.contributions_of(some)
        features = self.manifest.features
        concepts = sorted({spec.concept for spec in features})
        summed = [contributions[:, [spec.concept == concept for spec in features]].sum(axis=1) for concept in concepts]
        return np.array(concepts, dtype=object)[np.stack(summed, axis=1).argmax(axis=1)]

    def _took(self, row: Matrix) -> float:
        """Of a score with reasons, the best of three: what else the machine does is no fault of the model."""
        took = []
        for _ in range(3):
            began = time.perf_counter()
            self.loaded.probabilities(row)
            self.loaded.contributions_of(row)
            took.append((time.perf_counter() - began) * 1_000)
        return min(took)


class ModelContest:
    def __init__(self, data: TrainingData, models: Path) -> None:
        self._data = data
        self._models = models

    def labels_known(self, product: Product, champion: ModelRecord, labels: LabelSource, now: datetime) -> LabelsKnown:
        """How many labels are known on that day, and what of them is held out. One reading of the data."""
        examples = self._data.examples(product, labels, now)
        known = examples.known_by(now.date())
        try:
            split = self._split(product, champion, examples, now.date())
        except InvalidRequest as error:
            said = [error.message, product.outcomes_stay_apart if labels is LabelSource.BOTH else None]
            return LabelsKnown(known=len(known), why_not=" ".join(filter(None, said)))
        rows = HeldOutRows(since=split.since, rows=len(split.held_out), bads=int(split.held_out.bad.sum()))
        return LabelsKnown(known=len(known), held_out=rows)

    def recalibrated(self, product: Product, champion: ModelRecord, labels: LabelSource, now: datetime) -> TriedOut:
        """The champion with its level set by labels it has not learnt from; a version of it when it passes the gate."""
        try:
            split = self._split(product, champion, self._data.examples(product, labels, now), now.date())
            entrant = self._entrant(champion)
            newer = _newer_than(split.learnt, entrant.learnt_until, product)
            calibration = calibrated(entrant.loaded.native.raw_log_odds(entrant.rows(newer)), newer.bad.astype(int))
        except InvalidRequest as error:
            return TriedOut(candidate=Candidate.RECALIBRATED, why_not=error.message)
        anew = Entrant(entrant.manifest, entrant.folder, entrant.loaded.calibrated_anew(calibration))
        found = _compared(product, split, entrant, anew, level_alone=True)
        if found.verdict is Verdict.REJECTED:
            return TriedOut(candidate=Candidate.RECALIBRATED, comparison=found)
        version = self._made(product, split, anew, newer, calibration, now)
        return TriedOut(candidate=Candidate.RECALIBRATED, version=version, comparison=found)

    def retrained(
        self, product: Product, champion: ModelRecord, challenger: ModelRecord, labels: LabelSource, now: datetime
    ) -> TriedOut:
        told = {"candidate": Candidate.RETRAINED, "version": challenger.version, "model_id": challenger.id}
        try:
            split = self._split(product, champion, self._data.examples(product, labels, now), now.date())
            found = _compared(product, split, self._entrant(champion), self._entrant(challenger))
        except InvalidRequest as error:
            return TriedOut(**told, why_not=error.message)
        return TriedOut(**told, comparison=found)

    def side_by_side(self, product: Product, one: ModelRecord, other: ModelRecord, now: datetime) -> SideBySide:
        """On the labelled rows neither has learnt from. Raises InvalidRequest, Unavailable."""
        both = self._entrant(one), self._entrant(other)
        examples = self._data.examples(product, LabelSource.BOTH, now).known_by(now.date())
        free = np.ones(len(examples), dtype=np.bool_)
        for entrant in both:
            trained_at = datetime.fromisoformat(entrant.manifest.created_at)
            free &= untouched(examples, entrant.manifest.data, trained_at)
        rows = examples.take(free)
        if not len(rows):
            return too_few(both[0].called, both[1].called, 0, 0)
        first, second = (entrant.loaded.probabilities(entrant.rows(rows)) for entrant in both)
        return side_by_side(both[0].called, both[1].called, rows.bad.astype(np.int64), first, second)

    # Below --------------------------------------------------------------------------------------

    def _split(self, product: Product, champion: ModelRecord, examples: Examples, today: date) -> OutOfTime:
        """Raises TooLittleHeldOut, LearntWhatIsHeldOut."""
        split = out_of_time(examples, today, product.retraining)
        trained_at = datetime.fromisoformat(champion.manifest["created_at"])  # the record says when it was registered
        must_not_have_learnt(
            champion.called, learnt_until(champion.manifest.get("data") or {}, trained_at), split.since
        )
        return split

    def _entrant(self, record: ModelRecord) -> Entrant:
        """Raises ModelUnavailable, ModelRefused."""
        folder = files.version_folder(self._models, record.name, record.version)
        manifest = files.verified(folder)
        return Entrant(manifest, folder, LoadedModel(folder, manifest))

    def _made(
        self,
        product: Product,
        split: OutOfTime,
        anew: Entrant,
        newer: Examples,
        calibration: Calibration,
        created_at: datetime,
    ) -> str:
        """A version of the champion's own model with the new level; its reasons and references follow the level."""
        before, family = anew.manifest, family_named(anew.manifest.family)
        held_out = split.held_out
        evaluated = metrics.full_report(
            held_out.bad.astype(np.int64),
            anew.loaded.probabilities(anew.rows(held_out)),
            cost_of_bad=product.risk.cost_of_bad,
            cost_of_good_declined=product.risk.cost_of_good_declined,
        )
        about = {"recalibrated": before.version, "labels": len(newer), "since": str(split.since)}
        report = _report_of(anew.folder, evaluated, calibration, about)
        manifest = published(
            self._models,
            Made(
                product=product.model_copy(update={"features": before.features}),
                examples=newer,
                family=family,
                family_name=before.family,
                model=anew.loaded.native,
                members=before.members,
                write=_copying(anew.folder, family.files, before.member_trees),
                calibration=calibration,
                out_of_fold=anew.loaded.native.raw_log_odds(anew.rows(newer)),
            ),
            created_at=created_at.isoformat(),
            seed=before.seed,
            plan=about,
            metrics=figures_of(evaluated, f"on applications from {split.since} on"),
            blockers=before.blockers,
            beside={files.REPORT: json.dumps(report, indent=1) + "\n", files.CARD: recalibrated_card_of(report)},
            about_data={"labels_known": len(split.learnt) + len(held_out)},
        )
        return manifest.version


def _newer_than(learnt: Examples, champion_until: date, product: Product) -> Examples:
    """Raises TooLittleHeldOut: what it has learnt from would flatter its level."""
    made: Any = learnt.applied_on
    newer = learnt.take(made > np.datetime64(champion_until))
    bads, fewest = int(newer.bad.sum()), product.retraining.fewest_of_an_ending
    if min(bads, len(newer) - bads) < fewest:
        raise TooLittleHeldOut(
            f"Between what the champion learnt from and what is held out lie {bads} bad and {len(newer) - bads} good "
            f"ones; to set its level anew takes {fewest} of each."
        )
    return newer


def _compared(
    product: Product, split: OutOfTime, champion: Entrant, challenger: Entrant, level_alone: bool = False
) -> Comparison:
    held_out = split.held_out
    return compare(
        HeldOut(since=split.since, bad=held_out.bad.astype(np.int64), groups=_known_groups(held_out)),
        champion.tried(product, held_out),
        challenger.tried(product, held_out),
        product.retraining,
        level_alone=level_alone,
    )


def _known_groups(examples: Examples) -> dict[str, Column]:
    """Of an application decided here nobody says to which groups the person belongs."""
    return {name: of for name, of in examples.groups.items() if any(one is not None and one == one for one in of)}


def _report_of(
    folder: Path, evaluated: Mapping[str, Any], calibration: Calibration, about: Mapping[str, Any]
) -> dict[str, Any]:
    """The champion's own report, as far as it has one, with what another level changes."""
    path = folder / files.REPORT
    before = json.loads(path.read_bytes()) if path.exists() else {}
    kept = {name: before[name] for name in ("name", "product", "algorithm", "family", "importance") if name in before}
    return kept | {
        "recalibration": dict(about),
        "metrics": dict(evaluated),
        "curves": curves_of(dict(evaluated)),
        "calibration": calibration.model_dump(),
    }


def _copying(folder: Path, names: tuple[str, ...], sizes: tuple[int, ...]) -> Callable[[Path], tuple[int, ...]]:
    def write(place: Path) -> tuple[int, ...]:
        for name in names:
            if (folder / name).exists():  # a version of before there was completion has none
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / name, place / name)
        return sizes

    return write
