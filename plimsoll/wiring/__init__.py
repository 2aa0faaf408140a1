"""Settings → Ports: the only place that names adapters."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plimsoll.adapters.datasets.south_german import FairnessGroup, LabelledApplication, SouthGerman
from plimsoll.adapters.messages.webhook import AlertWebhook, EventWebhooks
from plimsoll.adapters.models import folder
from plimsoll.adapters.models.columns import ByColumn
from plimsoll.adapters.models.contest import ModelContest
from plimsoll.adapters.models.drift_reference import DriftReferences
from plimsoll.adapters.models.folder import Manifest
from plimsoll.adapters.models.mlflow_mirror import QUIET, MlflowMirror, tracking_uri
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
from plimsoll.adapters.postgres.models.decided_examples import DecidedExamples
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
from plimsoll.domain.errors import InvalidRequest, NotFound, Unavailable
from plimsoll.domain.models.examples import Column, Examples, pooled
from plimsoll.domain.models.features import columns_of, snapshot
from plimsoll.domain.models.training import LabelSource, TrainingPlan
from plimsoll.domain.underwriting.facts import Stage, facts_of
from plimsoll.domain.underwriting.product import FeatureSpec, Loader, Product
from plimsoll.ports import EvidenceSource
from plimsoll.settings import Settings
from plimsoll.wiring.outreach import OutreachPorts, build_outreach_ports
from plimsoll.wiring.watching import WatchPorts, build_watch_ports
from plimsoll.wiring.webhooks import Receivers

if TYPE_CHECKING:
    from plimsoll.adapters.datasets.lenders_file import LendersFile
    from plimsoll.adapters.datasets.tables import Table
    from plimsoll.adapters.datasets.taiwan_events import TaiwanEvents
    from plimsoll.adapters.models.beside_plain import Beside
    from plimsoll.adapters.models.trials import Trial
    from plimsoll.domain.lenders_file.own_product import Draft

CHECKPOINTS = "checkpoints/ledger.jsonl"
DRIFT_PAGES = "reports/drift"
MLFLOW = "mlflow"


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


def drift_pages(folder: Path) -> PageFolder:
    """Where pages of drift checks are drawn and kept."""
    return PageFolder(folder)


def secret_of_alerts(settings: Settings) -> str | None:
    """What alerts are signed with, when the operator keeps such a secret."""
    place = settings.secrets / "alert_webhook"
    return place.read_text(encoding="utf-8").strip() if place.is_file() else None


def product_packs(settings: Settings) -> ProductFolder:
    return ProductFolder(settings.own_products, settings.products_dir, looks_every=1.0)


def policy_engine(settings: Settings) -> ZenPolicyEngine:
    return ZenPolicyEngine(settings.own_products, settings.products_dir)


def shipped_set(settings: Settings) -> SouthGerman:
    """The labelled applicants that ship with the product."""
    return SouthGerman(settings.data_dir / "south_german")


def labelled_examples(settings: Settings, product: Product, as_of: date) -> Examples:
    """The applications a model of this product may learn from, by the loader its pack names.

    Raises InvalidRequest when a lender's own file is gone or is not what the pack says.
    """
    if product.training.loader is Loader.FILE:
        return lenders_file(settings, product).examples()
    if product.training.loader is Loader.TAIWAN_EVENTS:
        return taiwan_events(settings).examples()
    return shipped_examples(settings, product, as_of)


def taiwan_events(settings: Settings) -> "TaiwanEvents":
    """The shipped card accounts, as what happened on them."""
    from plimsoll.adapters.datasets.taiwan_events import TaiwanEvents

    return TaiwanEvents(settings.data_dir / "taiwan")


def lenders_file(settings: Settings, product: Product) -> "LendersFile":
    """The table a product's pack was made from."""
    from plimsoll.adapters.datasets.lenders_file import LendersFile

    return LendersFile(product, product_packs(settings).place_of(product.id))


def lenders_table(path: Path) -> "Table":
    """Any table in a file. Raises TableUnreadable in one sentence."""
    from plimsoll.adapters.datasets.tables import read_table

    return read_table(path)


def first_look(features: Sequence[FeatureSpec], examples: Examples, progress: Any) -> tuple[Any, Any, Any]:
    """A quick model of unknown data: figures, out-of-fold probabilities, and the rows they belong to."""
    from plimsoll.adapters.models import first_look as quick

    return quick.first_look(features, dict(examples.columns), examples.bad, progress)


def make_pack(settings: Settings, draft: "Draft", file: Path | None, force: bool) -> Path:
    """Writes the pack of a draft into the home's products, checked as the shipped ones are; the pack's folder."""
    from plimsoll.adapters.products import new_pack

    return new_pack.make_pack(settings.own_products, draft, file, lambda room: _problems(room, draft.id), force)


def check_new_name(settings: Settings, name: str, force: bool) -> None:
    """Whether a product may be called so, before anybody has worked for it. Raises InvalidRequest, Conflict."""
    from plimsoll.adapters.products import new_pack

    new_pack.check_name(name)
    if (settings.products_dir / name / "product.toml").exists():
        raise new_pack.PackExists(f"{name!r} is shipped with Plimsoll; choose another name.")
    place = settings.own_products / name
    if place.exists() and not force:
        raise new_pack.PackExists(f"There is a product {name!r} already, in {place}; rename it, or say --force.")


def _problems(folder: Path, product_id: str) -> list[str]:
    """Everything wrong with one pack in a folder: the pack, its rules, and the cases that do not hold."""
    packs, engine = ProductFolder(folder), ZenPolicyEngine(folder)
    found = packs.check(product_id)
    if found:
        return found
    product = packs.get(product_id)
    failed = [f"{case.name}: {case.problem}." for case in engine.run_cases(product) if not case.passed]
    return engine.check(product) + failed


def shipped_examples(settings: Settings, product: Product, as_of: date) -> Examples:
    """The training part of the shipped set."""
    shipped = shipped_set(settings)
    return examples_of(product, shipped.training(), as_of, shipped.fairness())


def examples_of(
    product: Product,
    rows: Sequence[LabelledApplication],
    as_of: date,
    people: Mapping[str, FairnessGroup] | None = None,
) -> Examples:
    """Labelled applications of the shipped set as training reads them; `people` by reference, for fairness alone."""
    snapshots = (
        snapshot(product.features, facts_of(product, row.body, row.evidence, as_of=as_of, stage=Stage.DECIDE))
        for row in rows
    )
    return Examples(
        columns=columns_of(product.features, snapshots),
        bad=np.array([row.bad for row in rows]),
        groups=_groups([people[row.reference] for row in rows]) if people else {},
        references=np.array([row.reference for row in rows], dtype=object),
    )


def _groups(people: Sequence[FairnessGroup]) -> dict[str, Column]:
    return {
        "age": np.array([person.age_band for person in people], dtype=object),
        "foreign worker": np.array(["yes" if person.foreign_worker else "no" for person in people], dtype=object),
    }


def public_set(name: str, root: Path) -> tuple[tuple[FeatureSpec, ...], Examples]:
    """A set of the folder with the real data, and the columns of it that a model may read. Raises NotFound."""
    from plimsoll.adapters.datasets.lendingclub import LendingClub
    from plimsoll.adapters.datasets.taiwan import Taiwan

    if name == "taiwan":
        accounts = Taiwan(root / "taiwan_credit_card")
        return accounts.features(), accounts.examples()
    if name in ("lendingclub-with-price", "lendingclub-without-price"):
        loans = LendingClub(root / "lendingclub")
        examples = loans.examples()
        return loans.features(examples.columns, with_price=name.endswith("with-price")), examples
    raise NotFound(f"No public set {name!r}; there are taiwan, lendingclub-with-price, lendingclub-without-price.")


def lendingclub_loans(root: Path, within_months: int | None = None) -> tuple[tuple[FeatureSpec, ...], Examples]:
    """With LendingClub's own price among the features, labelled by the end, or by what so many months told."""
    from plimsoll.adapters.datasets.lendingclub import LendingClub

    loans = LendingClub(root / "lendingclub")
    examples = loans.examples(within_months=within_months)
    return loans.features(examples.columns, with_price=True), examples


def taiwan_plain(settings: Settings) -> tuple[tuple[FeatureSpec, ...], Examples]:
    """The shipped card accounts by the columns of their file, but for what sees the outcome and what is sensitive."""
    from plimsoll.adapters.datasets.taiwan import Taiwan

    accounts = Taiwan(settings.data_dir / "taiwan")
    return accounts.features(), accounts.examples()


def beside_plain(
    product: Product, examples: Examples, plain: tuple[Sequence[FeatureSpec], Examples], repeat: int
) -> "Beside":
    """A product's features and a set's plain columns, out of the same folds."""
    from plimsoll.adapters.models import beside_plain as comparing

    features, columns = plain
    return comparing.beside_plain(product.features, examples, features, columns.columns, repeat)


def trial_model(features: Sequence[FeatureSpec], examples: Examples) -> "Trial":
    """A model to compare with another, without making a version."""
    from plimsoll.adapters.models.trials import learn

    return learn(features, examples)


def compare_candidates(
    features: Sequence[FeatureSpec], examples: Examples, folder: Path, plan: TrainingPlan
) -> dict[str, Any]:
    """Every family on the same folds, without making a version; pieces are kept in the folder."""
    from plimsoll.adapters.models.candidates import compared
    from plimsoll.adapters.models.tuning import Field

    return compared(Field(tuple(features), examples, folder, plan))


def train_model(settings: Settings, product: Product, created_at: str) -> Manifest:
    """A new version of the product's model, trained at once on what its pack names; nobody uses it yet."""
    from plimsoll.adapters.models import training

    examples = labelled_examples(settings, product, datetime.fromisoformat(created_at).date())
    return training.train(product, examples, settings.models, created_at=created_at)


def small_model(settings: Settings, product: Product, created_at: str) -> Manifest:
    """A version to measure speed with, made of few rows: as many trees as any, and soon done."""
    from plimsoll.adapters.models.training import Plan, train

    plan = Plan(members=2, folds=2, repeats=1, member_trees=40)
    examples = labelled_examples(settings, product, datetime.fromisoformat(created_at).date())
    some = examples.take(np.arange(0, len(examples), 1 + len(examples) // 3_000))
    return train(product, some, settings.models, created_at=created_at, plan=plan)


def newest_model(settings: Settings, product: Product) -> Manifest | None:
    """The version trained last, live or not; None when nothing was trained."""
    found = folder.versions(settings.models, product.model)
    return found[-1] if found else None


@dataclass(frozen=True)
class LabelledData:
    """The labelled applications of each product, read when somebody learns from them: its file, outcomes on record."""

    settings: Settings

    def examples(self, product: Product, labels: LabelSource, as_of: datetime) -> Examples:
        """Raises InvalidRequest, Unavailable."""
        if labels is LabelSource.OUTCOMES:
            if product.outcomes_stay_apart:
                raise InvalidRequest(product.outcomes_stay_apart)
            return self._decided(product, as_of)
        file = labelled_examples(self.settings, product, as_of.date())
        nothing_on_record = product.watches or product.outcomes_stay_apart or not self.settings.database_url
        if labels is LabelSource.FILE or nothing_on_record:
            return file
        return pooled(file, self._decided(product, as_of))

    def _decided(self, product: Product, as_of: datetime) -> Examples:
        if not self.settings.database_url:
            raise Unavailable("No database: set DATABASE_URL, or run `plimsoll up` for the embedded one.")
        vault = partial(LocalVault.from_file, self.settings.secrets / "kek")
        return DecidedExamples(self.settings.database_url, vault).examples(product, as_of)


def mlflow_command(settings: Settings, port: int) -> tuple[list[str], dict[str, str]]:
    """Python's arguments and the environment for MLflow's own pages on the mirror's store: two processes."""
    store = settings.home_dir / MLFLOW
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = ["-m", "mlflow", "server", "--backend-store-uri", tracking_uri(store), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    # With job execution on it is nine processes and 2.6 GiB.
    return command, {**os.environ, **QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def source_addresses(settings: Settings) -> dict[str, str]:
    """Where each source answers: its own address when one is set, the sandbox's otherwise."""
    return {name: settings.source_urls.get(name, settings.sandbox) for name in SOURCES}
