"""A scorer and a policy engine that work without files: a three-line scorecard, a four-line policy."""

import math
from collections.abc import Sequence
from decimal import Decimal

from plimsoll.domain.models.calibration import corrected
from plimsoll.domain.models.features import snapshot
from plimsoll.domain.models.scoring import ModelPin, ModelUnavailable, OfferRisk, Score
from plimsoll.domain.underwriting.deciding import ask_of
from plimsoll.domain.underwriting.decision import PolicyPin, PolicyVerdict, RuleHit
from plimsoll.domain.underwriting.facts import Ask, Facts, Stage
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.underwriting.reasons import score_reasons
from plimsoll.domain.values import Outcome

FAKE_DIGEST = "f" * 64
GOOD_WORDS = ("over_200", "over_1000", "all_here_repaid", "over_7_years")


class FakeScorer:
    """Riskier with amount and term, safer with each good word. Knows one model, `consumer-credit`."""

    def __init__(self, model: str = "consumer-credit") -> None:
        self._pin = ModelPin(name=model, version="fake", digest=FAKE_DIGEST, calibration=FAKE_DIGEST)

    def score(self, pin: ModelPin, product: Product, facts: Facts, alternatives: Sequence[Ask]) -> Score:
        if pin != self._pin:
            raise ModelUnavailable(f"Version {pin.version} of {pin.name} is not here.")
        values = snapshot(product.features, facts)
        contributions = {name: self._points(name, value) for name, value in values.items()}
        rest = sum(points for name, points in contributions.items() if name not in ("amount", "term_months"))
        asked = self._risk(product, ask_of(facts), rest)
        return Score(
            model=pin,
            sample_probability=self._sample(ask_of(facts), rest),
            probability_of_default=asked,
            interval=(asked * 0.8, asked + (1 - asked) * 0.02),
            near_cut=0.0,
            novelty=0.0,
            missing=tuple(facts.read("missing") or ()),
            features=values,
            contributions=contributions,
            reference="nobody in particular",
            reasons=score_reasons(product, contributions, values),
            alternatives=tuple(
                OfferRisk(**ask.model_dump(), probability_of_default=self._risk(product, ask, rest))
                for ask in alternatives
            ),
        )

    def _points(self, name: str, value: object) -> float:
        if isinstance(value, int | float):
            return math.log1p(float(value)) / 10
        return -0.8 if value in GOOD_WORDS else 0.2

    def _sample(self, ask: Ask, rest: float) -> float:
        size = math.log1p(float(ask.amount)) / 10 + math.log1p(ask.term_months) / 10
        return 1 / (1 + math.exp(2.2 - size - rest))

    def _risk(self, product: Product, ask: Ask, rest: float) -> float:
        risk = product.risk
        return corrected(self._sample(ask, rest), risk.sample_bad_rate, risk.portfolio_bad_rate)


class FakePolicyEngine:
    """Minors and risks above the cut are declined, a missing source refers, the rest is grade B."""

    def pin(self, product: Product) -> PolicyPin:
        return PolicyPin(id=product.id, version="fake", digest=FAKE_DIGEST)

    def evaluate(self, product: Product, pin: PolicyPin, stage: Stage, facts: Facts) -> PolicyVerdict:
        if stage is Stage.SCREEN:
            return PolicyVerdict(policy=pin, hits=self._screen(facts))
        hits = self._doubts(facts) or self._declines(product, facts)
        price = {"grade": "B", "annual_rate": Decimal("0.09"), "max_amount": Decimal(15000), "max_term_months": 60}
        return PolicyVerdict(policy=pin, hits=hits, **({} if hits else price))

    def _screen(self, facts: Facts) -> tuple[RuleHit, ...]:
        age, least = facts.read("applicant.age"), facts.read("limits.contract_age")
        read = {"applicant.age": age}
        return (_hit("R-AGE", Outcome.DECLINE, "under_contract_age", read),) if age < least else ()

    def _doubts(self, facts: Facts) -> tuple[RuleHit, ...]:
        missing = facts.read("missing")
        return (_hit("D-NO-BUREAU", Outcome.REFER, "bureau_unavailable", {"missing": missing}),) if missing else ()

    def _declines(self, product: Product, facts: Facts) -> tuple[RuleHit, ...]:
        pd = facts.read("score.pd")
        return (_hit("K-SCORE", Outcome.DECLINE, None, {"score.pd": pd}),) if pd > product.risk.decline_above else ()


def _hit(rule: str, effect: Outcome, reason: str | None, read: dict[str, object]) -> RuleHit:
    return RuleHit(id=rule, name=rule, effect=effect, reason=reason, values_read=read)
