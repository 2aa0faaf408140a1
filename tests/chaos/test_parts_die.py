"""Temporal and Postgres killed under load (F4, F5, F6, F7), and nothing personal in what Temporal keeps (I7)."""

import asyncio
import base64
import json
import uuid
from pathlib import Path

import httpx
import pytest

from plimsoll.adapters.postgres.migrate import migrate
from plimsoll.domain.access import Role
from plimsoll.domain.errors import EngineUnavailable, Unavailable
from plimsoll.domain.values import Status
from starter.api.admission import LOOK
from starter.engine.client import connect
from starter.loops.reconciler import Reconciler
from tests.builders import a_minors_application, a_referred_application, a_sound_application
from tests.chaos.parts import KillablePostgres, KillableTemporal, Nursery
from tests.house import House, a_house, apply, bearer, problem_of, settings_of, the_api, until
from tests.stack_fixtures import LocalPostgres, LocalTemporal

CANARIES = ("Canary-Kanarienvogel", "CANARY-REFERENCE", "1971-03-09", "6543.21")


async def test_temporal_killed_under_load_loses_no_application(shaky_house: House, killable_temporal: KillableTemporal):
    """F4: killed and started again on the same file; accepting never stops."""
    house = shaky_house
    key = await house.key_for(Role.CHANNEL)
    bodies = [a_sound_application() for _ in range(24)]
    async with the_api(house.settings) as api, house.at_work(sandboxed=False):
        accepted = []
        for number, body in enumerate(bodies):
            if number in (6, 14):
                await asyncio.to_thread(killable_temporal.kill)
            if number in (10, 18):
                await asyncio.to_thread(killable_temporal.start)
            answer = await apply(api, key, body)
            assert answer.status_code == 202, answer.text
            accepted.append(answer.json()["id"])
        for application, body in zip(accepted, bodies, strict=True):
            case = await house.until_closed(application, patience=60)
            assert case["outcome"] in ("approve", "counter_offer", "decline")
            assert set(house.fresh_inquiries(body).values()) == {1}
    await house.must_verify()


async def test_while_temporal_is_away_work_is_accepted_and_decided_when_it_is_back(
    shaky_house: House, killable_temporal: KillableTemporal
):
    """F5, short: the API starts without an engine, says so, and takes everything in."""
    house = shaky_house
    waits = await house.accept(a_referred_application())
    await asyncio.to_thread(killable_temporal.kill)
    keys = {role: await house.key_for(role) for role in (Role.CHANNEL, Role.ANALYST, Role.ADMIN)}
    async with the_api(house.settings) as api:
        ready = await api.get("/readyz")
        assert (ready.status_code, ready.json()["parts"]) == (200, {"postgres": "ok", "temporal": "away"})
        accepted = [(await apply(api, keys[Role.CHANNEL], a_minors_application())) for _ in range(10)]
        assert {answer.status_code for answer in accepted} == {202}
        state = await api.get(f"/v1/applications/{waits}/workflow", headers=bearer(keys[Role.ANALYST]))
        assert (state.status_code, problem_of(state)["code"]) == (503, "engine_unavailable")
        assert int(state.headers["retry-after"]) > 0
        resumed = await api.post(
            "/v1/workflows/resume?waiting_on=bureau", json={"reason": "it is back"}, headers=bearer(keys[Role.ADMIN])
        )
        assert resumed.status_code == 503
        summary = await api.get("/v1/workflows/summary", headers=bearer(keys[Role.ANALYST]))
        assert (summary.status_code, summary.json()["engine"]) == (200, "away")

        await asyncio.to_thread(killable_temporal.start)
        async with house.at_work(sandboxed=False):
            for answer in accepted:
                await house.until_closed(answer.json()["id"], patience=60)
            await house.until_status(waits, Status.REVIEW)
        assert await house.ports.outbox.backlog() == 0


async def test_an_api_that_loses_its_engine_says_so_and_takes_everything_until_it_is_back(
    shaky_house: House, killable_temporal: KillableTemporal
):
    """F5, short: connected once, it must notice; and no limit on the backlog turns anybody away meanwhile."""
    settings = shaky_house.settings.model_copy(update={"max_backlog": 3, "hot_worker": False})
    keys = {role: await shaky_house.key_for(role) for role in (Role.CHANNEL, Role.ANALYST)}
    async with the_api(settings) as api:

        async def engine() -> str:
            return (await api.get("/v1/workflows/summary", headers=bearer(keys[Role.ANALYST]))).json()["engine"]

        async def there() -> bool:
            return await engine() == "ok"

        async def away() -> bool:
            return await engine() == "away"

        await until(there, what="the API to find Temporal")
        await asyncio.to_thread(killable_temporal.kill)
        await until(away, what="the API to notice that Temporal is gone")
        accepted = [await apply(api, keys[Role.CHANNEL], a_minors_application()) for _ in range(5)]
        await asyncio.sleep(2 * LOOK)  # until the backlog has been counted
        accepted.append(await apply(api, keys[Role.CHANNEL], a_minors_application()))
        assert {answer.status_code for answer in accepted} == {202}
        assert (await api.get("/readyz")).json()["parts"]["temporal"] == "away"
        await asyncio.to_thread(killable_temporal.start)
        await until(there, what="the API to find Temporal again")
    async with shaky_house.at_work(sandboxed=False):
        for answer in accepted:
            await shaky_house.until_closed(answer.json()["id"], patience=60)


async def test_a_lost_temporal_database_is_rebuilt_from_postgres(
    shaky_house: House, killable_temporal: KillableTemporal
):
    """F6, short: decided cases start nothing, open ones exactly one run."""
    house = shaky_house
    async with house.at_work(sandboxed=False):
        decided = await house.accept(a_minors_application())
        await house.until_closed(decided)
        open_ = await house.accept(a_referred_application())
        await house.until_status(open_, Status.REVIEW)
    assert house.client is not None
    handle = house.run_of(open_)
    await handle.terminate(reason="lost")

    reconciler = Reconciler(house.ports.outbox, house.client)

    async def started_again() -> bool:
        return [task.application async for task in reconciler.redrive()] == [open_]

    await until(started_again, what="the open case, and it alone, to be started again")
    assert [task.application async for task in reconciler.redrive()] == []
    async with house.at_work(sandboxed=False):
        await house.withdraw(open_)
        assert (await house.run_of(open_).result()).closed
    assert len(await house.decisions(decided)) == 1


async def test_a_finished_run_of_an_unfinished_case_is_run_again_under_a_fresh_id(shaky_house: House):
    """Postgres was restored from an older backup: the engine remembers an end that never was."""
    house = shaky_house
    async with house.at_work(sandboxed=False):
        application = await house.accept(a_referred_application())
        await house.until_status(application, Status.REVIEW)
        await house.run_of(application).signal("withdrawn")  # ends the run; Postgres knows nothing of it
        await house.run_of(application).result()
        assert house.client is not None
        reconciler, started = Reconciler(house.ports.outbox, house.client), []

        async def started_again() -> bool:  # the engine's list of what runs lags a little
            started.extend([task.application async for task in reconciler.redrive()])
            return bool(started)

        await until(started_again, what="the case to be run again")
        assert started == [application]
        await house.withdraw(application)
        assert (await house.run_of(application, suffix=1).result()).closed


async def test_a_start_refused_by_a_dead_engine_is_tried_again_and_not_forgotten(
    shaky_house: House, killable_temporal: KillableTemporal
):
    from starter.loops.dispatcher import Dispatcher

    application = await shaky_house.accept(a_minors_application())
    await asyncio.to_thread(killable_temporal.kill)
    assert shaky_house.client is not None
    with pytest.raises(EngineUnavailable):
        await Dispatcher(shaky_house.ports.outbox, shaky_house.client).deliver_some()
    row = await shaky_house.row("select attempts, last_error, delivered_at from outbox")
    assert (row["attempts"], row["last_error"]) == (1, "engine_unavailable")
    with pytest.raises(EngineUnavailable):
        await connect(shaky_house.settings)
    await asyncio.to_thread(killable_temporal.start)
    async with shaky_house.at_work(sandboxed=False):
        await shaky_house.until_closed(application)


async def test_nothing_of_an_applicant_is_in_what_temporal_keeps_or_anybody_logs(
    shaky_house: House, killable_temporal: KillableTemporal, nursery: Nursery, capfd
):
    """I7: unique strings, looked for in every form they could take; an id that must be there shows the search works."""
    house = shaky_house
    canary = {"id": CANARIES[1], "name": CANARIES[0], "date_of_birth": CANARIES[2]}
    income = {"monthly_income": CANARIES[3]}
    made = []
    worker = nursery.worker(house.settings, PLIMSOLL_LOG_LEVEL="debug")
    try:
        await asyncio.to_thread(worker.until_ready)
        for body in (a_sound_application(), a_referred_application()):
            body = {**body, "applicant": {**body["applicant"], **canary}, "financial": {**body["financial"], **income}}
            assert house.sandbox is not None
            house.sandbox.fault("bureau", kind="garbage", times=1, reference=CANARIES[1])
            made.append(await house.accept(body))
            await house.until_status(made[-1], Status.DECIDED, Status.REVIEW, patience=60)
    finally:
        worker.send(15)
        await asyncio.to_thread(worker.until_ended)
    kept = [path for path in killable_temporal.home.rglob("*") if path.is_file()] + nursery.logs
    content = b"".join(path.read_bytes() for path in kept) + "".join(capfd.readouterr()).encode()
    for canary_word in CANARIES:
        for form in forms(canary_word):
            assert form not in content, (canary_word, form)
    assert made[0].encode() in content


def forms(word: str) -> list[bytes]:
    """In clear, as JSON, in base64 at each of its three offsets, UTF-16."""
    plain = word.encode()
    in_base64 = [base64.b64encode(b"x" * shift + plain)[4:-4] for shift in range(3)]
    return [plain, json.dumps(word).encode(), word.encode("utf-16-le"), *in_base64]


# Postgres -----------------------------------------------------------------------------------------


async def test_a_postmaster_killed_under_load_loses_nothing_acknowledged(
    local_temporal: LocalTemporal, running_sandbox, models: Path, tmp_path: Path
):
    """F7: every 202 is there afterwards and is decided; meanwhile the API says 503 with Retry-After."""
    postgres = KillablePostgres(tmp_path)
    await asyncio.to_thread(postgres.start)
    try:
        postgres.cluster.provision()
        database = LocalPostgres(postgres.cluster).create_database("shaky")
        migrate(database.owner_url, database.app_url)
        temporal = LocalTemporal(local_temporal.address, f"pg-{uuid.uuid4().hex[:8]}")
        async with (
            a_house(tmp_path / "home", database, sandbox=running_sandbox, temporal=temporal, models=models) as house,
            the_api(house.settings) as api,
        ):
            key = await house.key_for(Role.CHANNEL)
            acknowledged: list[str] = []
            refused: list[httpx.Response] = []

            async def keep_applying(count: int) -> None:
                for _ in range(count):
                    answer = await apply(api, key, a_minors_application())
                    if answer.status_code == 202:
                        acknowledged.append(answer.json()["id"])
                    else:
                        refused.append(answer)

            async with house.at_work(sandboxed=False, dispatcher=True):
                for _ in range(2):
                    load = [asyncio.create_task(keep_applying(8)) for _ in range(4)]
                    await asyncio.sleep(0.1)
                    await asyncio.to_thread(postgres.kill)
                    not_ready = await api.get("/readyz")
                    assert not_ready.status_code == 503
                    await asyncio.to_thread(postgres.start)
                    await asyncio.gather(*load)
                assert await answers_again(house)
                for application in acknowledged:
                    case = await house.until_closed(application, patience=60)
                    assert case["outcome"] == "decline"
                    assert len(await house.decisions(application)) == 1
            for answer in refused:
                assert (answer.status_code, problem_of(answer)["code"]) == (503, "unavailable")
                assert int(answer.headers["retry-after"]) > 0
            assert acknowledged
            await house.must_verify()
    finally:
        await asyncio.to_thread(postgres.stop)


async def answers_again(house: House) -> bool:
    async def answers() -> bool:
        try:
            await house.ports.database.check()
        except Unavailable:
            return False
        return True

    await until(answers, 30, "the pool to heal")
    return True


# Limits -------------------------------------------------------------------------------------------


async def test_more_than_its_share_is_429_with_the_seconds_to_wait(house: House, tmp_path: Path):
    settings = settings_of(tmp_path, house.database, rate_limit=5, hot_worker=False)
    one, other = await house.key_for(Role.ANALYST), await house.key_for(Role.ANALYST)
    async with the_api(settings) as api:
        answers = [await api.get("/v1/products", headers=bearer(one)) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        assert problem_of(answers[-1])["code"] == "too_many_requests"
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        assert (await api.get("/v1/products", headers=bearer(other))).status_code == 200


async def test_a_backlog_over_its_limit_is_503_and_nothing_is_taken(shaky_house: House):
    """Nobody works here, so what comes in waits; the house says so instead of promising."""
    settings = shaky_house.settings.model_copy(update={"max_backlog": 3, "hot_worker": False})
    key = await shaky_house.key_for(Role.CHANNEL)
    async with the_api(settings) as api:
        engine = api.app.state.running.engine  # type: ignore[attr-defined]

        async def connected() -> bool:
            return engine.connected

        await until(connected, what="the API to find Temporal")
        answers: list[httpx.Response] = []

        async def refuses() -> bool:
            answers.append(await apply(api, key, a_minors_application()))
            return answers[-1].status_code == 503

        await until(refuses, 15, "the backlog to be noticed")
        assert problem_of(answers[-1])["code"] == "too_busy"
        assert int(answers[-1].headers["retry-after"]) >= 1
        counted = await shaky_house.row("select count(*) as n from application")
        assert counted["n"] == sum(answer.status_code == 202 for answer in answers)
