"""The HTTP API: `create_app` for a server, everything else in `routes/`.

It starts on Postgres alone. Temporal is connected in the background, so accepting works while
the engine is away.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial

import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute

from plimsoll.domain.errors import Unavailable
from plimsoll.settings import Settings, load_settings
from plimsoll.wiring import Ports, open_ports
from starter.api import problems
from starter.api.admission import Admission, RateLimit
from starter.api.auth import Gatekeeper, refuse_unguarded
from starter.api.hot_door import HotDoor
from starter.api.middleware import Envelope
from starter.api.routes import (
    applications,
    callbacks,
    collectors,
    contacts,
    customers,
    decisions,
    desk,
    drift,
    experiments,
    fast_forward,
    feeds,
    health,
    interventions,
    keys,
    ledger,
    message_templates,
    models,
    outcomes,
    people,
    performance,
    policies,
    portfolio,
    products,
    retrainings,
    reviews,
    rollouts,
    schedules,
    scores,
    sessions,
    trainings,
    transactions,
    webhooks,
    workflows,
)
from starter.api.running import Running
from starter.engine.link import Engine
from starter.events.intake import TransactionIntake
from starter.intake import Intake
from starter.logs import set_up_logging
from starter.models.adopting import adopt_what_was_live
from starter.models.scoring import ScoringDesk
from starter.policies import PolicyDesk
from starter.warming import rehearse

log = structlog.get_logger()

LOOK_FOR_MODELS = 1.0  # seconds
LOOK_FOR_POLICIES = 5.0
# A gateway that calls back holds no key of ours: it proves itself by its signature.
PUBLIC = ("/healthz", "/readyz", "/metrics", "/v1/callbacks/{gateway}", "/v1/feeds/{provider}/webhook")
ROUTERS = (
    applications,
    decisions,
    products,
    policies,
    models,
    trainings,
    retrainings,
    desk,
    reviews,
    sessions,
    workflows,
    portfolio,
    outcomes,
    transactions,
    feeds,
    performance,
    experiments,
    rollouts,
    scores,
    drift,
    schedules,
    interventions,
    collectors,
    customers,
    contacts,
    callbacks,
    message_templates,
    people,
    fast_forward,
    keys,
    ledger,
    webhooks,
    health,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or load_settings()
    set_up_logging(settings.log_level)
    app = FastAPI(
        title="Plimsoll",
        version="1",
        summary="Durable, explainable decisions about who may carry which risk.",
        lifespan=partial(_live, settings=settings),
    )
    problems.install(app)
    refuse_unguarded(all_routes(), PUBLIC)
    for module in ROUTERS:
        app.include_router(module.router)
    app.add_middleware(HotDoor)
    app.add_middleware(Envelope, body_limit=settings.body_limit, timeout=settings.request_timeout)
    return app


def spare_the_collector() -> None:
    """What was loaded by now stays for good: the cycle collector need not walk it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def all_routes() -> list[APIRoute]:
    """Every route of ours, with its permissions to be read off (`auth.permissions_of`)."""
    return [route for module in ROUTERS for route in module.router.routes if isinstance(route, APIRoute)]


@asynccontextmanager
async def _live(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    async with open_ports(settings) as ports:
        if settings.profile == "production":
            await ports.database.refuse_unsafe()
        house = assemble(settings, ports)
        app.state.running = house
        app.state.gatekeeper = gatekeeper = Gatekeeper(ports.access)
        app.state.rate_limit = RateLimit(settings.rate_limit)
        tasks = [
            _kept_alive(_keep_policies(house)),
            _kept_alive(house.engine.run()),
            _kept_alive(house.admission.watch()),
            _kept_alive(gatekeeper.listen()),
        ]
        if settings.hot_worker:
            tasks.append(_kept_alive(_warm_up(house)))
        else:
            house.rehearsed.set()
        spare_the_collector()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def assemble(settings: Settings, ports: Ports) -> Running:
    hot_worker = None
    if settings.hot_worker:
        from starter.engine.hosting import hot_worker as build

        hot_worker = partial(build, ports=ports)
    engine = Engine(settings, hot_worker)
    intake = Intake(ports.applications, ports.products, ports.vault, engine.has_room, engine.start_soon)
    admission = Admission(
        ports.reading.workload, lambda: engine.connected, settings.max_backlog, settings.max_backlog_seconds
    )
    scoring = ScoringDesk(ports.products, ports.live, ports.columns, ports.predictions)
    return Running(
        settings=settings,
        ports=ports,
        engine=engine,
        intake=intake,
        admission=admission,
        scoring=scoring,
        transactions=TransactionIntake(ports.watch.log, ports.watch.rejected),
    )


async def _warm_up(house: Running) -> None:
    """Rehearses each product's decision before a request needs it, and again when there is a live model at last."""
    waiting = {product.id: product for product in house.ports.products.all()}
    told: set[str] = set()
    while waiting:
        for product in list(waiting.values()):
            try:
                await adopt_what_was_live(house.ports)
                if await rehearse(house.ports, house.settings, product):
                    del waiting[product.id]
            except Unavailable as error:
                if product.id not in told:
                    log.warning("model.not_loaded", product=product.id, error=type(error).__name__)
                    told.add(product.id)
            except Exception:
                log.exception("warming.broke", product=product.id)  # a case would say why; readiness must not wait
                del waiting[product.id]
        if not house.rehearsed.is_set():
            spare_the_collector()
            house.rehearsed.set()
        await asyncio.sleep(LOOK_FOR_MODELS)


async def _keep_policies(house: Running) -> None:
    """Looked at as often as a pack is read anew: what decided must be readable when its file has changed."""
    desk = PolicyDesk(house.ports)
    while True:
        await desk.keep_what_is_in_force()
        await asyncio.sleep(LOOK_FOR_POLICIES)


def _kept_alive(work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    task.add_done_callback(_report)
    return task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        log.error("background.ended", error=type(task.exception()).__name__)
