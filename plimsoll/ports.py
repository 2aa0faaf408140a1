"""What the inside needs of the outside, in a few methods each.

Adapters in `plimsoll/adapters/` keep these promises for the real world, `tests/fakes.py`
for tests; `tests/port_contracts/` runs the same tests against both.
"""

from collections.abc import Sequence
from typing import Protocol

from plimsoll.domain.decision import PolicyPin, PolicyVerdict
from plimsoll.domain.evidence import Answer, Inquiry, Recovery
from plimsoll.domain.facts import Ask, Facts, Stage
from plimsoll.domain.product import Product
from plimsoll.domain.scoring import ModelPin, Score


class EvidenceSource(Protocol):
    """One outside source of evidence (a bureau, a bank, a register)."""

    name: str
    recovery: Recovery

    async def pull(self, inquiry: Inquiry) -> Answer:
        """Ask, with `inquiry.key` as idempotency key.

        Raises SourceUnavailable, SourceBusy, WrongPerson (the answer is about somebody else).
        """
        ...

    async def recall(self, inquiry: Inquiry) -> Answer | None:
        """What became of a call sent earlier under this key; None when it never arrived.

        Only meaningful for `queryable` sources; others raise OutcomeUnknown.
        """
        ...


class Scorer(Protocol):
    """The models that may score, by name; loading is verified against the manifest's digests."""

    def live(self, model: str) -> ModelPin:
        """The pin of the version that is live for this name. Raises Unavailable when there is none."""
        ...

    def score(self, pin: ModelPin, product: Product, facts: Facts, alternatives: Sequence[Ask]) -> Score:
        """Probability, interval, novelty, contributions, reasons; and the risk of each alternative ask.

        CPU-bound (several ms); call it off the event loop.
        """
        ...


class PolicyEngine(Protocol):
    """Evaluates a product's policy over facts. It sees facts and nothing else."""

    def pin(self, product: Product) -> PolicyPin: ...

    def evaluate(self, product: Product, pin: PolicyPin, stage: Stage, facts: Facts) -> PolicyVerdict: ...


class Products(Protocol):
    """The product packs of this deployment."""

    def get(self, product_id: str) -> Product:
        """Raises NotFound, naming the products there are."""
        ...

    def all(self) -> Sequence[Product]: ...
