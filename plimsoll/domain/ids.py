"""Typed ids: `app_01jd…`, a UUIDv7 in Crockford base32, so that ids sort by time of birth."""

import os
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

APPLICATION, DECISION, REVIEW, PERSON, EVIDENCE, SCORE, ACTOR, KEY, SESSION, REQUEST = (
    "app", "dec", "rev", "per", "evr", "scr", "act", "key", "ses", "req",
)  # fmt: skip
MODEL, TRAINING, EXPERIMENT, DRIFT, ROLLOUT, RETRAINING = "mdl", "trn", "exp", "drf", "rol", "rtr"
DOCUMENT = "doc"
INTERVENTION, CONTACT, TASK, SWEEP = "int", "con", "tsk", "swp"


def new_id(kind: str) -> str:
    """A fresh id of this kind."""
    return id_at(kind, time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big"))


def id_at(kind: str, millis: int, random: int) -> str:
    """Milliseconds since 1970 first, then 74 of the random bits (RFC 9562, version 7); for a run, which has its own
    clock and its own chance."""
    number = (millis << 80) | (0x7 << 76) | ((random >> 68 & 0xFFF) << 64) | (0b10 << 62) | (random & ((1 << 62) - 1))
    return f"{kind}_{base32(number)}"


def base32(number: int) -> str:
    """128 bits as 26 Crockford characters."""
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5))
