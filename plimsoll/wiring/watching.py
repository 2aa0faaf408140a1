"""Settings → what watches the portfolio: intake of transactions, customers' states, early warnings."""

from dataclasses import dataclass

from plimsoll.adapters.postgres.database import Database
from plimsoll.adapters.postgres.watching.transaction_log import TransactionLog
from plimsoll.adapters.vault import LocalVault
from plimsoll.settings import Settings


@dataclass(frozen=True)
class WatchPorts:
    """Everything that watching may reach."""

    log: TransactionLog


def build_watch_ports(settings: Settings, database: Database, vault: LocalVault) -> WatchPorts:
    return WatchPorts(log=TransactionLog(database, vault))
