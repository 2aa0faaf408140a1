"""Queue: what should I work on?"""

from datetime import UTC, datetime

import streamlit as st

from ui import acts, paging, session, show, taking, words
from ui import desk as at_the_desk
from ui.backend import Json
from ui.show import SHOWN
from ui.taking import held_by

WIDTHS = (1.3, 1.1, 0.9, 1.95, 2.4, 0.75, 1.75)
NAMES = ("First answer due", "Case", "Priority", "Asked for", "Why a person", "Risk", "Who has it")
URGENT = {"urgent": "red", "high": "orange"}


def queue() -> None:
    st.title("Queue")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.pills("Show", list(SHOWN), format_func=SHOWN.get, key="show", bind="query-params", persist_state="session")
        st.space("stretch")
        if session.may("reviews:answer"):
            taking.button()
    tasks()


@st.fragment(run_every=session.REFRESH)
def tasks() -> None:
    now = datetime.now(UTC)
    acts.said("queue")
    held = st.session_state.get("show")
    with session.told_plainly():
        backend = session.backend().refreshing()
        desk = backend.desk()
        queue = one_of(desk["data"])
        found = paging.read("queue", (held, queue), lambda after: backend.queue(queue=queue, held=held, after=after))
        at_the_desk.absence(desk["away"])
        if found["data"]:
            summary([row for row in desk["data"] if queue in (None, row["queue"])])
            show.heading(WIDTHS, NAMES)
            mixed = queue is None and len(desk["data"]) > 1
            for task in found["data"]:
                draw(task, now, mixed)
            paging.turn("queue", found, "← More urgent", "Less urgent →")
        else:
            nothing(desk["data"])
        session.refreshed(now)


def one_of(desk: list[Json]) -> str | None:
    """Which queue is looked at, where there is more than one: the most urgent of all of them, if none was chosen."""
    if len(desk) < 2:
        return None
    waiting = {row["queue"]: row for row in desk}
    chosen = st.pills("Queue", sorted(waiting), format_func=words.plain_code, key="queue", bind="query-params",
                      persist_state="session")  # fmt: skip
    each = (f"{words.plain_code(name)}: {waiting[name]['waiting']:,} waiting, {waiting[name]['free']:,} free"
            for name in sorted(waiting))  # fmt: skip
    st.caption(" · ".join(each))
    return chosen


def summary(desk: list[Json]) -> None:
    """Of everything that waits in what is looked at, whoever has it."""
    names = ("waiting", "free", "with_applicant", "overdue")
    waiting, free, asked, overdue = (sum(queue[name] for queue in desk) for name in names)
    with st.container(horizontal=True):
        st.badge(f"{waiting:,} waiting", color="gray")
        st.badge(f"{free:,} free to take", color="blue")
        if asked:
            st.badge(f"{asked:,} with the applicant", color="gray")
        if overdue:
            st.badge(f"{overdue:,} overdue", color="red")


def draw(task: Json, now: datetime, mixed: bool) -> None:
    """`mixed`: cases of several queues stand in one list, so each says of which it is."""
    due, case, priority, asked, why, risk, who = show.line(WIDTHS, task["id"])
    left, hue = words.time_left(task["due_at"], now)
    due.badge(left, color=hue, help=f"Due {words.moment(task['due_at'], session.zone())}")
    if task["priority"] in URGENT:
        priority.badge(words.word(task["priority"]), color=URGENT[task["priority"]])
    else:
        priority.text(words.word(task["priority"]))
    with case:
        st.page_link(
            "app_pages/case.py",
            label=f"…{task['application_id'][-7:]}",
            query_params={"id": task["application_id"]},
            help=f"Open {task['application_id']}",
        )
    asked.text(f"{words.money(task['amount'], task['currency'])}, {words.months(task['term_months'])}")
    from_queue = f"\n{words.plain_code(task['queue'])}" if mixed else ""
    why.text(("; ".join(task["why"]) or words.NOTHING) + from_queue)
    risk.text(words.share(task["probability_of_default"]))
    who.text(holder_in_words(task, now))


def holder_in_words(task: Json, now: datetime) -> str:
    holder = held_by(task, now)
    owed = "\nsecond approval owed" if task["state"] == "second" else ""
    owed += "\nfor a senior reviewer" if task["for_seniors"] else ""
    owed += "\nwaits on the applicant" if task["with_applicant"] else ""
    if holder is None:
        return f"nobody{owed}"
    name = "you" if holder == session.person()["name"] else holder
    return f"{name}, until {words.clock(task['lease_until'], session.zone())}{owed}"


def nothing(desk: list[Json]) -> None:
    if desk:
        show.nothing_here("No case fits this filter: choose another, or take the next free one.")
    else:
        show.nothing_here("Nobody waits for a person. New cases appear here by themselves.")


queue()
