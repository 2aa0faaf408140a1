"""What a heading alone says of its column."""

import pytest

from plimsoll.domain.lenders_file.german_headings import in_german
from plimsoll.domain.lenders_file.headings import (
    after_the_fact,
    field_name,
    is_reference,
    label,
    near,
    own_answer,
    sensitive,
    stem,
)


@pytest.mark.parametrize(
    ("heading", "attribute"),
    [
        ("SEX", "sex"),
        ("CODE_GENDER", "sex"),
        ("personal_status_sex", "sex"),
        ("Age", "age"),
        ("ageYears", "age"),
        ("DAYS_BIRTH", "age"),
        ("Geburtsdatum", "age"),
        ("MARRIAGE", "marital status"),
        ("Familienstand", "marital status"),
        ("foreign_worker", "nationality"),
        ("Staatsangehörigkeit", "nationality"),
        ("race", "race or ethnicity"),
        ("Konfession", "religion"),
        ("disabled", "disability"),
        ("is_pregnant", "pregnancy"),
        ("telephone", "telephone"),
        ("First Name", "name"),
        ("name", "name"),
        ("zip_code", "postcode"),
        ("PLZ", "postcode"),
        ("addr_state", "place of residence"),
    ],
)
def test_a_sensitive_attribute_is_known_by_its_name(heading, attribute):
    assert sensitive(heading) == attribute


@pytest.mark.parametrize(
    "heading",
    ["usage", "mortgage", "average_balance", "age_of_oldest_account", "vehicle_age", "company_name", "percentage",
     "checking_state", "car_colour", "manager", "loan_age_months", "present_address_years"],
)  # fmt: skip
def test_a_word_inside_another_or_about_a_thing_is_not_sensitive(heading):
    assert sensitive(heading) is None


@pytest.mark.parametrize(
    "heading",
    ["total_pymnt", "total_pymnt_inv", "total_rec_prncp", "recoveries", "collection_recovery_fee", "last_pymnt_amnt",
     "out_prncp", "out_prncp_inv", "debt_settlement_flag", "settlement_amount", "hardship_flag", "funded_amnt_inv",
     "last_credit_pull_d", "Charged Off Date", "days_past_due", "Inkasso Erlös", "Restschuld"],
)  # fmt: skip
def test_what_was_known_only_afterwards_is_known_by_its_name(heading):
    assert after_the_fact(heading)


@pytest.mark.parametrize(
    "heading",
    ["chargeoff_within_12_mths", "revol_bal", "pub_rec", "delinq_2yrs", "total_acc", "loan_amnt", "term",
     "Inkasso letzte 12 Monate"],
)  # fmt: skip
def test_what_a_bureau_knows_beforehand_is_not_suspected(heading):
    assert not after_the_fact(heading)


def test_the_lenders_own_price_and_grade_are_its_own_answer_and_a_share_of_income_is_not():
    assert own_answer("int_rate")
    assert own_answer("sub_grade")
    assert not own_answer("installment_rate")
    assert not own_answer("school_grade_average")


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Loan Amount (€)", "loan_amount"),
        ("delinq_2yrs", "delinq_2yrs"),
        ("class", "class_given"),
        ("model_year", "the_model_year"),
        ("amount", "amount_given"),
        ("1st payment", "n_1st_payment"),
        ("Größe", "grosse"),
        ("日本", "column"),
        ("MonthlyIncome", "monthly_income_given"),
    ],
)
def test_a_field_gets_a_plain_name_that_means_nothing_else(heading, name):
    assert field_name(heading, ()) == name


def test_a_second_column_of_one_name_gets_a_number():
    assert field_name("Rate", ("rate", "rate_2")) == "rate_3"


def test_a_label_is_what_a_person_would_say():
    assert label("mths_since_last_delinq") == "Months since last delinquencies"
    assert label("inq_last_6mths") == "Inquiries last 6 months"
    assert label("Anzahl_Verspätungen") == "Anzahl Verspätungen"
    assert label("LIMIT_BAL") == "Limit balance"


def test_a_number_of_the_case_is_known_by_its_name():
    assert is_reference("loan_no")
    assert is_reference("customerId")
    assert not is_reference("number_credits")
    assert not is_reference("paid")


def test_months_of_one_thing_share_a_stem():
    assert stem("pay_2") == stem("pay_6") == "pay"
    assert stem("bill_amt1") == "bill_amt"


def test_a_name_nobody_has_is_answered_with_the_nearest():
    assert near("loan_statu", ["loan_status", "loan_amnt", "dti"])[0] == "loan_status"
    assert near("zzz", ["loan_status"]) == []


@pytest.mark.parametrize(
    ("heading", "german"),
    [
        ("annual_inc", "Jahreseinkommen"),
        ("delinq_2yrs", "Zahlungsrückstände in zwei Jahren"),
        ("dti", "Schulden im Verhältnis zum Einkommen"),
        ("HOME_OWNERSHIP", "Wohnverhältnis"),
        ("Kontostand", "Kontostand"),
        ("x_factor", None),
    ],
)
def test_a_heading_is_said_in_german_where_it_is_known_as_a_whole(heading, german):
    assert in_german(label(heading)) == german
