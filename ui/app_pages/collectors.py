"""Calls: whom do I call next, what may I say, and what came of it?"""

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from ui import drafts, paging, session, show, words
from ui.backend import Conflict, Json, NotThere, Problem, Refused, SignedOut
from ui.reaching import reach, wrote

WIDTHS = (1.0, 0.8, 1.3, 2.6, 1.0, 1.4)
NAMES = ("Task", "Level", "First answer due", "Why", "State", "With")
ANSWERS = (
    "promise", "tool", "paid_already", "no_help_needed", "refused", "no_answer", "wrong_number", "call_back",
    "no_more_contact", "disputed", "bereaved", "vulnerable", "on_with_the_plan",
)  # fmt: skip
WAITING, ANSWERED, CLOSED = "waiting", "answered", "closed"
STATES = {WAITING: "Waiting", ANSWERED: "Answered", CLOSED: "Closed without"}


def collectors() -> None:
    st.title("Calls")
    number = st.query_params.get("id", "")
    if number:
        with session.told_plainly(stop=True):
            one(number)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if session.may("interventions:act"):
            st.button("Take next", type="primary", shortcut="N", on_click=take_next, key="take-next-call")
        st.segmented_control("Show", list(STATES), format_func=STATES.__getitem__, default=WAITING, required=True,
                             key="show-calls", bind="query-params")  # fmt: skip
    go_to_the_taken_one()
    listed()


def take_next() -> None:
    """The most urgent one whose customer may be called now, by the rules of the contact governor."""
    with session.told_plainly():
        taken = session.backend().take_next_call()
        st.session_state["taken-call"] = taken["id"] if taken else None


def go_to_the_taken_one() -> None:
    if "taken-call" not in st.session_state:
        return
    taken = st.session_state.pop("taken-call")
    if taken:
        st.switch_page("app_pages/collectors.py", query_params={"id": taken})
    show.notice("No call can be made now: all are with somebody, or their customers may not be called at this hour.",
                label="Nothing to do")  # fmt: skip


@st.fragment(run_every=session.REFRESH)
def listed() -> None:
    now = datetime.now(UTC)
    shown = st.session_state.get("show-calls") or WAITING
    with session.told_plainly():
        backend, state = session.backend().refreshing(), None if shown == WAITING else shown
        found = paging.read("calls", state, lambda after: backend.call_tasks(state, after))
        if not found["data"]:
            show.nothing_here(
                "No call waits. One appears here when an episode's plan asks for a person." if shown == WAITING
                else "None yet."
            )  # fmt: skip
        else:
            show.heading(WIDTHS, NAMES)
            for task in found["data"]:
                draw(task, now)
            paging.turn("calls", found, "← More urgent", "Less urgent →")
        session.refreshed(now)


def draw(task: Json, now: datetime) -> None:
    link, level, due, why, state, holder = show.line(WIDTHS, task["id"])
    with link:
        st.page_link("app_pages/collectors.py", label=f"…{task['id'][-7:]}", query_params={"id": task["id"]},
                     help=f"Open {task['id']}")  # fmt: skip
    level.badge(words.word(task["level"]), color=words.colour(task["level"]))
    left, hue = words.time_left(task["due_at"], now)
    due.badge(left, color=hue) if task["state"] in ("open", "claimed") else due.text(words.NOTHING)
    said = [why_of(each) for each in task["why"]] or [each.get("words") for each in task["factors"]]
    why.text("; ".join(filter(None, said)) or words.script(task["script"]))
    state.badge(words.of_customer(task["answer"] or task["state"]), color=words.colour(task["state"]))
    holder.text(task["claimed_by_name"] or words.NOTHING)


def why_of(code: str) -> str:
    said = words.rule(code) if words.is_rule(code) else words.of_customer(code)
    return said[:1].upper() + said[1:]


# One call ---------------------------------------------------------------------------------------


def one(number: str) -> None:
    try:
        task = session.backend().call_task(number)
    except NotThere as problem:
        show.notice(problem.sentence, kind="watch", label="Not found")
        st.page_link("app_pages/collectors.py", label="← Calls")
        return
    header(task)
    left, right = st.columns([1, 1.1], gap="large")
    with left:
        why(task)
    with right:
        act(task)


def header(task: Json) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(words.script(task["script"]), width="content")
        show.status(task["level"])
        status = task["answer"] or task["state"]
        st.badge(words.of_customer(status), color=words.colour(status))
        left, hue = words.time_left(task["due_at"], datetime.now(UTC))
        if task["state"] in ("open", "claimed"):
            st.badge(left, color=hue)
        st.space("stretch")
        st.page_link("app_pages/collectors.py", label="← Calls")
    with st.container(horizontal=True, gap="medium"):
        st.text(task["id"])
        st.page_link("app_pages/customers.py", label="The customer →", query_params={"id": task["person_id"]})
        st.page_link("app_pages/interventions.py", label="The episode →", query_params={"id": task["intervention_id"]})
        st.text(f"try {task['attempt'] + 1}")


def why(task: Json) -> None:
    wrote(task["replies"])
    st.subheader("Why")
    for sentence in task["why"]:
        st.text(why_of(sentence))
    for factor in task["factors"]:
        st.text(f"• {factor.get('words') or words.plain_code(factor['feature'])}")
    if task["probability"] is not None:
        st.caption(f"Probability of a missed payment {words.share(task['probability'])}. Never said to the customer.")
    reach(task["person_id"])


def act(task: Json) -> None:
    if task["state"] in ("answered", "closed"):
        settled(task)
        return
    if not session.may("interventions:act"):
        st.text(f"With {task['claimed_by_name']}." if task["claimed_by_name"] else "Nobody has it.")
        return
    mine = task["claimed_by_name"] == session.person()["name"] and task["state"] == "claimed"
    if not mine:
        st.button("Take it", type="primary", shortcut="T", key="claim-call", on_click=move, args=(task["id"], "claim"))
        if task["claimed_by_name"]:
            st.caption(f"{task['claimed_by_name']} holds it until "
                       f"{words.clock(task['lease_until'], session.zone())}.")  # fmt: skip
        told()
        return
    st.caption(f"Yours until {words.clock(task['lease_until'], session.zone())}.")
    with st.container(horizontal=True):
        st.button("Show number and script", key="dial", on_click=move, args=(task["id"], "call"),
                  help="Counts as a call: the rules of contact are asked once more.")  # fmt: skip
        st.button("Give it back", key="release-call", on_click=move, args=(task["id"], "release"))
    told()
    script(task)
    report(task)


def move(task: str, verb: str) -> None:
    with session.told_plainly():
        try:
            came = session.backend().move_call(task, verb)
        except (Conflict, Refused) as problem:
            st.session_state["call-said"] = problem.sentence
            return
        if verb == "call":
            st.session_state["script"] = {"task": task, "number": came["number"], "says": came["says"]}


def told() -> None:
    """Why the last click did nothing: a rule, or somebody else."""
    sentence = st.session_state.pop("call-said", None)
    if sentence:
        show.notice(sentence, kind="watch", label="Not now")


def script(task: Json) -> None:
    kept = st.session_state.get("script")
    if not kept or kept["task"] != task["id"]:
        return
    with st.container(border=True):
        st.metric("Number", kept["number"] or "none on file")
        st.text(kept["says"])


def settled(task: Json) -> None:
    if not task["answer"]:
        st.text("The episode went on without this call.")
        return
    st.subheader("What came of it")
    said = task.get("said") or {}
    pairs = [("Answer", words.of_customer(task["answer"])), ("At", words.moment(task["answered_at"], session.zone()))]
    if said.get("tool"):
        pairs.append(("Relief", words.word(said["tool"])))
    if said.get("amount"):
        pairs.append(("Amount", words.money(said["amount"], said.get("currency"))))
    if said.get("due_on"):
        pairs.append(("Due", said["due_on"]))
    show.facts(pairs)
    if said.get("note"):
        st.text(said["note"])


# What came of it --------------------------------------------------------------------------------


def report(task: Json) -> None:
    """Which fields there are depends on the answer, so they are outside a form; the draft is kept as it is typed."""
    st.subheader("What came of it")
    answer = st.selectbox("Answer", ANSWERS, format_func=words.of_customer, key=f"answer-{task['id']}", index=None,
                          placeholder="Choose what came of the call")  # fmt: skip
    given = fields(task, answer) if answer else {}
    note_key = f"note-{task['id']}"
    if note_key not in st.session_state:
        st.session_state[note_key] = drafts.of(session.person()["id"], note_key).get("note", "")
    note = st.text_area("Note", key=note_key, max_chars=4000, on_change=keep, args=(note_key,))
    if st.button("Save", type="primary", key=f"save-{task['id']}", disabled=answer is None) and answer:
        save(task, {"version": task["version"], "answer": answer, "note": note or ""} | given)


def keep(key: str) -> None:
    drafts.keep(session.person()["id"], key, {"note": st.session_state[key]})


def fields(task: Json, answer: str) -> Json:
    today = datetime.now(UTC).date()
    given: Json = {}
    if answer == "tool":
        with session.told_plainly():
            tools = {tool["tool"]: tool for tool in session.backend().strategies()["table"]["tools"]}
            picked = st.selectbox("Relief", list(tools), format_func=words.word, key=f"tool-{task['id']}")
            st.caption(tools[picked]["says"])
            given["tool"] = picked
            if tools[picked]["at_most_payments"] > 1:
                given["payments"] = st.number_input("Payments", 1, tools[picked]["at_most_payments"],
                                                    key=f"payments-{task['id']}")  # fmt: skip
    if answer in ("promise", "tool"):
        left, right = st.columns(2)
        amount = left.number_input("Amount", min_value=0.0, step=10.0, format="%.2f", key=f"amount-{task['id']}")
        currency = right.text_input("Currency", max_chars=3, key=f"currency-{task['id']}", placeholder="EUR")
        due = st.date_input("Due, or until" if answer == "tool" else "Pays on", today + timedelta(days=7),
                            key=f"due-{task['id']}", format="YYYY-MM-DD", min_value=today)  # fmt: skip
        given |= {"amount": f"{amount:.2f}"} if amount else {}
        given |= {"currency": currency.upper()} if currency else {}
        given |= {"due_on": due.isoformat()} if isinstance(due, date) else {}
    if answer == "call_back":
        left, right = st.columns(2)
        day = left.date_input("On", today + timedelta(days=1), key=f"back-day-{task['id']}", format="YYYY-MM-DD",
                              min_value=today)  # fmt: skip
        clock = right.time_input("At", time(10), key=f"back-time-{task['id']}")
        if isinstance(day, date):
            given["call_back_at"] = datetime.combine(day, clock, session.zone()).isoformat()
    return given


def save(task: Json, said: Json) -> None:
    try:
        session.backend().answer_call(task["id"], said)
    except SignedOut:
        session.sign_in_again()
    except Refused as problem:
        for wrong in problem.details.get("fields") or [{"problem": problem.sentence, "field": ""}]:
            field = f"{words.plain_code(wrong['field'])}: " if wrong["field"] else ""
            show.notice(field + wrong["problem"], kind="watch", label="Not saved")
    except Problem as problem:
        show.notice(f"Not saved. {problem.sentence}", kind="wrong")
    else:
        drafts.forget(session.person()["id"], f"note-{task['id']}")
        st.toast("Saved.")
        st.rerun()


collectors()
