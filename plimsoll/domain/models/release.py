"""What keeps a model from being released, each a sentence. Nothing here can be waved through at notice time.

A principal reason may not be left out of a notice (Reg B, comment 9(b)(2)-4), so a feature
without a reason is stopped here, before it can ever be one.
"""

from collections.abc import Sequence

from plimsoll.domain.underwriting.facts import is_protected
from plimsoll.domain.underwriting.product import Direction, FeatureSpec, Product


def blockers(
    product: Product,
    features: Sequence[FeatureSpec],
    *,
    broken_directions: Sequence[str] = (),
) -> tuple[str, ...]:
    """Why a model that reads these features may not be released; empty when it may."""
    return (
        *_without_reason(product, features),
        *_protected(product, features),
        *_against_the_product(product, features),
        *(f"The risk once moves the wrong way along {name}: its direction is broken." for name in broken_directions),
    )


def _without_reason(product: Product, features: Sequence[FeatureSpec]) -> list[str]:
    mapped = {concept for reason in product.reasons for concept in reason.concepts}
    return [
        f"The feature {spec.name} (concept {spec.concept}) has no reason in reasons.toml: nobody could be told of it."
        for spec in features
        if spec.concept not in mapped
    ]


def _protected(product: Product, features: Sequence[FeatureSpec]) -> list[str]:
    return [
        f"The feature {spec.name} reads {spec.path}, which is protected: no model may read it."
        for spec in features
        if is_protected(product, spec.path) or spec.name in product.protected
    ]


def _against_the_product(product: Product, features: Sequence[FeatureSpec]) -> list[str]:
    """A direction that the product demands and the model was not held to."""
    demanded = {spec.name: spec.direction for spec in product.features}
    return [
        f"The product wants {spec.name} to go {demanded[spec.name].value}, the model lets it go {spec.direction.value}."
        for spec in features
        if demanded.get(spec.name, Direction.FREE) is not Direction.FREE and spec.direction is not demanded[spec.name]
    ]
