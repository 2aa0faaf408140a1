import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.models.gates import Arm, Gate, GateVerdict, Measure, read_gate, wilson


def a_gate(measure: Measure, limit: float, minimum_n: int = 50) -> Gate:
    return Gate(measure=measure, limit=limit, minimum_n=minimum_n)


def durations(scale: float, n: int = 2000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(4.0, scale, n)


def an_arm(mean: float, n: int, seed: int = 0) -> Arm:
    return Arm(probabilities=np.random.default_rng(seed).beta(2, 2 / mean - 2, n))


def test_twice_the_latency_is_a_breach_and_the_same_latency_passes():
    gate = a_gate(Measure.LATENCY, 0.20)
    old = Arm(durations=durations(1.0))
    assert read_gate(gate, Arm(durations=durations(2.0, seed=1)), old).verdict is GateVerdict.BREACH
    assert read_gate(gate, Arm(durations=durations(1.0, seed=1)), old).verdict is GateVerdict.PASS


def test_a_small_arm_concludes_nothing_however_bad_it_looks():
    reading = read_gate(a_gate(Measure.ERRORS, 0.05), Arm(scored=10, failed=10), Arm(scored=5000, failed=5))
    assert reading.verdict is GateVerdict.WAIT
    assert reading.value is None


def test_errors_breach_when_the_whole_interval_is_beyond_the_limit():
    gate, old = a_gate(Measure.ERRORS, 0.05), Arm(scored=5000, failed=5)
    assert read_gate(gate, Arm(scored=100, failed=20), old).verdict is GateVerdict.BREACH
    assert read_gate(gate, Arm(scored=100, failed=7), old).verdict is GateVerdict.WAIT
    assert read_gate(gate, Arm(scored=2000, failed=2), old).verdict is GateVerdict.PASS


def test_newcombes_interval_is_the_published_one():
    """Newcombe 1998, table II, case a: 56/70 against 48/80 gives 0.0524 to 0.3339."""
    reading = read_gate(a_gate(Measure.ERRORS, 0.05), Arm(scored=70, failed=56), Arm(scored=80, failed=48))
    assert reading.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize("mean", [0.03, 0.07])
def test_predictions_that_moved_either_way_are_a_breach(mean: float):
    reading = read_gate(a_gate(Measure.PREDICTION_SHIFT, 0.15), an_arm(mean, 4000), an_arm(0.05, 4000, seed=1))
    assert reading.verdict is GateVerdict.BREACH


def test_the_same_predictions_pass():
    reading = read_gate(a_gate(Measure.PREDICTION_SHIFT, 0.15), an_arm(0.05, 4000), an_arm(0.05, 4000, seed=1))
    assert reading.verdict is GateVerdict.PASS


def test_two_samples_of_one_mix_of_reasons_are_not_a_change():
    random = np.random.default_rng(3)
    mixes = [
        dict(zip("abcde", map(int, random.multinomial(n, [0.4, 0.3, 0.15, 0.1, 0.05])), strict=True))
        for n in (250, 250)
    ]
    reading = read_gate(a_gate(Measure.REASON_MIX, 0.15), Arm(reasons=mixes[0]), Arm(reasons=mixes[1]))
    assert reading.verdict is not GateVerdict.BREACH


def test_another_principal_reason_is_a_change():
    reading = read_gate(
        a_gate(Measure.REASON_MIX, 0.15), Arm(reasons={"term": 150, "amount": 50}), Arm(reasons={"amount": 200})
    )
    assert reading.verdict is GateVerdict.BREACH


def test_twice_the_defaults_that_were_expected_are_a_breach():
    matured = np.full(1000, 0.05)
    old = Arm(matured=matured, bad=50)
    gate = a_gate(Measure.CALIBRATION, 0.25)
    assert read_gate(gate, Arm(matured=matured, bad=100), old).verdict is GateVerdict.BREACH
    assert read_gate(gate, Arm(matured=np.full(20_000, 0.05), bad=1010), old).verdict is GateVerdict.PASS


def test_a_group_that_loses_its_approvals_is_a_breach():
    old = Arm(approvals={"young": (400, 500), "older": (800, 1000)})
    gate = a_gate(Measure.FAIRNESS, 0.20)
    assert (
        read_gate(gate, Arm(approvals={"young": (150, 500), "older": (800, 1000)}), old).verdict is GateVerdict.BREACH
    )
    assert read_gate(gate, Arm(approvals={"young": (398, 500), "older": (801, 1000)}), old).verdict is GateVerdict.PASS


@given(st.integers(0, 400), st.integers(1, 400))
def test_wilsons_interval_holds_the_share_and_stays_a_share(count: int, more: int):
    total = count + more
    low, high = wilson(count, total, 0.95)
    assert 0.0 <= low <= count / total <= high <= 1.0
