"""Principal reasons: adverse only, grouped, at most four, true."""

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.underwriting.decision import RuleHit
from plimsoll.domain.underwriting.reasons import (
    MOST_REASONS,
    first_ranked,
    reason_of_code,
    rule_reasons,
    say,
    score_reasons,
    sentence,
)
from plimsoll.domain.values import Outcome
from tests.applicants import the_product

NAMES = [spec.name for spec in the_product().features]
VALUES = {
    "checking_state": "overdrawn",
    "term_months": 48,
    "repayment_history": "delayed_before",
    "purpose": "car_new",
    "amount": 7882.0,
    "savings_band": "under_100",
    "tenure_band": "under_1_year",
    "party_role": "alone",
    "other_plans": "bank",
}


def told(**contributions: float) -> list[str]:
    return [reason.text for reason in score_reasons(the_product(), contributions, VALUES)]


def test_reasons_are_said_with_the_persons_own_value():
    assert told(checking_state=1.0, amount=0.5) == [
        "State of your checking account: overdrawn",
        "The amount asked for is high: 7,882 DEM",
    ]


def test_a_small_share_is_not_rounded_away():
    spec = reason_of_code(the_product(), "amount_high")
    assert say(spec, 0.0042, "en") == "The amount asked for is high: 0.0042 DEM"
    assert say(spec, 1234.5, "en") == "The amount asked for is high: 1,234.50 DEM"


def test_a_german_number_is_written_the_german_way():
    spec = reason_of_code(the_product(), "amount_high")
    assert say(spec, 9800.0, "de").endswith(": 9.800 DEM")
    assert say(spec, 1234.5, "de").endswith(": 1.234,50 DEM")
    assert say(spec, None, "de").endswith(": nicht bekannt DEM")


def test_what_helped_the_applicant_is_no_reason():
    assert told(checking_state=-1.0, amount=0.5, term_months=0.0) == ["The amount asked for is high: 7,882 DEM"]


def test_a_trifle_beside_the_main_reason_is_no_principal_reason():
    assert len(told(checking_state=1.0, amount=0.02)) == 1


def test_could_not_verify_is_said_only_when_the_value_is_truly_missing():
    product = the_product()
    missing = score_reasons(product, {"savings_band": 1.0}, VALUES | {"savings_band": None})
    known = score_reasons(product, {"savings_band": 1.0}, VALUES)
    assert missing[0].text == "We could not verify your savings with your bank"
    assert known[0].text == "Savings: under 100 DEM"


def test_a_recorded_reason_can_be_said_in_german():
    reason = score_reasons(the_product(), {"tenure_band": 1.0}, VALUES)[0]
    assert sentence(the_product(), reason, "de") == "Dauer der Beschäftigung: unter einem Jahr"
    assert sentence(the_product(), reason, "fr") == "Length of employment: under one year"


@given(st.fixed_dictionaries({name: st.floats(-3, 3) for name in NAMES}))
def test_at_most_four_reasons_all_adverse_most_adverse_first(contributions):
    reasons = score_reasons(the_product(), contributions, VALUES)
    weights = [contributions[reason.feature] for reason in reasons]
    assert len(reasons) <= MOST_REASONS
    assert all(weight > 0 for weight in weights)
    assert weights == sorted(weights, reverse=True)
    assert bool(reasons) == any(weight > 0 for weight in contributions.values())


def test_rules_give_their_own_reasons_each_once_in_order():
    hits = [_hit("A", "insolvency"), _hit("B", "fraud_alert"), _hit("C", "insolvency"), _hit("D", None)]
    assert [reason.code for reason in rule_reasons(the_product(), hits)] == ["insolvency", "fraud_alert"]


def test_two_lists_become_one_of_four_with_the_first_in_front():
    rules = rule_reasons(the_product(), [_hit("A", "insolvency"), _hit("B", "fraud_alert")])
    score = score_reasons(the_product(), dict.fromkeys(NAMES, 1.0), VALUES)
    both = first_ranked(rules, score)
    assert [reason.code for reason in both[:2]] == ["insolvency", "fraud_alert"]
    assert [reason.rank for reason in both] == [1, 2, 3, 4]


def _hit(rule: str, reason: str | None) -> RuleHit:
    return RuleHit(id=rule, name=rule, effect=Outcome.DECLINE, reason=reason, values_read={})
