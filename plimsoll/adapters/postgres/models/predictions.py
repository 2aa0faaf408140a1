"""The log of scores asked for without a case: a batch is one statement, committed before anybody is answered."""

import json
from collections.abc import Sequence
from datetime import datetime

from plimsoll.adapters.postgres.database import Database
from plimsoll.domain.models.asking import Answered, Asked
from plimsoll.ports import PredictionAsked, Vault

LOG = """
insert into prediction (product, kind, model_digest, arm, actor_id, request_id, subject, features,
                        sample_probability, probability_of_default, duration_ms, scored_at)
select product, kind, model_digest, arm, actor_id, request_id, subject, features::jsonb,
       sample_probability, probability_of_default, %(duration)s, %(scored_at)s
from unnest(%(product)s::text[], %(kind)s::text[], %(model_digest)s::text[], %(arm)s::text[], %(actor_id)s::text[],
            %(request_id)s::text[], %(subject)s::bytea[], %(features)s::text[], %(sample_probability)s::float8[],
            %(probability_of_default)s::float8[])
     as t(product, kind, model_digest, arm, actor_id, request_id, subject, features, sample_probability,
          probability_of_default)
"""


class Predictions:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def log(
        self, asked: Sequence[PredictionAsked], answered: Sequence[Answered], duration_ms: float, scored_at: datetime
    ) -> None:
        """All or none. `duration_ms` is what the batch took, shared evenly."""
        await self._database.run(
            LOG,
            {
                "product": [one.asked.product for one in asked],
                "kind": [one.kind for one in asked],
                "model_digest": [answer.model.digest for answer in answered],
                "arm": [answer.model.arm for answer in answered],
                "actor_id": [one.actor for one in asked],
                "request_id": [one.request for one in asked],
                "subject": [self._hidden(one.asked) for one in asked],
                "features": [json.dumps(one.asked.features) for one in asked],
                "sample_probability": [answer.sample_probability for answer in answered],
                "probability_of_default": [answer.probability_of_default for answer in answered],
                "duration": duration_ms / len(asked),
                "scored_at": scored_at,
            },
        )

    def _hidden(self, asked: Asked) -> bytes | None:
        """The caller's reference may name a person: only a keyed hash of it is kept."""
        return None if asked.subject is None else self._vault.fingerprint(asked.subject.encode())
