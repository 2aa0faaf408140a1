"""An application is closed and strict: every bad input has a field and a sentence, and none a traceback."""

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from plimsoll.domain.errors import FieldsInvalid
from plimsoll.domain.underwriting.application import body_model, read_body
from plimsoll.domain.underwriting.facts import Stage
from plimsoll.domain.underwriting.product import FieldKind, FieldSpec
from plimsoll.domain.values import Outcome
from tests.applicants import a_body, some_facts, the_policy, the_product

NAN, INFINITY = float("nan"), float("inf")


def problems_of(body: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(FieldsInvalid) as refused:
        read_body(the_product(), body)
    return {problem["field"]: problem["problem"] for problem in refused.value.details["fields"]}  # type: ignore[attr-defined]


def without(path: str) -> dict[str, Any]:
    body = {name: dict(value) if isinstance(value, dict) else value for name, value in a_body().items()}
    section, _, name = path.rpartition(".")
    del (body[section] if section else body)[name]
    return body


def test_the_products_own_example_is_valid():
    application = read_body(the_product(), a_body())
    assert application.amount == Decimal("2500.00")


@pytest.mark.parametrize(
    "path",
    ["amount", "currency", "term_months", "type", "purpose", "applicant", "financial", "applicant.id",
     "applicant.name", "applicant.date_of_birth", "applicant.employment_status", "applicant.tenure_band",
     "financial.monthly_income"],
)  # fmt: skip
def test_a_missing_mandatory_field_is_named(path: str):
    assert problems_of(without(path)) == {path: "is missing"}


@pytest.mark.parametrize("path", ["external_id", "jurisdiction", "consents", "priority", "financial.housing"])
def test_an_optional_field_may_be_left_out(path: str):
    read_body(the_product(), without(path))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"decision": "approve"}, "decision"),
        ({"applicant": {"sex": "f"}}, "applicant.sex"),
        ({"financial": {"score": 900}}, "financial.score"),
        ({"consents": [{"source": "bureau", "purpose": "credit_application", "forever": True}]}, "consents.0.forever"),
    ],
)
def test_an_unknown_field_is_refused_never_ignored(change: dict, field: str):
    assert problems_of(a_body(**change)) == {field: "is not a field of this product"}


@pytest.mark.parametrize(
    "amount",
    ["0", "0.00", "-1", "-0.01", 0, -5, "", " ", "ten", "1,000.00", "1e400", "NaN", "Infinity", "-inf", "12.345",
     "1" + "0" * 400, 10**400, "9" * 13, NAN, INFINITY, 2500.0, None, True, [], "2500\x00", "٢٥٠٠x"],
    ids=lambda amount: repr(amount)[:20],
)  # fmt: skip
def test_an_amount_that_is_no_sum_of_money_is_refused(amount: Any):
    assert list(problems_of(a_body(amount=amount))) == ["amount"]


@pytest.mark.parametrize("term", [0, -1, 481, 1.5, "soon", None, 10**400, INFINITY, NAN, [], ""])
def test_a_term_that_is_no_number_of_months_is_refused(term: Any):
    assert list(problems_of(a_body(term_months=term))) == ["term_months"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"currency": "EUR"}, "currency"),
        ({"currency": "dem"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"type": "insurance"}, "type"),
        ({"type": "mortgage"}, "type"),
        ({"purpose": "yacht"}, "purpose"),
        ({"priority": "asap"}, "priority"),
        ({"jurisdiction": "D\x00E"}, "jurisdiction"),
        ({"jurisdiction": "DE" * 10}, "jurisdiction"),
        ({"external_id": "x" * 81}, "external_id"),
        ({"external_id": "a\x00b"}, "external_id"),
        ({"applicant": {"name": ""}}, "applicant.name"),
        ({"applicant": {"name": "A\x00"}}, "applicant.name"),
        ({"applicant": {"name": "x" * 201}}, "applicant.name"),
        ({"applicant": {"name": 17}}, "applicant.name"),
        ({"applicant": {"date_of_birth": "1984-02-30"}}, "applicant.date_of_birth"),
        ({"applicant": {"date_of_birth": "12.04.1984"}}, "applicant.date_of_birth"),
        ({"applicant": {"employment_status": "pirate"}}, "applicant.employment_status"),
        ({"financial": {"monthly_income": "-1"}}, "financial.monthly_income"),
        ({"financial": {"monthly_income": 1400.5}}, "financial.monthly_income"),
        ({"financial": {"monthly_income": NAN}}, "financial.monthly_income"),
        ({"financial": "rich"}, "financial"),
        ({"consents": [{"source": "bureau"}]}, "consents.0.purpose"),
        ({"consents": [{"source": "b\x00", "purpose": "p"}]}, "consents.0.source"),
        ({"consents": [{"source": "bureau", "purpose": "p"}] * 21}, "consents"),
    ],
)  # fmt: skip
def test_a_value_outside_its_kind_is_refused_at_its_field(change: dict, field: str):
    assert list(problems_of(a_body(**change))) == [field]


def test_every_wrong_field_is_named_at_once():
    found = problems_of(a_body(amount="-1", currency="XXXX", surprise=1, applicant={"name": ""}))
    assert set(found) == {"amount", "currency", "surprise", "applicant.name"}


def test_a_refusal_never_repeats_the_value_because_it_may_be_personal():
    found = problems_of(a_body(applicant={"date_of_birth": "Secret-Canary"}, amount="Secret-Canary"))
    assert "Secret-Canary" not in str(found)


def test_an_applicant_under_18_is_declined_by_rule_with_its_reason_and_not_refused_as_an_error():
    body = a_body(applicant={"date_of_birth": "2010-01-01"})
    read_body(the_product(), body)
    product, policy = the_product(), the_policy()
    facts = some_facts(Stage.SCREEN, body=body)
    (hit,) = policy.evaluate(product, policy.pin(product), Stage.SCREEN, facts).hits
    assert (hit.effect, hit.reason) == (Outcome.DECLINE, "under_contract_age")


@given(
    some.recursive(
        some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
        lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    ),
    some.sampled_from(["amount", "term_months", "applicant", "financial", "consents", "purpose", "jurisdiction"]),
)
def test_whatever_stands_in_a_field_is_taken_or_refused_and_nothing_else(value: Any, name: str):
    with contextlib.suppress(FieldsInvalid):
        read_body(the_product(), {**a_body(), name: value})


def test_a_products_decimal_keeps_its_bounds():
    rent = FieldSpec(
        path="financial.rent", kind=FieldKind.DECIMAL, description="rent", minimum=Decimal(1), maximum=Decimal(9)
    )
    product = the_product().model_copy(update={"fields": (*the_product().fields, rent), "digest": "with a rent"})
    assert body_model(product).model_validate(a_body(financial={"rent": "5.00"}))
    with pytest.raises(FieldsInvalid):
        read_body(product, a_body(financial={"rent": "9.01"}))


def test_what_is_no_number_is_refused_in_one_sentence():
    used = FieldSpec(path="financial.used", kind=FieldKind.NUMBER, description="share of the line in use")
    product = the_product().model_copy(update={"fields": (*the_product().fields, used), "digest": "with what is used"})
    with pytest.raises(FieldsInvalid) as refused:
        read_body(product, a_body(financial={"used": "lots"}))
    assert refused.value.details["fields"] == [  # type: ignore[attr-defined]
        {"field": "financial.used", "problem": "Input should be a valid number"}
    ]
