"""Postgres' binary COPY as numpy arrays: where every field has one width and none is null, a row is a record.

So a hundred thousand rows are written or read in one step, without a Python object for each. Nulls
have stand-ins on the way (NaN, -infinity, a marker), which the statements turn back.
"""

from typing import Any

import numpy as np

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
EPOCH_MICROS, EPOCH_DAYS = 946_684_800_000_000, 10_957  # from 1970 to Postgres' 2000
NO_DATE = -(2**31)  # -infinity of a date
NO_CURRENCY = b"---"

Records = np.ndarray[Any, np.dtype[np.void]]


def record_of(fields: dict[str, str]) -> np.dtype[np.void]:
    """The record on the wire: a count, then each field behind its length. Types are numpy's, big-endian."""
    parts: list[tuple[str, str]] = [("_fields", ">i2")]
    for name, kind in fields.items():
        parts += [(f"_{name}", ">i4"), (name, kind)]
    return np.dtype(parts)


def empty_records(record: np.dtype[np.void], count: int) -> Records:
    """Records of this form, whose values are still to be filled in."""
    made = np.zeros(count, record)
    names = [name for name in record.names or () if not name.startswith("_")]
    made["_fields"] = len(names)
    for name in names:
        made[f"_{name}"] = record[name].itemsize
    return made


def as_copy(records: Records) -> bytes:
    return HEADER + records.tobytes() + TRAILER


def from_copy(content: bytes, record: np.dtype[np.void]) -> Records:
    """What COPY … TO STDOUT (FORMAT binary) gave. Raises ValueError when a field is not as wide as it should be."""
    count, left = divmod(len(content) - len(HEADER) - len(TRAILER), record.itemsize)
    if left:
        raise ValueError(f"The rows do not fit the record: {left} bytes are left over.")
    return np.frombuffer(content, record, count, offset=len(HEADER))
