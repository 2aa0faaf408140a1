"""Settings of a family, looked for within a budget; each trial is kept as soon as it is done."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.models.families import Labels, Layout, family_named, layout_of
from plimsoll.adapters.models.families.floor import FLOOR
from plimsoll.adapters.models.folds import folds_of, thinned_rows
from plimsoll.adapters.models.pieces import alive, write_json
from plimsoll.domain.models import metrics
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.features import Matrix, matrix
from plimsoll.domain.models.training import Progress, TrainingPlan, in_silence
from plimsoll.domain.underwriting.product import FeatureSpec

UNBOUND = "catboost without directions"
TUNING_FOLDS = 3


@dataclass(frozen=True)
class Field:
    """The rows candidates are tried on, and where their pieces are kept."""

    features: tuple[FeatureSpec, ...]
    examples: Examples
    folder: Path
    plan: TrainingPlan
    progress: Progress = in_silence
    rows: Matrix = field(init=False)
    bad: Labels = field(init=False)
    layout: Layout = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", matrix(self.features, self.examples.columns))
        object.__setattr__(self, "bad", self.examples.bad.astype(np.int64))
        object.__setattr__(self, "layout", layout_of(self.features))
        self.folder.mkdir(parents=True, exist_ok=True)

    def names(self) -> list[str]:
        """The families to choose from, and what they are held against."""
        held_against = [UNBOUND, FLOOR] if self.plan.floor else []
        return [*self.plan.families, *held_against]


def tuned(ground: Field, family: str, seconds: float) -> dict[str, Any]:
    """Settings of a family: its defaults, unless a trial beat them by more than the noise between folds."""
    path = ground.folder / f"tuning-{family}.json"
    if path.exists():
        return json.loads(path.read_text())
    trials = _tried(ground, family, seconds)
    first, best = trials[0], max(trials, key=lambda trial: float(np.mean(trial["auc"])))
    gains = np.array(best["auc"]) - np.array(first["auc"])
    noise = float(gains.std(ddof=1) / np.sqrt(len(gains)))
    chosen = best if gains.mean() > noise else first
    told = {
        "settings": chosen["settings"],
        "tuned": chosen is not first,
        "trials": len(trials),
        "gain": round(float(gains.mean()), 5),
        "noise": round(noise, 5),
    }
    write_json(path, told)
    return told


def _tried(ground: Field, family: str, seconds: float) -> list[dict[str, Any]]:
    """Trials so far and new ones until the budget is used; each is a line of a file as soon as it is done."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = ground.folder / f"trials-{family}.jsonl"
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    kind, plan = family_named(family), ground.plan
    chosen = thinned_rows(ground.bad, plan.tuning_rows, plan.seed)
    rows, bad = ground.rows[chosen], ground.bad[chosen]
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=plan.seed))
    for before in done:
        if before["distributions"]:
            study.add_trial(
                optuna.trial.create_trial(
                    params=before["params"],
                    distributions={
                        name: optuna.distributions.json_to_distribution(told)
                        for name, told in before["distributions"].items()
                    },
                    value=float(np.mean(before["auc"])),
                )
            )
    started = time.monotonic() - sum(before["seconds"] for before in done)
    while len(done) <= plan.trials and (not done or time.monotonic() - started < seconds):
        began = time.monotonic()
        trial = study.ask() if done else None
        settings = kind.suggest(trial, len(bad)) if trial else kind.defaults(len(ground.bad))
        with alive(ground.progress, f"tuning {family}", len(done), plan.trials + 1):
            areas = [
                metrics.auc(
                    bad[fold],
                    kind.fit(ground.layout, rows[~fold], bad[~fold], settings, plan.seed).raw_log_odds(rows[fold]),
                )
                for fold in folds_of(bad, TUNING_FOLDS, plan.seed)
            ]
        if trial:
            study.tell(trial, float(np.mean(areas)))
        done.append(
            {
                "settings": settings,
                "params": trial.params if trial else {},
                "distributions": {
                    name: optuna.distributions.distribution_to_json(told)
                    for name, told in (trial.distributions.items() if trial else ())
                },
                "auc": areas,
                "seconds": time.monotonic() - began,
            }
        )
        with path.open("a") as lines:
            lines.write(json.dumps(done[-1]) + "\n")
    return done
