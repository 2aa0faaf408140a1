"""Principal reasons: what counted against this applicant, said in words a person understands.

Contributions are log-odds against applicants just below the cut, so a reason answers "why
not approved?" (Reg B, comment 9(b)(2)-5, method one). Features of one concept speak with one
voice; only what made the risk higher is adverse; at most four (comment 9(b)(2)-1).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.scoring import Reason, ReasonSource
from plimsoll.domain.underwriting.decision import RuleHit
from plimsoll.domain.underwriting.product import FeatureSpec, Product, ReasonSpec

MOST_REASONS = 4
# A concept below this share of all that counted against the applicant is no principal reason.
LEAST_SHARE = 0.10
NOT_KNOWN = {"en": "not known", "de": "nicht bekannt"}
# Languages that write 9.800,50 where English writes 9,800.50.
WITH_A_COMMA = ("de",)
COMMA_AND_POINT = str.maketrans(",.", ".,")


def score_reasons(
    product: Product, contributions: dict[str, float], values: dict[str, Any], language: str | None = None
) -> tuple[Reason, ...]:
    """The concepts that raised the risk most, most adverse first. Feature names are the product's."""
    adverse = {name: total for name, total in by_concept(product, contributions).items() if total > 0}
    enough = LEAST_SHARE * sum(adverse.values())
    ranked = sorted((name for name in adverse if adverse[name] >= enough), key=lambda name: -adverse[name])
    return tuple(
        _score_reason(product, concept, contributions, values, rank, language or product.language)
        for rank, concept in enumerate(ranked[:MOST_REASONS], start=1)
    )


def rule_reasons(product: Product, hits: Sequence[RuleHit], language: str | None = None) -> tuple[Reason, ...]:
    """The reasons the given hits carry, in their order, each code once."""
    first_hit = {hit.reason: hit for hit in reversed(hits) if hit.reason}
    codes = list(dict.fromkeys(hit.reason for hit in hits if hit.reason))
    return tuple(
        coded_reason(product, code, rank, language or product.language, first_hit[code])
        for rank, code in enumerate(codes, start=1)
    )


def coded_reason(product: Product, code: str, rank: int, language: str, hit: RuleHit | None = None) -> Reason:
    """A rule's reason; its value is what the rule read, when that was one thing."""
    read = list(hit.values_read.values()) if hit else []
    value = read[0] if len(read) == 1 and not isinstance(read[0], list | dict) else None
    spec = reason_of_code(product, code)
    return Reason(code=code, text=say(spec, value, language), rank=rank, source=ReasonSource.RULE, value=value)


def first_ranked(*groups: Iterable[Reason]) -> tuple[Reason, ...]:
    """One list out of several, the first group first, each code once, at most four."""
    merged = {reason.code: reason for group in reversed(groups) for reason in reversed(tuple(group))}
    ordered = list(dict.fromkeys(reason.code for group in groups for reason in group))[:MOST_REASONS]
    return tuple(merged[code].model_copy(update={"rank": rank}) for rank, code in enumerate(ordered, start=1))


def by_concept(product: Product, contributions: dict[str, float]) -> dict[str, float]:
    """Concept -> sum of its features' contributions."""
    totals: dict[str, float] = {}
    for spec in product.features:
        totals[spec.concept] = totals.get(spec.concept, 0.0) + contributions.get(spec.name, 0.0)
    return totals


def leading_codes(
    product: Product, features: Sequence[FeatureSpec], contributions: npt.NDArray[np.float64]
) -> npt.NDArray[np.object_]:
    """For many rows at once (rows, features) the code of the first principal reason; None where nothing is adverse."""
    concepts = list(dict.fromkeys(spec.concept for spec in features))
    belongs = np.array([[spec.concept == concept for concept in concepts] for spec in features], dtype=np.float64)
    totals = contributions @ belongs
    codes = np.array([*(_reason_of_concept(product, concept).code for concept in concepts), None], dtype=object)
    return codes[np.where(totals.max(axis=1) > 0, totals.argmax(axis=1), len(concepts))]


def sentence(product: Product, reason: Reason, language: str) -> str:
    """The sentence of a reason in another language, for notices. Falls back to the recorded one."""
    spec = next((spec for spec in product.reasons if spec.code == reason.code), None)
    if spec is None or language not in spec.text:
        return reason.text
    return say(spec, reason.value, language)


def reason_of_code(product: Product, code: str) -> ReasonSpec:
    """A code without an entry is caught by `product check`; at run time its name still says more than nothing."""
    found = next((spec for spec in product.reasons if spec.code == code), None)
    return found or ReasonSpec(code=code, text={product.language: code.replace("_", " ")})


def say(spec: ReasonSpec, value: Any, language: str) -> str:
    """The sentence with the person's own value; "could not verify" only if there was no value to read."""
    if value is None and spec.adverse_when_missing:
        return _in_language(spec.adverse_when_missing, language)
    return _in_language(spec.text, language).replace("{value}", _in_words(spec, value, language))


def _score_reason(
    product: Product,
    concept: str,
    contributions: dict[str, float],
    values: dict[str, Any],
    rank: int,
    language: str,
) -> Reason:
    features = [spec for spec in product.features if spec.concept == concept]
    leading: FeatureSpec = max(features, key=lambda spec: contributions.get(spec.name, 0.0))
    spec = _reason_of_concept(product, concept)
    value = values.get(leading.name)
    return Reason(
        code=spec.code,
        text=say(spec, value, language),
        rank=rank,
        source=ReasonSource.SCORE,
        feature=leading.name,
        value=value,
    )


def _reason_of_concept(product: Product, concept: str) -> ReasonSpec:
    found = next((spec for spec in product.reasons if concept in spec.concepts), None)
    return found or reason_of_code(product, concept)


def _in_language(sentences: dict[str, str], language: str) -> str:
    return sentences.get(language) or next(iter(sentences.values()))


def _in_words(spec: ReasonSpec, value: Any, language: str) -> str:
    if value is None:
        return NOT_KNOWN.get(language, NOT_KNOWN["en"])
    if isinstance(value, float):
        said = f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}" if abs(value) >= 1 else f"{value:.3g}"
        return said.translate(COMMA_AND_POINT) if language in WITH_A_COMMA else said
    return spec.words.get(language, {}).get(str(value), str(value))
