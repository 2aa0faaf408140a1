"""A case as the steps work on it: read it whole, and let each step commit what it found.

Every write is one statement that carries the state it found it in, so a zombie's late write
loses, and a step run again finds its own row. Each also leaves its `step_attempt` and, where
something became true, its ledger entry, in the same transaction.
"""

from datetime import datetime

from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Row
from plimsoll.adapters.postgres.underwriting.case_entries import ATTEMPT, vouched
from plimsoll.adapters.postgres.underwriting.evidence_requests import EvidenceRequests
from plimsoll.domain.access import SYSTEM
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ids import DECISION, SCORE, new_id
from plimsoll.domain.ledger import digest
from plimsoll.domain.models.scoring import ModelPin, Score
from plimsoll.domain.underwriting.case import Case, PersonsAnswer
from plimsoll.domain.underwriting.decision import Verdict
from plimsoll.domain.values import Outcome, Status
from plimsoll.faultpoints import faultpoints
from plimsoll.ports import StepRun

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

DECIDE = f"""
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
"""


class Casework(EvidenceRequests):
    async def load(self, application: str) -> Case:
        """The case as of now. Raises NotFound for an unknown id or an erased person."""
        row = await self._database.row(CASE, {"application": application})
        if row is None:
            raise NotFound(f"There is no application {application}.")
        key, round_ = row["wrapped_key"], row["round"]
        evidence = await self._asked(application, round_, key) if row["asked"] else ()
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
            evidence=evidence,
            model_pin=ModelPin.model_validate(row["model_pin"]) if row["model_pin"] else None,
            score=self._model(Score, key, row["score_sealed"], f"score/{application}/{round_}"),
            verdict=self._model(Verdict, key, row["proposal_sealed"], f"proposal/{application}/{round_}"),
            decided=Outcome(row["decided"]) if row["decided"] else None,
        )

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
            row=vouched("score", digest(sealed), columns),
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
        by = answer.actor if answer else SYSTEM.id
        columns = _columns(case, verdict, by)
        written = self._entry(
            "decision.made",
            case,
            answer.reason if answer else verdict.source.value,
            now,
            actor=by,
            decision=columns["id"],
            outcome=verdict.outcome.value,
            policy=f"{verdict.policy.id}@{verdict.policy.version}",
            policy_digest=verdict.policy.digest,
            model_digest=case.score.model.digest if case.score else None,
            body=digest(sealed).hex(),
            row=vouched("decision", digest(sealed), columns),
        )
        row = await self._database.row(
            DECIDE,
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


def _columns(case: Case, verdict: Verdict, by: str) -> Row:
    return {
        "id": new_id(DECISION),
        "outcome": verdict.outcome,
        "outcome_source": verdict.source,
        "adverse_action": verdict.outcome.adverse,
        "sample_probability": case.score.sample_probability if case.score else None,
        "probability_of_default": case.score.probability_of_default if case.score else None,
        "policy_version": verdict.policy.version,
        "policy_digest": verdict.policy.digest,
        "decided_by": by,
    }
