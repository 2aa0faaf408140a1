"""The words the sandbox's sources use for the codes of the South German set.

Each tuple is in the order of the published code table, so a word is found by its code.
"""

CHECKING_STATES = ("none", "overdrawn", "under_200", "over_200")  # status 1..4
SAVINGS_BANDS = ("unknown_or_none", "under_100", "100_to_500", "500_to_1000", "over_1000")  # savings 1..5
REPAYMENT_HISTORIES = (  # credit_history 0..4
    "delayed_before",
    "critical_elsewhere",
    "no_credits_or_all_repaid",
    "repaid_duly_so_far",
    "all_here_repaid",
)
OTHER_PLANS = ("bank", "stores", "none")  # other_installment_plans 1..3
CREDITS_HERE = ("1", "2_to_3", "4_to_5", "6_or_more")  # number_credits 1..4
PURPOSES = (  # purpose 0..10
    "other",
    "car_new",
    "car_used",
    "furniture",
    "radio_tv",
    "appliances",
    "repairs",
    "education",
    "vacation",
    "retraining",
    "business",
)
TENURE_BANDS = ("unemployed", "under_1_year", "1_to_4_years", "4_to_7_years", "over_7_years")  # 1..5
PARTY_ROLES = ("alone", "co_applicant", "guarantor")  # other_debtors 1..3
