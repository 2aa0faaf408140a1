"""Settings → what reaches a customer: the contact governor, gateways, interventions."""

from dataclasses import dataclass

from plimsoll.adapters.postgres.database import Database
from plimsoll.adapters.postgres.outreach.episodes import EpisodeStore
from plimsoll.adapters.postgres.outreach.interventions import InterventionStore
from plimsoll.adapters.vault import LocalVault
from plimsoll.adapters.watch_files.strategy import StrategyFile
from plimsoll.settings import Settings


@dataclass(frozen=True)
class OutreachPorts:
    """Everything that reaching a customer may reach."""

    strategies: StrategyFile
    interventions: InterventionStore
    episodes: EpisodeStore


def build_outreach_ports(settings: Settings, database: Database, vault: LocalVault) -> OutreachPorts:
    strategies = StrategyFile(*settings.watch_dirs)
    return OutreachPorts(
        strategies=strategies,
        interventions=InterventionStore(database, strategies.table),
        episodes=EpisodeStore(database, strategies.table),
    )
