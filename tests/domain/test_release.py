"""What keeps a model from being released, in a sentence each."""

from plimsoll.domain.models.release import blockers
from plimsoll.domain.underwriting.product import Direction, FeatureKind, FeatureSpec
from tests.applicants import the_product

FEATURES = the_product().features


def test_the_shipped_features_may_be_released():
    assert blockers(the_product(), FEATURES) == ()


def test_a_feature_nobody_could_be_told_of_may_not():
    mute = FEATURES[0].model_copy(update={"concept": "shoe_size"})
    (sentence,) = blockers(the_product(), (mute, *FEATURES[1:]))
    assert "shoe_size" in sentence


def test_a_protected_feature_may_not():
    age = FeatureSpec(name="age", path="applicant.age", kind=FeatureKind.NUMBER, concept=FEATURES[0].concept)
    assert any("protected" in sentence for sentence in blockers(the_product(), (*FEATURES, age)))


def test_a_broken_direction_may_not():
    (sentence,) = blockers(the_product(), FEATURES, broken_directions=("amount",))
    assert "wrong way along amount" in sentence


def test_a_model_not_held_to_a_direction_the_product_wants_may_not():
    free = tuple(
        spec.model_copy(update={"direction": Direction.FREE}) if spec.name == "amount" else spec for spec in FEATURES
    )
    (sentence,) = blockers(the_product(), free)
    assert "wants amount to go up" in sentence
