"""Settings → what reaches a customer: the contact governor, gateways, interventions."""

from dataclasses import dataclass

from plimsoll.adapters.postgres.database import Database
from plimsoll.adapters.postgres.outreach.collectors import CollectorDesk
from plimsoll.adapters.postgres.outreach.contacts import ContactBook
from plimsoll.adapters.postgres.outreach.effect import EffectCounts
from plimsoll.adapters.postgres.outreach.episodes import EpisodeStore
from plimsoll.adapters.postgres.outreach.first_messages import FirstMessages
from plimsoll.adapters.postgres.outreach.hearing import Hearing
from plimsoll.adapters.postgres.outreach.interventions import InterventionStore
from plimsoll.adapters.postgres.outreach.message_templates import MessageTemplates
from plimsoll.adapters.postgres.outreach.profiles import Profiles
from plimsoll.adapters.postgres.outreach.sweeps import SweepStore
from plimsoll.adapters.vault import LocalVault
from plimsoll.adapters.watch_files.contact_rules import contact_rules
from plimsoll.adapters.watch_files.reading import WatchFile
from plimsoll.adapters.watch_files.strategy import StrategyFile
from plimsoll.adapters.watch_files.templates import TemplateFolder
from plimsoll.domain.outreach.rules import ContactRules
from plimsoll.settings import Settings
from plimsoll.wiring.gateways import Gateways, build_gateways


@dataclass(frozen=True)
class OutreachPorts:
    """Everything that reaching a customer may reach."""

    strategies: StrategyFile
    interventions: InterventionStore
    episodes: EpisodeStore
    first_messages: FirstMessages
    effect: EffectCounts
    collectors: CollectorDesk
    sweeps: SweepStore
    contact_rules: WatchFile[ContactRules]
    drafts: TemplateFolder
    gateways: Gateways
    contacts: ContactBook
    hearing: Hearing
    profiles: Profiles
    templates: MessageTemplates


def message_drafts(settings: Settings) -> tuple[ContactRules, TemplateFolder]:
    """The rules of contact, and the texts as they lie in the folder, approved or not."""
    return contact_rules(*settings.watch_dirs)(), TemplateFolder(*settings.watch_dirs)


def build_outreach_ports(settings: Settings, database: Database, vault: LocalVault) -> OutreachPorts:
    strategies, rules = StrategyFile(*settings.watch_dirs), contact_rules(*settings.watch_dirs)
    interventions, gateways = InterventionStore(database, strategies.table), build_gateways(settings)
    contacts = ContactBook(database, vault, rules, interventions, gateways.name_of)
    episodes = EpisodeStore(database, strategies.table)
    return OutreachPorts(
        strategies=strategies,
        interventions=interventions,
        episodes=episodes,
        first_messages=FirstMessages(database, episodes, contacts),
        effect=EffectCounts(database),
        sweeps=SweepStore(database),
        collectors=CollectorDesk(database, vault, strategies.table, contacts),
        contact_rules=rules,
        drafts=TemplateFolder(*settings.watch_dirs),
        gateways=gateways,
        contacts=contacts,
        hearing=Hearing(database, vault, rules, interventions, gateways.name_of),
        profiles=Profiles(database, vault, rules, interventions),
        templates=MessageTemplates(database),
    )
