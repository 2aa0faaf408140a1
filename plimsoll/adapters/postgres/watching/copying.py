"""Postgres' binary COPY as numpy arrays: where every field has one width and none is null, a row is a record.

So a hundred thousand rows are written or read in one step, without a Python object for each. Nulls
have stand-ins on the way (NaN, -infinity, a marker), which the statements turn back.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
EPOCH_MICROS, EPOCH_DAYS = 946_684_800_000_000, 10_957  # from 1970 to Postgres' 2000
NO_DATE = -(2**31)  # -infinity of a date
NO_CURRENCY = b"---"
UUID, UUIDS = psycopg.adapters.types["uuid"].oid, psycopg.adapters.types["uuid"].array_oid

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


def without_nulls(
    records: Records, nulls: dict[str, npt.NDArray[np.bool_]]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The bytes of records some fields of which are null, and the width of each: what was filled in for these fields
    is left out."""
    fields = records.dtype.fields
    assert fields is not None
    kept = np.ones((len(records), records.dtype.itemsize), dtype=bool)
    for name, null in nulls.items():
        records[f"_{name}"][null] = -1
        offset, size = fields[name][1], records.dtype[name].itemsize
        kept[null, offset : offset + size] = False
    return records.view(np.uint8).reshape(kept.shape)[kept], kept.sum(axis=1)


class UuidArray(NamedTuple):
    """Many keys as one parameter, without a Python object for each."""

    content: bytes

    @classmethod
    def of(cls, keys: npt.NDArray[np.void]) -> "UuidArray":
        """Of sixteen bytes each."""
        made = np.zeros(len(keys), [("width", ">i4"), ("key", "V16")])
        made["width"], made["key"] = 16, keys
        dimensions = np.array([1, 0, UUID, len(keys), 1], ">i4")  # how many, nulls, of what, how long, counted from
        return cls(dimensions.tobytes() + made.tobytes())


class _UuidArrayDumper(Dumper):
    format = Format.BINARY
    oid = UUIDS

    def dump(self, obj: UuidArray) -> bytes:
        return obj.content


psycopg.adapters.register_dumper(UuidArray, _UuidArrayDumper)


NUMERIC = "V18"  # five digits to the base of ten thousand behind their heading, the last of them the fraction


def numerics(amounts: npt.NDArray[np.float64]) -> npt.NDArray[np.void]:
    """Amounts below ten to the fifteenth with four decimals as Postgres' numeric; NaN as nothing that counts."""
    made = np.zeros((len(amounts), 9), dtype=">i2")
    whole = np.rint(np.nan_to_num(np.abs(amounts)) * 10_000).astype(np.int64)
    made[:, 0], made[:, 1], made[:, 3] = 5, 3, 4  # digits, weight of the first, decimals
    made[:, 2] = np.where(amounts < 0, 0x4000, 0)
    for place in range(8, 3, -1):
        whole, made[:, place] = np.divmod(whole, 10_000)
    return made.view("V18").ravel()


def from_copy(content: bytes, record: np.dtype[np.void]) -> Records:
    """What COPY … TO STDOUT (FORMAT binary) gave. Raises ValueError when a field is not as wide as it should be."""
    count, left = divmod(len(content) - len(HEADER) - len(TRAILER), record.itemsize)
    if left:
        raise ValueError(f"The rows do not fit the record: {left} bytes are left over.")
    return np.frombuffer(content, record, count, offset=len(HEADER))
