"""A review task as a row: how it is read and locked, and when it is nobody's to touch."""

from datetime import UTC, datetime

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from plimsoll.adapters.postgres.database import Row
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import Conflict, NotAllowed, NotFound, ReviewAlreadyAnswered
from plimsoll.domain.underwriting.desk import is_senior
from plimsoll.domain.underwriting.product import ReviewTerms
from plimsoll.domain.underwriting.review import TaskState

FOR_SENIORS = "This case was handed up: a senior reviewer decides it."

TASK = """
select t.*, a.amount, a.currency, a.term_months, a.product, a.external_id, a.closed_at, a.request_id,
       a.round as current_round, p.wrapped_key
from review_task t join application a on a.id = t.application_id join person p on p.id = a.person_id
where t.id = %(id)s
"""

VERDICTS = """
select v.*, actor.name as actor_name from review_verdict v join actor on actor.id = v.actor_id
where v.task_id = %(id)s order by v.position
"""


async def lock_task(connection: AsyncConnection[DictRow], task: str) -> Row:
    # The application first, as everywhere: a withdrawal takes its rows in the same order.
    await connection.execute(
        "select id from application where id = (select application_id from review_task where id = %(id)s) for update",
        {"id": task},
    )
    row = await (await connection.execute(TASK + " for update of t", {"id": task})).fetchone()
    if row is None:
        raise NotFound(f"There is no review {task}.")
    return row


def must_be_free_for(row: Row, actor: Actor) -> None:
    """Raises NotAllowed for a case that was handed up, Conflict while somebody else's lease runs."""
    if row["for_seniors"] and not is_senior(actor):
        raise NotAllowed(FOR_SENIORS)
    if row["claimed_by"] not in (None, actor.id) and row["lease_until"] > datetime.now(UTC):
        raise Conflict(f"Another reviewer holds this case until {row['lease_until']:%H:%M} UTC.")


def answered_already(task: str, state: TaskState, given: list[Row], terms: ReviewTerms | None = None) -> Conflict:
    """Whoever was second reads the winner's reason as it was chosen, where the product's `terms` are at hand."""
    if state is TaskState.ANSWERED and given:
        last = given[-1]
        by = last.get("actor_name") or last.get("actor")
        chosen = {"reason_text": terms.reasons[last["reason"]]} if terms and last["reason"] in terms.reasons else {}
        outcome, reason = last["outcome"].replace("_", " "), chosen.get("reason_text", last["reason"])
        return ReviewAlreadyAnswered(
            f"This case was decided by {by}: {outcome} ({reason}).",
            outcome=last["outcome"],
            reason=last["reason"],
            by=by,
            **chosen,
        )
    return Conflict(f"Review {task} is {state}: there is nothing left to decide.")
