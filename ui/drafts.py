"""Verdicts not yet given: kept in this process, so that a lost session or a reload loses no typing.

Held in memory only, since a note may name people; each belongs to one person and one task.
"""

from collections import OrderedDict
from threading import Lock
from typing import Any

MOST = 2000

_lock = Lock()
_kept: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()


def keep(person: str, task: str, draft: dict[str, Any]) -> None:
    with _lock:
        _kept[person, task] = dict(draft)
        _kept.move_to_end((person, task))
        while len(_kept) > MOST:
            _kept.popitem(last=False)


def of(person: str, task: str) -> dict[str, Any]:
    with _lock:
        return dict(_kept.get((person, task), {}))


def forget(person: str, task: str) -> None:
    with _lock:
        _kept.pop((person, task), None)
