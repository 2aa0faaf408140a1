"""A score asked for without a case: features in product words in, a probability and its reasons out.

Nothing is guessed: every feature is named, what is not known is sent as null, and a value the
model has never seen is refused rather than read as something else.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.domain.errors import FieldsInvalid
from plimsoll.domain.models.scoring import ModelPin, Reason
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec
from plimsoll.domain.values import Value

Ranges = Mapping[str, tuple[float, float]]


class Asked(Value):
    """One question."""

    product: str
    features: dict[str, Any]  # feature -> value in product words, None where nobody knows
    subject: str | None = None  # the caller's own reference of the person: the same one gets the same arm
    reasons: bool = False


class Answered(Value):
    """What the model says. Probabilities are shares in 0..1."""

    model: ModelPin
    sample_probability: float
    probability_of_default: float
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[str, ...] = ()  # values outside what the model has learnt from


def read_asked(body: dict[str, Any]) -> Asked:
    """One question out of strict JSON. Raises FieldsInvalid."""
    problems = [{"field": name, "problem": "is no field of a question"} for name in body if name not in _KINDS]
    problems += [{"field": name, "problem": "is missing"} for name in ("product", "features") if name not in body]
    problems += [
        {"field": name, "problem": f"is not {words}"}
        for name, (kind, words) in _KINDS.items()
        if name in body and not isinstance(body[name], kind)
    ]
    if problems:
        raise FieldsInvalid("The question cannot be read: see `fields`.", fields=problems)
    return Asked(**body)


_KINDS: dict[str, tuple[Any, str]] = {
    "product": (str, "a product's id"),
    "features": (dict, "an object"),
    "subject": (str | None, "text"),
    "reasons": (bool, "true or false"),
}


def must_fit(features: Sequence[FeatureSpec], given: Mapping[str, Any]) -> None:
    """Raises FieldsInvalid naming every feature that is missing, unknown or of another kind."""
    refuse(misfits(features, given))


def refuse(problems: Sequence[dict[str, str]]) -> None:
    if problems:
        raise FieldsInvalid("The features do not fit the model: see `fields`.", fields=problems)


def misfits(features: Sequence[FeatureSpec], given: Mapping[str, Any], where: str = "features") -> list[dict[str, str]]:
    """What is wrong, feature by feature; nothing when they fit."""
    known = {spec.name: spec for spec in features}
    found = (
        *((name, _MISSING) for name in known if name not in given),
        *((name, _unknown(known)) for name in given if name not in known),
        *((name, _misfit(known[name], value)) for name, value in given.items() if name in known),
    )
    return [{"field": f"{where}.{name}", "problem": problem} for name, problem in found if problem]


def warnings_about(features: Sequence[FeatureSpec], given: Mapping[str, Any], ranges: Ranges) -> tuple[str, ...]:
    """A sentence for each number outside what training saw: the model answers, but it guesses."""
    return tuple(
        f"{spec.name} is {given[spec.name]:g}, outside the {ranges[spec.name][0]:g} to {ranges[spec.name][1]:g} "
        "that the model has learnt from"
        for spec in features
        if spec.name in ranges and given[spec.name] is not None
        if not ranges[spec.name][0] <= given[spec.name] <= ranges[spec.name][1]
    )


_MISSING = "is missing: send null when it is not known"


def _unknown(known: Mapping[str, FeatureSpec]) -> str:
    return f"is not a feature of this model: it reads {', '.join(known)}"


def _misfit(spec: FeatureSpec, value: Any) -> str | None:
    if value is None:
        return None
    if spec.kind is FeatureKind.NUMBER:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return None if is_number else "is not a number"
    return None if value in spec.values else f"is none of the values the model knows: {', '.join(spec.values)}"
