"""Settings → what reaches a customer: the contact governor, gateways, interventions."""

from dataclasses import dataclass

from plimsoll.adapters.postgres.database import Database
from plimsoll.adapters.vault import LocalVault
from plimsoll.settings import Settings


@dataclass(frozen=True)
class OutreachPorts:
    """Everything that reaching a customer may reach."""


def build_outreach_ports(settings: Settings, database: Database, vault: LocalVault) -> OutreachPorts:
    return OutreachPorts()
