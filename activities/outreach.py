"""Reaching a person: permit, send in two phases, ask what became of it. At most one message per step, whatever crashes.

    permit   the governor looks, and the contact gets its row
    send     the governor looks again, in the transaction that moves the row to `sending`; then the
             gateway is called with the contact's id as its key; then the row says `sent`

A later attempt that finds `sending` never simply sends again: it asks the gateway what became of
the message, sends anew only where the same key is the same message, and else parks it for a person.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import ContactRef, Permitted, SendStep, Sent
from plimsoll.domain.errors import NotFound
from plimsoll.domain.outreach.contact import (
    Begun,
    Channel,
    Contact,
    ContactState,
    GatewayRefused,
    GatewayUnavailable,
    Outgoing,
    Receipt,
)
from plimsoll.faultpoints import faultpoints
from plimsoll.ports.outreach import Contacts, Gateway

# One call to a gateway, however lively its bytes drip.
A_CALL = 10.0
NOT_BEGUN = (ContactState.PERMITTED, ContactState.REFUSED)


class Outreach:
    def __init__(self, contacts: Contacts, gateways: Mapping[Channel, Gateway]) -> None:
        self._contacts = contacts
        self._gateways = gateways

    @activity.defn(name="permit")
    async def permit(self, step: SendStep) -> Permitted:
        """Whether this step may reach its person now. Asked again, the same contact answers."""
        with reported_to_temporal():
            contact = await self._contacts.permit(
                step.intervention, step.person, step.step, step.channel, step.template, step.due_on, step.now
            )
            return Permitted(contact=contact.id, rule=contact.rule, again_at=contact.again_at, instead=contact.instead)

    @activity.defn(name="send")
    async def send(self, ref: ContactRef) -> Sent:
        """Brings the contact to its end at the gateway, or raises what time can heal."""
        with reported_to_temporal():
            return _sent(await self.deliver(ref))

    @activity.defn(name="ask_status")
    async def ask_status(self, ref: ContactRef) -> Sent:
        """A message nobody heard of since: what does its gateway say became of it?"""
        with reported_to_temporal():
            contact = await self._contacts.get(ref.contact)
            if contact.state in (ContactState.SENT, ContactState.UNKNOWN):
                receipt = await self._asked(contact)
                contact = await self._contacts.heard(contact.id, receipt, ref.now) if receipt else contact
            return _sent(contact)

    async def deliver(self, ref: ContactRef) -> Contact:
        contact = await self._contacts.get(ref.contact)
        if contact.state is ContactState.SENDING:
            contact = await self._recovered(contact, ref)
        if contact.state not in NOT_BEGUN:
            return contact
        begun = await self._contacts.begin(contact.id, ref.now)
        return await self.hand_over(begun, ref)

    async def _recovered(self, contact: Contact, ref: ContactRef) -> Contact:
        """A call went out and nobody knows what became of it (crash, timeout)."""
        receipt = await self._asked(contact)
        if receipt:
            return await self._contacts.heard(contact.id, receipt, ref.now)
        if not self._gateways[contact.channel].dedupes:
            return await self._contacts.park(contact, ref.now)
        # Not sent on from here: the night may have come since, or an opt-out.
        return await self._contacts.take_back(contact, ref.now)

    async def _asked(self, contact: Contact) -> Receipt | None:
        gateway = self._gateways[contact.channel]
        if not gateway.tells:
            return None
        try:
            return await gateway.status(await self._contacts.outgoing(contact.id))
        except NotFound:
            return None  # the person was erased meanwhile: nothing is left to ask about

    async def hand_over(self, begun: Begun, ref: ContactRef) -> Contact:
        """To the gateway, by whoever holds the message, and what it said into the row."""
        contact = begun.contact
        if begun.outgoing is None:
            if contact.state is ContactState.SENDING:
                raise GatewayUnavailable(f"Another worker is sending {contact.id}.", kind="in_flight", sent=True)
            return contact
        return await self._contacts.heard(contact.id, await self.receipt_of(contact, begun.outgoing, ref.now), ref.now)

    async def receipt_of(self, contact: Contact, message: Outgoing, now: datetime) -> Receipt:
        """What the gateway says of it. A call that failed is noted, and raised."""
        try:
            return await _within(A_CALL, self._gateways[contact.channel], message)
        except GatewayRefused as no:
            return Receipt(state=ContactState.FAILED, code=str(no.details.get("reason", no.code)))
        except GatewayUnavailable as failure:
            kind, arrived = str(failure.details.get("kind", failure.code)), bool(failure.details.get("sent", True))
            await self._contacts.interrupted(contact, kind, arrived, now)
            raise


def _sent(contact: Contact) -> Sent:
    return Sent(state=contact.state, rule=contact.rule, again_at=contact.again_at, instead=contact.instead)


@faultpoints("hand_over")
async def _within(seconds: float, gateway: Gateway, message: Outgoing) -> Receipt:
    try:
        async with asyncio.timeout(seconds):
            return await gateway.hand_over(message)
    except TimeoutError:
        raise GatewayUnavailable(f"{gateway.name} did not answer within {seconds:g} s.", kind="timeout") from None
