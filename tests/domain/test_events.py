"""What an event may say, and the sentence about one that may not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.domain.errors import FieldsInvalid
from plimsoll.domain.watching.batch import Batch
from plimsoll.domain.watching.events import (
    Category,
    Channel,
    Coded,
    DatePrecision,
    Direction,
    Event,
    Feed,
    Kind,
    read_event,
)
from plimsoll.domain.watching.reading import read_columns, read_records
from tests.customers_events import NOON, a_line, an_event


def problem_of(line: Any, feed: Feed = Feed.TRANSACTIONS) -> str:
    with pytest.raises(FieldsInvalid) as refused:
        read_event(line, NOON, feed)
    return refused.value.message


def test_a_day_alone_is_kept_as_a_day_and_a_month_as_its_middle():
    day, month = an_event(occurred_at="2026-03-30"), an_event(occurred_at="2026-02")
    assert (day.occurred_at, day.date_precision) == (datetime(2026, 3, 30, tzinfo=UTC), DatePrecision.DAY)
    assert (month.occurred_at, month.date_precision) == (datetime(2026, 2, 15, tzinfo=UTC), DatePrecision.MONTH)


def test_what_happened_is_known_at_once_unless_it_says_later():
    assert an_event().known_at == an_event().occurred_at
    assert an_event(known_at="2026-03-31").known_at == datetime(2026, 3, 31, tzinfo=UTC)
    assert an_event(known_at="2026-03-30").known_at == an_event().occurred_at


def test_a_repayment_is_money_that_leaves_for_a_loan():
    repayment = an_event(kind="repayment", direction=None, category=None)
    assert (repayment.direction, repayment.category) == (Direction.DEBIT, Category.LOAN_PAYMENT)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": "-5.00"}, '`amount` is "-5.00": it is never negative, `direction` says which way money went.'),
        ({"amount": "NaN"}, '`amount` is "NaN": write an amount below 100,000,000,000 with at most 4 decimals.'),
        ({"amount": "1.23456"}, "with at most 4 decimals"),
        ({"amount": "1e30"}, '`amount` is "1e30"'),
        ({"amount": None}, "`amount` is missing: a transaction has one."),
        ({"currency": "XYZ"}, "`currency` is 'XYZ': it is no currency of ISO 4217."),
        ({"currency": "euro"}, '`currency` is "euro": write its three letters, such as EUR.'),
        ({"occurred_at": "2026-04-02"}, "`occurred_at` is 2026-04-02 00:00 UTC, still to come"),
        ({"occurred_at": "2026-03-31T12:06:00Z"}, "check the clock or the zone it was written with."),
        ({"occurred_at": "2026-03-30T09:30:00"}, "write a moment with its offset"),
        ({"occurred_at": 1743327000}, "`occurred_at` is 1743327000: write a moment"),
        ({"occurred_at": "1969-12-31"}, "before 1970: check how the date was written."),
        ({"known_at": "2026-03-29"}, "before it happened (2026-03-30 09:30 UTC)"),
        ({"direction": "out"}, '`direction` is "out": choose debit or credit.'),
        ({"category": "fun"}, '`category` is "fun": choose salary, benefits,'),
        ({"customer": "a\x00b"}, "`customer` cannot be read: write your own id of the customer"),
        ({"customer": "\ud800"}, "`customer` cannot be read"),
        ({"transaction_id": "x" * 81}, "`transaction_id` cannot be read: write an id of 1 to 80"),
        ({"mood": "good"}, "is no field of an event: leave it out."),
        ({"months_late": 1}, "`months_late` is no field of a transaction: leave it out, or say another `kind`."),
        ({"failed": "perhaps"}, '`failed` is "perhaps": write true or false.'),
        ({"kind": "status"}, "`period` is missing: a status has one."),
    ],
)
def test_a_bad_line_is_one_sentence_that_says_what_and_what_to_do(changes: dict[str, Any], said: str):
    problem = problem_of(a_line() | changes if changes.get("amount", 0) is not None else a_line(**changes))
    assert said in problem
    assert problem.count("\n") == 0
    assert problem.endswith(".")


def test_an_event_some_minutes_ahead_of_our_clock_is_taken():
    assert read_event(a_line(occurred_at="2026-03-31T12:04:00Z"), NOON)


def test_a_sentence_repeats_no_name_of_a_person_and_no_long_text():
    assert "Jane Doe" not in problem_of(a_line(customer="Jane\tDoe " * 30))
    assert len(problem_of(a_line(direction="x" * 5000))) < 200


def test_repayments_hold_no_purchases():
    assert "all else goes to transactions" in problem_of(a_line(kind="transaction"), Feed.REPAYMENTS)


def test_codes_are_kept_for_good():
    """Rows in databases hold these numbers: new members go last."""
    assert [word.code for word in (Kind.TRANSACTION, Kind.ACCOUNT_OPENED)] == [1, 6]
    assert [word.code for word in (Category.SALARY, Category.GAMBLING, Category.OTHER)] == [1, 16, 20]
    assert [word.code for word in (Channel.CARD, Channel.OTHER)] == [1, 11]
    assert [word.code for word in (Direction.DEBIT, Direction.CREDIT)] == [1, 2]
    assert [word.code for word in DatePrecision] == [1, 2, 3]
    assert all(isinstance(word, Coded) for word in Kind)


# Reading by column agrees with the exact reader --------------------------------------------------------

MOMENTS = ["2026-03-30T09:30:00Z", "2026-03-30T23:30:00+02:00", "2026-03-30T09:30:00.123456Z", "2026-03-30", "2026-02",
           "2026-02-30", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-31T12:04:59Z", "2026-04-01",
           "2027-01-01T00:00:00Z", "1969-01-01", "20260330T093000Z", "soon", "", 5, None,
           "2026-03-30T24:00:00Z"]  # fmt: skip
NUMBERS = ["1", "0", "-0", "-3.20", "12.3456", "1.23456", "1e3", " 7", "1_000", "NaN", "inf", "٣", "99999999999.9999",
           "100000000000", 7, -7, 10**12, True, 1.5, None, "", []]  # fmt: skip
NAMES = ["a", "cust-1", "x" * 80, "x" * 81, "", "a\x00b", "\ud800", "naïve", 5, None, {}]
LINES = st.fixed_dictionaries(
    {
        "transaction_id": st.sampled_from(NAMES),
        "customer": st.sampled_from(NAMES),
        "occurred_at": st.sampled_from(MOMENTS),
        "amount": st.sampled_from(NUMBERS),
        "currency": st.sampled_from(["EUR", "XYZ", "eur", "", None, 5]),
        "direction": st.sampled_from(["debit", "credit", "out", None, []]),
    },
    optional={
        "kind": st.sampled_from([*Kind, "other", None]),
        "known_at": st.sampled_from(MOMENTS),
        "date_precision": st.sampled_from([*DatePrecision, "year", None]),
        "account": st.sampled_from(NAMES),
        "merchant": st.sampled_from(NAMES),
        "category": st.sampled_from(["salary", "fun", None]),
        "channel": st.sampled_from(["card", "ship", None]),
        "failed": st.sampled_from([True, False, "true", "yes", 1, 0, "x", None]),
        "balance_after": st.sampled_from(NUMBERS),
        "bill": st.sampled_from(NUMBERS),
        "limit": st.sampled_from(NUMBERS),
        "due_on": st.sampled_from(["2026-04-01", "2026-04-31", "1", 5, None]),
        "period": st.sampled_from(["2026-04", "2026-04-09", "2026-14", None]),
        "months_late": st.sampled_from([-3, -2, 0, 120, 121, "1", "-1", "x", True, None]),
        "region": st.sampled_from(NAMES),
        "mood": st.just("good"),
    },
)


def exactly(line: dict[str, Any]) -> Event | str:
    try:
        return read_event(line, NOON)
    except FieldsInvalid as error:
        return error.message


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_reading_by_column_takes_and_refuses_what_the_exact_reader_does(drawn: list[dict[str, Any]], chance):
    lines = []
    for line in drawn:
        kept = chance.sample(sorted(line), k=min(len(line), chance.randint(0, 4)))
        lines.append({**a_line(), **{name: line[name] for name in kept}})
    wanted = [exactly(line) for line in lines]
    read = read_records(lines, NOON)
    assert {bad.place: bad.problem for bad in read.rejected} == {
        place: said for place, said in enumerate(wanted) if isinstance(said, str)
    }
    events = Batch.of([event for event in wanted if isinstance(event, Event)])
    assert read.batch.rows.tobytes() == events.rows.tobytes()
    for name in ("transaction_ids", "customers", "accounts", "merchants", "openings"):
        assert list(getattr(read.batch, name)) == list(getattr(events, name))


def test_a_table_reads_as_its_lines_do():
    lines = [a_line(), a_line(amount="-1"), a_line(merchant="m")]
    columns = {name: [line.get(name) for line in lines] for name in {*lines[0], "merchant"}}
    by_line, by_column = read_records(lines, NOON), read_columns(columns, NOON)
    assert by_line.rejected == by_column.rejected
    assert np.array_equal(by_line.batch.rows.view("u1"), by_column.batch.rows.view("u1"))


def test_a_clock_of_ours_that_is_behind_refuses_and_later_takes():
    line = a_line(occurred_at="2026-03-31T13:00:00Z")
    assert len(read_records([line], NOON).rejected) == 1
    assert len(read_records([line], NOON + timedelta(hours=1)).batch) == 1
