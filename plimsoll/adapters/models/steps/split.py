"""What is learnt from, and what is held out."""

from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.models.pieces import write_array, write_json
from plimsoll.adapters.models.steps.work import HELD_OUT, LEARNT_FROM, NEITHER, Said, Stop, TrainingWork
from plimsoll.domain.models import data_checks
from plimsoll.domain.models.training import SplitKind
from plimsoll.domain.models.untouched import split_keys


def split(work: TrainingWork) -> Said:
    by_time = work.plan.split is SplitKind.OUT_OF_TIME
    parts = _parts_by_time(work) if by_time else _parts_by_digest(work)
    for part, name in ((LEARNT_FROM, "to learn from"), (HELD_OUT, "held out")):
        bads, rows = int(work.examples.bad[parts == part].sum()), int((parts == part).sum())
        if min(bads, rows - bads) < data_checks.FEWEST_OF_EACH:
            raise Stop(
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
        raise Stop("A split by time needs the day from which applications are held out (held_out_from).")
    if examples.applied_on is None or examples.label_known_on is None:
        raise Stop("A split by time needs the day of each application and the day its label was known.")
    day, today = np.datetime64(work.plan.held_out_from), work.plan.known_by
    known = examples.label_known_on <= (day if today is None else np.datetime64(today))
    parts = np.zeros(len(examples), dtype=np.int8)
    parts[((examples.applied_on < day) & known) | examples.of_before] = LEARNT_FROM
    parts[(examples.applied_on >= day) & (known if today is not None else True)] = HELD_OUT
    return parts
