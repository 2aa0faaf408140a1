"""Case: what happened, and what do I decide?"""

from datetime import UTC, datetime

import streamlit as st

from ui import acts, case_parts, desk, session, show, taking, verdict, words
from ui.backend import Json, NotThere, Problem, SignedOut
from ui.show import SHOWN


def case() -> None:
    application = st.query_params.get("id", "")
    taking.arrived_at(application)
    st.session_state.pop("look-again", None)
    if not application:
        st.title("Case", anchor=False)
        show.nothing_here("Open a case from the queue, or enter its number under “Find a case” on the left.")
        return
    with session.told_plainly(stop=True):
        try:
            found = session.backend().case(application)
        except NotThere as problem:
            st.title("Case", anchor=False)
            show.notice(problem.sentence, kind="watch", label="Not found")
            st.page_link("app_pages/queue.py", label="← Queue")
            return
    draw(found)


def draw(found: Json) -> None:
    now = datetime.now(UTC)
    header(found, now)
    case_parts.why_a_person(found)
    known, judged, decided = st.container(key="case").columns([1, 1.2, 1.1], gap="medium")
    with known:
        case_parts.declared(found)
        case_parts.evidence(found, now)
    with judged:
        case_parts.score(found)
        case_parts.reasons(found)
        case_parts.rules(found)
    with decided:
        if found["review"]:
            verdict.panel(found, product_of(found))
        case_parts.decision(found)
        desk.panel(found, product_of(found))
        run(found)
    case_parts.timeline(found)


def header(found: Json, now: datetime) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(
            f"{words.money(found['amount'], found['currency'])} over {words.months(found['term_months'])}",
            width="content",
            anchor=False,
        )
        show.status(found["status"])
        if found["outcome"] and found["status"] == "decided":
            show.status(found["outcome"])
        if found["priority"] in ("urgent", "high"):
            st.badge(words.word(found["priority"]), color="red" if found["priority"] == "urgent" else "orange")
        st.space("stretch")
        if session.may("reviews:read"):
            st.page_link("app_pages/queue.py", label="← Queue", query_params=queue_filters())
    with st.container(horizontal=True, gap="medium"):
        st.text(found["id"])
        if found["external_id"]:
            st.text(f"your number {found['external_id']}")
        st.text(f"{words.plain_code(found['product'].replace('-', ' '))}, {found['jurisdiction']}")
        accepted = found["timings"]["accepted_at"]
        st.text(f"accepted {words.ago(accepted, now)}, {words.moment(accepted, session.zone())}")
    watch(found["id"], signature(found))


def queue_filters() -> dict[str, str]:
    """The address carries a filter by its label, as Streamlit writes it."""
    shown, queue = SHOWN.get(st.session_state.get("show") or ""), st.session_state.get("queue")
    return ({"show": shown} if shown else {}) | ({"queue": words.plain_code(queue)} if queue else {})


def signature(found: Json) -> tuple:
    """What must not change unnoticed while somebody reads the case."""
    review = found["review"] or {}
    return (
        found["status"],
        found["outcome"],
        review.get("state"),
        review.get("version"),
        review.get("claimed_by"),
        tuple((record["source"], record["state"]) for record in found["evidence"]),
    )


@st.fragment(run_every=session.SOON)
def watch(application: str, seen: tuple) -> None:
    """Looks whether the case moved on, and shows it anew if so; what is typed stays."""
    with session.told_plainly():
        found = session.backend().refreshing().case(application)
        if signature(found) != seen:
            st.rerun()


def product_of(found: Json) -> Json:
    kept = st.session_state.setdefault("products", {})
    if found["product"] not in kept:
        with session.told_plainly():
            kept[found["product"]] = session.backend().product(found["product"])
    return kept.get(found["product"], {})


def run(found: Json) -> None:
    """What the run does now, from Temporal; from Postgres what it waits on when Temporal is away."""
    st.subheader("The run", anchor=False)
    waits = found["waiting_on"]
    if waits:
        names = ", ".join(words.word(name) for name in waits["what"])
        st.text(f"Waits on: {names}")
        for name, why in waits["why"].items():
            st.caption(f"{words.word(name)}: {words.word(why).lower()}")
        st.caption(f"Goes on without by {words.moment(waits['until'], session.zone())} at the latest.")
    elif found["status"] == "review":
        st.text("Waits for a reviewer's verdict.")
    elif found["status"] == "awaiting_applicant":
        st.text("Waits for the applicant.")
    acts.said(f"run-{found['id']}")
    engine(found["id"])
    if found["outcome"] is None and found["status"] not in ("withdrawn", "expired", "failed"):
        with st.container(horizontal=True):
            for verb, permission in (("Retry now", "workflows:resume"), ("Withdraw", "applications:withdraw")):
                if session.may(permission):
                    urge(found["id"], verb)


def urge(application: str, verb: str) -> None:
    key = f"{verb.partition(' ')[0].lower()}-{application}"
    with st.popover(verb):
        st.text_input("Why", key=key, max_chars=200, placeholder="Goes on record")
        st.button(f"{verb}, with this reason", key=f"{key}-now", on_click=urged, args=(application, verb, key))


def urged(application: str, verb: str, key: str) -> None:
    subject, reason = f"run-{application}", (st.session_state.get(key) or "").strip()
    if len(reason) < 3:
        acts.say(subject, "watch", "Not done", "Say why in a few words: it goes on record.")
        return
    backend = session.backend()
    if verb == "Withdraw":
        acts.act(subject, "The application is withdrawn.", lambda: backend.withdraw(application, reason))
        return
    retried = acts.act(subject, "", lambda: backend.retry(application, reason), quiet=True)
    if retried is not False:
        steps = words.counted(retried, "step is", "steps are")
        acts.say(subject, "good", "Done", f"{steps} tried now." if retried else "No step of it waits for another try.")


def step_in_words(activity: str) -> str:
    return {"pull": "ask the source", "score": "score", "decide": "decide"}.get(activity, activity.replace("_", " "))


def engine(application: str) -> None:
    try:
        live = session.backend().refreshing().run_of(application)
    except SignedOut:
        session.sign_in_again()
    except NotThere:
        st.caption("Temporal keeps no run of this case any more.")
    except Problem as problem:
        st.badge("Engine away", color="orange")
        st.text(f"{problem.sentence} Everything decided so far is above.")
    else:
        for pending in live["pending"]:
            st.caption(f"Now at “{step_in_words(pending['activity'])}”, attempt {pending['attempt']}")
        events = words.counted(live["history_length"], "event", "events")
        st.caption(f"{words.plain_code(live['status'])} in Temporal, {events}")
        if live.get("ui"):
            st.markdown(f"[Open the run in Temporal ↗]({live['ui']})")


case()
