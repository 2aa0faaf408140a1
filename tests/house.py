"""A house to test in: a migrated database, keys, ports; when asked, an engine, workers and the API.

async with a_house(folder, database, faked=True) as house:      # stores and activities
    application = await house.accept(a_sound_application())

async with a_house(folder, database, sandbox=…, temporal=…, models=…) as house, house.at_work():
    await house.until_closed(application)                       # whole runs
"""

import asyncio
import contextlib
import dataclasses
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from activities import activities_on
from activities.messages import Ending
from plimsoll.adapters.models import folder
from plimsoll.domain.access import SYSTEM, Actor, Role
from plimsoll.domain.underwriting.product import Lane
from plimsoll.domain.values import Status
from plimsoll.local.secrets import make_keys
from plimsoll.local.temporal_namespace import ensure_namespace
from plimsoll.ports import EngineTask, Products
from plimsoll.settings import Settings
from plimsoll.wiring import Ports, open_ports
from starter.engine import client as temporal_client
from starter.intake import Intake
from starter.loops.dispatcher import Dispatcher
from tests.applicants import SOUND_EVIDENCE, the_product
from tests.builders import raw
from tests.fake_brains import FakeScorer
from tests.fakes import FakeEvidenceSource, FakeLineups, OneProduct
from tests.sandbox_process import SandboxProcess
from tests.stack_fixtures import Database, LocalTemporal
from workflows import names, workflows_on

PATIENCE = 90.0
QUEUES = (names.DECISIONS, names.EVIDENCE)


@dataclass
class House:
    settings: Settings
    ports: Ports
    database: Database
    sandbox: SandboxProcess | None = None
    client: Client | None = None
    _actors: dict[tuple[Role, ...], Actor] = field(default_factory=dict)

    # People -----------------------------------------------------------------------------------

    async def staff(self, *roles: Role, name: str | None = None) -> Actor:
        """A member of staff with a working key; `house.key_of` has it."""
        name = name or f"{'+'.join(roles)} {uuid.uuid4().hex[:6]}"
        return await self.ports.access.actor_of_key(await self.key_for(*roles, name=name))

    async def key_for(self, *roles: Role, name: str | None = None) -> str:
        name = name or f"{'+'.join(roles)} {uuid.uuid4().hex[:6]}"
        return await self.ports.access.create_key(name, roles, name="test", by=SYSTEM, request="req_test")

    async def somebody(self, *roles: Role) -> Actor:
        """The house's own actor with these roles, made when first asked for."""
        if roles not in self._actors:
            self._actors[roles] = await self.staff(*roles)
        return self._actors[roles]

    # Work -------------------------------------------------------------------------------------

    def intake(self, products: Products | None = None) -> Intake:
        """The door without an eager start: whatever comes in waits for the dispatcher."""
        ports = self.ports
        return Intake(ports.applications, products or ports.products, ports.vault, lambda: False, lambda task: None)

    async def accept(
        self, body: dict[str, Any], key: str | None = None, actor: Actor | None = None, lane: Lane | None = None
    ) -> str:
        """Committed; a `lane` other than the product's own goes with the application."""
        actor = actor or await self.somebody(Role.CHANNEL)
        intake = self.intake() if lane is None else self.intake(OneProduct(the_product(), lane=lane))
        submitted = await intake.submit(raw(body), key=key or uuid.uuid4().hex, actor=actor, request="req_test")
        return submitted.application

    async def withdraw(self, application: str, **given: Any) -> None:
        known = {"own_only": False, "reason": "changed my mind", "request": "req_test", "now": datetime.now(UTC)}
        actor = given.pop("actor", None) or await self.somebody(Role.CHANNEL)
        await self.ports.applications.withdraw(application, actor=actor, **known | given)

    async def start(self, application: str, client: Client | None = None, suffix: int = 0) -> WorkflowHandle:
        """Starts its run as the dispatcher would."""
        client = client or self.client
        assert client is not None
        row = await self.row("select * from application where id = %(id)s", id=application)
        task = EngineTask(
            id=0,
            kind="start",
            application=application,
            round=row["round"],
            run_suffix=suffix,
            lane=row["lane"],
            priority=row["priority"],
            product=row["product"],
            status=row["status"],
        )
        await temporal_client.start(client, task, eager=False)
        return self.run_of(application, client, suffix)

    def run_of(self, application: str, client: Client | None = None, suffix: int = 0) -> WorkflowHandle:
        client = client or self.client
        assert client is not None
        return client.get_workflow_handle(names.underwriting_id(application, 1, suffix), result_type=Ending)

    # Hosting ----------------------------------------------------------------------------------

    @asynccontextmanager
    async def at_work(
        self, *, dispatcher: bool = True, sandboxed: bool = True, queues: Iterable[str] = QUEUES
    ) -> AsyncIterator[None]:
        """Workers in this process. Sandboxed by default: what the hot worker leaves out is checked here."""
        assert self.client is not None
        runner = SandboxedWorkflowRunner() if sandboxed else UnsandboxedWorkflowRunner()
        async with contextlib.AsyncExitStack() as stack:
            for queue in queues:
                await stack.enter_async_context(
                    Worker(
                        self.client,
                        task_queue=queue,
                        workflows=workflows_on(queue),
                        activities=activities_on(queue, self.ports),
                        activity_executor=ThreadPoolExecutor(4),
                        workflow_runner=runner,
                        # A defect fails the run at once, where production would retry until it is mended.
                        workflow_failure_exception_types=[Exception],
                    )
                )
            if dispatcher:
                for lane in ("engine", "outreach"):
                    await stack.enter_async_context(
                        in_background(Dispatcher(self.ports.outbox, self.client, lane).run())
                    )
            yield

    # Looking ----------------------------------------------------------------------------------

    async def row(self, sql: str, **parameters: Any) -> dict[str, Any]:
        found = await self.ports.database.row(sql, parameters)
        assert found is not None
        return found

    async def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        return await self.ports.database.rows(sql, parameters)

    async def status(self, application: str) -> Status:
        row = await self.row("select status from application where id = %(id)s", id=application)
        return Status(row["status"])

    async def case(self, application: str) -> dict[str, Any]:
        return await self.ports.reading.case(application)

    async def decisions(self, application: str) -> list[dict[str, Any]]:
        return await self.rows("select * from decision where application_id = %(id)s", id=application)

    async def until_closed(self, application: str, patience: float = PATIENCE) -> dict[str, Any]:
        async def closed() -> bool:
            return (await self.status(application)).closed

        await until(closed, patience, f"{application} to end")
        return await self.case(application)

    async def until_status(self, application: str, *wanted: Status, patience: float = PATIENCE) -> None:
        async def there() -> bool:
            return await self.status(application) in wanted

        await until(there, patience, f"{application} to be {' or '.join(wanted)}")

    async def until_waiting_on(self, application: str, source: str, patience: float = PATIENCE) -> None:
        async def waiting() -> bool:
            listed = await self.ports.reading.applications(limit=100, waiting_on=source)
            return application in {row["id"] for row in listed}

        await until(waiting, patience, f"{application} to wait on {source}")

    async def task_of(self, application: str) -> dict[str, Any]:
        row = await self.row("select id from review_task where application_id = %(id)s", id=application)
        return await self.ports.reviews.task(row["id"])

    async def must_verify(self) -> None:
        """The whole record, sealed and read again."""
        await self.ports.sealer.seal_once()
        found = await self.ports.verifier.verify()
        assert found.ok, found

    def fresh_inquiries(self, application_body: dict[str, Any], since: int = 0) -> dict[str, int]:
        """By source: how often it did the work for this applicant, by its own journal."""
        assert self.sandbox is not None
        entries = self.sandbox.requests(since=since, reference=application_body["applicant"]["id"])
        fresh = [entry["source"] for entry in entries if entry["served"] == "fresh"]
        return {source: fresh.count(source) for source in sorted(set(fresh))}


@asynccontextmanager
async def a_house(
    home: Path,
    database: Database,
    *,
    sandbox: SandboxProcess | None = None,
    temporal: LocalTemporal | None = None,
    models: Path | None = None,
    faked: bool = False,
    **settings: Any,
) -> AsyncIterator[House]:
    """Ports on this database. `faked`: sources and scorer live in the test (`house.ports.sources`)."""
    chosen = settings_of(home, database, sandbox=sandbox, temporal=temporal, models=models, **settings)
    make_keys(chosen.secrets)
    async with open_ports(chosen) as ports:
        if faked:
            ports = dataclasses.replace(ports, sources=fake_sources(), scorer=FakeScorer(), live=FakeLineups())  # type: ignore[arg-type]
        elif models:
            await release_newest(ports)
        client = None
        if temporal:
            await ensure_namespace(temporal.address, temporal.namespace)
            client = await temporal_client.connect(chosen)
        yield House(chosen, ports, database, sandbox, client)


def settings_of(
    home: Path,
    database: Database,
    *,
    sandbox: SandboxProcess | None = None,
    temporal: LocalTemporal | None = None,
    models: Path | None = None,
    **settings: Any,
) -> Settings:
    known: dict[str, Any] = {"home": home, "database_url": database.app_url, "log_level": "error"}
    if sandbox:
        known["sandbox"] = sandbox.url
    if temporal:
        known |= {"temporal_address": temporal.address, "temporal_namespace": temporal.namespace}
    if models:
        known["models_dir"] = models
    return Settings(**known | settings)


def environment_of(settings: Settings, **more: str) -> dict[str, str]:
    """The same settings for a process of its own."""
    import os

    given = {
        "PLIMSOLL_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url or "",
        "TEMPORAL_ADDRESS": settings.temporal_address or "",
        "TEMPORAL_NAMESPACE": settings.temporal_namespace,
        "PLIMSOLL_SANDBOX": settings.sandbox,
        "PLIMSOLL_MODELS_DIR": str(settings.models),
        "PLIMSOLL_SECRETS_DIR": str(settings.secrets),
    }
    return {**os.environ, **given, **more}


async def release_newest(ports: Ports) -> None:
    """The newest version in the folder becomes champion."""
    name = the_product().model
    found = ports.shelf.read(name, folder.versions(ports.shelf.place, name)[-1].version)
    await ports.registry.adopt(found, by=SYSTEM, request="req_test", now=datetime.now(UTC), reason="for the tests")


def fake_sources() -> dict[str, FakeEvidenceSource]:
    """Every source of the product, with its own way of recovery, answering soundly."""
    return {
        terms.name: FakeEvidenceSource(terms.name, recovery=terms.recovery, summary=dict(SOUND_EVIDENCE[terms.name]))
        for terms in the_product().sources
    }


@asynccontextmanager
async def in_background(work: Any) -> AsyncIterator[asyncio.Task]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], Awaitable[bool]], patience: float = PATIENCE, what: str = "it") -> None:
    """Polls; AssertionError when it does not hold in time."""
    give_up_at = time.monotonic() + patience
    while not await holds():
        assert time.monotonic() < give_up_at, f"waited {patience:g} s in vain for {what}"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def the_api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The API in this process, its lifespan run; no socket."""
    from starter.api.app import create_app

    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://api", timeout=60
        ) as client,
    ):
        client.app = app  # type: ignore[attr-defined]
        await app.state.running.rehearsed.wait()  # as whoever looks at /readyz would
        yield client


async def apply(api: httpx.AsyncClient, key: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    """Sends an application under a key of its own: its `external_id`."""
    sent = bearer(key, **{"idempotency-key": body["external_id"], **headers})
    return await api.post("/v1/applications", content=raw(body), headers=sent)


def bearer(key: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", **headers}


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """The problem in an error answer; AssertionError when it is none."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    return json.loads(response.content)


A_SECOND = timedelta(seconds=1)
