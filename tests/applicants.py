"""Builders for the risk side: the shipped product, sound facts to change one thing of, a quick model."""

import tempfile
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.datasets.south_german import LabelledApplication, SouthGerman
from plimsoll.adapters.models.folder import Manifest
from plimsoll.adapters.models.training import Plan, train
from plimsoll.adapters.policies import ZenPolicyEngine
from plimsoll.adapters.products import ProductFolder
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.features import columns_of, snapshot
from plimsoll.domain.models.scoring import ModelPin, OfferRisk, Reason, ReasonSource, Score
from plimsoll.domain.underwriting.decision import PolicyPin, PolicyVerdict, RuleHit
from plimsoll.domain.underwriting.facts import Facts, Stage, facts_of
from plimsoll.domain.underwriting.offers import Evaluate
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Outcome

ROOT = Path(__file__).resolve().parent.parent
PRODUCTS = ROOT / "products"
FIRST_OF_JUNE = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
# Small enough for seconds, large enough to rank applicants well above chance.
QUICK = Plan(trees=60, learning_rate=0.12, members=6, member_trees=25, member_learning_rate=0.2, folds=3, repeats=1)

# What the product's own cases start from: each source's ordinary answer.
SOUND_EVIDENCE: dict[str, dict[str, Any]] = tomllib.loads(
    (PRODUCTS / "consumer-credit" / "cases" / "baseline.toml").read_text()
)["evidence"]
# Whom the shipped product asks, and what its sources' journals show when all went well.
SOURCES = tuple(SOUND_EVIDENCE)
EACH_ASKED_ONCE = dict.fromkeys(sorted(SOURCES), 1)
A_PIN = PolicyPin(id="consumer-credit", version="1", digest="0" * 64)


@lru_cache
def the_product() -> Product:
    return ProductFolder(PRODUCTS).get("consumer-credit")


@lru_cache
def the_policy() -> ZenPolicyEngine:
    return ZenPolicyEngine(PRODUCTS)


@lru_cache
def the_set() -> SouthGerman:
    return SouthGerman(ROOT / "data" / "south_german")


def evaluate_policy() -> Evaluate:
    """The shipped policy at stage `decide`, as `decide` takes it."""
    engine, product = the_policy(), the_product()
    return partial(engine.evaluate, product, engine.pin(product), Stage.DECIDE)


def a_body(**changes: Any) -> dict[str, Any]:
    """A valid application; top-level fields may be changed by name, sections by merging."""
    body = {**the_product().example}
    for name, value in changes.items():
        body[name] = {**body[name], **value} if isinstance(value, dict) else value
    return body


def some_facts(stage: Stage = Stage.DECIDE, as_of: date = FIRST_OF_JUNE, **given: Any) -> Facts:
    """Facts of a sound application. `body`, `evidence` (source -> changes), `missing`, `mismatched`."""
    evidence = {
        source: {**said, **given.get("evidence", {}).get(source, {})} for source, said in SOUND_EVIDENCE.items()
    }
    return facts_of(
        the_product(),
        given.get("body", a_body()),
        evidence,
        missing=given.get("missing", ()),
        mismatched=given.get("mismatched", ()),
        as_of=as_of,
        stage=stage,
    )


def facts_of_row(row: LabelledApplication, **given: Any) -> Facts:
    return facts_of(the_product(), row.body, row.evidence, as_of=FIRST_OF_JUNE, stage=Stage.DECIDE, **given)


def a_score(probability_of_default: float = 0.009, **changes: Any) -> Score:
    """An ordinary score, its alternatives cheaper in proportion to the amount."""
    score = Score(
        model=ModelPin(name="consumer-credit", version="1", digest="0" * 64),
        sample_probability=min(0.99, probability_of_default * 6),
        probability_of_default=probability_of_default,
        interval=(probability_of_default * 0.7, min(1.0, probability_of_default * 1.4)),
        near_cut=0.0,
        novelty=0.4,
        missing=(),
        features={"amount": 2500.0, "checking_state": "over_200"},
        contributions={"amount": 0.3, "checking_state": -0.2},
        reasons=(Reason(code="amount_high", text="The amount is high", rank=1, source=ReasonSource.SCORE),),
        alternatives=(),
    )
    return score.model_copy(update=changes)


def risks(*offers: tuple[str, int, float]) -> tuple[OfferRisk, ...]:
    """(amount, term, probability of default) of each alternative."""
    return tuple(
        OfferRisk(amount=Decimal(amount), term_months=term, probability_of_default=pd) for amount, term, pd in offers
    )


def a_hit(effect: Outcome | None, reason: str | None = "insolvency", rule: str = "X-1") -> RuleHit:
    return RuleHit(id=rule, name=f"rule {rule}", effect=effect, reason=reason, values_read={})


def a_policy_answer(*hits: RuleHit, **changes: Any) -> PolicyVerdict:
    """What a policy that prices everything at grade B says, with these hits."""
    answer = PolicyVerdict(
        policy=A_PIN,
        hits=hits,
        grade="B",
        annual_rate=Decimal("0.09"),
        max_amount=Decimal(15000),
        max_term_months=60,
    )
    return answer.model_copy(update=changes)


def examples(rows: list[LabelledApplication]) -> Examples:
    features = the_product().features
    return Examples(
        columns=columns_of(features, (snapshot(features, facts_of_row(row)) for row in rows)),
        bad=np.array([row.bad for row in rows]),
        references=np.array([row.reference for row in rows], dtype=object),
    )


@lru_cache
def quick_models() -> tuple[Path, Manifest]:
    """A folder with one quickly trained version: once per test run."""
    models = Path(tempfile.mkdtemp(prefix="plimsoll-models-"))
    manifest = train(
        the_product(), examples(the_set().training()), models, created_at="2026-06-01T00:00:00Z", plan=QUICK
    )
    return models, manifest
