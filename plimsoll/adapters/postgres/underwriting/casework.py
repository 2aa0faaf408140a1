"""A case as the steps work on it: read it whole, and let each step commit what it found.

Every write is one statement that carries the state it found it in, so a zombie's late write
loses, and a step run again finds its own row. Each also leaves its `step_attempt` and, where
something became true, its ledger entry, in the same transaction.
"""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.stating import STATEMENTS
from plimsoll.domain.access import SYSTEM
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ids import DECISION, EVIDENCE, SCORE, new_id
from plimsoll.domain.ledger import Entry, digest, entry
from plimsoll.domain.models.scoring import ModelPin, Score
from plimsoll.domain.underwriting.case import Case, EvidenceRecord, PersonsAnswer
from plimsoll.domain.underwriting.decision import Verdict
from plimsoll.domain.underwriting.evidence import Answer, EvidenceState
from plimsoll.domain.underwriting.product import SourceTerms
from plimsoll.domain.values import Outcome, Status, Value
from plimsoll.faultpoints import faultpoints
from plimsoll.ports import StepRun, Vault

ATTEMPT = """
    insert into step_attempt (application_id, round, step, source, lane, started_at, duration_ms, result, error)
    values (%(application)s, %(round)s, %(step)s, %(step_source)s, %(lane)s, %(started_at)s, %(duration_ms)s,
            %(result)s, %(error)s)
"""

CASE = """
select a.id, a.person_id, a.product, a.round, a.status, a.accepted_at, a.jurisdiction, a.body_sealed,
       a.closed_at, a.request_id, a.model_pin, p.wrapped_key, s.body_sealed as score_sealed,
       pr.body_sealed as proposal_sealed, d.outcome as decided,
       exists (select 1 from evidence_request e where e.application_id = a.id and e.round = a.round) as asked
from application a
join person p on p.id = a.person_id
left join score s on s.application_id = a.id and s.round = a.round
left join proposal pr on pr.application_id = a.id and pr.round = a.round
left join decision d on d.application_id = a.id and d.round = a.round
where a.id = %(application)s
"""

EVIDENCE_OF = "select * from evidence_request where application_id = %(application)s and round = %(round)s"


class Casework:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    # Reading ------------------------------------------------------------------------------

    async def load(self, application: str) -> Case:
        """The case as of now. Raises NotFound for an unknown id or an erased person."""
        row = await self._database.row(CASE, {"application": application})
        if row is None:
            raise NotFound(f"There is no application {application}.")
        asked = []
        if row["asked"]:
            asked = await self._database.rows(EVIDENCE_OF, {"application": application, "round": row["round"]})
        key, round_ = row["wrapped_key"], row["round"]
        return Case(
            application=row["id"],
            person=row["person_id"],
            product=row["product"],
            round=round_,
            status=Status(row["status"]),
            accepted_at=row["accepted_at"],
            jurisdiction=row["jurisdiction"],
            request=row["request_id"],
            wrapped_key=key,
            body=self._read(key, row["body_sealed"], f"application/{application}"),
            evidence=tuple(self._record(key, found) for found in asked),
            model_pin=ModelPin.model_validate(row["model_pin"]) if row["model_pin"] else None,
            score=self._model(Score, key, row["score_sealed"], f"score/{application}/{round_}"),
            verdict=self._model(Verdict, key, row["proposal_sealed"], f"proposal/{application}/{round_}"),
            decided=Outcome(row["decided"]) if row["decided"] else None,
        )

    def _read(self, key: bytes, sealed: bytes, context: str) -> dict[str, Any]:
        return json.loads(self._vault.open(key, sealed, context))

    def _model(self, model: type[Value], key: bytes, sealed: bytes | None, context: str) -> Any:
        return None if sealed is None else model.model_validate_json(self._vault.open(key, sealed, context))

    def _record(self, key: bytes, row: Row) -> EvidenceRecord:
        summary = None
        if row["answer_sealed"]:
            summary = self._read(key, row["answer_sealed"], f"evidence/{row['id']}")["summary"]
        return EvidenceRecord(
            id=row["id"],
            source=row["source"],
            purpose=row["purpose"],
            state=EvidenceState(row["state"]),
            summary=summary,
            attempts=row["attempts"],
            deadline=row["deadline"],
            reserved_at=row["reserved_at"],
            sent_at=row["sent_at"],
            answered_at=row["answered_at"],
            last_error=row["last_error"],
        )

    # Evidence -----------------------------------------------------------------------------

    @faultpoints("send")
    async def send(self, case: Case, sources: Sequence[SourceTerms], now: datetime) -> dict[str, EvidenceRecord]:
        """Reserves and marks as sent, in one transaction, what has not been asked yet.

        Returns only the rows this call won: whoever lost the race finds the stored row by loading again.
        """
        rows = await self._database.rows(
            """
            insert into evidence_request (id, application_id, round, source, purpose, state, attempts, deadline,
                                          reserved_at, sent_at)
            select n.id, %(application)s, %(round)s, n.source, n.purpose, 'sent', 1, n.deadline, %(now)s, %(now)s
            from unnest(%(ids)s::text[], %(sources)s::text[], %(purposes)s::text[], %(deadlines)s::timestamptz[])
                as n(id, source, purpose, deadline)
            on conflict on constraint evidence_once do update
                set state = 'sent', sent_at = %(now)s, attempts = evidence_request.attempts + 1
                where evidence_request.state = 'reserved'
            returning *
            """,
            {
                "application": case.application,
                "round": case.round,
                "now": now,
                "ids": [new_id(EVIDENCE) for _ in sources],
                "sources": [source.name for source in sources],
                "purposes": [source.purpose for source in sources],
                "deadlines": [case.accepted_at + source.patience for source in sources],
            },
        )
        return {row["source"]: self._record(case.wrapped_key, row) for row in rows}

    async def resend(self, record: EvidenceRecord, now: datetime) -> None:
        """Counts one more call under the same key."""
        await self._database.run(
            "update evidence_request set attempts = attempts + 1, sent_at = %(now)s "
            "where id = %(id)s and state = 'sent'",
            {"id": record.id, "now": now},
        )

    async def reserve(self, case: Case, source: SourceTerms, now: datetime, error: str) -> None:
        """Notes that a source must be waited for though nothing was sent (breaker open, our own limit)."""
        await self._database.run(
            """
            with reserved as (
                insert into evidence_request (id, application_id, round, source, purpose, state, deadline,
                                              reserved_at, waiting_since, last_error)
                values (%(id)s, %(application)s, %(round)s, %(source)s, %(purpose)s, 'reserved', %(deadline)s,
                        %(now)s, %(now)s, %(error)s)
                on conflict on constraint evidence_once do update
                    set last_error = %(error)s,
                        waiting_since = coalesce(evidence_request.waiting_since, %(now)s)
                    where evidence_request.state in ('reserved', 'sent')
            )
            update application set status = 'waiting'
            where id = %(application)s and status in ('received', 'screening')
            """,
            {
                "id": new_id(EVIDENCE),
                "application": case.application,
                "round": case.round,
                "source": source.name,
                "purpose": source.purpose,
                "deadline": case.accepted_at + source.patience,
                "now": now,
                "error": error,
            },
        )

    @faultpoints("block")
    async def blocked(
        self, case: Case, record: EvidenceRecord, error: str, arrived: bool, now: datetime, run: StepRun
    ) -> None:
        """A call failed. When it surely never arrived the row goes back to `reserved`."""
        await self._database.run(
            f"""
            with held as (
                update evidence_request
                set state = case when %(arrived)s then state else 'reserved' end, last_error = %(error_code)s,
                    waiting_since = coalesce(waiting_since, %(now)s)
                where id = %(id)s and state in ('reserved', 'sent') returning id
            ), shown as (
                update application set status = 'waiting'
                where id = %(application)s and status in ('received', 'screening')
                  and exists (select 1 from held)
            ) {ATTEMPT}
            """,
            self._run(case, run, source=record.source)
            | {"id": record.id, "arrived": arrived, "error_code": error, "now": now},
        )

    async def answered(
        self, case: Case, record: EvidenceRecord, answer: Answer, now: datetime, run: StepRun
    ) -> EvidenceRecord:
        """Stores the answer, unless another worker stored one before: then that one counts."""
        sealed = self._seal_json(
            case,
            {"raw": base64.b64encode(answer.raw).decode(), "summary": answer.summary},
            f"evidence/{record.id}",
        )
        return await self._settle(
            case, record, EvidenceState.ANSWERED, now, run, sealed=sealed, as_of=answer.as_of, summary=answer.summary
        )

    async def settle_without_answer(
        self, case: Case, record: EvidenceRecord, state: EvidenceState, now: datetime, run: StepRun
    ) -> EvidenceRecord:
        """Gives up, or parks: patience over, wrong person, fate unknown."""
        return await self._settle(case, record, state, now, run)

    @faultpoints("settle")
    async def _settle(
        self,
        case: Case,
        record: EvidenceRecord,
        state: EvidenceState,
        now: datetime,
        run: StepRun,
        *,
        sealed: bytes | None = None,
        as_of: datetime | None = None,
        summary: dict[str, Any] | None = None,
    ) -> EvidenceRecord:
        answer_digest = digest(sealed) if sealed else None
        written = self._entry(
            f"evidence.{state}",
            case,
            "pulled",
            now,
            source=record.source,
            purpose=record.purpose,
            evidence=record.id,
            body=answer_digest.hex() if answer_digest else None,
            row=_vouched("evidence_request", answer_digest, record.model_dump()) if answer_digest else None,
        )
        row = await self._database.row(
            f"""
            with settled as (
                update evidence_request
                set state = %(state)s, answered_at = %(now)s, answer_sealed = %(sealed)s, answer_digest = %(digest)s,
                    as_of = %(as_of)s, waiting_since = null,
                    last_error = case when %(state)s = 'answered' then null else last_error end
                where id = %(id)s and state in ('reserved', 'sent') returning id
            ), entered as (
                insert into ledger_entry (kind, application_id, body, digest)
                select %(entry_kind)s, %(application)s, %(entry_body)s, %(entry_digest)s from settled
            ), attempted as ({ATTEMPT})
            select count(*) as won from settled
            """,
            self._run(case, run, source=record.source)
            | written
            | {
                "id": record.id,
                "state": state,
                "now": now,
                "sealed": sealed,
                "digest": answer_digest,
                "as_of": as_of,
            },
        )
        if row and row["won"]:
            return record.model_copy(
                update={"state": state, "summary": summary, "answered_at": now, "last_error": None}
            )
        return await self._stored(case, record)

    async def _stored(self, case: Case, record: EvidenceRecord) -> EvidenceRecord:
        row = await self._database.row("select * from evidence_request where id = %(id)s", {"id": record.id})
        assert row is not None
        return self._record(case.wrapped_key, row)

    # Steps --------------------------------------------------------------------------------

    async def attempted(self, case: Case, run: StepRun, source: str | None = None) -> None:
        """A step ran and left nothing else to store."""
        await self._database.run(ATTEMPT, self._run(case, run, source=source))

    @faultpoints("pin")
    async def pinned(self, case: Case, pin: ModelPin, run: StepRun | None = None) -> Case:
        """From here on this version scores the case; one that was pinned before counts instead."""
        attempted = f", attempted as ({ATTEMPT})" if run else ""
        row = await self._database.row(
            f"""
            with pinned as (
                update application set model_pin = coalesce(model_pin, %(pin)s)
                where id = %(application)s and round = %(round)s returning model_pin
            ){attempted}
            select model_pin from pinned
            """,
            {"application": case.application, "round": case.round, "pin": Jsonb(pin.model_dump())}
            | (self._run(case, run) if run else {}),
        )
        assert row is not None
        return case.model_copy(update={"model_pin": ModelPin.model_validate(row["model_pin"])})

    @faultpoints("score")
    async def scored(self, case: Case, score: Score, now: datetime, run: StepRun) -> None:
        sealed = self._seal_model(case, score, f"score/{case.application}/{case.round}")
        columns = {
            "model": score.model.name,
            "model_version": score.model.version,
            "model_digest": score.model.digest,
            "arm": score.model.arm,
            "sample_probability": score.sample_probability,
            "probability_of_default": score.probability_of_default,
        }
        written = self._entry(
            "application.scored",
            case,
            "scored",
            now,
            model=f"{score.model.name}@{score.model.version}",
            model_digest=score.model.digest,
            arm=score.model.arm,
            body=digest(sealed).hex(),
            row=_vouched("score", digest(sealed), columns),
        )
        await self._database.run(
            f"""
            with made as (
                insert into score (id, application_id, round, model, model_version, model_digest, arm,
                                   sample_probability, probability_of_default, body_sealed, body_digest, scored_at)
                values (%(id)s, %(application)s, %(round)s, %(model)s, %(model_version)s, %(model_digest)s, %(arm)s,
                        %(sample_probability)s, %(probability_of_default)s, %(sealed)s, %(digest)s, %(now)s)
                on conflict on constraint score_once do nothing returning id
            ), entered as (
                insert into ledger_entry (kind, application_id, body, digest)
                select %(entry_kind)s, %(application)s, %(entry_body)s, %(entry_digest)s from made
            ) {ATTEMPT}
            """,
            self._run(case, run)
            | written
            | columns
            | {
                "id": new_id(SCORE),
                "sealed": sealed,
                "digest": digest(sealed),
                "now": now,
            },
        )

    @faultpoints("propose")
    async def proposed(self, case: Case, verdict: Verdict, now: datetime, run: StepRun) -> None:
        sealed = self._seal_model(case, verdict, f"proposal/{case.application}/{case.round}")
        await self._database.run(
            f"""
            with made as (
                insert into proposal (application_id, round, outcome, needs_a_person, body_sealed, body_digest,
                                      proposed_at)
                values (%(application)s, %(round)s, %(outcome)s, %(needs_a_person)s, %(sealed)s, %(digest)s, %(now)s)
                on conflict on constraint proposal_once do nothing
            ) {ATTEMPT}
            """,
            self._run(case, run)
            | {
                "outcome": verdict.outcome,
                "needs_a_person": verdict.needs_a_person,
                "sealed": sealed,
                "digest": digest(sealed),
                "now": now,
            },
        )

    @faultpoints("record")
    async def record(
        self, case: Case, verdict: Verdict, answer: PersonsAnswer | None, now: datetime, run: StepRun
    ) -> Outcome | None:
        """Makes the decision, once: decision, ledger, application and outbox change together.

        Returns what was decided (by this call or an earlier one), None when the application was closed otherwise.
        """
        body = {
            "verdict": verdict.model_dump(mode="json"),
            "answer": answer.model_dump(mode="json") if answer else None,
        }
        sealed = self._seal_json(case, body, f"decision/{case.application}/{case.round}")
        decision_id = new_id(DECISION)
        by = answer.actor if answer else SYSTEM.id
        columns = {
            "id": decision_id,
            "outcome": verdict.outcome,
            "outcome_source": verdict.source,
            "adverse_action": verdict.outcome.adverse,
            "sample_probability": case.score.sample_probability if case.score else None,
            "probability_of_default": case.score.probability_of_default if case.score else None,
            "policy_version": verdict.policy.version,
            "policy_digest": verdict.policy.digest,
            "decided_by": by,
        }
        written = self._entry(
            "decision.made",
            case,
            answer.reason if answer else verdict.source.value,
            now,
            actor=by,
            decision=decision_id,
            outcome=verdict.outcome.value,
            policy=f"{verdict.policy.id}@{verdict.policy.version}",
            policy_digest=verdict.policy.digest,
            model_digest=case.score.model.digest if case.score else None,
            body=digest(sealed).hex(),
            row=_vouched("decision", digest(sealed), columns),
        )
        row = await self._database.row(
            f"""
            with open as (
                select id from application where id = %(application)s and round = %(round)s and closed_at is null
                for update
            ), made as (
                insert into decision (id, application_id, round, outcome, outcome_source, adverse_action,
                                      sample_probability, probability_of_default, policy_version, policy_digest,
                                      body_sealed, body_digest, decided_by, decided_at)
                select %(id)s, open.id, %(round)s, %(outcome)s, %(outcome_source)s, %(adverse_action)s,
                       %(sample_probability)s, %(probability_of_default)s, %(policy_version)s, %(policy_digest)s,
                       %(sealed)s, %(digest)s, %(decided_by)s, %(now)s
                from open
                on conflict on constraint decision_once do nothing returning id, application_id
            ), closed as (
                update application set status = 'decided', closed_at = %(now)s
                where id in (select application_id from made)
            ), started as (
                delete from outbox where application_id in (select application_id from made)
                    and lane = 'engine' and kind = 'start' and delivered_at is null
            ), entered as (
                insert into ledger_entry (kind, application_id, body, digest)
                select %(entry_kind)s, %(application)s, %(entry_body)s, %(entry_digest)s from made
            ), attempted as ({ATTEMPT})
            select (select count(*) from made) as made,
                   (select outcome from decision where application_id = %(application)s and round = %(round)s) as before
            """,
            self._run(case, run) | written | columns | {"sealed": sealed, "digest": digest(sealed), "now": now},
        )
        assert row is not None
        if row["made"]:
            return verdict.outcome
        # Asked anew: a twin that won while this statement waited for it is not in its snapshot.
        return Outcome(row["before"]) if row["before"] else await self._decided(case)

    async def _decided(self, case: Case) -> Outcome | None:
        row = await self._database.row(
            "select outcome from decision where application_id = %(application)s and round = %(round)s",
            {"application": case.application, "round": case.round},
        )
        return Outcome(row["outcome"]) if row else None

    async def expire(self, case: Case, reason: str, now: datetime, run: StepRun) -> None:
        """Closes a case nobody answered in time."""
        written = self._entry("application.expired", case, reason, now)
        await self._database.run(
            f"""
            with closed as (
                update application set status = 'expired', closed_at = %(now)s, closed_reason = %(closed_reason)s
                where id = %(application)s and round = %(round)s and closed_at is null returning id
            ), entered as (
                insert into ledger_entry (kind, application_id, body, digest)
                select %(entry_kind)s, id, %(entry_body)s, %(entry_digest)s from closed
            ) {ATTEMPT}
            """,
            self._run(case, run) | written | {"now": now, "closed_reason": reason},
        )

    # Small print --------------------------------------------------------------------------

    def _run(self, case: Case, run: StepRun, source: str | None = None) -> Row:
        return {
            "application": case.application,
            "round": case.round,
            "step": run.step,
            "step_source": source,
            "lane": run.lane,
            "started_at": run.started_at,
            "duration_ms": run.duration_ms(),
            "result": run.result,
            "error": run.error,
        }

    def _entry(self, kind: str, case: Case, reason: str, now: datetime, *, actor: str = SYSTEM.id, **facts: Any) -> Row:
        made: Entry = entry(
            kind,
            application=case.application,
            actor=actor,
            reason=reason,
            request=case.request,
            at=now,
            round=case.round,
            **facts,
        )
        return {"entry_kind": kind, "entry_body": made.body, "entry_digest": made.digest}

    def _seal_json(self, case: Case, content: dict[str, Any], context: str) -> bytes:
        return self._vault.seal(case.wrapped_key, json.dumps(content, separators=(",", ":")).encode(), context)

    def _seal_model(self, case: Case, model: Any, context: str) -> bytes:
        return self._vault.seal(case.wrapped_key, model.model_dump_json().encode(), context)


def _vouched(table: str, sealed_digest: bytes, columns: dict[str, Any]) -> str:
    return STATEMENTS[table].row_digest(sealed_digest, columns)
