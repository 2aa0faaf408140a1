"""Overview: how is the portfolio doing?"""

from datetime import UTC, datetime

import streamlit as st

from ui import session, show, words
from ui.backend import Json


def overview() -> None:
    st.title("Overview")
    figures()


@st.fragment(run_every=session.REFRESH)
def figures() -> None:
    now = datetime.now(UTC)
    with session.told_plainly():
        portfolio = session.backend().refreshing().portfolio()
        total = sum(row["n"] for row in portfolio["by_status"])
        if not total:
            show.nothing_here(
                "No application has come in yet. Send one with `plimsoll apply FILE`, or POST /v1/applications."
            )
        else:
            rates(portfolio, total)
            left, right = st.columns(2, gap="large")
            with left:
                standing(portfolio)
            with right:
                decisions(portfolio)
                waiting(portfolio, now)
        show.refreshed(words.clock(now, session.zone(), seconds=True))


def rates(portfolio: Json, total: int) -> None:
    counts = {row["status"]: row["n"] for row in portfolio["by_status"]}
    cells = st.columns(4)
    cells[0].metric("Applications", f"{total:,}", border=True)
    cells[1].metric("Decided", f"{portfolio['decided']:,}", border=True)
    cells[2].metric(
        "Approval rate", words.share(portfolio["approval_rate"]), border=True, help="Approved as asked, of all decided."
    )
    cells[3].metric(
        "Automation rate", words.share(portfolio["automation_rate"]), border=True, help="Decided without a person."
    )
    with_people = counts.get("review", 0)
    if with_people and "reviews:read" in session.person()["permissions"]:
        st.page_link(
            "app_pages/queue.py", label=f"{words.counted(with_people, 'case waits', 'cases wait')} for a person →"
        )


def standing(portfolio: Json) -> None:
    st.subheader("Where they stand")
    total = sum(row["n"] for row in portfolio["by_status"])
    for row in sorted(portfolio["by_status"], key=lambda row: -row["n"]):
        bar(words.word(row["status"]), row["n"], total)


def decisions(portfolio: Json) -> None:
    st.subheader("How they were decided")
    if not portfolio["by_outcome"]:
        st.text("Nothing is decided yet.")
    for row in sorted(portfolio["by_outcome"], key=lambda row: -row["n"]):
        bar(f"{words.word(row['outcome'])} {words.word(row['outcome_source'])}", row["n"], portfolio["decided"])


def waiting(portfolio: Json, now: datetime) -> None:
    if not portfolio["waiting_on"]:
        return
    st.subheader("Waiting on sources")
    for row in portfolio["waiting_on"]:
        name, longest = words.word(row["source"]), words.ago(row["since"], now).removesuffix(" ago")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{name}: {words.counted(row['n'], 'case', 'cases')}, the longest for {longest}")
            if session.may("workflows:read"):
                st.page_link("app_pages/workflows.py", label="Show them", query_params={"source": name})


def bar(name: str, number: int, total: int) -> None:
    st.progress(number / total if total else 0.0, text=f"{name}: {number:,} ({words.share(number / total)})")


overview()
