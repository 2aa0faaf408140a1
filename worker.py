"""Hosts task queues: `python worker.py --queues decisions,evidence`. Asks workflows/ and activities/
what belongs to each queue and runs it; beside `decisions` the dispatcher, the reconciler and the
sealer, beside `outreach` the dispatcher of episodes and the reader of the transactions, beside `batch` the shadow
models and the mirror in MLflow."""

import argparse
import asyncio
import os
import signal
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path

import structlog
import uvloop
from temporalio.client import Client

from activities.watching import watch_of
from plimsoll.domain.errors import EngineUnavailable, Unavailable
from plimsoll.settings import Settings, load_settings
from plimsoll.wiring import Ports, open_ports
from starter.engine.beginnings import Beginnings
from starter.engine.client import connect
from starter.engine.hosting import build_worker, hosts_anything
from starter.engine.schedules import Scheduling
from starter.logs import set_up_logging
from starter.loops.alerting import Alerting
from starter.loops.confirming import confirming
from starter.loops.dispatcher import Dispatcher
from starter.loops.reconciler import Reconciler
from starter.loops.shadowing import Shadowing
from starter.loops.telling import Telling
from starter.loops.watching import Watching
from starter.models.adopting import adopt_what_was_live
from starter.models.mirroring import Mirroring
from workflows import names

log = structlog.get_logger()


async def host(settings: Settings, queues: Sequence[str], ready_file: Path | None) -> None:
    async with open_ports(settings, wait_for_database=60) as ports:
        await adopt_what_was_live(ports)
        if names.OUTREACH in queues:
            ports.outreach.gateways.client.warm()
        client = await _connected(settings)
        beginnings = Beginnings()
        noting = {names.OUTREACH: [beginnings]}
        workers = [
            build_worker(client, ports, queue, *noting.get(queue, ()))
            for queue in queues
            if hosts_anything(queue, ports)
        ]
        beside = [asyncio.create_task(work) for work in _beside(queues, ports, client, beginnings)]
        running = [asyncio.create_task(worker.run()) for worker in workers]
        if ready_file:
            ready_file.write_text(str(os.getpid()))  # noqa: ASYNC240  (once, before there is work)
        log.info("worker.ready", queues=list(queues))
        try:
            await _until_told_to_stop(running + beside)
        except Exception:
            # What should run for ever has ended. Taking leave in order would wait for steps that cannot end without it;
            # everything is a row, and whoever looks after the processes starts another one.
            log.exception("worker.ends")
            os._exit(1)
        for task in beside:
            task.cancel()
        await asyncio.gather(*(worker.shutdown() for worker in workers), return_exceptions=True)
        await asyncio.gather(*running, *beside, return_exceptions=True)


def _beside(
    queues: Sequence[str], ports: Ports, client: Client, beginnings: Beginnings
) -> Iterator[Coroutine[None, None, None]]:
    """What runs beside a queue for as long as the process lives."""
    if names.DECISIONS in queues:
        yield Dispatcher(ports.outbox, client).run()
        yield Reconciler(ports.outbox, client, ports.open_runs).run()
        yield _seal(ports)
    if names.OUTREACH in queues:
        yield Dispatcher(ports.outbox, client, "outreach", beginnings).run()
        yield Alerting(ports.outbox, ports.alert_webhook).run()
        yield Telling(ports.receivers, ports.deliveries, ports.event_webhooks).run()
        yield confirming(ports).run()
        yield Watching(watch_of(ports), ports.watch.log).run()
    if names.BATCH in queues:
        sweep_every, feeds = ports.outreach.strategies.sweep_every, ports.watch.feeds.names
        yield Scheduling(ports.products, ports.live, client, sweep_every, feeds).run()
        yield Shadowing(ports.shadows, ports.casework, ports.live, ports.scorer, ports.products).run()
        yield Mirroring(ports).run()


async def _connected(settings: Settings) -> Client:
    while True:
        try:
            return await connect(settings)
        except EngineUnavailable:
            await asyncio.sleep(1)


async def _seal(ports: Ports) -> None:
    while True:
        try:
            await ports.sealer.run()
        except Unavailable as error:
            log.warning("sealer.waits", code=error.code)
            await asyncio.sleep(2)


async def _until_told_to_stop(tasks: Sequence[asyncio.Task]) -> None:
    """Returns on SIGTERM or SIGINT; raises what ended a task that should have run for ever."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done - {waiting}:
        task.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queues", default=",".join(names.QUEUES), help="task queues, comma-separated")
    queues = parser.parse_args().queues.split(",")
    unknown = set(queues) - set(names.QUEUES)
    if unknown:
        parser.error(f"unknown queue {', '.join(sorted(unknown))}: choose from {', '.join(names.QUEUES)}")
    settings = load_settings()
    set_up_logging(settings.log_level)
    ready = os.environ.get("PLIMSOLL_READY_FILE")
    uvloop.run(host(settings, queues, Path(ready) if ready else None))
    os._exit(0)  # the SDK can abort at interpreter exit (rc 134); everything is flushed by now


if __name__ == "__main__":
    main()
