"""Stream: how fast do events come in, how far are we behind, and what was not taken?"""

from datetime import UTC, datetime

import streamlit as st

from ui import paging, session, show, words
from ui.backend import Json

LEVELS = ("critical", "high", "medium", "low")
KEPT = 120  # readings of this person's visit, drawn as rate


def stream() -> None:
    st.title("Stream")
    state()
    rejected()


@st.fragment(run_every=5)
def state() -> None:
    now = datetime.now(UTC)
    with session.told_plainly():
        found = session.backend().refreshing().stream()
        if not found["newest"]:
            show.nothing_here(
                "Nothing came in yet. `plimsoll transactions load FILE` loads history, `plimsoll transactions replay` "
                "plays it at a pace, POST /v1/transactions takes what happens now."
            )
            return
        rate = rate_of(found, now)
        cells = st.columns(4)
        cells[0].metric("Events stored", f"{found['newest']:,}", border=True)
        cells[1].metric("Read per second", words.NOTHING if rate is None else f"{rate:,.0f}", border=True,
                        help="Since this page was opened, at most the last ten minutes.")  # fmt: skip
        cells[2].metric("Behind", f"{found['behind']:,}", border=True, help="Events stored and not read yet.")
        cells[3].metric("Triggers", f"{found['triggers']:,}", border=True,
                        help=f"Customers handed over, of {found['judged']:,} judgements.")  # fmt: skip
        lag(found, now)
        standing(found["levels"])
        st.caption(f"Refreshed {words.clock(now, session.zone(), seconds=True)}, again every 5 s")


def rate_of(found: Json, now: datetime) -> float | None:
    """Events read per second between the oldest reading of this visit and now."""
    seen = st.session_state.setdefault("stream-seen", [])
    seen.append((now.timestamp(), found["events"]))
    del seen[:-KEPT]
    (began, first), (at, last) = seen[0], seen[-1]
    return (last - first) / (at - began) if at - began > 1 else None


def lag(found: Json, now: datetime) -> None:
    moved = words.as_time(found["moved_at"])
    if found["behind"] == 0:
        show.notice("Everything that came in is read.", kind="good", label="Up to date")
    elif moved and (now - moved).total_seconds() < 30:
        show.notice(f"{found['behind']:,} events wait; reading goes on.", label="Reading")
    else:
        stood = words.ago(found["moved_at"], now) if moved else "never"
        show.notice(f"{found['behind']:,} events wait and none was read since {stood}: is the worker running? "
                    "`plimsoll doctor` says.", kind="wrong", label="Stands still")  # fmt: skip
    st.caption(
        f"Read up to {words.moment(found['watermark'], session.zone())} of the customers' time; last moved "
        f"{words.ago(found['moved_at'], now)}."
    )
    if len(found["clocks"]) > 1:
        clocks(found["clocks"])


def clocks(found: list[Json]) -> None:
    show.table(
        [
            {"Product": each["product"] or "(none said)", "Its time": words.moment(each["watermark"], session.zone())}
            for each in found
        ],
        "What time it is for the customers of each product",
    )


def standing(levels: Json) -> None:
    st.subheader("Customers by level")
    cells = st.columns(4)
    for cell, level in zip(cells, LEVELS, strict=True):
        cell.metric(words.word(level), f"{levels.get(level, 0):,}", border=True)
    st.page_link("app_pages/customers.py", label="Who they are →")


@st.fragment(run_every=session.REFRESH)
def rejected() -> None:
    st.subheader("Lines that were not taken")
    with session.told_plainly():
        found = paging.read("rejected", None, session.backend().refreshing().rejected_lines)
        rows = found["data"]
        if not rows:
            st.text("None. A line that is no event is named here with what is wrong; the rest of its file goes in.")
            return
        show.table(
            [
                {
                    "When": words.moment(row["at"], session.zone()),
                    "Feed": words.plain_code(row["feed"]),
                    "From": row["source"],
                    "Line": row["line"],
                    "What is wrong": row["problem"],
                    "Sent by": row["sent_by"],
                }
                for row in rows
            ],
            "Lines that were not taken in, the newest first",
        )
        paging.turn("rejected", found)


stream()
