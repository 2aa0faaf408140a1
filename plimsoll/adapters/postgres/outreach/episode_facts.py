"""What is known of an episode by now: its row, and everything that happened around it, read at once."""

from datetime import datetime, timedelta
from typing import Any

from plimsoll.adapters.postgres.database import Row
from plimsoll.adapters.postgres.outreach.payments import Money, money_of
from plimsoll.adapters.postgres.outreach.record import Connection
from plimsoll.domain.errors import NotFound
from plimsoll.domain.outreach.episode import Ending, EpisodeState
from plimsoll.domain.outreach.moves import (
    Answer,
    Commitment,
    ContactFact,
    Episode,
    Known,
    Reply,
    StepState,
    Taken,
    TaskFact,
)
from plimsoll.domain.outreach.strategy import Step, StrategyTable
from plimsoll.domain.values import RiskLevel

READ = """
select i.*, to_jsonb(s) as at, to_jsonb(t) as task, to_jsonb(c) as contact, f.flags,
       to_jsonb(k) as commitment,
       (select array_agg(o.day order by o.day) from intervention_outcome o where o.intervention_id = i.id) as measured,
       (select to_jsonb(r) from (
            select r.meaning from contact_reply r where r.intervention_id = i.id
            order by r.received_at, r.id offset i.heard limit 1) r) as reply,
       (select count(*) from commitment b where b.intervention_id = i.id and b.state = 'broken') as broken,
       exists (select 1 from customer cu where cu.person_id = i.person_id) as watched,
       coalesce(array_length(f.channels, 1), 0) > 0 and not exists (
            select 1 from unnest(f.channels) way where not exists (
                select 1 from contact_consent n
                where n.person_id = i.person_id and n.channel = way and not n.granted)
       ) as opted_out
from intervention i
left join intervention_step s on s.intervention_id = i.id and s.number = i.step
left join lateral (
    select t.*, a.answer, a.call_back_at,
           (select to_jsonb(m) from commitment m where m.task_id = t.id) as agreed
    from collector_task t left join collector_answer a on a.task_id = t.id
    where t.intervention_id = i.id and t.step = i.step and t.attempt = s.tries limit 1) t on true
left join contact c on c.intervention_id = i.id and c.step = i.step
left join lateral (select * from commitment k where k.intervention_id = i.id and k.state = 'agreed'
                   order by k.id desc limit 1) k on true
left join contact_profile f on f.person_id = i.person_id
where i.id = %(id)s
"""


async def known_now(
    connection: Connection, intervention: str, table: StrategyTable, now: datetime, asked: bool
) -> tuple[Row, Episode, Known]:
    """The row, locked by whoever asks, and what it says. `asked`: the governor was, a moment ago. Raises NotFound."""
    row = await (await connection.execute(READ, {"id": intervention})).fetchone()
    if row is None:
        raise NotFound(f"There is no intervention {intervention}.")
    money = None
    if row["watched"] and EpisodeState(row["state"]).open:
        since = row["commitment"]["recorded_at"] if row["commitment"] else row["recorded_at"]
        money = await money_of(connection, row["person_id"], _moment(since), now + timedelta(days=2))
    episode = _episode(row)
    return row, episode, _known(row, episode, table, money, asked)


def _episode(row: Row) -> Episode:
    at, agreed = row["at"], row["commitment"]
    plan = tuple(Step.model_validate(step) for step in row["plan"])
    taken = None
    if at is not None and at["number"] < len(plan):
        taken = Taken(
            number=at["number"],
            step=plan[at["number"]],
            state=StepState(at["state"]),
            tries=at["tries"],
            rule=at["rule"],
            not_before=at["not_before"],
            began_at=at["began_at"],
            until=at["until"],
        )
    return Episode(
        id=row["id"],
        person=row["person_id"],
        product=row["product"],
        state=EpisodeState(row["state"]),
        ending=Ending(row["ending"]) if row["ending"] else None,
        level=RiskLevel(row["level"]),
        strategy=row["strategy"],
        plan=plan,
        at=taken,
        treats=bool(plan),
        asked_for_help=row["asked_for_help"],
        opened_at=row["opened_at"],
        commitment=_commitment(agreed) if agreed and agreed["until"] else None,
        kept_until=agreed["until"] if agreed else None,
        measured=tuple(row["measured"] or ()),
    )


def _known(row: Row, episode: Episode, table: StrategyTable, money: Money | None, asked: bool) -> Known:
    agreed = episode.commitment
    return Known(
        flags=tuple(row["flags"] or ()),
        opted_out=bool(row["opted_out"]),
        paid=money is not None and money.is_paid(table.paid_share),
        kept=money is not None and agreed is not None and _is_kept(agreed, money),
        broken=row["broken"],
        reply=_reply(row["reply"]),
        contact=_contact(row["contact"]),
        task=_task(row["task"]),
        asked=asked,
    )


def _is_kept(agreed: Commitment, money: Money) -> bool:
    return money.paid >= agreed.amount if agreed.amount is not None else money.payments > 0


def _contact(found: Row | None) -> ContactFact | None:
    if not found:
        return None
    return ContactFact(state=found["state"], rule=found["rule"], again_at=found["again_at"])


def _task(found: Row | None) -> TaskFact | None:
    if not found or not found.get("id"):
        return None
    return TaskFact(
        answered=Answer(found["answer"]) if found["answer"] else None,
        call_back_at=found["call_back_at"],
        commitment=_commitment(found["agreed"]) if found["agreed"] else None,
        escalated=found["escalated_at"] is not None,
        due_at=found["due_at"],
        deadline=found["deadline"],
    )


def _commitment(found: Row) -> Commitment:
    return Commitment(
        tool=found["tool"],
        amount=found["amount"],
        currency=found["currency"],
        due_on=found["due_on"],
        payments=found["payments"],
    )


def _reply(found: Row | None) -> Reply | None:
    if not found:
        return None
    return {"opt_out": Reply.STOP, "help": Reply.HELP, "fine": Reply.FINE}.get(found["meaning"], Reply.OTHER)


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
