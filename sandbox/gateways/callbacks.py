"""Tells the other side what became of a message: signed, again and again until it is taken."""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from pathlib import Path
from typing import Any

import httpx

from sandbox.gateways.mailbox import Manners, Message
from sandbox.journal import timestamp

FIRST_PAUSE, LONGEST_PAUSE, GIVES_UP_AFTER = 0.5, 30.0, 3600.0


class Callbacks:
    """`log` is the witness: every call made, with the status it got."""

    def __init__(self, secret: Path | None) -> None:
        self._secret = secret
        self._numbers = itertools.count(1)
        self._born = f"{time.time_ns():x}"  # ids stay unique over restarts
        self._under_way: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self.log: list[dict[str, Any]] = []

    def tell(self, message: Message, manners: Manners, after: float, **said: Any) -> str:
        """Soon, in the background. Returns the event's id."""
        event = f"evt_{self._born}_{next(self._numbers):06}"
        if message.callback:
            body = json.dumps({"id": event, "message": message.id, "key": message.key, "at": timestamp(), **said})
            for copy in range(manners.copies):
                task = asyncio.create_task(self._deliver(message.callback, body.encode(), manners, after + copy * 0.01))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
        return event

    async def _deliver(self, url: str, body: bytes, manners: Manners, after: float) -> None:
        await asyncio.sleep(after)
        pause, give_up_at = FIRST_PAUSE, time.monotonic() + GIVES_UP_AFTER
        while time.monotonic() < give_up_at:
            status = await self._call(url, body, manners.forged)
            self.log.append({**json.loads(body), "url": url, "made_at": timestamp(), "answered": status})
            if status is not None and (status < 500 and status != 429):
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _call(self, url: str, body: bytes, forged: bool) -> int | None:
        self._client = self._client or httpx.AsyncClient(timeout=10, trust_env=False)
        headers = {"content-type": "application/json", "gateway-signature": self._signature(body, forged)}
        try:
            return (await self._client.post(url, content=body, headers=headers)).status_code
        except httpx.HTTPError:
            return None

    def _signature(self, body: bytes, forged: bool) -> str:
        """Read anew each time: the file may be made after us."""
        known = self._secret.read_text().strip() if self._secret and self._secret.is_file() else ""
        at = int(time.time())
        key = b"somebody else's" if forged else known.encode()
        return f"t={at},v1={hmac.new(key, f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"
