"""An episode's first message in one transaction and one statement, since most episodes are nothing but this for days.

    begin    the look, the governor's word and the row that moves to `sending`, under the lock of the person
    is_out   what the gateway said, and that the episode waits for an answer from now on

Only what is as usual goes this way. Whatever else stands there, or came meanwhile, is left to a look
and to the steps one by one, which end in the same rows.
"""

from datetime import datetime

from plimsoll.adapters.postgres.database import Database
from plimsoll.adapters.postgres.outreach import people, record
from plimsoll.adapters.postgres.outreach.contacts import ContactBook
from plimsoll.adapters.postgres.outreach.episodes import EpisodeStore, Look
from plimsoll.domain.errors import NotFound
from plimsoll.domain.outreach.contact import ContactState, Receipt
from plimsoll.domain.outreach.moves import ContactFact, IsOut, Reach, Wait, next_move
from plimsoll.domain.outreach.strategy import StrategyTable
from plimsoll.faultpoints import faultpoints
from plimsoll.ports.outreach import Opening, OutUntil, Stands

# The person first, as whoever triggers an episode does.
LOCK = """
select i.person_id from intervention i join person p on p.id = i.person_id
where i.id = %(intervention)s for no key update of p for update of i
"""
# The episode before its step, as a look locks them. Whatever comes meanwhile wakes the run: nobody asks for it here.
IS_OUT = """
with sent as (
    update contact set state = 'sent', reference = %(reference)s, rule = %(code)s, sent_at = %(now)s
    where id = %(contact)s and state = 'sending' and attempts = %(attempts)s returning id
), episode as (
    update intervention set until = %(wakes_at)s, waits_on = %(waits_on)s, version = version + 1, updated_at = %(now)s
    where id = %(intervention)s and state = 'treating' and step = %(step)s and exists (select 1 from sent) returning id
), step as (
    update intervention_step set state = 'out', until = %(answer_by)s
    where intervention_id = %(intervention)s and number = %(step)s and state = 'due' and rule is null
      and exists (select 1 from episode) returning number
), entered as (
    insert into ledger_entry (kind, application_id, body, digest)
    select %(sent_kind)s, %(intervention)s, %(sent_body)s::bytea, %(sent_digest)s::bytea from sent
    union all select %(out_kind)s, %(intervention)s, %(out_body)s::bytea, %(out_digest)s::bytea from step
)
select 1 from step
"""


class FirstMessages:
    def __init__(self, database: Database, episodes: EpisodeStore, contacts: ContactBook) -> None:
        self._database = database
        self._episodes = episodes
        self._contacts = contacts

    @faultpoints("begin_intervention")
    async def begin(self, intervention: str, now: datetime) -> Opening:
        """A look; and the message that is due by it, if it is the first of its step. Raises NotFound."""
        async with self._database.transaction() as connection:
            held = await (await connection.execute(LOCK, {"intervention": intervention})).fetchone()
            if held is None:
                raise NotFound(f"There is no intervention {intervention}.")
            look, move = await self._episodes.moved(connection, intervention, now)
            if not isinstance(move, Reach) or look.known.contact is not None:
                return Opening(stands=await self._episodes.at_rest(look, move, now))
            stands = look.stands(reach=True)
            assert stands.reach is not None
            begun = await self._contacts.begin_at_once(connection, intervention, stands.person, stands.reach, now)
            if begun.outgoing is None:
                look, move = await self._episodes.moved(connection, intervention, now, asked=True)
                return Opening(stands=await self._episodes.at_rest(look, move, now))
            return Opening(stands=stands, begun=begun, once_out=_once_out(look, self._episodes.table, now))

    @faultpoints("note_first_message")
    async def is_out(self, opening: Opening, receipt: Receipt, now: datetime) -> Stands:
        """Where the episode stands once the gateway has taken its message."""
        assert opening.begun is not None
        if opening.once_out is not None and receipt.state is ContactState.SENT:
            stands = await self._waits_for_an_answer(opening, opening.once_out, receipt, now)
            if stands is not None:
                return stands
        await self._contacts.heard(opening.begun.contact.id, receipt, now)
        return await self._episodes.look(opening.stands.id, now, asked=True)

    async def _waits_for_an_answer(
        self, opening: Opening, out: OutUntil, receipt: Receipt, now: datetime
    ) -> Stands | None:
        """None when something else came meanwhile."""
        assert opening.begun is not None
        assert opening.stands.reach is not None
        contact, stands, reach = opening.begun.contact, opening.stands, opening.stands.reach
        sent = people.entry_of(
            "contact.sent", stands.id, now=now, reason=receipt.code, contact=contact.id, person=contact.person,
            channel=contact.channel, gateway=opening.begun.gateway, reference=receipt.reference or None,
        )  # fmt: skip
        is_out = record.entry_of("intervention.sent", stands.id, now=now, step=reach.step, way=reach.by)
        row = await self._database.row(
            IS_OUT,
            {
                "contact": contact.id, "attempts": contact.attempts, "intervention": stands.id, "step": reach.step,
                "now": now, "reference": receipt.reference or None, "code": receipt.code or None,
                "answer_by": out.answer_by, "wakes_at": out.wakes_at, "waits_on": out.waits_on,
                "sent_kind": sent.kind, "sent_body": sent.body, "sent_digest": sent.digest,
                "out_kind": is_out.kind, "out_body": is_out.body, "out_digest": is_out.digest,
            },
        )  # fmt: skip
        return (
            stands.model_copy(update={"reach": None, "until": out.wakes_at, "waits_on": out.waits_on}) if row else None
        )


def _once_out(look: Look, table: StrategyTable, now: datetime) -> OutUntil | None:
    """What a look will find when the message has left and nothing else happened."""
    known = look.known.model_copy(update={"contact": ContactFact(state=ContactState.SENT)})
    left = next_move(look.episode, known, table, now)
    if not isinstance(left, IsOut):
        return None
    wait = next_move(look.episode.once_out(left), known, table, now)
    return OutUntil(answer_by=left.until, wakes_at=wait.until, waits_on=wait.on) if isinstance(wait, Wait) else None
