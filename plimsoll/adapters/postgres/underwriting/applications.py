"""The door's side of the database: accept once, answer the same ever after, withdraw."""

from datetime import datetime

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.stating import STATEMENTS
from plimsoll.adapters.postgres.shared_commit import SharedCommit
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import ApplicationClosed, KeyReused, NotFound, TooBusy
from plimsoll.domain.ids import APPLICATION, PERSON, new_id
from plimsoll.domain.ledger import digest, entry
from plimsoll.domain.underwriting.application import ApplicationFrame
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Status
from plimsoll.faultpoints import faultpoints
from plimsoll.ports import Accepted, Vault

TRIES = 4
REMEMBERED = 20_000

# One statement, so one transaction and one round trip: person, idempotency row, application,
# ledger entry, outbox row, or nothing at all. A concurrent twin waits on the unique rows.
#
# The body comes sealed with a key made up for a new person, or with the one we remember. When
# the person turns out to be known under another key nothing is written, and the answer carries
# that key for the next try.
ACCEPT = """
with known as (
    select id, wrapped_key from person where reference_hash = %(reference_hash)s and wrapped_key is not null
), made_person as (
    insert into person (id, reference_hash, wrapped_key)
    select %(person)s, %(reference_hash)s, %(wrapped_key)s where not exists (select 1 from known)
    on conflict do nothing returning id
), owner as (
    select id from made_person union all select id from known where id = %(person)s
), claimed as (
    insert into idempotency (actor_id, key, body_digest, application_id)
    select %(actor)s, %(key)s, %(fingerprint)s, %(id)s from owner
    on conflict do nothing returning application_id
), accepted as (
    insert into application (id, person_id, external_id, product, product_version, product_digest, line,
        jurisdiction, amount, currency, term_months, priority, lane, status, round, body_sealed, body_digest,
        flags, accepted_at, accepted_by, request_id)
    select %(id)s, %(person)s, %(external_id)s, %(product)s, %(product_version)s, %(product_digest)s, %(line)s,
        %(jurisdiction)s, %(amount)s, %(currency)s, %(term_months)s, %(priority)s, %(lane)s, %(status)s, 1,
        %(body_sealed)s, %(body_digest)s,
        case when exists (
            select 1 from application twin
            where twin.person_id = %(person)s and twin.product = %(product)s and twin.amount = %(amount)s
              and twin.term_months = %(term_months)s and twin.accepted_at > %(now)s - interval '1 day'
        ) then array['probable_duplicate'] else '{}'::text[] end,
        %(now)s, %(actor)s, %(request)s
    from claimed
    returning id, flags
), entered as (
    insert into ledger_entry (kind, application_id, body, digest)
    select 'application.received', %(id)s, %(entry_body)s, %(entry_digest)s from claimed
), posted as (
    insert into outbox (lane, kind, application_id, payload, not_before)
    select 'engine', 'start', %(id)s, '{}', %(now)s + make_interval(secs => %(head_start)s) from claimed
)
select (select id from accepted) as id, (select flags from accepted) as flags,
       exists (select 1 from owner) as owned, known.id as person, known.wrapped_key
from (select 1) always left join known on true
"""


class Applications:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._accepting = SharedCommit(database, ACCEPT, lock_order=lambda values: values["reference_hash"])
        self._remembered: dict[bytes, Row] = {}

    @faultpoints("accept")
    async def accept(
        self,
        product: Product,
        application: ApplicationFrame,
        *,
        actor: Actor,
        key: str,
        fingerprint: bytes,
        request: str,
        now: datetime,
        head_start: float,
    ) -> Accepted:
        """Commits the application, or finds the answer this key got before.

        `head_start` seconds are left to whoever starts the run at once; the dispatcher comes after.
        Raises KeyReused when the key came with another body.
        """
        reference_hash = self._vault.fingerprint(application.applicant.id.encode())
        person = self._remembered.get(reference_hash) or self._new_person()
        for _ in range(TRIES):
            values = self._values(product, application, person, actor, key, fingerprint, request, now, head_start)
            answer = await self._accepting.row(values | {"reference_hash": reference_hash})
            assert answer is not None
            if answer["id"]:
                self._remember(reference_hash, person)
                return Accepted(application=answer["id"], round=1, replayed=False, flags=tuple(answer["flags"]))
            if answer["owned"]:
                return await self._answer_given_before(actor, key, fingerprint)
            person = _known_person(answer) or await self._somebody_new(reference_hash)
        raise TooBusy("This person is being created by many requests at once: send this one again.")

    async def _somebody_new(self, reference_hash: bytes) -> Row:
        """The name is taken and nobody can be seen under it: a twin was faster, whose row shows with the
        next statement, or the person was erased. Who was erased and applies again is somebody new, so the
        old row gives up the last that led to it."""
        await self._database.run(
            """
            update person set reference_hash = sha256(convert_to(id, 'UTF8'))
            where reference_hash = %(reference_hash)s and wrapped_key is null
            """,
            {"reference_hash": reference_hash},
        )
        return self._new_person()

    def _new_person(self) -> Row:
        return {"person": new_id(PERSON), "wrapped_key": self._vault.new_key()}

    def _remember(self, reference_hash: bytes, person: Row) -> None:
        """Most who apply twice do so soon; what is remembered wrongly costs one more round trip."""
        if len(self._remembered) >= REMEMBERED:
            self._remembered.clear()
        self._remembered[reference_hash] = person

    def _values(
        self,
        product: Product,
        application: ApplicationFrame,
        person: Row,
        actor: Actor,
        key: str,
        fingerprint: bytes,
        request: str,
        now: datetime,
        head_start: float,
    ) -> Row:
        application_id = new_id(APPLICATION)
        body = application.model_dump_json(exclude_none=True).encode()
        body_sealed = self._vault.seal(person["wrapped_key"], body, f"application/{application_id}")
        body_digest = digest(body_sealed)
        columns = {
            "person_id": person["person"],
            "external_id": application.external_id,
            "product": product.id,
            "product_version": product.version,
            "product_digest": product.digest,
            "line": product.line,
            "jurisdiction": application.jurisdiction or product.jurisdiction,
            "amount": application.amount,
            "currency": application.currency,
            "term_months": application.term_months,
            "priority": application.priority,
            "accepted_by": actor.id,
        }
        received = entry(
            "application.received",
            application=application_id,
            actor=actor.id,
            reason="applied",
            request=request,
            at=now,
            product=f"{product.id}@{product.version}",
            product_digest=product.digest,
            person=person["person"],
            body=body_digest.hex(),
            row=STATEMENTS["application"].row_digest(body_digest, columns),
        )
        return (
            columns
            | person
            | {
                "id": application_id,
                "actor": actor.id,
                "key": key,
                "fingerprint": fingerprint,
                "lane": product.lane,
                "status": Status.RECEIVED,
                "body_sealed": body_sealed,
                "body_digest": body_digest,
                "request": request,
                "now": now,
                "head_start": head_start,
                "entry_body": received.body,
                "entry_digest": received.digest,
            }
        )

    async def _answer_given_before(self, actor: Actor, key: str, fingerprint: bytes) -> Accepted:
        before = await self._database.row(
            "select body_digest, application_id from idempotency where actor_id = %(actor)s and key = %(key)s",
            {"actor": actor.id, "key": key},
        )
        if before is None or bytes(before["body_digest"]) != fingerprint:
            raise KeyReused(
                "This Idempotency-Key was used with another body: use a new key for a new application, "
                "or send the first body again to read its answer."
            )
        return Accepted(application=before["application_id"], round=1, replayed=True)

    async def withdraw(
        self, application: str, *, actor: Actor, own_only: bool, reason: str, request: str, now: datetime
    ) -> None:
        """Closes it for good unless it is decided already; the run is told through the outbox.

        Raises NotFound, or ApplicationClosed with the state it is in.
        """
        withdrawn = entry(
            "application.withdrawn", application=application, actor=actor.id, reason=reason, request=request, at=now
        )
        row = await self._database.row(
            WITHDRAW,
            {
                "id": application,
                "now": now,
                "reason": reason,
                "mine": actor.id if own_only else None,
                "entry_body": withdrawn.body,
                "entry_digest": withdrawn.digest,
            },
        )
        if row is None:
            raise NotFound(f"There is no application {application}.")
        if not row["done"] and row["status"] != Status.WITHDRAWN:
            raise ApplicationClosed(
                f"Application {application} is {row['status']} already and cannot be withdrawn.", status=row["status"]
            )


WITHDRAW = """
with found as (
    select id, status, closed_at from application
    where id = %(id)s and (%(mine)s::text is null or accepted_by = %(mine)s) for update
), done as (
    update application set status = 'withdrawn', closed_at = %(now)s, closed_reason = %(reason)s
    where id = (select id from found where closed_at is null) returning id
), review as (
    update review_task set state = 'closed', version = version + 1, claimed_by = null, lease_until = null
    where application_id = (select id from done) and state in ('open', 'claimed', 'second')
), entered as (
    insert into ledger_entry (kind, application_id, body, digest)
    select 'application.withdrawn', id, %(entry_body)s, %(entry_digest)s from done
), told as (
    insert into outbox (lane, kind, application_id, payload)
    select 'engine', 'withdrawn', id, '{}' from done
)
select status, exists (select 1 from done) as done from found
"""


def _known_person(answer: Row) -> Row | None:
    if answer["person"] is None:
        return None  # lost a race: the winner's row shows with the next statement
    return {"person": answer["person"], "wrapped_key": bytes(answer["wrapped_key"])}
