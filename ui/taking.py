"""Taking the next case: claim the most urgent one that is free, and go there."""

from datetime import datetime

import streamlit as st

from ui import session, show, words
from ui.backend import Conflict, Json

MOST_TRIES = 5


def button() -> None:
    st.button("Take next", type="primary", shortcut="N", on_click=take_next, key="take-next")
    go_to_the_taken_case()


def take_next() -> None:
    """Of the queue that is looked at; goes on to the next when somebody is faster."""
    with session.told_plainly():
        st.session_state["taken"] = None
        queue = st.session_state.get("queue")
        for task in session.backend().queue(queue=queue, held=show.FREE, limit=MOST_TRIES)["data"]:
            try:
                session.backend().claim(task["id"])
            except Conflict:
                continue
            st.session_state["taken"] = task["application_id"]
            return


def held_by(task: Json, now: datetime) -> str | None:
    """Whose lease runs; a lease that is over holds nothing."""
    until = words.as_time(task["lease_until"])
    return task["claimed_by"] if until and until > now else None


def go_to_the_taken_case() -> None:
    """What was taken is remembered until its page is there: another run may cut this one short."""
    if "taken" not in st.session_state:
        return
    taken = st.session_state["taken"]
    if taken is None:
        del st.session_state["taken"]
        show.notice("No case is free: all are with somebody.", kind="note", label="Queue")
    else:
        st.switch_page("app_pages/case.py", query_params={"id": taken})


def arrived_at(application: str) -> None:
    if st.session_state.get("taken") == application:
        del st.session_state["taken"]
