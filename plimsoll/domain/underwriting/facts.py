"""Facts: the flat, typed view of one application that rules and models may read.

Protected fields (names, birth dates, sex, marital status…) never get in here; age appears
only where contract capacity is judged.
"""

import math
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from plimsoll.domain.underwriting.product import FieldKind, FieldSpec, Product
from plimsoll.domain.values import Value


class Stage(StrEnum):
    SCREEN = "screen"  # only what the applicant declared
    DECIDE = "decide"  # with evidence and score


SCORE_FACTS = ("pd", "sample_probability", "interval_low", "interval_high", "near_cut", "novelty")
OFFER_FACTS = ("amount", "term_months", "payment", "payment_share")


class Ask(Value):
    """What is asked for: an amount and a term."""

    amount: Decimal
    term_months: int


class Facts(Value):
    """One application as of one moment. `values` is nested: request, applicant, financial, evidence…

    Numbers are int or float (rules and models compare them); money stays Decimal elsewhere.
    """

    values: dict[str, Any]

    def read(self, path: str) -> Any:
        """The value at a dotted path, None when any part of it is absent."""
        found: Any = self.values
        for part in path.split("."):
            if not isinstance(found, dict) or part not in found:
                return None
            found = found[part]
        return found

    def with_values(self, **sections: dict[str, Any]) -> "Facts":
        return Facts(values={**self.values, **sections})


def facts_of(
    product: Product,
    body: dict[str, Any],
    evidence: dict[str, dict[str, Any]] | None = None,
    *,
    missing: Iterable[str] = (),
    mismatched: Iterable[str] = (),
    as_of: date,
    stage: Stage,
) -> Facts:
    """What rules and models may know of one application, as of one date.

    `body` is the validated application (money as Decimal or text), `evidence` the summary of
    each source that answered. A source that is not among them, or whose summary breaks the
    product's vocabulary, counts as missing: garbage never decides. A mismatched source spoke
    about somebody else, so nothing it said gets in.
    """
    facts = _declared(product, body)
    if stage is Stage.SCREEN:
        return Facts(values=_with_capacity(product, facts, body, as_of))
    mismatched = set(mismatched)
    usable = {
        source: said
        for source, said in (evidence or {}).items()
        if source not in mismatched and source not in set(missing) and is_usable(product, source, said)
    }
    facts["evidence"] = {source: _in_vocabulary(product, source, said) for source, said in usable.items()}
    facts["missing"] = [s.name for s in product.sources if s.name not in usable and s.name not in mismatched]
    facts["mismatched"] = sorted(mismatched)
    return Facts(values=facts)


def is_usable(product: Product, source: str, said: dict[str, Any]) -> bool:
    """Whether a summary has every required field, each with a value of the product's vocabulary."""
    specs = _vocabulary(product, source)
    return bool(specs) and all(_fits(spec, said.get(name)) for name, spec in specs.items())


def fact_paths(product: Product, stage: Stage) -> set[str]:
    """Every path a rule may read at this stage."""
    paths = {"request.amount", "request.currency", "request.term_months", "jurisdiction"}
    paths |= {"applicant.employment_status", "financial.monthly_income"}
    paths |= {spec.path if "." in spec.path else f"request.{spec.path}" for spec in product.fields}
    if stage is Stage.SCREEN:
        paths |= {"applicant.age", "limits.contract_age"}
    else:
        paths |= {f"evidence.{spec.path}" for spec in product.evidence} | {"missing", "mismatched"}
        paths |= {f"score.{name}" for name in SCORE_FACTS} | {f"offer.{name}" for name in OFFER_FACTS}
    return paths - {path for path in paths if is_protected(product, path)}


def is_protected(product: Product, path: str) -> bool:
    """Whether a path, or the last part of it, is on the product's list of protected fields."""
    return bool({path, path.split(".", 1)[-1], path.rpartition(".")[2]} & set(product.protected)) and (
        path not in ("applicant.age",)  # contract capacity, at the screen only
    )


def age_on(born: date, day: date) -> int:
    """Full years on that day; someone born on 29 February turns a year older on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _declared(product: Product, body: dict[str, Any]) -> dict[str, Any]:
    """The frame's unprotected fields and the product's own; top-level ones are in `request`."""
    facts: dict[str, Any] = {
        "request": {"amount": _number(body["amount"]), "currency": body["currency"]},
        "applicant": {"employment_status": body["applicant"]["employment_status"]},
        "financial": {"monthly_income": _number(body["financial"]["monthly_income"])},
        "jurisdiction": body.get("jurisdiction") or product.jurisdiction,
    }
    facts["request"]["term_months"] = int(body["term_months"])
    for spec in product.fields:
        if spec.path not in product.protected:
            section, _, name = spec.path.rpartition(".")
            facts.setdefault(section or "request", {})[name] = _plain(spec, _at(body, spec.path))
    return facts


def _with_capacity(product: Product, facts: dict[str, Any], body: dict[str, Any], as_of: date) -> dict[str, Any]:
    """Age enters here only, to judge contract capacity (Reg B 1002.6(b)(2)(i))."""
    born = body["applicant"]["date_of_birth"]
    born = born if isinstance(born, date) else date.fromisoformat(born)
    applicant = {**facts["applicant"], "age": age_on(born, as_of)}
    return {
        **facts,
        "applicant": applicant,
        "limits": {"contract_age": product.age_of_contract(facts["jurisdiction"])},
    }


def _vocabulary(product: Product, source: str) -> dict[str, FieldSpec]:
    prefix = f"{source}."
    return {spec.path.removeprefix(prefix): spec for spec in product.evidence if spec.path.startswith(prefix)}


def _in_vocabulary(product: Product, source: str, said: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _plain(spec, said.get(name))
        for name, spec in _vocabulary(product, source).items()
        if spec.path not in product.protected
    }


def _fits(spec: FieldSpec, value: Any) -> bool:
    if value is None:
        return not spec.required
    if spec.kind is FieldKind.CHOICE:
        return value in spec.values
    if spec.kind is FieldKind.BOOLEAN:
        return isinstance(value, bool)
    if spec.kind in (FieldKind.INTEGER, FieldKind.DECIMAL, FieldKind.NUMBER):
        return _fits_as_number(spec, value)
    return isinstance(value, str)


def _fits_as_number(spec: FieldSpec, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        return False
    low_enough = spec.maximum is None or value <= spec.maximum
    return low_enough and (spec.minimum is None or value >= spec.minimum)


def _plain(spec: FieldSpec, value: Any) -> Any:
    """Rules and models compare int and float; money stays Decimal elsewhere."""
    if value is None or spec.kind is not FieldKind.DECIMAL:
        return value
    return _number(value)


def _number(value: Any) -> float:
    return float(Decimal(str(value)))


def _at(body: dict[str, Any], path: str) -> Any:
    found: Any = body
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
