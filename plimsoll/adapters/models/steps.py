"""The steps of a training run, one after another, each leaving its result in the run's folder.

    validate    what is wrong with the data; a stop ends the run
    split       what is learnt from, and what is held out and not looked at until `evaluate`
    candidates  families tuned and compared on the same folds; the one to take
    calibrate   the one taken, made of all training rows: calibration, model, bootstrap members
    evaluate    how good it is on the rows held out
    fairness    how groups of people fare, and whether less unequal models are as good
    publish     report, card and version

A finished step is read again instead of taken again. Within a step each trial, fold and fit
is a piece of its own, so whoever goes on for a killed worker repeats one piece at most.
"""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models import candidates as trying
from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.alternatives import group_told_by_all, less_unequal_models
from plimsoll.adapters.models.candidates import ENSEMBLE, Field, alive, write_array, write_json
from plimsoll.adapters.models.card import card_of
from plimsoll.adapters.models.curves import curves_of, figures_of
from plimsoll.adapters.models.families import Floats, Labels, family_named, layout_of
from plimsoll.adapters.models.families.floor import out_of_fold_part
from plimsoll.adapters.models.making import (
    Made,
    bootstrap_members,
    calibrated,
    digest_of,
    just_below_the_cut,
    published,
)
from plimsoll.domain.models import data_checks, metrics
from plimsoll.domain.models.calibration import Calibration, on_sample_scale
from plimsoll.domain.models.data_checks import KnownAt
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.fairness import group_report
from plimsoll.domain.models.features import Matrix, matrix
from plimsoll.domain.models.release import blockers
from plimsoll.domain.models.training import (
    Progress,
    SplitKind,
    StepResult,
    TrainingPlan,
    TrainingStep,
    TrainingStopped,
    in_silence,
)
from plimsoll.domain.models.untouched import split_keys
from plimsoll.domain.underwriting.product import FeatureKind, Product

AMOUNT = "request.amount"
NEITHER, LEARNT_FROM, HELD_OUT = 0, 1, 2
MODEL_FOLDER = "model"
SEGMENTED_BY, SEGMENTS = 4, 12
ROWS_OF_IMPORTANCE = 1_000
Said = tuple[str, dict[str, Any], dict[str, Any]]  # sentence, figures, all of it


@dataclass(frozen=True)
class TrainingWork:
    """One run: what to learn from, how, and where its pieces are kept."""

    product: Product
    examples: Examples
    folder: Path
    models: Path
    created_at: str
    who: str
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    known_at: Mapping[str, KnownAt] = field(default_factory=dict)
    progress: Progress = in_silence


class _Stop(Exception):
    """The run ends here, and why."""

    def __init__(self, sentence: str, told: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.told = told or {}


def take(step: TrainingStep, work: TrainingWork) -> StepResult:
    """Takes a step, or reads what it said when it was taken before.

    Raises TrainingStopped when the step before is missing or stopped, or the folder is another run's.
    Whatever `work.progress` raises comes through; what was finished stays.
    """
    work.folder.mkdir(parents=True, exist_ok=True)
    _same_run(work)
    before = _said_before(work, step)
    if before is not None:
        return before.model_copy(update={"resumed": True})
    _its_turn(work, step)
    began = time.monotonic()
    try:
        sentence, figures, told = TAKEN[step](work)
        stopped = False
    except _Stop as stop:
        sentence, figures, told, stopped = str(stop), {}, stop.told, True
    result = StepResult(
        step=step, sentence=sentence, stopped=stopped, figures=figures, seconds=round(time.monotonic() - began, 3)
    )
    write_json(work.folder / f"{step}.json", {"result": result, "told": told})
    return result


def told_by(folder: Path, step: TrainingStep) -> dict[str, Any]:
    """All that a finished step said."""
    return json.loads((folder / f"{step}.json").read_bytes())["told"]


# ---------------------------------------------------------------- whose turn it is


def _same_run(work: TrainingWork) -> None:
    about = {
        "product": work.product.id,
        "pack": work.product.digest,
        "plan": work.plan.model_dump(mode="json"),
        "rows": len(work.examples),
        "bads": int(work.examples.bad.sum()),
    }
    path = work.folder / "run.json"
    if not path.exists():
        write_json(path, about)
        return
    begun = json.loads(path.read_bytes())
    # A plan of before a field was added means what it meant.
    begun["plan"] = TrainingPlan.model_validate(begun.get("plan") or {}).model_dump(mode="json")
    other = [name for name, value in about.items() if begun.get(name) != value]
    if other:
        raise TrainingStopped(
            f"This run was begun with another {' and '.join(other)}: start a new run, or bring back what it began with."
        )


def _said_before(work: TrainingWork, step: TrainingStep) -> StepResult | None:
    path = work.folder / f"{step}.json"
    return StepResult.model_validate(json.loads(path.read_bytes())["result"]) if path.exists() else None


def _its_turn(work: TrainingWork, step: TrainingStep) -> None:
    for before in list(TrainingStep)[: list(TrainingStep).index(step)]:
        said = _said_before(work, before)
        if said is None:
            raise TrainingStopped(f"The step {step} needs {before} first.")
        if said.stopped:
            raise TrainingStopped(f"The run ended at {before}: {said.sentence}")


# ---------------------------------------------------------------- the steps


def _validate(work: TrainingWork) -> Said:
    with alive(work.progress, "looking at the data", 0, 1):
        report = data_checks.check(
            work.examples,
            work.product.features,
            known_at=work.known_at,
            limits=_limits(work.product),
            asked_amount=next((spec.name for spec in work.product.features if spec.path == AMOUNT), None),
        )
    told = report.model_dump(mode="json")
    if report.stops:
        first = report.stops[0].sentence
        more = f" And {len(report.stops) - 1} more." if len(report.stops) > 1 else ""
        raise _Stop(first + more, told)
    warnings = len(report.findings)
    sentence = f"{report.rows} applications, {report.target_rate:.1%} ended badly; {warnings} remarks, none that stops."
    return sentence, {"rows": report.rows, "target_rate": report.target_rate, "warnings": warnings}, told


def _limits(product: Product) -> dict[str, tuple[float | None, float | None]]:
    declared = {spec.path: spec for spec in product.fields}
    limits = {}
    for feature in product.features:
        spec = declared.get(feature.path) or declared.get(feature.path.removeprefix("request."))
        if spec is not None and feature.kind is FeatureKind.NUMBER:
            low, high = (None if bound is None else float(bound) for bound in (spec.minimum, spec.maximum))
            limits[feature.name] = (low, high)
    return limits


def _split(work: TrainingWork) -> Said:
    by_time = work.plan.split is SplitKind.OUT_OF_TIME
    parts = _parts_by_time(work) if by_time else _parts_by_digest(work)
    for part, name in ((LEARNT_FROM, "to learn from"), (HELD_OUT, "held out")):
        bads, rows = int(work.examples.bad[parts == part].sum()), int((parts == part).sum())
        if min(bads, rows - bads) < data_checks.FEWEST_OF_EACH:
            raise _Stop(
                f"Of the {rows} rows {name}, {bads} ended badly; {data_checks.FEWEST_OF_EACH} of each are needed."
            )
    write_array(work.folder / "parts.npy", parts)
    write_json(work.folder / "held_out.json", _held_out_rule(work, parts))
    learnt, held = int((parts == LEARNT_FROM).sum()), int((parts == HELD_OUT).sum())
    how = f"from {work.plan.held_out_from} on" if by_time else "by a keyed digest of each reference"
    figures = {
        "training": learnt,
        "held_out": held,
        "neither": int((parts == NEITHER).sum()),
        "training_target_rate": round(float(work.examples.bad[parts == LEARNT_FROM].mean()), 5),
        "held_out_target_rate": round(float(work.examples.bad[parts == HELD_OUT].mean()), 5),
    }
    return f"{learnt} rows to learn from, {held} held out {how}.", figures, {**figures, "kind": str(work.plan.split)}


def _held_out_rule(work: TrainingWork, parts: npt.NDArray[np.int8]) -> dict[str, Any]:
    """What the manifest says of the rows: by it anybody can tell which ones this version never saw."""
    plan, examples = work.plan, work.examples
    known = examples if plan.known_by is None else examples.known_by(plan.known_by)
    told: dict[str, Any] = {"labels_known": len(known)}
    if plan.split is SplitKind.STRATIFIED and examples.references is not None:
        keys = split_keys(plan.split_key, examples.references)
        last = min(max(keys[(parts == HELD_OUT) & (examples.bad == ending)].tolist()) for ending in (True, False))
        told["held_out_up_to"] = {"key": plan.split_key, "digest": last.ljust(8, b"\0").hex()}
    return told


def _parts_by_digest(work: TrainingWork) -> npt.NDArray[np.int8]:
    """The share with the smallest digests, goods and bads apart: fixed beforehand, recomputable by hand."""
    references = work.examples.references if work.examples.references is not None else range(len(work.examples))
    keys = split_keys(work.plan.split_key, references)
    order = np.argsort(keys, kind="stable")
    parts = np.full(len(work.examples), LEARNT_FROM, dtype=np.int8)
    for ending in (True, False):
        rows = order[work.examples.bad[order] == ending]
        parts[rows[: round(work.plan.held_out * len(rows))]] = HELD_OUT
    return parts


def _parts_by_time(work: TrainingWork) -> npt.NDArray[np.int8]:
    """Held out is who applied from that day on. Learnt from are labels that were known on it, or by `known_by`."""
    examples = work.examples
    if work.plan.held_out_from is None:
        raise _Stop("A split by time needs the day from which applications are held out (held_out_from).")
    if examples.applied_on is None or examples.label_known_on is None:
        raise _Stop("A split by time needs the day of each application and the day its label was known.")
    day, today = np.datetime64(work.plan.held_out_from), work.plan.known_by
    known = examples.label_known_on <= (day if today is None else np.datetime64(today))
    parts = np.zeros(len(examples), dtype=np.int8)
    parts[((examples.applied_on < day) & known) | examples.of_before] = LEARNT_FROM
    parts[(examples.applied_on >= day) & (known if today is not None else True)] = HELD_OUT
    return parts


def _candidates(work: TrainingWork) -> Said:
    training = _part(work, LEARNT_FROM)
    chosen_rows = trying.thinned_rows(training.bad.astype(np.int64), work.plan.comparison_rows, work.plan.seed)
    ground = Field(
        work.product.features, training.take(chosen_rows), work.folder / "candidates", work.plan, work.progress
    )
    told = trying.compared(ground)
    best = next(row for row in told["candidates"] if row["name"] == told["chosen"])
    against = best.get("against_floor")
    figures = {
        "chosen": told["chosen"],
        "auc": best["auc"],
        "against_floor": None if against is None else against.model_dump(),
        "cost_of_directions": told["cost_of_directions"],
        "candidates": {row["name"]: row["auc"] for row in told["candidates"]},
    }
    return f"{told['why']} AUC {best['auc']:.4f} over {told['repeats']} × {told['folds']} folds.", _plain(figures), told


def _calibrate(work: TrainingWork) -> Said:
    training = _part(work, LEARNT_FROM)
    bad, rows = training.bad.astype(np.int64), matrix(work.product.features, training.columns)
    name, settings = _taken(work)
    family, layout = family_named(name), layout_of(work.product.features)
    raw = np.empty(len(bad))
    folds = trying.folds_of(bad, work.plan.folds, work.plan.seed)
    for number, fold in enumerate(folds):
        path = work.folder / f"calibrate-{number}.npy"
        if not path.exists():
            with alive(work.progress, "calibrating", number, len(folds)):
                model = family.fit(layout, rows[~fold], bad[~fold], settings, work.plan.seed)
                write_array(path, model.raw_log_odds(rows[fold]))
        raw[fold] = np.load(path, allow_pickle=False)
    calibration = calibrated(raw, bad)
    write_array(work.folder / "out_of_fold.npy", raw)
    sizes = _model_made(work, rows, bad, name, settings)
    on_own = metrics.full_report(bad, calibration.probability(raw), seed=work.plan.seed)
    told = {
        "family": name,
        "settings": settings,
        "calibration": calibration,
        "member_sizes": list(sizes),
        "out_of_fold": on_own,
    }
    figures = {"family": name, "slope": calibration.slope, "intercept": calibration.intercept, "auc": on_own["auc"]}
    sentence = f"{family.algorithm}: {work.plan.members} bootstrap members, calibrated on out-of-fold scores."
    return sentence, figures, _plain(told)


def _model_made(work: TrainingWork, rows: Matrix, bad: Labels, name: str, settings: dict[str, Any]) -> tuple[int, ...]:
    family, of = family_named(name), work.plan.members + 1
    with alive(work.progress, "the model of all training rows", 0, of):
        model = family.fit(layout_of(work.product.features), rows, bad, settings, work.plan.seed)
    members = []
    for number in range(work.plan.members):
        with alive(work.progress, "bootstrap members", number + 1, of):
            members += bootstrap_members(
                work.product, rows, bad, family, model, family.smaller(settings), 1, work.plan.seed + number
            )
    place = work.folder / MODEL_FOLDER
    shutil.rmtree(place, ignore_errors=True)  # half a model of a killed worker
    place.mkdir()
    return family.save(model, members, place)


def _evaluate(work: TrainingWork) -> Said:
    training, held_out = _part(work, LEARNT_FROM), _part(work, HELD_OUT)
    bad = held_out.bad.astype(np.int64)
    model, calibration, _ = _model_read(work)
    rows = matrix(work.product.features, held_out.columns)
    with alive(work.progress, "asking about the rows held out", 0, 2):
        raw = model.raw_log_odds(rows)
        probability = calibration.probability(raw)
        risk = work.product.risk
        told = metrics.full_report(
            bad,
            probability,
            cost_of_bad=risk.cost_of_bad,
            cost_of_good_declined=risk.cost_of_good_declined,
            seed=work.plan.seed,
        )
        told["segments"] = _segments(work, held_out, bad, probability)
        told["broken_directions"] = list(trying.broken_directions(model, layout_of(work.product.features), rows))
    if work.plan.floor:
        told["against_floor"] = _against_floor(work, training, held_out, raw)
    write_array(work.folder / "held_out.npy", raw)
    low, high = told["auc_interval"]
    believed = "can be believed" if told["calibrated"] else "cannot be believed as they are"
    sentence = f"On {len(bad)} rows held out: AUC {told['auc']:.3f} ({low:.3f}–{high:.3f}); probabilities {believed}."
    shown = ("rows", "target_rate", "auc", "auc_interval", "ks", "gini", "brier", "brier_skill", "ece", "calibrated")
    return sentence, _plain({name: told[name] for name in shown}), _plain(told)


def _against_floor(work: TrainingWork, training: Examples, held_out: Examples, raw: Floats) -> dict[str, Any]:
    """DeLong on the very same rows against CatBoost as it comes."""
    both = np.concatenate([training.bad, held_out.bad]).astype(np.int64)
    columns = {
        spec.name: np.concatenate([training.columns[spec.name], held_out.columns[spec.name]])
        for spec in work.product.features
    }
    inside = np.arange(len(both)) < len(training)
    path = work.folder / "floor.npy"
    if not path.exists():
        with alive(work.progress, "CatBoost's own defaults on the same rows", 1, 2):
            told = out_of_fold_part(work.product.features, columns, both, inside, ~inside, work.plan.seed)
            write_array(path, told)
    floor = np.load(path, allow_pickle=False)
    return metrics.delong_difference(held_out.bad.astype(np.int64), raw, floor).model_dump()


def _segments(work: TrainingWork, held_out: Examples, bad: Labels, probability: Floats) -> dict[str, Any]:
    """By the words that describe a case, by thirds of the amount, by year."""
    told: dict[str, Any] = {}
    words = [spec for spec in work.product.features if spec.values and len(spec.values) <= SEGMENTS]
    for spec in words[:SEGMENTED_BY]:
        told[spec.name] = metrics.by_segment(bad, probability, held_out.columns[spec.name])
    amount = next((spec.name for spec in work.product.features if spec.path == AMOUNT), None)
    if amount is not None:
        values = held_out.columns[amount].astype(np.float64)
        edges = np.nanquantile(values, (1 / 3, 2 / 3))
        thirds = np.array(["lowest third", "middle third", "highest third"], dtype=object)
        told[amount] = metrics.by_segment(bad, probability, thirds[np.searchsorted(edges, values)])
    if held_out.applied_on is not None:
        years = held_out.applied_on.astype("datetime64[Y]").astype(str).astype(object)
        years[np.isnat(held_out.applied_on)] = "no day on file"
        told["year of application"] = metrics.by_segment(bad, probability, years)
    return told


def _fairness(work: TrainingWork) -> Said:
    training, held_out = _part(work, LEARNT_FROM), _part(work, HELD_OUT)
    if not work.examples.groups:
        sentence = "No sensitive attributes came with the data: how groups fare cannot be said."
        return sentence, {"attributes": []}, {"attributes": {}, "sentence": sentence}
    _, calibration, _ = _model_read(work)
    seen = {
        "held_out": (held_out, calibration.probability(np.load(work.folder / "held_out.npy"))),
        "out_of_fold": (training, calibration.probability(np.load(work.folder / "out_of_fold.npy"))),
    }
    told: dict[str, Any] = {}
    for number, attribute in enumerate(work.examples.groups):
        with alive(work.progress, f"how groups by {attribute} fare", number, len(work.examples.groups)):
            told[attribute] = _of_one_attribute(work, attribute, training, seen)
        name, settings = _taken(work)
        told[attribute]["less_unequal"] = less_unequal_models(
            work.product,
            training,
            attribute,
            (name, settings),
            work.folder / f"alternatives-{attribute}",
            work.plan,
            work.progress,
            proxies=[row["feature"] for row in told[attribute]["out_of_fold"]["proxies"] if row["proxy"] != "none"],
        )
    ratios = {name: _lowest_ratio(said["held_out"]) for name, said in told.items()}
    known = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    worst = min(known, key=lambda name: known[name], default=None)
    sentence = (
        f"Lowest approval ratio at the product's cut: {known[worst]:.2f} ({worst})."
        if worst is not None
        else "At the product's cut no group is large enough to be compared."
    )
    return sentence, {"attributes": list(told), "lowest_ratio": ratios}, _plain({"attributes": told})


def _of_one_attribute(
    work: TrainingWork, attribute: str, training: Examples, seen: Mapping[str, tuple[Examples, Floats]]
) -> dict[str, Any]:
    risk = work.product.risk
    cut = on_sample_scale(risk.decline_above, risk.sample_bad_rate, risk.portfolio_bad_rate)
    all_tell = group_told_by_all(work.product, training, attribute, work.plan)
    told = {}
    for where, (examples, probability) in seen.items():
        report = group_report(
            attribute,
            examples.groups[attribute],
            examples.bad,
            probability,
            cut=cut,
            features={spec.name: examples.columns[spec.name] for spec in work.product.features},
            all_features_tell=all_tell,
        )
        told[where] = report.model_dump(mode="json") | {"sentences": list(report.sentences)}
    return told


def _lowest_ratio(report: dict[str, Any]) -> float | None:
    at_the_cut = report["at_the_cut"] or {"groups": []}
    return min((group["ratio"] for group in at_the_cut["groups"] if group["ratio"] is not None), default=None)


def _publish(work: TrainingWork) -> Said:
    training = _part(work, LEARNT_FROM)
    model, calibration, said = _model_read(work)
    evaluated = told_by(work.folder, TrainingStep.EVALUATE)
    reasons = blockers(
        work.product, work.product.features, broken_directions=tuple(evaluated.get("broken_directions", ()))
    )
    report = _report(work, training, said, reasons)
    with alive(work.progress, "writing the version", 0, 1):
        manifest = published(
            work.models,
            Made(
                product=work.product,
                examples=training,
                family=family_named(said["family"]),
                family_name=said["family"],
                model=model,
                members=work.plan.members,
                write=lambda folder: _copied(work.folder / MODEL_FOLDER, folder, said["member_sizes"]),
                calibration=calibration,
                out_of_fold=np.load(work.folder / "out_of_fold.npy"),
            ),
            created_at=work.created_at,
            seed=work.plan.seed,
            plan=work.plan.model_dump(mode="json"),
            metrics=figures_of(evaluated, "rows held out"),
            blockers=reasons,
            beside={
                files.REPORT: json.dumps(report, indent=1) + "\n",
                files.CARD: card_of(report),
            },
            about_data=_rule_read(work),
            seconds=report["seconds"],
        )
    figures = {
        "name": manifest.name,
        "version": manifest.version,
        "digest": manifest.digest,
        "releasable": not reasons,
        "blockers": list(reasons),
        "report": str(files.version_folder(work.models, manifest.name, manifest.version) / files.REPORT),
    }
    may = "may be proposed." if not reasons else f"may not be released: {reasons[0]}"
    return f"{manifest.name} {manifest.version} is made and {may}", figures, figures


def _rule_read(work: TrainingWork) -> dict[str, Any]:
    path = work.folder / "held_out.json"
    return json.loads(path.read_bytes()) if path.exists() else {}  # split before the rule was written down


def _report(work: TrainingWork, training: Examples, said: dict[str, Any], reasons: tuple[str, ...]) -> dict[str, Any]:
    steps = {step: _said_before(work, step) for step in list(TrainingStep)[:-1]}
    product = work.product
    comparison = told_by(work.folder, TrainingStep.CANDIDATES)
    importance = _importance(work, training)
    return _plain(
        {
            "name": product.model,
            "product": {"id": product.id, "title": product.title, "pack": product.digest},
            "algorithm": family_named(said["family"]).algorithm,
            "family": said["family"],
            "settings": said["settings"],
            "who": work.who,
            "created_at": work.created_at,
            "seconds": round(sum(found.seconds for found in steps.values() if found), 1),
            "plan": work.plan,
            "data": {
                "rows": len(work.examples),
                "target_rate": round(work.examples.target_rate, 5),
                "digest": digest_of(matrix(product.features, training.columns), training.bad.astype(np.int64)),
                "checks": told_by(work.folder, TrainingStep.VALIDATE),
                "split": told_by(work.folder, TrainingStep.SPLIT),
            },
            "features": [spec.model_dump(mode="json") for spec in product.features],
            "comparison": comparison,
            "candidates": comparison["candidates"],
            "importance": importance,
            "curves": curves_of(told_by(work.folder, TrainingStep.EVALUATE)),
            "calibration": said["calibration"],
            "out_of_fold": said["out_of_fold"],
            "metrics": told_by(work.folder, TrainingStep.EVALUATE),
            "fairness": told_by(work.folder, TrainingStep.FAIRNESS),
            "blockers": list(reasons),
            "steps": {str(step): found.sentence for step, found in steps.items() if found},
            "libraries": _libraries(),
        }
    )


def _importance(work: TrainingWork, training: Examples) -> list[dict[str, Any]]:
    """The share of each feature in all that was added or taken off, over some training rows."""
    model, calibration, said = _model_read(work)
    rows = matrix(work.product.features, training.columns)
    probability = calibration.probability(np.load(work.folder / "out_of_fold.npy"))
    reference = just_below_the_cut(work.product, rows, probability)
    family, layout = family_named(said["family"]), layout_of(work.product.features)
    with alive(work.progress, "what each feature adds", 0, 1):
        some = rows[:: 1 + len(rows) // ROWS_OF_IMPORTANCE]
        told = np.abs(family.attributor(model, layout, reference).contributions(some)).mean(axis=0)
    shares = told / max(float(told.sum()), 1e-12)
    return [
        {
            "feature": work.product.features[place].name,
            "concept": work.product.features[place].concept,
            "share": round(float(shares[place]), 5),
        }
        for place in np.argsort(-shares)
    ]


def _libraries() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("catboost", "numpy", "optuna", "scikit-learn", "scipy", "skops")}


# ---------------------------------------------------------------- pieces


def _part(work: TrainingWork, part: int) -> Examples:
    return work.examples.take(np.load(work.folder / "parts.npy", allow_pickle=False) == part)


def _taken(work: TrainingWork) -> tuple[str, dict[str, Any]]:
    """The candidate to make, as a family and its settings."""
    told = told_by(work.folder, TrainingStep.CANDIDATES)
    if told["chosen"] != ENSEMBLE:
        return told["chosen"], told["settings"][told["chosen"]]
    weights = {name: weight for name, weight in told["ensemble_weights"].items() if weight > 0}
    whole = sum(weights.values())
    return f"ensemble:{'+'.join(weights)}", {
        "weights": {name: weight / whole for name, weight in weights.items()},
        "parts": {name: told["settings"][name] for name in weights},
    }


def _model_read(work: TrainingWork) -> tuple[Any, Calibration, dict[str, Any]]:
    said = told_by(work.folder, TrainingStep.CALIBRATE)
    model, _ = family_named(said["family"]).load(work.folder / MODEL_FOLDER, said["member_sizes"])
    return model, Calibration.model_validate(said["calibration"]), said


def _copied(place: Path, folder: Path, sizes: list[int]) -> tuple[int, ...]:
    shutil.copytree(place, folder, dirs_exist_ok=True)
    return tuple(sizes)


def _plain(told: Any) -> Any:
    return json.loads(json.dumps(told, default=trying.plain))


TAKEN: dict[TrainingStep, Callable[[TrainingWork], Said]] = {
    TrainingStep.VALIDATE: _validate,
    TrainingStep.SPLIT: _split,
    TrainingStep.CANDIDATES: _candidates,
    TrainingStep.CALIBRATE: _calibrate,
    TrainingStep.EVALUATE: _evaluate,
    TrainingStep.FAIRNESS: _fairness,
    TrainingStep.PUBLISH: _publish,
}
