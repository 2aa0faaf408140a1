"""Taiwan's accounts as dated events: by column and one by one they are the same, and none sees October."""

import numpy as np

from plimsoll.adapters.datasets.taiwan import Taiwan
from plimsoll.adapters.datasets.taiwan_events import AS_OF, TaiwanEvents
from plimsoll.domain.watching.events import Kind
from plimsoll.domain.watching.rows import EVENT_ROW, rows_of
from plimsoll.settings import ROOT

FOLDER = ROOT / "data" / "taiwan"
SAMPLE = 60
NOT_COMPARED = ("seq", "person", "account")  # names, and the order in which they come


def test_rows_by_column_are_those_of_the_events() -> None:
    accounts = TaiwanEvents(FOLDER)
    events = list(accounts.events(0, SAMPLE))
    who, rows = accounts.rows()
    ours, theirs = rows[who < SAMPLE], rows_of(events)
    customers = [f"TW-{place + 1}" for place in who[who < SAMPLE]]
    compared = [name for name in EVENT_ROW.names or () if name not in NOT_COMPARED]

    def as_text(row: np.void, customer: str) -> str:
        return f"{customer} {[str(row[name]) for name in compared]}"

    assert sorted(map(as_text, ours, customers)) == sorted(map(as_text, theirs, [one.customer for one in events]))


def test_everything_is_known_by_the_end_of_september_and_nothing_tells_the_outcome() -> None:
    accounts = TaiwanEvents(FOLDER)
    _, rows = accounts.rows()
    assert (rows["known_at"] <= AS_OF).all()
    table = Taiwan(FOLDER).columns()
    told = rows[rows["kind"] == Kind.STATUS.code]
    assert set(told["period"].astype(str)) == {"2005-04", "2005-05", "2005-06", "2005-07", "2005-08"}
    august = told[told["period"] == np.datetime64("2005-08")]
    assert np.array_equal(august["months_late"], table["PAY_2"])


def test_signals_give_the_columns_of_the_set_back() -> None:
    examples, table = TaiwanEvents(FOLDER).examples(), Taiwan(FOLDER).columns()
    assert np.array_equal(examples.columns["limit"], table["LIMIT_BAL"])
    for back in range(5):
        assert np.array_equal(examples.columns[f"bill_{back}"], table[f"BILL_AMT{back + 1}"])
        assert np.array_equal(examples.columns[f"paid_{back + 1}"], table[f"PAY_AMT{back + 1}"])
        assert np.array_equal(examples.columns[f"status_{back}"], table[f"PAY_{back + 2}"])
    assert examples.target_rate == np.mean(table["default_next_month"])
