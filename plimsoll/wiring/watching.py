"""Settings → what watches the portfolio: intake of transactions, customers' states, early warnings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plimsoll.adapters.postgres.database import Database
from plimsoll.adapters.postgres.watching.feed_cursors import FeedCursors
from plimsoll.adapters.postgres.watching.loads import FileLoads
from plimsoll.adapters.postgres.watching.portraits import Portraits
from plimsoll.adapters.postgres.watching.rejected_lines import RejectedLines
from plimsoll.adapters.postgres.watching.transaction_log import TransactionLog
from plimsoll.adapters.postgres.watching.watched import Watched
from plimsoll.adapters.vault import LocalVault
from plimsoll.adapters.watch_files.reading import WatchFile
from plimsoll.adapters.watch_files.signals import signals_file
from plimsoll.domain.errors import InvalidRequest, NotFound
from plimsoll.domain.watching.events import Event
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.settings import Settings
from plimsoll.wiring.feeds import Feeds


@dataclass(frozen=True)
class WatchPorts:
    """Everything that watching may reach."""

    log: TransactionLog
    rejected: RejectedLines
    loads: FileLoads
    feeds: Feeds
    watched: Watched
    portraits: Portraits
    policy: WatchFile[WatchPolicy]


def build_watch_ports(settings: Settings, database: Database, vault: LocalVault) -> WatchPorts:
    return WatchPorts(
        log=TransactionLog(database, vault),
        rejected=RejectedLines(database, vault),
        loads=FileLoads(database),
        feeds=Feeds(settings.secrets, FeedCursors(database)),
        watched=Watched(database),
        portraits=Portraits(database, vault),
        policy=signals_file(*settings.watch_dirs),
    )


def event_set(name: str, folder: Path) -> Callable[[], Iterator[Event]]:
    """What a real set of this name in this folder tells. Raises NotFound, InvalidRequest."""
    from plimsoll.adapters.datasets.berka_events import BerkaEvents
    from plimsoll.adapters.datasets.taiwan_events import TaiwanEvents

    sets: dict[str, Callable[[Path], Any]] = {"taiwan": TaiwanEvents, "berka": BerkaEvents}
    if name not in sets:
        raise NotFound(f"There is no format {name!r}: choose events, {', '.join(sorted(sets))}.")
    if not folder.is_dir():
        raise InvalidRequest(f"{folder} is no folder: the format {name} is a folder with the set's own files.")
    return sets[name](folder).events
