"""Settings → what watches the portfolio: intake of transactions, customers' states, early warnings."""

from dataclasses import dataclass

from plimsoll.adapters.postgres.database import Database
from plimsoll.adapters.postgres.watching.loads import FileLoads
from plimsoll.adapters.postgres.watching.portraits import Portraits
from plimsoll.adapters.postgres.watching.rejected_lines import RejectedLines
from plimsoll.adapters.postgres.watching.transaction_log import TransactionLog
from plimsoll.adapters.postgres.watching.watched import Watched
from plimsoll.adapters.vault import LocalVault
from plimsoll.adapters.watch_files.reading import WatchFile
from plimsoll.adapters.watch_files.signals import signals_file
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.settings import Settings


@dataclass(frozen=True)
class WatchPorts:
    """Everything that watching may reach."""

    log: TransactionLog
    rejected: RejectedLines
    loads: FileLoads
    watched: Watched
    portraits: Portraits
    policy: WatchFile[WatchPolicy]


def build_watch_ports(settings: Settings, database: Database, vault: LocalVault) -> WatchPorts:
    return WatchPorts(
        log=TransactionLog(database, vault), rejected=RejectedLines(database, vault), loads=FileLoads(database),
        portraits=Portraits(database, vault),
        watched=Watched(database),
        policy=signals_file(*settings.watch_dirs),
    )
