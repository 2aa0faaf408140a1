"""Inquiries at sources, of one case: reserved, sent, answered or given up, each at most once."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from plimsoll.adapters.postgres.database import Row
from plimsoll.adapters.postgres.underwriting.case_entries import ATTEMPT, CaseEntries, vouched
from plimsoll.domain.ids import EVIDENCE, new_id
from plimsoll.domain.ledger import digest
from plimsoll.domain.underwriting.case import Case, EvidenceRecord
from plimsoll.domain.underwriting.evidence import Answer, EvidenceState
from plimsoll.domain.underwriting.product import SourceTerms
from plimsoll.faultpoints import faultpoints
from plimsoll.ports import StepRun

EVIDENCE_OF = "select * from evidence_request where application_id = %(application)s and round = %(round)s"


class EvidenceRequests(CaseEntries):
    async def _asked(self, application: str, round_: int, key: bytes) -> tuple[EvidenceRecord, ...]:
        asked = await self._database.rows(EVIDENCE_OF, {"application": application, "round": round_})
        return tuple(self._record(key, row) for row in asked)

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
            row=vouched("evidence_request", answer_digest, record.model_dump()) if answer_digest else None,
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
