"""Ledger entries: what happened, in bytes that will hash the same in ten years.

The body is canonical JSON (RFC 8785). Only strings, whole numbers, booleans, lists and
objects are let in, for which sorted compact JSON *is* the canonical form; a float would not
be, so probabilities are written as text. No personal value goes in: only ids, codes and
digests of what was sealed, so that erasing a person leaves the chain whole.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from plimsoll.domain.values import Value

FIRST_LINK = bytes(32)


class Entry(Value):
    kind: str
    application: str | None
    body: bytes
    digest: bytes


def entry(
    kind: str, *, application: str | None, actor: str, reason: str, request: str, at: datetime, **facts: Any
) -> Entry:
    """An entry of this kind. Every entry says who, why, under which request and when."""
    content = {
        "v": 1,
        "kind": kind,
        "application": application,
        "actor": actor,
        "reason": reason,
        "request": request,
        "at": at.isoformat(),
        **facts,
    }
    body = canonical(content)
    return Entry(kind=kind, application=application, body=body, digest=digest(body))


def canonical(content: dict[str, Any]) -> bytes:
    """RFC 8785 bytes. Raises TypeError for a float or any value JSON does not have."""
    _refuse_floats(content)
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError(f"{value!r}: write numbers with a fraction as text in a ledger entry")
    if isinstance(value, dict):
        for inner in value.values():
            _refuse_floats(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_floats(inner)


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def link(seq: int, entry_id: int, prev: bytes, entry_digest: bytes) -> bytes:
    """The hash of one link: every column of it, so that none can be altered alone."""
    return digest(seq.to_bytes(8, "big") + entry_id.to_bytes(8, "big") + prev + entry_digest)
