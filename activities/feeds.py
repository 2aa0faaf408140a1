"""One page of an account elsewhere: asked for, taken in, and the place behind it kept."""

import json
from datetime import UTC, datetime

from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Message
from plimsoll.domain.access import SYSTEM
from plimsoll.domain.watching.events import Feed
from plimsoll.domain.watching.reading import read_records
from plimsoll.ports.watching import FeedBook, RejectedLine, RejectedLineStore, TransactionLog


class Sync(Message):
    """Which feed, and what a run brought so far."""

    feed: str
    pages: int = 0
    new: int = 0
    repeated: int = 0
    rejected: int = 0


class Fetched(Message):
    new: int = 0
    repeated: int = 0
    rejected: int = 0
    has_more: bool = False


class Feeds:
    def __init__(self, feeds: FeedBook, log: TransactionLog, rejected: RejectedLineStore) -> None:
        self._feeds = feeds
        self._log = log
        self._rejected = rejected

    @activity.defn(name="fetch_feed_page")
    async def fetch(self, sync: Sync) -> Fetched:
        """The place moves after the page is in: a page that is read again is known already."""
        with reported_to_temporal():
            page = await self._feeds.feed(sync.feed).page(await self._feeds.cursor(sync.feed))
            # What is too far ahead of our clock is judged by the machine's, as at the door.
            now = datetime.now(UTC)
            lines = [{name: value for name, value in line.items() if value is not None} for line in page.lines]
            read = read_records(lines, now)
            accepted = await self._log.accept(read.batch, now=now)
            bad = [
                RejectedLine(line.place + 1, line.problem, json.dumps(lines[line.place], sort_keys=True).encode())
                for line in read.rejected
            ]
            await self._rejected.keep(
                bad, feed=Feed.TRANSACTIONS, source=sync.feed, actor=SYSTEM, request=None, now=now
            )
            await self._feeds.move(sync.feed, page.cursor, now=now)
            return Fetched(new=accepted.new, repeated=accepted.repeated, rejected=len(bad), has_more=page.has_more)
