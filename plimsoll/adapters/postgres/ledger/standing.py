"""Rows that change, each vouched for by the newest entry about it.

A row of the record never changes; a row such as a model's state does, and each change enters
the ledger with a digest of the row as it stands from then on. So the newest entry about a row
must fit the row: a row without one, a column altered since, or an entry whose row is gone, shows.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plimsoll.domain.ledger import canonical, digest


@dataclass(frozen=True)
class Standing:
    """One kind of such rows: the entries that speak of them, and the columns those vouch for."""

    kinds: tuple[str, ...]
    columns: tuple[str, ...]
    about: str  # SQL for the name an entry calls its row by, of the row `t`

    def row_digest(self, values: Mapping[str, Any]) -> str:
        """What the entry's `row` says."""
        return digest(canonical({column: _as_text(values[column]) for column in self.columns})).hex()


STANDING = {
    "model": Standing(
        kinds=(
            "model.registered", "model.adopted", "model.proposed", "model.approved", "model.rejected", "model.retired",
        ),
        columns=(
            "id", "name", "version", "digest", "product", "algorithm", "state", "training_id", "manifest",
            "report_digest", "created_by", "created_at", "proposed_by", "proposed_at", "approved_by", "approved_at",
            "note",
        ),
        about="t.id",
    ),
    "model_role": Standing(
        kinds=("model.role_changed",),
        columns=("name", "role", "model_id", "share", "salt", "set_by", "reason", "since"),
        about="t.name || '/' || t.role",
    ),
    "experiment": Standing(
        kinds=("experiment.planned", "experiment.started", "experiment.looked", "experiment.stopped"),
        columns=(
            "id", "name", "product", "state", "plan", "champion_id", "challenger_id", "planned_by", "planned_at",
            "started_at", "stopped_at",
        ),
        about="t.id",
    ),
    "contact_consent": Standing(
        kinds=("consent.given", "consent.withdrawn", "consent.erased"),
        columns=("person_id", "channel", "granted", "source", "evidence", "said_at", "recorded_by"),
        about="t.person_id || '/' || t.channel",
    ),
    "message_template": Standing(
        kinds=("template.proposed", "template.approved", "template.retired"),
        columns=(
            "name", "version", "channel", "digest", "content", "proposed_by", "proposed_at", "approved_by",
            "approved_at", "retired_by", "retired_at",
        ),
        about="t.name || '@' || t.version",
    ),
}  # fmt: skip

NEWEST = """
select distinct on (about) id, kind, about, row from (
    select e.id, e.kind, convert_from(e.body, 'UTF8')::jsonb ->> 'about' as about,
           convert_from(e.body, 'UTF8')::jsonb ->> 'row' as row
    from ledger_entry e where e.application_id is null and e.kind = any(%(kinds)s)
) spoken order by about, id desc
"""


def _as_text(value: Any) -> str | None:
    """The same whether the value comes from a program or back from Postgres."""
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict | list):
        return hashlib.sha256(json.dumps(_plain(value), sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return repr(_plain(value))


def _plain(value: Any) -> Any:
    """Numbers as Postgres gives them back: 1e16 comes as a whole number, -0.0 without its sign."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return float(value) + 0.0 if isinstance(value, int | float) and not isinstance(value, bool) else value
