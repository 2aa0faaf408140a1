"""Models: which is live, why, against what? And what waits for a word."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui import drawing, paging, session, show, words
from ui import model_charts as charts
from ui.backend import Json, Refused
from ui.versions import called

ROLES = {"champion": "Champion", "challenger": "Challenger", "shadow": "Shadow"}
MEASURES = {"auc": "AUC", "gini": "Gini", "ks": "KS", "brier": "Brier", "ece": "Calibration error"}
# What may be done from where a version stands: verb, permission, how the button says it.
ACTS = {
    "candidate": [("proposal", "models:propose", "Propose")],
    "proposed": [("approval", "models:approve", "Approve"), ("rejection", "models:approve", "Reject")],
}
CANDIDATES = {"recalibrated": "The champion calibrated anew", "retrained": "The successor"}
CURVES: dict[str, Callable[..., Any]] = {"roc": charts.roc, "calibration": charts.calibration, "gains": charts.gains}


def models() -> None:
    st.title("Models")
    with session.told_plainly():
        newest = session.backend().models()
        found = newest["data"]
        under_way()
        if not found:
            show.nothing_here("There is no model yet. Train one with `plimsoll model train PRODUCT`.")
            return
        playing(found)
        waiting(found)
        retrained(session.backend().retrainings())
        st.subheader("Versions")
        shown = paging.read("models", None, lambda after: session.backend().models(after) if after else newest)
        listed(shown)
        chosen = chosen_of(shown["data"], found)
        if chosen:
            one(session.backend().model_report(chosen))


@st.fragment(run_every=5)
def under_way() -> None:
    """Trainings that run, with how far they are."""
    with session.told_plainly():
        for run in session.backend().refreshing().trainings(state="running"):
            progress = run["progress"] or {"step": "waits for a worker", "text": "", "finished": [], "done": 0, "of": 0}
            part = progress["done"] / progress["of"] if progress["of"] else 0.0
            share = min(1.0, (len(progress["finished"]) + part) / len(run["steps"]))
            said = f"{run['product']} is being trained: {words.plain_code(progress['step'])} {progress['text']}"
            st.progress(share, text=said.strip())


def playing(found: list[Json]) -> None:
    """Who decides now, and who is tried against it."""
    cells = st.columns(3)
    for cell, (role, title) in zip(cells, ROLES.items(), strict=True):
        with cell.container(border=True, height="stretch"):
            st.subheader(title)
            held = [(model, part) for model in found for part in model["roles"] if part["role"] == role]
            if not held:
                st.text("Nobody")
            for model, part in held:
                share = f", {words.share(part['share'], 0)} of applicants" if part["share"] else ""
                st.text(f"{called(model)}{share}")
                st.caption(f"Since {words.moment(part['since'], session.zone())}, set by {part['set_by']}")
                st.text(part["reason"])
                st.page_link("app_pages/models.py", label="Look at it", query_params={"id": model["id"]})


def waiting(found: list[Json]) -> None:
    """What somebody proposed and nobody has answered."""
    for model in found:
        if model["state"] == "proposed":
            with st.container(border=True, key=f"waiting-{model['id']}"):
                st.badge("Waits for approval", color="orange")
                st.text(f"{called(model)}, proposed by {model['proposed_by']}")
                st.page_link("app_pages/models.py", label="Read its report", query_params={"id": model["id"]})
                acts(model)


def retrained(runs: list[Json]) -> None:
    """What asked for a new model last, what was tried against the champion, what came of it."""
    if not runs:
        return
    newest, before = runs[0], runs[1:]
    with st.container(border=True, key="retrained"):
        st.subheader("Last retraining")
        with st.container(horizontal=True, vertical_alignment="center"):
            show.status(newest["state"])
            st.text(f"{newest['product']}, {words.moment(newest['started_at'], session.zone())}")
        for cause in newest["causes"] or [{"trigger": newest["trigger"], "sentence": newest["asked"]}]:
            st.text(f"{words.plain_code(cause['trigger'])}: {cause['sentence']}")
        for tried in newest["tried"]:
            st.caption(f"{CANDIDATES[tried['candidate']]}: {'passed' if tried['passed'] else 'rejected'}")
            for check in tried["checks"]:
                st.text(f"{'✓' if check['met'] else '✗'} {check['sentence']}")
            if tried["why_not"]:
                st.text(tried["why_not"])
        if newest["why"] and not newest["tried"]:
            st.text(newest["why"])
        if newest["challenger"]:
            target = {"id": newest["challenger"]["id"]}
            st.page_link("app_pages/models.py", label="Look at the challenger", query_params=target)
    if before:
        with st.expander("Retrainings before"):
            show.table([_of_retraining(run) for run in before], "Retrainings before, the newest first")


def _of_retraining(run: Json) -> Json:
    return {
        "Begun": words.moment(run["started_at"], session.zone()),
        "Product": run["product"],
        "Why": words.plain_code(run["trigger"]),
        "What came of it": words.word(run["state"]),
        "In a sentence": run["why"] or words.NOTHING,
    }


def listed(shown: Json) -> None:
    rows = [
        {
            "Version": called(model),
            "State": words.word(model["state"]),
            "Role": ", ".join(words.word(part["role"]) for part in model["roles"]) or words.NOTHING,
            "AUC": _number(model["metrics"].get("auc")),
            "Rows": f"{model['data']['rows']:,}" if model["data"].get("rows") else words.NOTHING,
            "Trained": words.moment(model["created_at"], session.zone()),
            "By": model["created_by"] or words.NOTHING,
        }
        for model in shown["data"]
    ]
    show.table(rows, "Versions, the newest first")
    paging.turn("models", shown)


def chosen_of(shown: list[Json], newest: list[Json]) -> str | None:
    """The one in the address, else the champion, else the newest; of the versions listed and the newest."""
    names = {model["id"]: called(model) for model in [*shown, *newest]}
    ids = list(names)
    asked = st.query_params.get("id")
    live = next((model["id"] for model in newest if model["role"] == "champion"), ids[0])
    start = asked if asked in ids else live
    return st.selectbox("Look at", ids, index=ids.index(start), format_func=names.__getitem__, key=f"look-{start}")


def one(found: Json) -> None:
    """One version: how good, on what, why, and who answers for it."""
    model, report = found["model"], found["report"] or {}
    st.header(called(model))
    with st.container(horizontal=True, vertical_alignment="center"):
        show.status(model["state"])
        for part in model["roles"]:
            st.badge(ROLES[part["role"]], color="green" if part["role"] == "champion" else "blue")
        st.text(model["algorithm"])
    for blocker in model["blockers"]:
        show.notice(blocker, kind="wrong", label="Must not be released")
    figures(model)
    curves(report)
    weights(report)
    fairness(report)
    left, right = st.columns(2, gap="large")
    with left:
        people(model)
    with right:
        data(model)
    if found["card"]:
        with st.expander("The card"):
            st.text(found["card"])
    if model["state"] == "candidate":
        acts(model)


def figures(model: Json) -> None:
    cells = st.columns(len(MEASURES))
    for cell, (name, title) in zip(cells, MEASURES.items(), strict=True):
        bounds = model["metrics"].get(f"{name}_interval")
        tip = f"95 % interval {bounds[0]:.3f} to {bounds[1]:.3f}." if bounds else None
        cell.metric(title, _number(model["metrics"].get(name)), border=True, help=tip)
    if model["metrics"].get("measured_on"):
        st.caption(f"Measured {model['metrics']['measured_on']}.")


def curves(report: Json) -> None:
    there = {name: draw for name, draw in CURVES.items() if (report.get("curves") or {}).get(name)}
    if not there:
        st.caption("Its report holds no curves: it was trained before they were kept.")
        return
    for cell, (name, draw) in zip(st.columns(len(there)), there.items(), strict=True):
        points = report["curves"][name]
        drawing.draw(cell, draw(points, session.ink()), alt_text=str(draw.__doc__).splitlines()[0])
        with cell.expander("The numbers"):
            show.table(points, "The numbers behind the chart")


def weights(report: Json) -> None:
    if report.get("importance"):
        drawing.draw(st, charts.importance(report["importance"], session.ink()), alt_text="What its scores hang on")
        with st.expander("The numbers"):
            show.table(report["importance"], "What its scores hang on")


def fairness(report: Json) -> None:
    if not report.get("fairness"):
        return
    st.subheader("Fairness")
    if report["fairness"].get("sentence"):
        st.text(report["fairness"]["sentence"])
    for attribute, said in report["fairness"].get("attributes", {}).items():
        st.caption(f"On rows held out, by {words.plain_code(attribute).lower()}")
        for sentence in said["held_out"]["sentences"]:
            st.text(sentence)
        groups = (said["held_out"].get("at_the_cut") or {}).get("groups", [])
        if groups:
            show.table([_flat(group) for group in groups], "Groups at the cut")


def people(model: Json) -> None:
    st.subheader("Who answers for it")
    done = (("Trained", "created"), ("Proposed", "proposed"), ("Approved", "approved"))
    show.facts(
        (title, f"{model[f'{what}_by'] or words.NOTHING}, {words.moment(model[f'{what}_at'], session.zone())}")
        for title, what in done
        if model[f"{what}_at"]
    )
    if model["note"]:
        st.text(model["note"])


def data(model: Json) -> None:
    st.subheader("What it learnt from")
    known = model["data"]
    show.facts(
        [
            ("Rows", f"{known['rows']:,}" if known.get("rows") else words.NOTHING),
            ("Share of bads", words.share(known.get("target_rate"))),
            ("Features", ", ".join(model["features"])),
            ("Data, by digest", str(known.get("digest", words.NOTHING))[:16]),
            ("Model, by digest", model["digest"][:16]),
        ]
    )


def acts(model: Json) -> None:
    """Buttons for those who may, each with the reason that goes on record."""
    mine = [(verb, label) for verb, permission, label in ACTS.get(model["state"], []) if session.may(permission)]
    if not mine:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Reason", key=f"reason-{model['id']}", placeholder="Goes on record", width=360)
        for verb, label in mine:
            st.button(label, key=f"{verb}-{model['id']}", on_click=act, args=(model, verb))


def act(model: Json, verb: str) -> None:
    with session.told_plainly():
        reason = st.session_state.get(f"reason-{model['id']}", "").strip()
        if len(reason) < 3:
            raise Refused("Say the reason first: it goes on record.")
        done = session.backend().move_model(model["id"], verb, reason)
        st.toast(f"{called(done)} is {words.word(done['state']).lower()}.")


def _number(value: float | None) -> str:
    return words.NOTHING if value is None else f"{value:.3f}"


def _flat(row: Json) -> Json:
    return {
        name: words.value_in_words(value) if isinstance(value, list | dict) else value for name, value in row.items()
    }


models()
