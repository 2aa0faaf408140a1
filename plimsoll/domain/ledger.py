"""Ledger entries: what happened, in bytes that will hash the same in ten years.

The body is canonical JSON (RFC 8785). Only strings, whole numbers every reader holds exactly,
booleans, lists and objects are let in, for which compact JSON with names in UTF-16 order *is*
the canonical form; a float would not be, so probabilities are written as text. No personal value
goes in: only ids, codes and digests of what was sealed, so that erasing a person leaves the
chain whole.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from plimsoll.domain.values import Value

FIRST_LINK = bytes(32)
LARGEST_EXACT = 2**53 - 1  # of the doubles RFC 8785 builds on


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
    """RFC 8785 bytes. Raises TypeError for a float, a giant, or any value JSON does not have."""
    return json.dumps(_in_order(content), separators=(",", ":"), ensure_ascii=False).encode()


def _in_order(value: Any) -> Any:
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > LARGEST_EXACT):
        raise TypeError(f"{value!r}: write it as text in a ledger entry, readers would round it")
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("the names of a ledger entry are text")
        return {name: _in_order(value[name]) for name in sorted(value, key=_utf_16)}
    if isinstance(value, list | tuple):
        return [_in_order(inner) for inner in value]
    return value


def _utf_16(name: str) -> bytes:
    return name.encode("utf-16-be")


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def link(seq: int, entry_id: int, prev: bytes, entry_digest: bytes) -> bytes:
    """The hash of one link: every column of it, so that none can be altered alone."""
    return digest(seq.to_bytes(8, "big") + entry_id.to_bytes(8, "big") + prev + entry_digest)
