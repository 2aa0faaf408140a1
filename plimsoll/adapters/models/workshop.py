"""The steps of a training run, with everything they need: data, plan, folder, where versions go."""

import json
import threading
from pathlib import Path

from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.training import LabelSource, Progress, StepResult, TrainingStep
from plimsoll.domain.models.training_run import TrainingRun, must_teach
from plimsoll.ports import Products, TrainingData


class ModelWorkshop:
    """Keeps the data of the run it works on, so that a large file is read once for all steps."""

    def __init__(self, products: Products, data: TrainingData, runs: Path, models: Path) -> None:
        self._products = products
        self._data = data
        self._runs = runs
        self._models = models
        self._held: tuple[str, Examples] | None = None
        self._reading = threading.Lock()

    def fetch(self, run: TrainingRun, progress: Progress) -> str:
        progress("reading labelled applications", 0, 1)
        examples = self._examples(run)
        must_teach(examples, run.product)
        here = f", {examples.count_decided_here:,} of them decided here" if examples.count_decided_here else ""
        apart = self._products.get(run.product).outcomes_stay_apart if run.plan.labels is LabelSource.BOTH else None
        said = f"{len(examples):,} labelled applications{here}; {examples.target_rate:.1%} of all ended badly."
        return f"{said} {apart}" if apart else said

    def take(self, step: TrainingStep, run: TrainingRun, progress: Progress) -> StepResult:
        from plimsoll.adapters.models import steps

        product = self._products.get(run.product)
        work = steps.TrainingWork(
            product=product,
            examples=self._examples(run),
            folder=self._folder(run),
            models=self._models,
            created_at=run.started_at.isoformat(),
            who=run.requested_by,
            plan=run.plan,
            known_at=product.training.known_at,
            progress=progress,
        )
        result = steps.take(step, work)
        if step is TrainingStep.PUBLISH:
            self._held = None
        return result

    def published(self, run: TrainingRun) -> tuple[str, str]:
        said = json.loads((self._folder(run) / f"{TrainingStep.PUBLISH}.json").read_bytes())
        result = StepResult.model_validate(said["result"])
        return result.figures["name"], result.figures["version"]

    def _folder(self, run: TrainingRun) -> Path:
        folder = self._runs / run.id
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _examples(self, run: TrainingRun) -> Examples:
        with self._reading:
            if self._held is None or self._held[0] != run.id:
                product = self._products.get(run.product)
                # As of its beginning: a worker that goes on for a killed one reads the same.
                self._held = (run.id, self._data.examples(product, run.plan.labels, run.started_at))
            return self._held[1]
