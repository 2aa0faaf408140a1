"""Whatever a source does wrong becomes one of a few errors, within the limits of the client."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from plimsoll.adapters.providers import build_sources
from plimsoll.adapters.providers.http import Reply, SourceClient, seconds_to_wait
from plimsoll.domain.errors import SourceBusy, SourceUnavailable
from tests.adapters.providers.inquiries import an_inquiry
from tests.sandbox_process import SandboxProcess, free_port

QUESTION = {"reference": "SGC-0001"}


@pytest.fixture
async def client() -> AsyncIterator[SourceClient]:
    client = SourceClient(read_timeout=1.0, deadline=2.0)
    yield client
    await client.close()


async def ask(sandbox: SandboxProcess, client: SourceClient) -> Reply:
    return await client.post("registry", f"{sandbox.url}/registry/searches", QUESTION, None)


FAULTS = [
    ({"kind": "timeout"}, "timeout"),
    ({"kind": "done_then_timeout"}, "timeout"),
    ({"kind": "slow", "delay_seconds": 60}, "timeout"),
    ({"kind": "slow", "variant": "drip"}, "timeout"),
    ({"kind": "refuse"}, "refused"),
    ({"kind": "500"}, "server_error"),
    ({"kind": "garbage", "variant": "truncated"}, "garbage"),
    ({"kind": "garbage", "variant": "compressed"}, "garbage"),
    ({"kind": "garbage", "variant": "huge_body"}, "too_large"),
]


@pytest.mark.parametrize(("fault", "kind"), FAULTS, ids=["-".join(map(str, fault.values())) for fault, _ in FAULTS])
async def test_every_fault_has_its_kind(sandbox: SandboxProcess, client: SourceClient, fault: dict, kind: str):
    sandbox.fault("registry", **fault)
    with pytest.raises(SourceUnavailable) as failure:
        await ask(sandbox, client)

    assert failure.value.details == {"source": "registry", "kind": kind, "sent": True}


@pytest.mark.parametrize("variant", ["broken_json", "wrong_schema", "error_in_200"])
@pytest.mark.parametrize("source", ["bureau", "bank", "registry", "telecom"])
async def test_no_adapter_reads_nonsense(sandbox: SandboxProcess, client: SourceClient, source: str, variant: str):
    sandbox.fault(source, kind="garbage", variant=variant)
    with pytest.raises(SourceUnavailable) as failure:
        await build_sources(sandbox.addresses, client)[source].pull(an_inquiry(source))

    assert failure.value.details["kind"] == "garbage"


async def test_a_source_that_hangs_does_not_use_up_the_connections_of_another(
    sandbox: SandboxProcess, client: SourceClient
):
    async with a_server_saying(b"") as hanging:
        stuck = [asyncio.create_task(client.post("bureau", hanging, QUESTION, "key")) for _ in range(40)]
        reply = await ask(sandbox, client)
        outcomes = await asyncio.gather(*stuck, return_exceptions=True)

    assert reply.status == 200
    assert {type(outcome) for outcome in outcomes} == {SourceUnavailable}


async def test_nobody_listening_means_refused_and_never_sent(client: SourceClient):
    with pytest.raises(SourceUnavailable) as failure:
        await client.post("bureau", f"http://127.0.0.1:{free_port()}/reports", QUESTION, "key")

    assert failure.value.details == {"source": "bureau", "kind": "refused", "sent": False}


async def test_a_redirect_is_not_followed(client: SourceClient):
    async with a_server_saying(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    ) as url:
        with pytest.raises(SourceUnavailable) as failure:
            await client.post("bureau", url, QUESTION, "key")

    assert failure.value.details["kind"] == "garbage"


async def test_a_key_used_for_another_question_is_a_refusal(sandbox: SandboxProcess, client: SourceClient):
    url = f"{sandbox.url}/registry/searches"
    await client.post("registry", url, {"reference": "SGC-0001"}, "one key")
    with pytest.raises(SourceUnavailable) as failure:
        await client.post("registry", url, {"reference": "SGC-0002"}, "one key")

    assert failure.value.details["kind"] == "refused"


async def test_busy_without_a_time_leaves_the_time_open(client: SourceClient):
    async with a_server_saying(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n") as url:
        with pytest.raises(SourceBusy) as failure:
            await client.post("bureau", url, QUESTION, "key")

    assert failure.value.details["retry_after"] is None


async def test_thirty_two_calls_at_once_share_the_client(sandbox: SandboxProcess, client: SourceClient):
    replies = await asyncio.gather(*(ask(sandbox, client) for _ in range(32)))

    assert {reply.status for reply in replies} == {200}


async def test_the_client_works_on_after_a_failure(sandbox: SandboxProcess, client: SourceClient):
    sandbox.fault("registry", kind="garbage", variant="huge_body", times=1)
    with pytest.raises(SourceUnavailable):
        await ask(sandbox, client)

    assert (await ask(sandbox, client)).status == 200


async def test_an_abandoned_call_gives_its_connection_back(sandbox: SandboxProcess):
    single = SourceClient(connections=1)
    await ask(sandbox, single)
    sandbox.fault("registry", kind="timeout")
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask(sandbox, single), timeout=0.1)
    sandbox.lift_faults()

    assert (await ask(sandbox, single)).status == 200
    await single.close()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None), (None, None)],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None):
    assert seconds_to_wait(header) == seconds


class a_server_saying:
    """One canned answer for whoever connects; silence when it is empty."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._speak, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def __aexit__(self, *unused: object) -> None:
        self._server.close()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self._answer)
        await (writer.drain() if self._answer else reader.read())  # without an answer, wait for the end
        writer.close()
