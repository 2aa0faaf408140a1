"""Releases: which model is on its way, and may it go on?"""

import streamlit as st

from ui import acts, drawing, paging, session, show, versions, words
from ui import release_charts as charts
from ui.backend import Json

VERBS = {
    "running": (("Pause", "pause"), ("Give it everybody", "promote"), ("Roll back", "rollback")),
    "paused": (("Go on", "resume"), ("Give it everybody", "promote"), ("Roll back", "rollback")),
    "promoted": (("Roll back", "rollback"),),
}
SAID = {
    "pause": "Held: shares stay as they are until somebody lets it go on.",
    "resume": "It goes on from where it was held.",
    "promote": "It decides for everybody from the next application on.",
    "rollback": "Taken back: the old version decides from the next application on.",
}
HELD_BY = ("pause", "rollback")


def releases() -> None:
    st.title("Releases")
    with session.told_plainly():
        ready = versions.approved() if session.may("models:release") else None
        listed()
        if ready is not None:
            beginning(ready)


@st.fragment(run_every=session.REFRESH)
def listed() -> None:
    # Said here, and never by a toast: one that comes from a fragment takes the place of the page's style.
    acts.said("releases")
    with session.told_plainly():
        listed = paging.read("releases", None, session.backend().refreshing().rollouts)
        found = listed["data"]
        if not found:
            show.nothing_here(
                "No model was rolled out yet. An approved version begins in the shadow of the live one: whoever "
                "releases models does it here, or with `plimsoll rollout start`."
            )
            return
        under_way = [rollout for rollout in found if not rollout["ended_at"]]
        for rollout in under_way:
            card(session.backend().refreshing().rollout(rollout["id"]))
        if not under_way:
            show.nothing_here("Nothing is on its way now.")
        past([rollout for rollout in found if rollout["ended_at"]], at_once=not under_way)
        paging.turn("releases", listed)


def card(rollout: Json) -> None:
    evaluations = rollout["evaluations"]
    with st.container(border=True, key=f"rollout-{rollout['id']}"):
        heading(rollout)
        left, right = st.columns([2, 3], gap="large")
        drawing.draw(
            left, charts.phases(rollout, session.ink()), alt_text="Share of applicants by phase, and how far it is"
        )
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
    until = ""
    if rollout["deadline"]:
        ends = words.moment(rollout["deadline"], session.zone())
        promoted = rollout["state"] == "promoted"
        until = f"; the old version is kept until {ends}" if promoted else f", until {ends} at least"
    if rollout["ended_at"]:
        until = f"; ended {words.moment(rollout['ended_at'], session.zone())}"
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
        drawing.draw(st, charts.gates(measured, session.ink()), alt_text="Each gate as a multiple of its limit")
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
    key = f"reason-{rollout}"
    reason = st.session_state.get(key, "").strip()
    if len(reason) < versions.FEWEST_LETTERS:
        acts.say("releases", "watch", "Not done", "Say why in a few words: it goes on record.")
        return
    if acts.act("releases", SAID[verb], lambda: session.backend().move_rollout(rollout, verb, reason)):
        st.session_state[key] = ""


def beginning(ready: list[Json]) -> None:
    """With the phases and gates every release has; others are given with `plimsoll rollout start --plan`."""
    with st.expander("Begin a release", key="begin-release"):
        if not ready:
            st.text(versions.NONE_READY)
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            names = {model["id"]: versions.called(model) for model in ready}
            st.selectbox("Version", list(names), format_func=names.__getitem__, key="begin-version", width=320)
            st.text_input("Why this one", key="begin-reason", placeholder="Goes on record", width=320)
            st.button("Begin in the shadow", key="begin", on_click=begin)


def begin() -> None:
    reason = st.session_state["begin-reason"].strip()
    if len(reason) < versions.FEWEST_LETTERS:
        acts.say("releases", "watch", "Not done", "Say why in a few words: it goes on record.")
        return
    version = st.session_state["begin-version"]
    done = "Begun: it is asked beside the live one and decides for nobody yet."
    if acts.act("releases", done, lambda: session.backend().begin_rollout(version, reason)):
        st.session_state["begin-reason"] = ""


def past(rollouts: list[Json], at_once: bool) -> None:
    """`at_once`: nothing else is on the page, so the newest is opened: how far it came, and what stopped it."""
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
    names = {rollout["id"]: _ended(rollout) for rollout in rollouts}
    looked_at = st.selectbox(
        "Look back at", list(names), index=0 if at_once else None, placeholder="A release that ended",
        format_func=names.__getitem__, key="ended-release", width=480,
    )  # fmt: skip
    if looked_at:
        card(session.backend().refreshing().rollout(looked_at))


def _ended(rollout: Json) -> str:
    ended = words.moment(rollout["ended_at"], session.zone())
    return f"{rollout['model']['name']} {rollout['model']['version']}, {words.word(rollout['state']).lower()} {ended}"


releases()
