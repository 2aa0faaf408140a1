"""Settings → Ports: the only place that names adapters."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from plimsoll.adapters.messages.webhook import AlertWebhook, EventWebhooks
from plimsoll.adapters.models.columns import ByColumn
from plimsoll.adapters.models.contest import ModelContest
from plimsoll.adapters.models.drift_reference import DriftReferences
from plimsoll.adapters.models.mlflow_mirror import MlflowMirror
from plimsoll.adapters.models.scorer import ModelScorer
from plimsoll.adapters.models.shelf import ModelFolder
from plimsoll.adapters.models.workshop import ModelWorkshop
from plimsoll.adapters.policies import ZenPolicyEngine
from plimsoll.adapters.postgres.access import Access
from plimsoll.adapters.postgres.clocks import Clocks
from plimsoll.adapters.postgres.database import Database
from plimsoll.adapters.postgres.deliveries import Deliveries
from plimsoll.adapters.postgres.engine.open_runs import OpenRunList
from plimsoll.adapters.postgres.engine.outbox import Outbox
from plimsoll.adapters.postgres.erasing import Erasing
from plimsoll.adapters.postgres.ledger.chain import Checkpoints, Sealer, Verifier
from plimsoll.adapters.postgres.ledger.entering import Acts
from plimsoll.adapters.postgres.models.arms import Arms
from plimsoll.adapters.postgres.models.experiments import Experiments
from plimsoll.adapters.postgres.models.outcomes import Outcomes
from plimsoll.adapters.postgres.models.performance import Performance
from plimsoll.adapters.postgres.models.predictions import Predictions
from plimsoll.adapters.postgres.models.registry import CachedLineups, Registry
from plimsoll.adapters.postgres.models.retrainings import Retrainings
from plimsoll.adapters.postgres.models.rollouts import Rollouts
from plimsoll.adapters.postgres.models.shadows import Shadows
from plimsoll.adapters.postgres.models.trainings import Trainings
from plimsoll.adapters.postgres.monitoring.drift_reports import DriftReports
from plimsoll.adapters.postgres.monitoring.live_windows import LiveWindows
from plimsoll.adapters.postgres.underwriting.applications import Applications
from plimsoll.adapters.postgres.underwriting.bell import Bell
from plimsoll.adapters.postgres.underwriting.casework import Casework
from plimsoll.adapters.postgres.underwriting.desk import Desk
from plimsoll.adapters.postgres.underwriting.policy_versions import PolicyVersions
from plimsoll.adapters.postgres.underwriting.reading import Reading
from plimsoll.adapters.postgres.underwriting.reviews import Reviews
from plimsoll.adapters.postgres.underwriting.sources import SourceGate
from plimsoll.adapters.products import ProductFolder
from plimsoll.adapters.providers import SOURCES, SourceClient, build_sources
from plimsoll.adapters.reports.pages import PageFolder
from plimsoll.adapters.vault import LocalVault
from plimsoll.domain.errors import Unavailable
from plimsoll.ports import EvidenceSource
from plimsoll.settings import Settings
from plimsoll.wiring.labelled import LabelledData
from plimsoll.wiring.models import MLFLOW
from plimsoll.wiring.outreach import OutreachPorts, build_outreach_ports
from plimsoll.wiring.packs import policy_engine, product_packs
from plimsoll.wiring.watching import WatchPorts, build_watch_ports
from plimsoll.wiring.webhooks import Receivers

CHECKPOINTS = "checkpoints/ledger.jsonl"
DRIFT_PAGES = "reports/drift"


@dataclass(frozen=True)
class Ports:
    """Everything the inside may reach, ready to use."""

    database: Database
    vault: LocalVault
    access: Access
    applications: Applications
    casework: Casework
    erasing: Erasing
    reviews: Reviews
    desk: Desk
    outbox: Outbox
    outcomes: Outcomes
    performance: Performance
    experiments: Experiments
    reading: Reading
    bell: Bell
    gate: SourceGate
    sources: dict[str, EvidenceSource]
    products: ProductFolder
    scorer: ModelScorer
    columns: ByColumn
    predictions: Predictions
    shelf: ModelFolder
    registry: Registry
    live: CachedLineups
    shadows: Shadows
    trainings: Trainings
    workshop: ModelWorkshop
    retrainings: Retrainings
    contest: ModelContest
    mirror: MlflowMirror
    rollouts: Rollouts
    arms: Arms
    drift_references: DriftReferences
    live_windows: LiveWindows
    drift_reports: DriftReports
    report_pages: PageFolder
    alert_webhook: AlertWebhook
    receivers: Receivers
    deliveries: Deliveries
    event_webhooks: EventWebhooks
    open_runs: OpenRunList
    acts: Acts
    policies: ZenPolicyEngine
    policy_versions: PolicyVersions
    sealer: Sealer
    verifier: Verifier
    clocks: Clocks
    watch: WatchPorts
    outreach: OutreachPorts


@asynccontextmanager
async def open_ports(settings: Settings, wait_for_database: float = 10.0) -> AsyncIterator[Ports]:
    """The ports of this environment. Raises Unavailable when Postgres or the key file is not there.

    With `wait_for_database=0` it opens anyway: calls raise Unavailable until Postgres answers.
    """
    if not settings.database_url:
        raise Unavailable("No database: set DATABASE_URL, or run `plimsoll up` for the embedded one.")
    database = Database(settings.database_url, settings.database_pool)
    client = SourceClient()
    try:
        await database.open(wait=wait_for_database)
        yield build_ports(settings, database, client)
    finally:
        await client.close()
        await database.close()


def build_ports(settings: Settings, database: Database, client: SourceClient) -> Ports:
    vault = LocalVault.from_file(settings.secrets / "kek")
    desk = Desk(database, vault)
    reading = Reading(database, vault, desk)
    scorer = ModelScorer(settings.models)
    registry, performance = Registry(database), Performance(database)
    labelled = LabelledData(settings)
    checkpoints = Checkpoints(
        settings.home_dir / CHECKPOINTS,
        private_key=settings.secrets / "seal_key.pem",
        public_key=settings.secrets / "seal_key.pub",
    )
    return Ports(
        database=database,
        vault=vault,
        access=Access(database),
        applications=Applications(database, vault),
        casework=Casework(database, vault),
        erasing=Erasing(database, vault),
        reviews=Reviews(database, vault),
        desk=desk,
        outbox=Outbox(database),
        outcomes=Outcomes(database),
        performance=performance,
        experiments=Experiments(database, registry, performance),
        reading=reading,
        bell=Bell(reading),
        gate=SourceGate(database),
        sources=build_sources(source_addresses(settings), client),
        products=product_packs(settings),
        scorer=scorer,
        columns=ByColumn(scorer),
        predictions=Predictions(database, vault),
        shelf=ModelFolder(settings.models),
        registry=registry,
        live=CachedLineups(registry),
        shadows=Shadows(database),
        trainings=Trainings(database),
        workshop=ModelWorkshop(product_packs(settings), labelled, settings.home_dir / "trainings", settings.models),
        retrainings=Retrainings(database),
        contest=ModelContest(labelled, settings.models),
        mirror=MlflowMirror(registry, settings.home_dir / MLFLOW, settings.models),
        rollouts=Rollouts(database, registry),
        arms=Arms(database, vault),
        drift_references=DriftReferences(settings.models),
        live_windows=LiveWindows(database, vault),
        drift_reports=DriftReports(database),
        report_pages=PageFolder(settings.home_dir / DRIFT_PAGES),
        alert_webhook=AlertWebhook(settings.alert_webhook, secret_of_alerts(settings)),
        receivers=Receivers(settings.secrets),
        deliveries=Deliveries(database),
        event_webhooks=EventWebhooks(),
        open_runs=OpenRunList(database),
        acts=Acts(database),
        policies=policy_engine(settings),
        policy_versions=PolicyVersions(database),
        sealer=Sealer(database, checkpoints),
        verifier=Verifier(database, checkpoints),
        clocks=Clocks(database),
        watch=build_watch_ports(settings, database, vault),
        outreach=build_outreach_ports(settings, database, vault),
    )


def secret_of_alerts(settings: Settings) -> str | None:
    """What alerts are signed with, when the operator keeps such a secret."""
    place = settings.secrets / "alert_webhook"
    return place.read_text(encoding="utf-8").strip() if place.is_file() else None


def source_addresses(settings: Settings) -> dict[str, str]:
    """Where each source answers: its own address when one is set, the sandbox's otherwise."""
    return {name: settings.source_urls.get(name, settings.sandbox) for name in SOURCES}
