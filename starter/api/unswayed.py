"""A reviewer's own word before the score's: what is covered until they have said it, where a product asks for that.

Somebody who sees a number first tends to agree with it. Only who may answer reviews is kept from it.
"""

from typing import Any

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.errors import NotAllowed
from plimsoll.domain.underwriting.desk import judges_unswayed
from plimsoll.domain.underwriting.review import TaskState
from starter.api.running import Running

Json = dict[str, Any]
COVERED = (
    "score", "sample_probability", "probability_of_default", "expected_loss", "uncertainty", "score_details", "grade",
    "proposal", "terms", "plain",
)  # fmt: skip
SENTENCE = "Say your verdict first: the score of this case is shown after it."


def covers(house: Running, product: str, review: Json | None, actor: Actor) -> bool:
    if review is None or not actor.may(Permission.REVIEW):
        return False
    pack = house.product_of({"product": product})
    waiting = TaskState(review["state"]).waiting
    return pack is not None and judges_unswayed(pack.review, waiting, actor.id in review["answered_by"])


def covered(shown: Json) -> Json:
    """The same case without what the score said, and what followed from it."""
    kept = {name: value for name, value in shown.items() if name not in COVERED}
    told: Json = {name: None for name in COVERED if name in shown} | {"counter_offers_tried": [], "reasons": []}
    hits = [hit for hit in shown["rule_hits"] if not any(path.startswith("score.") for path in hit["values_read"])]
    return kept | told | {"rule_hits": hits, "score_after_verdict": True}


async def must_see_the_score(house: Running, application: str, actor: Actor) -> None:
    """Raises NotFound, NotAllowed."""
    product, review = await house.ports.reading.reviewed(application)
    if covers(house, product, review, actor):
        raise NotAllowed(SENTENCE)
