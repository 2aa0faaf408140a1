"""Which labelled rows a version cannot have learnt from, told by what its manifest says of its data.

Two versions are compared on rows neither has seen: those that a keyed digest held out of both, and
those that were applied for after everything either learnt from.
"""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.examples import Examples, Flags

Keys = npt.NDArray[np.bytes_]


def split_keys(key: str, references: Iterable[Any]) -> Keys:
    """The first eight bytes of each reference's keyed digest: what a split orders rows by."""
    return np.array([hashlib.sha256(f"{key}:{one}".encode()).digest()[:8] for one in references], "S8")


def untouched(examples: Examples, data: dict[str, Any], trained_at: datetime) -> Flags:
    """Careful on purpose: a row that may have been learnt from counts as learnt from."""
    free = np.zeros(len(examples), dtype=np.bool_)
    rule = data.get("held_out_up_to")
    if rule and examples.references is not None:
        # One limit for both endings, the lower: a label that was corrected since changes nothing.
        free |= split_keys(rule["key"], examples.references) <= np.bytes_(bytes.fromhex(rule["digest"]))
    if examples.applied_on is not None:
        free |= np.asarray(examples.applied_on > np.datetime64(learnt_until(data, trained_at)))
    return free


def learnt_until(data: dict[str, Any], trained_at: datetime) -> date:
    """The newest application a version learnt from; without that on file, nothing made after it was trained."""
    said = data.get("applied_until")
    if said:
        return date.fromisoformat(said)
    # Rows without a day had ended when the file was made: none was applied for on the day of the training.
    return trained_at.date() - timedelta(days=1) if data.get("undated") else trained_at.date()
