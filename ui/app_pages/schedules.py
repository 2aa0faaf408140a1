"""Schedules: what runs by itself, when next, and is any of it paused?"""

from datetime import UTC, datetime, timedelta

import streamlit as st

from ui import session, show, words
from ui.backend import Json

FEWEST_LETTERS = 3
RUNS = {"AskForRetraining": "Is a retraining due?", "CheckDrift": "Drift check",
        "SweepPortfolio": "A look at every customer", "SyncTransactions": "Transactions of a feed"}  # fmt: skip


def schedules() -> None:
    st.title("Schedules")
    with session.told_plainly(stop=True):
        found = session.backend().schedules()
    if not found:
        show.nothing_here("Nothing is scheduled yet. A worker makes the schedules when it starts.")
        return
    for schedule in found:
        draw(schedule)


def draw(schedule: Json) -> None:
    now = datetime.now(UTC)
    with st.container(border=True, key=f"schedule-{schedule['id']}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge("Paused" if schedule["paused"] else "Runs" if schedule["running"] else "Waits",
                     color="orange" if schedule["paused"] else "blue")  # fmt: skip
            st.text(RUNS.get(schedule["runs"], schedule["runs"]), width="stretch")
            st.caption(f"{schedule['id']}, every {words.lasted(timedelta(seconds=schedule['every_seconds']))}")
        said = [
            "never ran" if not schedule["last_at"] else f"last ran {words.ago(schedule['last_at'], now)}",
            f"{schedule['started']:,} runs",
            f"{schedule['skipped']:,} skipped, one was under way",
            f"{schedule['missed']:,} missed, nothing was up",
        ]
        if not schedule["paused"]:
            said.insert(0, f"next {words.moment(schedule['next_at'], session.zone())}")
        st.text(" · ".join(said))
        if schedule["note"]:
            st.caption(schedule["note"])
        if session.may("schedules:run"):
            act(schedule)


def act(schedule: Json) -> None:
    verb, label = ("resume", "Resume") if schedule["paused"] else ("pause", "Pause")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button("Run now", key=f"run-{schedule['id']}", on_click=move, args=(schedule["id"], "run"))
        st.text_input(f"{label}: why?", key=f"why-{schedule['id']}", max_chars=500, width=320,
                               placeholder="Stands beside the schedule")  # fmt: skip
        st.button(label, key=f"{verb}-{schedule['id']}", on_click=move, args=(schedule["id"], verb))


def move(schedule: str, verb: str) -> None:
    reason = st.session_state.get(f"why-{schedule}", "").strip()
    if verb != "run" and len(reason) < FEWEST_LETTERS:
        st.toast("Say why in a few words: it stands beside the schedule.")
        return
    with session.told_plainly():
        session.backend().move_schedule(schedule, verb, reason)
        st.session_state[f"why-{schedule}"] = ""
        st.toast({"run": "It runs now.", "pause": "Paused.", "resume": "It goes on by itself."}[verb])


schedules()
