"""Releases: which model is on its way, and may it go on?"""

import streamlit as st

from ui import paging, session, show, words
from ui import release_charts as charts
from ui.backend import Json, Refused

VERBS = {
    "running": (("Pause", "pause"), ("Give it everybody", "promote"), ("Roll back", "rollback")),
    "paused": (("Go on", "resume"), ("Give it everybody", "promote"), ("Roll back", "rollback")),
    "promoted": (("Roll back", "rollback"),),
}
HELD_BY = ("pause", "rollback")


def releases() -> None:
    st.title("Releases")
    with session.told_plainly():
        listed()


@st.fragment(run_every=session.REFRESH)
def listed() -> None:
    with session.told_plainly():
        listed = paging.read("releases", None, session.backend().refreshing().rollouts)
        found = listed["data"]
        if not found:
            show.nothing_here(
                "No model was rolled out yet. An approved version begins with `plimsoll rollout start`, "
                "in the shadow of the live one."
            )
            return
        under_way = [rollout for rollout in found if not rollout["ended_at"]]
        for rollout in under_way:
            card(session.backend().refreshing().rollout(rollout["id"]))
        if not under_way:
            show.nothing_here("Nothing is on its way now.")
        past([rollout for rollout in found if rollout["ended_at"]])
        paging.turn("releases", listed)


def card(rollout: Json) -> None:
    evaluations = rollout["evaluations"]
    with st.container(border=True, key=f"rollout-{rollout['id']}"):
        heading(rollout)
        left, right = st.columns([2, 3], gap="large")
        left.altair_chart(charts.phases(rollout, session.ink()), alt="Share of applicants by phase, and how far it is")
        with right:
            stands(evaluations)
        with st.expander("The figures behind the charts"):
            if evaluations:
                show.table(charts.gate_table(evaluations[0]["gates"]), "Gates")
                show.table(charts.history_table(evaluations, session.zone()), "Evaluations")
            else:
                st.text("Nothing was measured yet.")
        actions(rollout)


def heading(rollout: Json) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        show.status(rollout["state"])
        st.text(
            f"{rollout['model']['name']}: {rollout['model']['version']} against {rollout['before']['version']}, "
            f"phase {rollout['phase']}",
            width="stretch",
        )
        st.caption(rollout["id"])
    until = f", until {words.moment(rollout['deadline'], session.zone())} at least" if rollout["deadline"] else ""
    st.caption(f"Begun by {rollout['started_by']}; this phase since "
               f"{words.moment(rollout['phase_since'], session.zone())}{until}.")  # fmt: skip
    if rollout["reason"]:
        st.text(rollout["reason"])
    if rollout["ui"]:
        st.link_button("The run in Temporal", rollout["ui"])


def stands(evaluations: list[Json]) -> None:
    """Where the gates stood when they were last looked at."""
    measured = [gate for gate in (evaluations[0]["gates"] if evaluations else []) if gate["value"] is not None]
    if measured:
        st.altair_chart(charts.gates(measured, session.ink()), alt="Each gate as a multiple of its limit")
    else:
        show.notice("Too few applications yet to measure any gate: it stays in this phase.", kind="watch", label="Few")


def actions(rollout: Json) -> None:
    """Whoever may release may do all of it; others may hold it and take it back."""
    verbs = [
        (label, verb)
        for label, verb in VERBS.get(rollout["state"], ())
        if session.may("models:hold" if verb in HELD_BY else "models:release")
    ]
    if not verbs:
        return
    name = rollout["id"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Reason", key=f"reason-{name}", placeholder="Goes on record", width=320)
        for label, verb in verbs:
            st.button(label, key=f"{verb}-{name}", on_click=act, args=(name, verb))


def act(rollout: str, verb: str) -> None:
    with session.told_plainly():
        reason = st.session_state.get(f"reason-{rollout}", "").strip()
        if not reason:
            raise Refused("Say the reason first: it goes on record.")
        done = session.backend().move_rollout(rollout, verb, reason)
        st.toast(f"The release is {words.word(done['state']).lower()}.")


def past(rollouts: list[Json]) -> None:
    if not rollouts:
        return
    st.subheader("What ended")
    show.table(
        [
            {
                "Model": rollout["model"]["name"],
                "Version": rollout["model"]["version"],
                "Ended": words.moment(rollout["ended_at"], session.zone()),
                "How": words.word(rollout["state"]),
                "Why": rollout["reason"] or words.NOTHING,
            }
            for rollout in rollouts
        ],
        "Releases that ended",
    )


releases()
