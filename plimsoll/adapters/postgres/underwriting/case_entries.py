"""What every write about a case has in common: the step's attempt, the ledger's entry, the sealing."""

import json
from datetime import datetime
from typing import Any

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.stating import STATEMENTS
from plimsoll.domain.access import SYSTEM
from plimsoll.domain.ledger import Entry, entry
from plimsoll.domain.underwriting.case import Case
from plimsoll.domain.values import Value
from plimsoll.ports import StepRun, Vault

ATTEMPT = """
    insert into step_attempt (application_id, round, step, source, lane, started_at, duration_ms, result, error)
    values (%(application)s, %(round)s, %(step)s, %(step_source)s, %(lane)s, %(started_at)s, %(duration_ms)s,
            %(result)s, %(error)s)
"""


class CaseEntries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

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

    def _read(self, key: bytes, sealed: bytes, context: str) -> dict[str, Any]:
        return json.loads(self._vault.open(key, sealed, context))

    def _model(self, model: type[Value], key: bytes, sealed: bytes | None, context: str) -> Any:
        return None if sealed is None else model.model_validate_json(self._vault.open(key, sealed, context))


def vouched(table: str, sealed_digest: bytes, columns: dict[str, Any]) -> str:
    return STATEMENTS[table].row_digest(sealed_digest, columns)
