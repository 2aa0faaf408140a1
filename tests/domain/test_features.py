"""How facts become columns."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.models.features import (
    column_names,
    columns_of,
    matrix,
    monotone_signs,
    not_known,
    owners,
    snapshot,
    vector,
)
from plimsoll.domain.underwriting.product import Direction, FeatureKind, FeatureSpec
from tests.applicants import some_facts, the_product

STATE = FeatureSpec(
    name="state",
    path="evidence.bank.state",
    kind=FeatureKind.ORDINAL,
    values=("low", "middle", "high"),
    direction=Direction.DOWN,
    concept="state",
)
AIM = FeatureSpec(name="aim", path="request.aim", kind=FeatureKind.CATEGORY, values=("car", "house"), concept="aim")
SIZE = FeatureSpec(name="size", path="request.size", kind=FeatureKind.NUMBER, direction=Direction.UP, concept="size")
ALL = (STATE, AIM, SIZE)


def test_a_number_is_itself_an_ordinal_its_place_a_category_one_column_per_value():
    row = vector(ALL, {"state": "high", "aim": "house", "size": 12})
    assert row.tolist() == [2, 0, 1, 12]
    assert column_names(ALL) == ["state", "aim=car", "aim=house", "size"]


def test_what_is_not_known_is_never_zero():
    row = vector(ALL, {"state": None, "aim": None, "size": None})
    assert np.isnan(row).all()


def test_a_word_outside_the_order_has_no_place():
    assert np.isnan(vector((STATE,), {"state": "superb"})).all()


def test_a_word_outside_a_category_is_none_of_its_values():
    assert vector((AIM,), {"aim": "boat"}).tolist() == [0, 0]


def test_each_column_knows_its_feature_and_its_direction():
    assert owners(ALL).tolist() == [0, 1, 1, 2]
    assert monotone_signs(ALL) == [-1, 0, 0, 1]


def test_a_matrix_stacks_snapshots():
    snapshots = [{"state": "low", "aim": "car", "size": 1}, {"state": "high", "aim": "car", "size": 2}]
    rows = matrix(ALL, columns_of(ALL, snapshots))
    assert rows.shape == (2, 4)
    assert rows.dtype == np.float32


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "state": st.sampled_from(["low", "middle", "high", "superb", None]),
                "aim": st.sampled_from(["car", "house", "boat", None]),
                "size": st.none() | st.integers(-1000, 1000),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
def test_columns_give_the_very_numbers_that_single_rows_give(snapshots):
    """What a model was trained on is what it is asked with."""
    together = matrix(ALL, columns_of(ALL, snapshots))
    assert np.array_equal(together, np.stack([vector(ALL, row) for row in snapshots]), equal_nan=True)


def test_a_feature_without_a_column_is_not_known():
    rows = matrix(ALL, {"size": np.array([1.0, 2.0])})
    assert np.isnan(rows[:, :3]).all()
    assert rows[:, 3].tolist() == [1, 2]


def test_not_a_number_in_a_column_of_words_is_absent():
    words = np.array(["car", float("nan"), None], dtype=object)
    assert np.isnan(matrix((AIM,), {"aim": words})).all(axis=1).tolist() == [False, True, True]


def test_a_snapshot_keeps_the_words_of_the_product():
    values = snapshot(the_product().features, some_facts(missing=["bank"]))
    assert values["purpose"] == "furniture"
    assert set(not_known(values)) == {"checking_state", "savings_band"}


def test_the_product_declares_nine_features_and_seven_directions():
    features = the_product().features
    assert len(features) == 9
    assert sum(spec.direction is not Direction.FREE for spec in features) == 7
