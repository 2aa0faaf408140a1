"""Whatever becomes of a request, its place is free for the next one."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from plimsoll.connections import Connections

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers on kept-alive connections, and counts those that were made; silent while `mute`."""

    def __init__(self) -> None:
        self.made = 0
        self.called = asyncio.Event()
        self.mute = False
        self.url = ""

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        self.called.set()
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                if not self.mute:
                    writer.write(ANSWER)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    speaking = Server()
    listening = await asyncio.start_server(speaking.speak, "127.0.0.1", 0)
    speaking.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    yield speaking
    listening.close()


@pytest.fixture
async def calls() -> AsyncIterator[Callable[[int], httpx.AsyncClient]]:
    opened = []

    def client(at_most: int) -> httpx.AsyncClient:
        opened.append(httpx.AsyncClient(transport=Connections(at_most=at_most, patience=0.5), trust_env=False))
        return opened[-1]

    yield client
    for each in opened:
        await each.aclose()


async def test_a_call_given_up_at_any_moment_leaves_its_place_to_the_next(server: Server, calls: Callable):
    moment, given_up = 0, True
    while given_up:
        client = calls(1)
        call = asyncio.create_task(client.get(server.url))
        for _ in range(moment):
            await asyncio.sleep(0)
        given_up = call.cancel()
        await asyncio.gather(call, return_exceptions=True)

        assert (await client.get(server.url)).status_code == 200, f"given up at step {moment}"
        moment += 1
    assert moment > 10, "a call that ends at once says nothing"


async def test_a_connection_is_kept_for_the_next_call(server: Server, calls: Callable):
    client = calls(8)
    for _ in range(3):
        assert (await client.get(server.url)).content == b"{}"

    assert server.made == 1


async def test_calls_at_once_are_as_many_as_there_are_places(server: Server, calls: Callable):
    client = calls(2)
    answers = await asyncio.gather(*(client.get(server.url) for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    assert server.made == 2


async def test_who_finds_no_place_is_told_so_and_the_next_finds_it_free(server: Server, calls: Callable):
    client, server.mute = calls(1), True
    silent = asyncio.create_task(client.get(server.url))
    await server.called.wait()
    with pytest.raises(httpx.PoolTimeout):
        await client.get(server.url)
    silent.cancel()
    await asyncio.gather(silent, return_exceptions=True)
    server.mute = False

    assert (await client.get(server.url)).status_code == 200


async def test_an_answer_nobody_reads_takes_no_place(server: Server, calls: Callable):
    client = calls(1)
    async with client.stream("GET", server.url) as answer:
        assert answer.status_code == 200

    assert (await client.get(server.url)).status_code == 200
