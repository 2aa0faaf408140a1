"""What API and console read: the decision object, lists, the trace. Nothing here writes."""

import json
from collections.abc import Sequence
from typing import Any

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.audit import Audit
from plimsoll.adapters.postgres.ledger.proofs import Proofs
from plimsoll.adapters.postgres.underwriting.desk import Desk
from plimsoll.adapters.postgres.underwriting.portfolio import Portfolio
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.underwriting.desk import is_senior
from plimsoll.ports import Vault

CASE = """
select a.*, p.wrapped_key, p.erased_at, d.id as decision_id, d.outcome, d.outcome_source, d.adverse_action,
       d.decided_at, d.body_sealed as decision_sealed, d.policy_version, d.policy_digest,
       s.body_sealed as score_sealed, pr.body_sealed as proposal_sealed,
       actor.name as decided_by_name
from application a
join person p on p.id = a.person_id
left join decision d on d.application_id = a.id and d.round = a.round
left join actor on actor.id = d.decided_by
left join score s on s.application_id = a.id and s.round = a.round
left join proposal pr on pr.application_id = a.id and pr.round = a.round
where a.id = %(id)s and (%(mine)s::text is null or a.accepted_by = %(mine)s)
"""

EVIDENCE = """
select id, source, purpose, state, attempts, deadline, reserved_at, sent_at, answered_at, waiting_since, last_error,
       as_of, answer_sealed
from evidence_request where application_id = %(id)s and round = %(round)s order by source
"""

STEPS = """
select step, source, lane, started_at, duration_ms, result, error
from step_attempt where application_id = %(id)s and round = %(round)s order by id
"""

REVIEW = """
select t.id, t.queue, t.state, t.version, t.why, t.opened_at, t.due_at, t.deadline, t.escalated_at, t.lease_until,
       t.four_eyes, t.answered_at, t.for_seniors, actor.name as claimed_by,
       array(select v.actor_id from review_verdict v where v.task_id = t.id) as answered_by
from review_task t left join actor on actor.id = t.claimed_by
where t.application_id = %(id)s and t.round = %(round)s
"""

REVIEWED = """
select a.product, t.id, t.state, array(select v.actor_id from review_verdict v where v.task_id = t.id) as answered_by
from application a left join review_task t on t.application_id = a.id and t.round = a.round
where a.id = %(id)s and (%(mine)s::text is null or a.accepted_by = %(mine)s)
"""

# A case whose run was started long ago and has not come far is stuck, or its run is lost: no work
# that lies ahead, and no reason to turn others away. Proposals are numbered, so the last one counts them.
WORKLOAD = """
select (
    select count(*) from application a
    where closed_at is null and status = 'received' and (
        accepted_at > now() - interval '15 minutes'
        or exists (select 1 from outbox o where o.application_id = a.id and o.lane = 'engine' and o.kind = 'start'
                   and o.delivered_at is null)
    )
) as undecided, (select coalesce(max(id), 0) from proposal) as weighed
"""

LEDGER = """
select e.id, e.kind, e.body, e.recorded_at, s.seq, actor.name as actor_name
from ledger_entry e
left join ledger_seal s on s.entry_id = e.id
left join actor on actor.id = convert_from(e.body, 'UTF8')::jsonb ->> 'actor'
where e.application_id = %(id)s order by e.id
"""

LIST = """
select a.id, a.external_id, a.product, a.jurisdiction, a.status, a.amount, a.currency, a.term_months, a.priority,
       a.round, a.accepted_at, a.closed_at, a.flags, d.id as decision_id, d.outcome, d.outcome_source, d.decided_at,
       d.sample_probability, d.probability_of_default, a.run_suffix,
       (select string_agg(e.source, ', ' order by e.source) from evidence_request e
        where e.application_id = a.id and e.round = a.round and e.state in ('reserved', 'sent')
          and e.last_error is not null) as waiting_on
from application a left join decision d on d.application_id = a.id and d.round = a.round
where (%(mine)s::text is null or a.accepted_by = %(mine)s)
  and (%(after)s::text is null or a.id < %(after)s)
  and (%(statuses)s::text[] is null or a.status = any(%(statuses)s))
  and (%(outcome)s::text is null or d.outcome = %(outcome)s)
  and (%(product)s::text is null or a.product = %(product)s)
  and (%(external_id)s::text is null or a.external_id = %(external_id)s)
  and (%(waiting_on)s::text is null or exists (
      select 1 from evidence_request w where w.application_id = a.id and w.source = %(waiting_on)s
        and w.state in ('reserved', 'sent') and w.last_error is not null))
  and (not %(stuck)s or (a.status in ('received', 'screening') and a.accepted_at < now() - interval '15 minutes'))
order by a.id desc limit %(limit)s
"""

URGENCY = "array_position(array['urgent', 'high', 'normal', 'low'], t.priority), t.escalated_at is null, t.due_at, t.id"
# For whoever asks: nobody's, not with the applicant, and not handed up beyond them.
FREE = """coalesce(t.lease_until, now()) <= now() and (%(senior)s or not t.for_seniors)
      and (a.status <> 'awaiting_applicant' or t.due_at <= now())"""
QUEUE = f"""
select t.id, t.application_id, t.queue, t.state, t.version, t.why, t.priority, t.opened_at, t.due_at, t.deadline,
       t.escalated_at, t.lease_until, actor.name as claimed_by, t.claimed_by as claimed_by_id,
       a.external_id, a.product, a.amount, a.currency, a.term_months, s.probability_of_default, t.for_seniors,
       a.status = 'awaiting_applicant' as with_applicant,
       array(select v.actor_id from review_verdict v where v.task_id = t.id) as answered_by
from review_task t
join application a on a.id = t.application_id
left join actor on actor.id = t.claimed_by
left join score s on s.application_id = t.application_id and s.round = t.round
where (%(queue)s::text is null or t.queue = %(queue)s)
  and (%(state)s::text[] is null or t.state = any(%(state)s))
  and case %(held)s::text when 'mine' then t.claimed_by = %(actor)s and t.lease_until > now()
                          when 'others' then t.claimed_by <> %(actor)s and t.lease_until > now()
                          when 'free' then {FREE}
                          when 'applicant' then a.status = 'awaiting_applicant'
                          when 'second' then t.state = 'second' else true end
  and (%(after)s::text is null or ({URGENCY}) > (select {URGENCY} from review_task t where t.id = %(after)s))
order by {URGENCY} limit %(limit)s
"""

# Only what waits for a person; a lease that is over holds nothing.
DESK = f"""
select t.queue, count(*) as waiting, count(*) filter (where {FREE}) as free,
       count(*) filter (where t.claimed_by = %(actor)s and t.lease_until > now()) as mine,
       count(*) filter (where a.status = 'awaiting_applicant') as with_applicant,
       count(*) filter (where t.due_at <= now()) as overdue
from review_task t join application a on a.id = t.application_id
where t.state in ('open', 'claimed', 'second') group by t.queue order by t.queue
"""


# Distance: of the odds, the amount and the term, each as a ratio. The newest are looked through, not all there are.
SIMILAR = """
with this as (
    select a.id, a.product, a.amount, a.term_months, s.probability_of_default as pd
    from application a join score s on s.application_id = a.id and s.round = a.round where a.id = %(id)s
), recent as (
    select a.id, a.external_id, a.amount, a.currency, a.term_months, a.round, a.accepted_at
    from this join application a on a.product = this.product and a.status = 'decided' and a.id <> this.id
    order by a.id desc limit 2000
)
select r.id, r.external_id, r.amount, r.currency, r.term_months, s.probability_of_default, d.outcome, d.outcome_source,
       d.decided_at, (select o.bad from outcome o where o.application_id = r.id and o.mark = 'final'
                      order by o.known_on desc, o.id desc limit 1) as bad
from this, recent r
join decision d on d.application_id = r.id and d.round = r.round
join score s on s.application_id = r.id and s.round = r.round
order by abs(ln(greatest(s.probability_of_default, 1e-6) / greatest(1 - s.probability_of_default, 1e-6))
             - ln(greatest(this.pd, 1e-6) / greatest(1 - this.pd, 1e-6)))
         + abs(ln(r.amount / this.amount)::float8) + abs(ln(r.term_months::float8 / this.term_months)), r.id desc
limit 5
"""


def _eyes_of(actor: Actor) -> Row:
    return {"actor": actor.id, "senior": is_senior(actor)}


class Reading:
    def __init__(self, database: Database, vault: Vault, desk: Desk) -> None:
        self._database = database
        self._vault = vault
        self.desk = desk
        self.portfolio = Portfolio(database)
        self.proofs = Proofs(database)
        self.audit = Audit(database)

    async def case(self, application: str, mine: str | None = None) -> Row:
        """Everything known about one application, opened. Raises NotFound (also for somebody else's own)."""
        row = await self._database.row(CASE, {"id": application, "mine": mine})
        if row is None:
            raise NotFound(f"There is no application {application}.")
        which = {"id": application, "round": row["round"]}
        evidence = await self._database.rows(EVIDENCE, which)
        review = await self._database.row(REVIEW, which)
        # Only what a person looked at has notes and papers; the others need not be asked about.
        papers = await self.desk.documents(application, row["round"]) if review else []
        notes = await self.desk.notes(application, row["wrapped_key"]) if review else []
        return row | {
            "body": self._open(row, row["body_sealed"], f"application/{application}"),
            "score": self._open(row, row["score_sealed"], f"score/{application}/{row['round']}"),
            "proposal": self._open(row, row["proposal_sealed"], f"proposal/{application}/{row['round']}"),
            "decision": self._open(row, row["decision_sealed"], f"decision/{application}/{row['round']}"),
            "evidence": [self._evidence(row, found) for found in evidence],
            "review": review,
            "documents": papers,
            "notes": notes,
        }

    async def reviewed(self, application: str, mine: str | None = None) -> tuple[str, Row | None]:
        """Its product and its review, if there is one; nothing is opened. Raises NotFound."""
        row = await self._database.row(REVIEWED, {"id": application, "mine": mine})
        if row is None:
            raise NotFound(f"There is no application {application}.")
        return row["product"], row if row["id"] else None

    def _evidence(self, row: Row, found: Row) -> Row:
        answer = self._open(row, found["answer_sealed"], f"evidence/{found['id']}")
        return {k: v for k, v in found.items() if k != "answer_sealed"} | {
            "summary": answer["summary"] if answer else None
        }

    def _open(self, row: Row, sealed: bytes | None, context: str) -> dict[str, Any] | None:
        if sealed is None or row["wrapped_key"] is None:
            return None
        return json.loads(self._vault.open(row["wrapped_key"], sealed, context))

    async def steps(self, application: str, round_: int) -> list[Row]:
        return await self._database.rows(STEPS, {"id": application, "round": round_})

    async def history(self, application: str) -> list[Row]:
        """Its ledger entries in order, each with its place in the chain."""
        rows = await self._database.rows(LEDGER, {"id": application})
        own = ("seq", "recorded_at", "actor_name")
        return [
            {"entry": row["id"], **{name: row[name] for name in own}, **json.loads(bytes(row["body"]))} for row in rows
        ]

    async def applications(
        self, *, limit: int, statuses: Sequence[str] | None = None, stuck: bool = False, **filters: str | None
    ) -> list[Row]:
        """The newest first, in any of these statuses; all of them when none is named. `stuck`: neither decided nor
        parked a quarter of an hour after it came."""
        known = dict.fromkeys(("mine", "after", "outcome", "product", "external_id", "waiting_on"))
        wanted = {"statuses": list(statuses) if statuses else None, "stuck": stuck, "limit": limit}
        return await self._database.rows(LIST, known | filters | wanted)

    async def queue(
        self,
        *,
        queue: str | None,
        state: list[str] | None,
        after: str | None,
        limit: int,
        held: str | None = None,
        actor: Actor = SYSTEM,
    ) -> list[Row]:
        """The most urgent first. `held`, as `actor` sees it: `mine`, `others`, `free`, `applicant` for what waits on
        the applicant's papers, or `second` for second words."""
        wanted = {"queue": queue, "state": state, "after": after, "held": held, "limit": limit} | _eyes_of(actor)
        return await self._database.rows(QUEUE, wanted)

    async def waiting(self, actor: Actor) -> list[Row]:
        """How many tasks wait in each queue: free, held by this actor, with the applicant, overdue."""
        return await self._database.rows(DESK, _eyes_of(actor))

    async def similar(self, application: str) -> list[Row]:
        """Decided cases of the same product nearest in risk, amount and term, with what became of them."""
        return await self._database.rows(SIMILAR, {"id": application})

    async def statuses(self, applications: list[str]) -> dict[str, str]:
        """id -> status of those that need no more waiting for: ended, or with a person."""
        rows = await self._database.rows(
            "select id, status from application where id = any(%(ids)s) "
            "and (closed_at is not null or status in ('review', 'awaiting_applicant'))",
            {"ids": applications},
        )
        return {row["id"]: row["status"] for row in rows}

    async def standing(self) -> Row:
        """Where all applications stand: by status, and what they wait on."""
        by_status = await self._database.rows("select status, count(*) as n from application group by status")
        waiting = await self._database.rows(
            "select source, count(*) as n, min(waiting_since) as since from evidence_request "
            "where state in ('reserved', 'sent') and last_error is not null group by source"
        )
        return {"by_status": by_status, "waiting_on": waiting}

    async def counts(self) -> Row:
        """The same with how they were decided, which reads every decision."""
        by_outcome = await self._database.rows(
            "select product, outcome, outcome_source, count(*) as n from decision d "
            "join application a on a.id = d.application_id group by 1, 2, 3"
        )
        return await self.standing() | {"by_outcome": by_outcome}

    async def workload(self) -> Row:
        """How many cases wait to be decided, and how many were ever brought to a proposal."""
        row = await self._database.row(WORKLOAD)
        assert row is not None
        return row

    async def decided(self, product: str, after: str | None, limit: int) -> list[Row]:
        """Decisions of a product in order, with external id: what a portfolio report is made of."""
        return await self._database.rows(
            """
            select a.id, a.external_id, a.status, d.outcome, d.outcome_source, d.sample_probability,
                   d.probability_of_default, d.decided_at, a.accepted_at,
                   coalesce(d.sample_probability, s.sample_probability) as scored
            from application a
            left join decision d on d.application_id = a.id and d.round = a.round
            left join score s on s.application_id = a.id and s.round = a.round
            where a.product = %(product)s and (%(after)s::text is null or a.id > %(after)s)
            order by a.id limit %(limit)s
            """,
            {"product": product, "after": after, "limit": limit},
        )
