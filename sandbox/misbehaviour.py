"""How each kind of fault is carried out."""

import asyncio
from collections.abc import Awaitable, Callable

from sandbox import wire
from sandbox.clerk import Call, Clerk, error
from sandbox.faults import Fault, Kind, Variant

Act = Callable[[Fault, Call, Clerk, wire.Receive, wire.Send], Awaitable[None]]


async def commit(fault: Fault, call: Call, clerk: Clerk, receive: wire.Receive, send: wire.Send) -> None:
    await ACTS[fault.kind](fault, call, clerk, receive, send)


async def never_answer(fault: Fault, call: Call, clerk: Clerk, receive: wire.Receive, send: wire.Send) -> None:
    clerk.note_fault(call, fault, None)
    await wire.hold(receive)


async def do_and_never_answer(fault: Fault, call: Call, clerk: Clerk, receive: wire.Receive, send: wire.Send) -> None:
    clerk.serve(call, fault)
    await wire.hold(receive)


async def answer_late(fault: Fault, call: Call, clerk: Clerk, receive: wire.Receive, send: wire.Send) -> None:
    """A slow source does not know that its caller has left: it does the work all the same."""
    if fault.variant is Variant.DRIP:
        await wire.drip(send, clerk.serve(call, fault))
        return
    await asyncio.sleep(fault.delay_seconds)
    await wire.send_reply(send, clerk.serve(call, fault))


async def hang_up(fault: Fault, call: Call, clerk: Clerk, receive: wire.Receive, send: wire.Send) -> None:
    clerk.note_fault(call, fault, None)
    await wire.hang_up(receive)


async def ask_for_patience(fault: Fault, call: Call, clerk: Clerk, receive: wire.Receive, send: wire.Send) -> None:
    clerk.note_fault(call, fault, 429)
    retry_after = (b"retry-after", str(fault.retry_after).encode())
    await wire.answer(send, 429, error("too_many_requests", "come back later"), retry_after)


async def fail(fault: Fault, call: Call, clerk: Clerk, receive: wire.Receive, send: wire.Send) -> None:
    clerk.note_fault(call, fault, 500)
    await wire.answer(send, 500, error("internal", "something broke here"))


async def send_garbage(fault: Fault, call: Call, clerk: Clerk, receive: wire.Receive, send: wire.Send) -> None:
    clerk.note_fault(call, fault, 200)
    match fault.next_garbage():
        case Variant.HUGE_BODY:
            await wire.answer_hugely(send)
        case Variant.COMPRESSED:
            await wire.answer_compressed(send)
        case Variant.TRUNCATED:
            await wire.answer_short(send, b'{"subject": {"reference": "')
        case Variant.ERROR_IN_200:
            await wire.answer(send, 200, error("internal", "something broke here"))
        case Variant.WRONG_SCHEMA:
            await wire.answer(send, 200, b'{"subject": 17, "as_of": "soon", "accounts": {}, "fraud_alert": []}')
        case _:
            await wire.answer(send, 200, b'{"subject": {"reference": "')


async def answer_about_somebody_else(
    fault: Fault, call: Call, clerk: Clerk, receive: wire.Receive, send: wire.Send
) -> None:
    await wire.send_reply(send, clerk.serve(call, fault))


ACTS: dict[Kind, Act] = {
    Kind.TIMEOUT: never_answer,
    Kind.SLOW: answer_late,
    Kind.REFUSE: hang_up,
    Kind.BUSY: ask_for_patience,
    Kind.ERROR: fail,
    Kind.GARBAGE: send_garbage,
    Kind.WRONG_PERSON: answer_about_somebody_else,
    Kind.DONE_THEN_TIMEOUT: do_and_never_answer,
}
