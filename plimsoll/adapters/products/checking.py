"""What `plimsoll product check` looks at. Each check gives sentences: what, where, what to do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plimsoll.domain.errors import FieldsInvalid, PlimsollError
from plimsoll.domain.underwriting.application import read_body
from plimsoll.domain.underwriting.facts import Stage, fact_paths, is_protected
from plimsoll.domain.underwriting.policy import parse_policy
from plimsoll.domain.underwriting.product import FeatureKind, Product

LANGUAGES_WANTED = ("en", "de")


def problems(product: Product, pack: Path) -> list[str]:
    """Everything wrong with a pack; nothing when it is whole."""
    return [
        *_features(product),
        *_concepts_without_reason(product),
        *_sentences(product),
        *_reasons_of_people(product),
        *_evidence(product),
        *_protected_in_rules(product, pack),
        *_reasons_of_rules(product, pack),
        *_example(product),
    ]


def _features(product: Product) -> Iterator[str]:
    known = fact_paths(product, Stage.DECIDE)
    for spec in product.features:
        if is_protected(product, spec.path) or spec.name in product.protected:
            yield f"product.toml: feature {spec.name} reads {spec.path}, which is protected; no model may."
        elif spec.path not in known:
            yield f"product.toml: feature {spec.name} reads {spec.path}, which no field and no source declares."
        if spec.kind is not FeatureKind.NUMBER and not spec.values:
            yield f"product.toml: feature {spec.name} is of kind {spec.kind} and needs its `values`."


def _concepts_without_reason(product: Product) -> Iterator[str]:
    spoken_for = {concept for spec in product.reasons for concept in spec.concepts}
    for spec in product.features:
        if spec.concept not in spoken_for:
            yield f"reasons.toml: no reason speaks for {spec.concept!r} (feature {spec.name}); add one."


def _sentences(product: Product) -> Iterator[str]:
    for spec in product.reasons:
        for language in LANGUAGES_WANTED:
            if language not in spec.text:
                yield f"reasons.toml: {spec.code} has no sentence in {language!r}."
    codes = [spec.code for spec in product.reasons]
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        yield f"reasons.toml: {code} stands there more than once."


def _reasons_of_people(product: Product) -> Iterator[str]:
    """What a reviewer picks is written for reviewers: an applicant reads the sentence of the same code."""
    spoken = {spec.code for spec in product.reasons}
    for code in product.review.reasons:
        if code not in spoken:
            yield f"reasons.toml: {code}, which reviewers may choose, has no sentence for the applicant."


def _evidence(product: Product) -> Iterator[str]:
    declared = {spec.path for spec in product.evidence}
    promised = {f"{source.name}.{field}" for source in product.sources for field in source.evidence}
    for path in sorted(declared - promised):
        yield f"product.toml: evidence {path} is declared, but no source lists it in its `evidence`."
    for path in sorted(promised - declared):
        yield f"product.toml: a source lists {path}, which no [[evidence]] describes."


def _protected_in_rules(product: Product, pack: Path) -> Iterator[str]:
    for node in _policy_nodes(pack):
        for column in node.get("content", {}).get("inputs") or []:
            if is_protected(product, column.get("field") or ""):
                yield f"policy.json: table {node['id']} reads {column['field']}, which is protected."


def _reasons_of_rules(product: Product, pack: Path) -> Iterator[str]:
    known = {spec.code for spec in product.reasons}
    try:
        policy = parse_policy((pack / "policy.json").read_bytes(), f"{pack.name}/policy.json")
    except OSError:
        yield f"{pack.name}/policy.json is missing; every pack has one."
        return
    except PlimsollError as error:
        yield error.message
        return
    for rule in policy.rules:
        if rule.reason and rule.reason not in known:
            yield f"policy.json: {rule.id} gives the reason {rule.reason!r}, which reasons.toml does not have."


def _example(product: Product) -> Iterator[str]:
    try:
        read_body(product, product.example)
    except FieldsInvalid as error:
        for problem in error.details["fields"]:  # type: ignore[attr-defined]
            yield f"product.toml: example.{problem['field']} {problem['problem']}."


def _policy_nodes(pack: Path) -> list[dict[str, Any]]:
    try:
        return json.loads((pack / "policy.json").read_bytes()).get("nodes", [])
    except (OSError, ValueError, AttributeError):
        return []  # said elsewhere
