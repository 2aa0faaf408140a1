import pytest

from plimsoll.domain.errors import FieldsInvalid
from plimsoll.domain.models.asking import must_fit, warnings_about
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec

SAVINGS = "evidence.bank.savings"
FEATURES = (
    FeatureSpec(name="amount", path="request.amount", kind=FeatureKind.NUMBER, concept="amount"),
    FeatureSpec(name="savings", path=SAVINGS, kind=FeatureKind.ORDINAL, values=("none", "some"), concept="savings"),
)
WELL = {"amount": 2500, "savings": "some"}


def problems(given: dict) -> dict[str, str]:
    with pytest.raises(FieldsInvalid) as refused:
        must_fit(FEATURES, given)
    return {found["field"]: found["problem"] for found in refused.value.details["fields"]}


def test_what_fits_and_what_is_not_known_are_taken():
    must_fit(FEATURES, WELL)
    must_fit(FEATURES, {"amount": None, "savings": None})


def test_a_missing_feature_is_not_read_as_nothing():
    assert problems({"amount": 2500}) == {"features.savings": "is missing: send null when it is not known"}


@pytest.mark.parametrize("value", ["2500", True, float("nan"), float("inf"), [1]])
def test_a_number_is_a_number(value: object):
    assert problems(WELL | {"amount": value}) == {"features.amount": "is not a number"}


@pytest.mark.parametrize("value", ["plenty", 1, ["some"], {}])
def test_a_value_nobody_has_seen_is_refused(value: object):
    assert problems(WELL | {"savings": value}) == {
        "features.savings": "is none of the values the model knows: none, some"
    }


def test_every_problem_is_named_at_once():
    assert set(problems({"savings": "plenty", "sex": "f"})) == {"features.amount", "features.savings", "features.sex"}


def test_a_number_outside_training_is_answered_with_a_warning():
    ranges = {"amount": (250.0, 18_424.0)}
    assert warnings_about(FEATURES, WELL, ranges) == ()
    assert warnings_about(FEATURES, WELL | {"amount": 90_000}, ranges) == (
        "amount is 90000, outside the 250 to 18424 that the model has learnt from",
    )
    assert warnings_about(FEATURES, {"amount": None, "savings": None}, ranges) == ()
