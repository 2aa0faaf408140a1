"""Candidates tried against each other: tuned within a budget, compared on the very same folds.

Every piece (one trial, one candidate on one repeat) is a file in the run's folder, so a run
that was killed goes on where it was, and a cancelled one stops between two pieces.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models.families import Floats, Labels, Layout, family_named, layout_of
from plimsoll.adapters.models.families.additive import bounded_logistic
from plimsoll.adapters.models.families.floor import FLOOR, out_of_fold_part
from plimsoll.adapters.models.making import calibrated
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models import metrics
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.features import Matrix, matrix
from plimsoll.domain.models.metrics import PairedDifference
from plimsoll.domain.models.training import Progress, TrainingPlan, in_silence
from plimsoll.domain.underwriting.product import FeatureSpec

ENSEMBLE = "ensemble"
UNBOUND = "catboost without directions"
SECONDS = "comparison-seconds.txt"
TICK = 2.0  # seconds between two signs of life while a library works
TUNING_FOLDS = 3
STEPS_OF_A_CHECK, ROWS_OF_A_CHECK = 12, 200
# Differences below this come from adding the same numbers in another order.
ROUNDING = 1e-6
# A family that answers slowly must rank better by this much than one that answers at once.
WORTH_THE_WAIT = 0.002


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


def folds_of(bad: Labels, folds: int, seed: int) -> list[npt.NDArray[np.bool_]]:
    """Stratified: bads and goods are dealt out apart."""
    random = np.random.default_rng(seed)
    place = np.empty(len(bad), dtype=np.int64)
    for label in (0, 1):
        members = random.permutation(np.flatnonzero(bad == label))
        place[members] = np.arange(len(members)) % folds
    return [place == fold for fold in range(folds)]


# ---------------------------------------------------------------- tuning


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


# ---------------------------------------------------------------- the comparison


def compared(ground: Field) -> dict[str, Any]:
    """All candidates on the same folds, what sets them apart, and the one to take."""
    plan = ground.plan
    settings = _all_tuned(ground)
    raw: dict[str, list[Floats]] = {name: [] for name in ground.names()}
    for repeat in range(plan.repeats):
        if repeat and _seconds_used(ground) > plan.comparison_seconds and not _was_begun(ground, repeat):
            break
        for name in raw:
            raw[name].append(out_of_fold(ground, name, repeat, settings.get(name, {}).get("settings", {})))
    with alive(ground.progress, "adding up what was compared", 0, 1):
        return _added_up(ground, settings, raw)


def _added_up(ground: Field, settings: dict[str, Any], raw: dict[str, list[Floats]]) -> dict[str, Any]:
    plan = ground.plan
    repeats = len(next(iter(raw.values())))
    folds = [folds_of(ground.bad, plan.folds, plan.seed + repeat) for repeat in range(repeats)]
    broken = {name: _broken_as_found(ground, name) for name in raw if name != FLOOR}
    sound = [name for name in plan.families if not broken[name]]
    if plan.ensemble and len(sound) > 1:
        raw[ENSEMBLE] = [
            ensemble_out_of_fold([raw[name][repeat] for name in sound], ground.bad, folds[repeat])
            for repeat in range(repeats)
        ]
        broken[ENSEMBLE] = []
    areas = {
        name: [areas_by_fold(ground.bad, raw[name][repeat], folds[repeat]) for repeat in range(repeats)] for name in raw
    }
    parts = _ensemble_parts(ground, raw, sound) if ENSEMBLE in raw else {}
    rows = [_told(name, areas, settings, broken, plan) for name in raw]
    releasable = [row for row in rows if row["releasable"]]
    chosen = plan.choose or _chosen(releasable)
    return {
        "rows": len(ground.bad),
        "folds": plan.folds,
        "repeats": repeats,
        "repeats_planned": plan.repeats,
        "candidates": sorted(rows, key=lambda row: -row["auc"]),
        "ensemble_weights": parts,
        "chosen": chosen,
        "why": _why(chosen, releasable, plan),
        "cost_of_directions": _cost_of_directions(areas, plan),
        "calibration": calibration_across(raw[chosen][0], ground.bad, folds[0]) if chosen in raw else None,
        "settings": {name: said["settings"] for name, said in settings.items()},
    }


def _ensemble_parts(ground: Field, raw: dict[str, list[Floats]], sound: list[str]) -> dict[str, float]:
    weights = ensemble_weights([np.mean(raw[name], axis=0) for name in sound], ground.bad)
    return {name: round(float(weight), 4) for name, weight in zip(sound, weights, strict=True)}


def _all_tuned(ground: Field) -> dict[str, dict[str, Any]]:
    each = ground.plan.tuning_seconds / max(len(ground.plan.families), 1)
    settings = {family: tuned(ground, family, each) for family in ground.plan.families}
    kind = family_named("catboost")
    return settings | {UNBOUND: settings.get("catboost") or {"settings": kind.defaults(len(ground.bad))}}


def _told(
    name: str,
    areas: dict[str, list[list[float]]],
    settings: dict[str, dict[str, Any]],
    broken: dict[str, list[str]],
    plan: TrainingPlan,
) -> dict[str, Any]:
    """One line of the table."""
    own = np.ravel(areas[name])
    said: dict[str, Any] = {
        "name": name,
        "auc": round(float(own.mean()), 5),
        "auc_by_repeat": [round(float(np.mean(folds)), 5) for folds in areas[name]],
        "settings": settings.get(name, {}).get("settings"),
        "tuned": settings.get(name, {}).get("tuned", False),
        "broken_directions": broken.get(name),
        "releasable": name not in (FLOOR, UNBOUND) and not broken[name],
        "quick": name in plan.families and family_named(name).quick,
    }
    if FLOOR in areas and name != FLOOR:
        said["against_floor"] = paired(own.tolist(), np.ravel(areas[FLOOR]).tolist(), plan.folds)
    return said


def _chosen(releasable: list[dict[str, Any]]) -> str:
    """The best that may be released; one that answers at once unless waiting is worth it. Raises InvalidRequest."""
    if not releasable:
        raise InvalidRequest("Every candidate breaks a mandatory direction, so none may be released.")
    best = max(releasable, key=lambda row: row["auc"])
    quick = max((row for row in releasable if row["quick"]), key=lambda row: row["auc"], default=best)
    return str(quick["name"] if best["auc"] - quick["auc"] < WORTH_THE_WAIT else best["name"])


def _why(chosen: str, releasable: list[dict[str, Any]], plan: TrainingPlan) -> str:
    if plan.choose:
        return f"{chosen} was asked for."
    best = max(releasable, key=lambda row: row["auc"])
    if best["name"] == chosen:
        return f"{chosen} ranks best of those that keep every direction."
    own = next(row for row in releasable if row["name"] == chosen)
    return (
        f"{best['name']} ranks better by {best['auc'] - own['auc']:.4f}, less than the {WORTH_THE_WAIT} "
        f"that a slower answer must be worth, so it is {chosen}."
    )


def _cost_of_directions(areas: dict[str, list[list[float]]], plan: TrainingPlan) -> PairedDifference | None:
    """AUC of CatBoost free to go any way, less that of the same settings held to the directions."""
    if UNBOUND not in areas or "catboost" not in areas:
        return None
    return paired(np.ravel(areas[UNBOUND]).tolist(), np.ravel(areas["catboost"]).tolist(), plan.folds)


def out_of_fold(ground: Field, name: str, repeat: int, settings: dict[str, Any]) -> Floats:
    """Raw log-odds of every row by a model that did not see it; each fold is read again when it was made before."""
    raw = np.empty(len(ground.bad))
    folds = folds_of(ground.bad, ground.plan.folds, ground.plan.seed + repeat)
    for number, fold in enumerate(folds):
        raw[fold] = _of_one_fold(ground, name, repeat, number, fold, settings)
    return raw


def _of_one_fold(
    ground: Field, name: str, repeat: int, number: int, fold: npt.NDArray[np.bool_], settings: dict[str, Any]
) -> Floats:
    path = ground.folder / f"fold-{repeat}-{number}-{_plainly(name)}.npy"
    if path.exists():
        return np.load(path, allow_pickle=False)
    text = f"{name}: repeat {repeat + 1} of {ground.plan.repeats}, fold {number + 1} of {ground.plan.folds}"
    began = time.monotonic()
    with alive(ground.progress, text, *_how_far(ground, name, repeat, number)):
        raw, broken = _predicted_outside(ground, name, fold, settings, ground.plan.seed + repeat)
    with (ground.folder / SECONDS).open("a") as lines:
        lines.write(f"{time.monotonic() - began:.1f}\n")
    if repeat == 0 and number == 0:
        write_json(ground.folder / f"directions-{_plainly(name)}.json", broken)
    write_array(path, raw)
    return raw


def _seconds_used(ground: Field) -> float:
    """By all who worked on this run: a worker that goes on for a killed one does not get the budget anew."""
    path = ground.folder / SECONDS
    return sum(float(line) for line in path.read_text().splitlines()) if path.exists() else 0.0


def _was_begun(ground: Field, repeat: int) -> bool:
    return any(ground.folder.glob(f"fold-{repeat}-*.npy"))


def _how_far(ground: Field, name: str, repeat: int, number: int) -> tuple[int, int]:
    names, folds = ground.names(), ground.plan.folds
    return (repeat * len(names) + names.index(name)) * folds + number, ground.plan.repeats * len(names) * folds


def _predicted_outside(
    ground: Field, name: str, fold: npt.NDArray[np.bool_], settings: dict[str, Any], seed: int
) -> tuple[Floats, list[str]]:
    """Raw log-odds of the rows outside, and the directions that the model broke there."""
    if name == FLOOR:
        raw = out_of_fold_part(ground.features, ground.examples.columns, ground.bad, ~fold, fold, seed)
        return raw, []
    layout = ground.layout.without_directions() if name == UNBOUND else ground.layout
    kind = family_named("catboost" if name == UNBOUND else name)
    model = kind.fit(layout, ground.rows[~fold], ground.bad[~fold], settings, seed)
    return model.raw_log_odds(ground.rows[fold]), list(broken_directions(model, ground.layout, ground.rows[fold]))


def _broken_as_found(ground: Field, name: str) -> list[str]:
    return json.loads((ground.folder / f"directions-{_plainly(name)}.json").read_text())


def _plainly(name: str) -> str:
    return name.replace(" ", "-")


def ensemble_weights(raw: Sequence[Floats], bad: Labels) -> Floats:
    """Weights of the log-odds, none negative, adding up to 1: so the sum keeps every direction its parts keep."""
    design = np.stack(raw, axis=1)
    width = design.std(axis=0) + 1e-12
    _, beta = bounded_logistic(design / width, bad, 1e-4, [(0.0, None)] * len(raw))
    weights = beta / width
    return weights / weights.sum() if weights.sum() > 0 else np.full(len(raw), 1.0 / len(raw))


def ensemble_out_of_fold(raw: Sequence[Floats], bad: Labels, folds: Sequence[npt.NDArray[np.bool_]]) -> Floats:
    """Each fold is mixed with weights that the other folds gave, or the ensemble would be flattered."""
    mixed = np.empty(len(bad))
    for fold in folds:
        weights = ensemble_weights([part[~fold] for part in raw], bad[~fold])
        mixed[fold] = np.stack([part[fold] for part in raw], axis=1) @ weights
    return mixed


def calibration_across(raw: Floats, bad: Labels, folds: Sequence[npt.NDArray[np.bool_]]) -> dict[str, Any]:
    """Whether the probabilities could be believed: each fold on the line that the others gave."""
    probability = np.empty(len(bad))
    for fold in folds:
        probability[fold] = calibrated(raw[~fold], bad[~fold]).probability(raw[fold])
    told, line = metrics.report(bad, probability), metrics.calibration_line(bad, probability)
    kept = {name: told[name] for name in ("ece", "ece_perfect_model_95", "brier_skill")}
    return kept | {"slope": round(line.slope, 4), "slope_interval": [round(bound, 4) for bound in line.slope_interval]}


def areas_by_fold(bad: Labels, raw: Floats, folds: Sequence[npt.NDArray[np.bool_]]) -> list[float]:
    return [metrics.auc(bad[fold], raw[fold]) for fold in folds]


def paired(first: Sequence[float], second: Sequence[float], folds: int) -> PairedDifference:
    return metrics.repeated_folds_difference(np.asarray(first) - np.asarray(second), folds)


# ---------------------------------------------------------------- directions


def broken_directions(model: Any, layout: Layout, rows: Matrix) -> tuple[str, ...]:
    """Columns along which the risk once moves the wrong way, tried on real rows over the whole range of values."""
    tried = rows[:: max(1, len(rows) // ROWS_OF_A_CHECK)][:ROWS_OF_A_CHECK]
    return tuple(
        layout.names[column]
        for column, sign in enumerate(layout.signs)
        if sign and _moves_wrongly(model, tried, rows[:, column], column, sign)
    )


def _moves_wrongly(model: Any, tried: Matrix, values: Matrix, column: int, sign: int) -> bool:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return False
    steps = np.unique(np.quantile(known, np.linspace(0, 1, STEPS_OF_A_CHECK)))
    moved = np.repeat(tried, len(steps), axis=0)
    moved[:, column] = np.tile(steps, len(tried))
    raw = model.raw_log_odds(moved).reshape(len(tried), len(steps))
    return bool((sign * np.diff(raw, axis=1) < -ROUNDING).any())


# ---------------------------------------------------------------- signs of life, and files that are whole


@contextmanager
def alive(progress: Progress, text: str, done: int, of: int) -> Iterator[None]:
    """Tells how far it is, now and every two seconds while a library works; raises what `progress` raised."""
    progress(text, done, of)
    over, raised = Event(), []

    def tick() -> None:
        while not over.wait(TICK):
            try:
                progress(text, done, of)
            except BaseException as error:
                raised.append(error)
                return

    # A copy of the context, because whoever listens may find its own place there.
    ticking = Thread(target=copy_context().run, args=(tick,), daemon=True)
    ticking.start()
    try:
        yield
    finally:
        over.set()
        ticking.join()
    if raised:
        raise raised[0]


def write_json(path: Path, told: Any) -> None:
    _whole(path, lambda beside: beside.write_text(json.dumps(told, indent=1, default=plain) + "\n"))


def write_array(path: Path, values: npt.NDArray[Any]) -> None:
    def write(beside: Path) -> None:
        with beside.open("wb") as file:
            np.save(file, values, allow_pickle=False)

    _whole(path, write)


def _whole(path: Path, write: Callable[[Path], Any]) -> None:
    """There whole or not there: a killed worker leaves no half of a file behind under its name."""
    beside = path.with_name(f".{path.name}.part")
    write(beside)
    beside.replace(path)


def plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no place in a report")


def thinned_rows(bad: Labels, most: int, seed: int) -> npt.NDArray[np.int64]:
    """At most so many rows, goods and bads in their proportion."""
    if len(bad) <= most:
        return np.arange(len(bad))
    random = np.random.default_rng(seed)
    chosen = [
        random.permutation(np.flatnonzero(bad == label))[: max(1, round(most * float((bad == label).mean())))]
        for label in (0, 1)
    ]
    return np.sort(np.concatenate(chosen))
