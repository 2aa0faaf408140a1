"""Experiments: is the challenger better, and may we say so yet?"""

from typing import Any

import streamlit as st

from ui import drawing, paging, session, show, versions, words
from ui import experiment_charts as charts
from ui.backend import Json, Refused

METRICS = {"bad_rate": "Bad rate of granted loans", "cost": "Cost per applicant", "auc": "Order of applicants (AUC)"}
DESIGNS = {"arms": "Arms: the challenger decides for its share", "shadow": "Shadow: both score everybody"}
VERDICTS: dict[str, tuple[str, show.Kind]] = {
    "challenger_better": ("Challenger better", "good"),
    "champion_better": ("Champion better", "wrong"),
    "no_difference_seen": ("No difference seen", "note"),
    "none_yet": ("No verdict yet", "watch"),
}


def experiments() -> None:
    st.title("Experiments")
    with session.told_plainly():
        found = paging.read("experiments", None, session.backend().experiments)
        if not found["data"]:
            show.nothing_here(
                "No experiment was planned yet. A plan says how many applicants a comparison takes and how long: make "
                "one below, or with `plimsoll experiment plan`."
            )
        for experiment in found["data"]:
            card(experiment)
        paging.turn("experiments", found)
        if session.may("models:release"):
            planning()


def card(experiment: Json) -> None:
    question, reading = experiment["plan"]["question"], experiment["reading"]
    with st.container(border=True, key=f"experiment-{experiment['id']}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            show.status(experiment["state"])
            st.text(
                f"{METRICS[question['metric']]}: {experiment['challenger']['version']} against "
                f"{experiment['champion']['version']}, {words.plain_code(experiment['product'].replace('-', ' '))}",
                width="stretch",
            )
            st.caption(experiment["id"])
        if reading:
            read_out(reading, question)
        with st.expander("The plan", expanded=not reading):
            for sentence in experiment["plan"]["words"]:
                st.text(sentence)
            st.caption(f"Formula: {experiment['plan']['formula']}. Planned by {experiment['planned_by']}.")
        actions(experiment)


def read_out(reading: Json, question: Json) -> None:
    label, kind = VERDICTS[reading["verdict"]]
    show.notice(reading["words"][0], kind=kind, label=label)
    st.progress(
        min(1.0, reading["share_of_sample"]), text=f"{words.share(reading['share_of_sample'], 0)} of the planned sample"
    )
    left, right = st.columns([3, 2], gap="large")
    if reading["comparison"]:
        drawing.draw(
            left,
            charts.difference(reading["comparison"], question, session.ink()),
            alt_text="Difference between challenger and champion with its 95 % interval",
        )
    with right:
        show.table(arms(reading), "Both arms with their figures")
    for sentence in reading["words"][1:]:
        st.text(sentence)
    st.caption(f"Read on {reading['on']}.")


def arms(reading: Json) -> list[dict[str, Any]]:
    values = reading["comparison"] or {}
    return [
        {
            "Arm": words.plain_code(arm),
            "Dealt": f"{reading[arm]['assigned']:,}",
            "Granted": f"{reading[arm]['granted']:,}",
            "Ripe": f"{reading[arm]['ripe']:,}",
            "Compared": f"{reading[arm]['counted']:,}",
            "Value": words.NOTHING if arm not in values else f"{values[arm]:.4f}",
        }
        for arm in ("champion", "challenger")
    ]


def actions(experiment: Json) -> None:
    name, state = experiment["id"], experiment["state"]
    begun = experiment["started_at"] is not None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if begun:
            st.button("Read it now", key=f"read-{name}", on_click=act, args=(name, "read"))
        if not session.may("models:hold") or state == "stopped":
            return
        st.text_input("Reason", key=f"reason-{name}", placeholder="Goes on record", width=320)
        if state == "planned" and session.may("models:release"):
            st.button("Start", key=f"start-{name}", on_click=act, args=(name, "start"))
        st.button("Stop", key=f"stop-{name}", on_click=act, args=(name, "stop"))


def act(experiment: str, verb: str) -> None:
    with session.told_plainly():
        if verb == "read":
            session.backend().read_experiment(experiment)
            return
        reason = st.session_state.get(f"reason-{experiment}", "").strip()
        if not reason:
            raise Refused("Say the reason first: it goes on record.")
        done = session.backend().move_experiment(experiment, verb, reason)
        st.session_state[f"reason-{experiment}"] = ""
        st.toast(f"The experiment is {words.word(done['state']).lower()}.")


def planning() -> None:
    ready = {model["id"]: model for model in versions.approved()}
    with st.expander("Plan an experiment", key="plan-experiment"):
        if not ready:
            st.text(versions.NONE_READY)
            return
        with st.form("plan", border=False):
            st.selectbox(
                "Challenger", list(ready), key="plan-challenger", format_func=lambda name: versions.called(ready[name])
            )
            st.selectbox("What to compare", list(METRICS), key="plan-metric", format_func=METRICS.__getitem__)
            st.selectbox("How", list(DESIGNS), key="plan-design", format_func=DESIGNS.__getitem__)
            st.number_input(
                "Smallest difference worth finding", 0.001, 10.0, 0.02, 0.001, format="%.3f", key="plan-effect",
                help="0.01 is one per cent point of a bad rate, or one hundredth of an AUC.",
            )  # fmt: skip
            st.slider("Share of the challenger", 0.05, 0.5, 0.2, 0.05, key="plan-share")
            st.form_submit_button("Say what it takes", on_click=plan, args=(ready,))


def plan(ready: dict[str, Json]) -> None:
    """Planned is not begun: what it takes stands on its card, with the button that starts it."""
    asked = {name: st.session_state[f"plan-{name}"] for name in ("challenger", "metric", "design", "effect")}
    asked |= {"share": round(st.session_state["plan-share"], 2), "product": ready[asked["challenger"]]["product"]}
    with session.told_plainly():
        session.backend().plan_experiment(asked)
        st.toast("Planned: what it takes stands on its card.")


experiments()
