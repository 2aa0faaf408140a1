"""A customer's episode, one look at a time: what is known, what follows, and the first message without delay."""

import asyncio
from datetime import datetime

from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Message, SendStep
from activities.outreach import Outreach
from plimsoll.domain.errors import PlimsollError
from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.episode import Ending, EpisodeState
from plimsoll.ports.outreach import Episodes, FirstMessages, Stands

# Less than the workflow's patience with this activity, so that the answer is ours to give.
SECONDS = 3.0


class InterventionRef(Message):
    intervention: str
    product: str


class LookAt(Message):
    """One look at one episode, by the workflow's clock."""

    intervention: str
    now: datetime
    asked: bool = False  # the governor was asked a moment ago


class Reach(Message):
    """A message the run is to send."""

    step: int
    channel: Channel
    template: str


class Standing(Message):
    """Where an episode stands after a look. Exactly one thing is next: it is over, a message is due, or it waits."""

    intervention: str
    person: str
    state: EpisodeState
    ending: Ending | None = None
    reach: Reach | None = None
    until: datetime | None = None
    waits_on: str = ""

    @property
    def over(self) -> bool:
        return self.state is EpisodeState.ENDED


class Interventions:
    def __init__(self, episodes: Episodes, first_messages: FirstMessages, outreach: Outreach) -> None:
        self._episodes = episodes
        self._first_messages = first_messages
        self._outreach = outreach

    @activity.defn(name="look_at_intervention")
    async def look(self, look: LookAt) -> Standing:
        """What follows from all that is known by now; somebody else's turn, or a message is due."""
        with reported_to_temporal():
            return _standing(await self._episodes.look(look.intervention, look.now, look.asked))

    @activity.defn(name="begin_intervention")
    async def begin(self, look: LookAt) -> Standing:
        """The first look and the first message back to back. Whatever stands in the way is left to the run."""
        with reported_to_temporal():
            opening = await self._first_messages.begin(look.intervention, look.now)
            if opening.begun is None or opening.begun.outgoing is None:
                return _standing(opening.stands)
            try:
                async with asyncio.timeout(SECONDS):
                    receipt = await self._outreach.receipt_of(opening.begun.contact, opening.begun.outgoing, look.now)
                    return _standing(await self._first_messages.is_out(opening, receipt, look.now))
            except (PlimsollError, TimeoutError):
                return _standing(await self._episodes.look(look.intervention, look.now))


def send_step(standing: Standing, now: datetime) -> SendStep:
    assert standing.reach is not None
    return SendStep(
        intervention=standing.intervention,
        person=standing.person,
        step=standing.reach.step,
        channel=standing.reach.channel,
        template=standing.reach.template,
        now=now,
    )


def _standing(stands: Stands) -> Standing:
    reach = stands.reach
    return Standing(
        intervention=stands.id,
        person=stands.person,
        state=stands.state,
        ending=stands.ending,
        reach=Reach(step=reach.step, channel=reach.by.channel, template=reach.template) if reach else None,
        until=stands.until,
        waits_on=stands.waits_on,
    )
