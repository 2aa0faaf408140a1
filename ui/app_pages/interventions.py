"""Interventions: who is helped, where does each stand, and what came of it?"""

from datetime import UTC, datetime

import streamlit as st

from ui import paging, session, show, words
from ui.backend import Json, NotThere
from ui.reaching import reach, wrote

ANY = "any"
STATES = ("treating", "promised", "watching", "ended")
LEVELS = ("critical", "high", "medium", "low")
WIDTHS = (0.95, 0.95, 0.8, 1.3, 2.6, 0.9, 0.95)
NAMES = ("Episode", "Customer", "Level", "State", "Waits on", "Strategy", "Opened")


def interventions() -> None:
    st.title("Interventions")
    number = st.query_params.get("id", "")
    if number:
        with session.told_plainly(stop=True):
            one(number)
        return
    filters()
    listed()


def filters() -> None:
    with st.container(horizontal=True):
        choose("State", "state", STATES)
        choose("Level", "level", LEVELS)
        arms: list[str] = ["hold_out"]
        with session.told_plainly():
            arms += [strategy["id"] for strategy in session.backend().strategies()["table"]["strategies"]]
        choose("Arm", "arm", tuple(arms))


def choose(label: str, key: str, options: tuple[str, ...]) -> None:
    st.selectbox(
        label, [ANY, *options], format_func=lambda code: "Any" if code == ANY else words.word(code), key=key,
        bind="query-params", width=200,
    )  # fmt: skip


@st.fragment(run_every=session.REFRESH)
def listed() -> None:
    now = datetime.now(UTC)
    chosen = {key: st.session_state.get(key) for key in ("state", "level", "arm")}
    with session.told_plainly():
        backend = session.backend().refreshing()
        asked = {key: value for key, value in chosen.items() if value not in (None, ANY)}
        found = paging.read("interventions", asked, lambda after: backend.interventions(after=after, **asked))
        books(backend.intervention_accounting())
        if not found["data"]:
            show.nothing_here(
                "No episode fits. One opens when a customer's risk calls for it, or by hand with "
                "`plimsoll intervention start`."
            )
        else:
            show.heading(WIDTHS, NAMES)
            for row in found["data"]:
                draw(row, now)
            paging.turn("interventions", found)
        session.refreshed(now)


def books(account: Json) -> None:
    """Every trigger is an episode opened, one updated, or a refusal by a named rule."""
    cells = st.columns(4)
    for cell, (label, key) in zip(
        cells, (("Triggers", "triggers"), ("Episodes opened", "opened"), ("Updated one that was open", "updated"),
                ("Refused by a rule", "refused")), strict=True,
    ):  # fmt: skip
        cell.metric(label, f"{account[key]:,}", border=True)
    if account["by_rule"]:
        said = (f"{words.word(rule)}: {n:,}" for rule, n in sorted(account["by_rule"].items(), key=lambda x: -x[1]))
        st.caption("Refused: " + " · ".join(said))


def draw(row: Json, now: datetime) -> None:
    episode, person, level, state, waits, arm, opened = show.line(WIDTHS, row["id"])
    with episode:
        st.page_link("app_pages/interventions.py", label=f"…{row['id'][-7:]}", query_params={"id": row["id"]},
                     help=f"Open {row['id']}")  # fmt: skip
    with person:
        st.page_link("app_pages/customers.py", label=f"…{row['person_id'][-7:]}",
                     query_params={"id": row["person_id"]}, help=f"Open {row['person_id']}")  # fmt: skip
    level.badge(words.word(row["level"]), color=words.colour(row["level"]))
    state.badge(words.word(row["state"]), color=words.colour(row["state"]))
    waits.text(waits_on(row))
    arm.text(words.word(row["arm"]))
    opened.text(words.ago(row["opened_at"], now))


def waits_on(row: Json) -> str:
    if row["ending"]:
        return words.of_customer(row["ending"])
    if not row["waits_on"]:
        return "Begins"
    said = [words.WAITED_FOR.get(row["waits_on"]) or words.word(row["waits_on"])]
    if words.is_rule(row.get("step_rule")):
        said.append(f"{words.word(row.get('step_by'))} held back: {words.rule(row['step_rule'])}")
    elif row.get("step_rule"):
        said[0] += f" ({words.rule(row['step_rule'])})"
    if row["until"]:
        said.append(f"until {words.moment(row['until'], session.zone())}")
    return ", ".join(part for part in said if part) or words.NOTHING


# One --------------------------------------------------------------------------------------------


def one(number: str) -> None:
    try:
        found = session.backend().intervention(number)
    except NotThere as problem:
        show.notice(problem.sentence, kind="watch", label="Not found")
        st.page_link("app_pages/interventions.py", label="← All interventions")
        return
    header(found)
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        steps(found)
        messages(found)
        calls(found)
    with right:
        why(found)
        reach(found["person_id"])
        agreed(found)
        outcomes(found)
        stop(found)


def header(found: Json) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Episode …{found['id'][-7:]}", width="content")
        show.status(found["level"])
        show.status(found["state"])
        if found["ending"]:
            st.badge(words.of_customer(found["ending"]), color=words.colour(found["ending"]))
        st.space("stretch")
        st.page_link("app_pages/interventions.py", label="← All interventions")
    with st.container(horizontal=True, gap="medium"):
        st.text(found["id"])
        st.page_link("app_pages/customers.py", label="The customer →", query_params={"id": found["person_id"]})
        st.text(f"opened {words.moment(found['opened_at'], session.zone())}")
        st.text(f"strategy {found['strategy'] or words.word(found['arm']).lower()}, table {found['table_version']}")
        if found.get("ui"):
            st.markdown(f"[Temporal ↗]({found['ui']})")
    waits = waits_on(found)
    if not found["ending"] and waits != words.NOTHING:
        show.notice(waits, label="Waits on")


def steps(found: Json) -> None:
    st.subheader("Steps")
    if not found["steps"]:
        st.text("No step is taken." if found["ending"] == "held_out" else "None yet.")
        return
    show.table(
        [
            {
                "": f"{step['number'] + 1}",
                "By": words.word(step["by"]),
                "What": step["template"],
                "State": words.of_customer(step["result"] or step["state"]),
                "Held back by": words.rule(step["rule"]) if words.is_rule(step["rule"]) else words.NOTHING,
                "Began": words.moment(step["began_at"], session.zone()),
                "Until": words.moment(step["until"], session.zone()),
            }
            for step in found["steps"]
        ],
        "Steps",
    )


def messages(found: Json) -> None:
    st.subheader("Contacts")
    if not found["contacts"]:
        st.text("Nobody was written to or called yet.")
        return
    show.table(
        [
            {
                "Channel": words.word(contact["channel"]),
                "Text": f"{contact['template']} v{contact['template_version']}",
                "State": words.OF_MESSAGES.get(contact["state"]) or words.word(contact["state"]),
                "Rule": words.rule(contact["rule"]) if contact["rule"] else words.NOTHING,
            }
            for contact in found["contacts"]
        ],
        "Contacts",
    )
    wrote(found["replies"])


def calls(found: Json) -> None:
    if not found["tasks"]:
        return
    st.subheader("Calls")
    for task in found["tasks"]:
        with st.container(key=f"row-{task['id']}", horizontal=True, vertical_alignment="center"):
            st.page_link("app_pages/collectors.py", label=f"…{task['id'][-7:]}", query_params={"id": task["id"]})
            show.status(task["state"])
            done = f"{words.of_customer(task['answer'])}, {task['answered_by']}" if task["answer"] else (
                f"owed by {words.moment(task['due_at'], session.zone())}")  # fmt: skip
            st.text(done)


def why(found: Json) -> None:
    st.subheader("Why")
    st.text(f"Probability {words.share(found['probability'])}, from {words.word(found['source']).lower()}")
    for factor in found["factors"]:
        st.text(f"• {factor.get('words') or words.plain_code(factor['feature'])}")
    if not found["factors"]:
        st.text("Begun by a person." if found["source"] == "person" else "No single reason stands out.")
    if len(found["triggers"]) > 1:
        st.caption(f"{len(found['triggers'])} triggers; what came later updated this episode and opened no second one.")


def agreed(found: Json) -> None:
    if not found["commitments"]:
        return
    st.subheader("Agreed")
    for each in found["commitments"]:
        what = words.word(each["tool"]) if each["tool"] else "Promise to pay"
        amount = f" {words.money(each['amount'], each['currency'])}" if each["amount"] else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            show.status(each["state"])
            st.text(f"{what}{amount}, due {each['due_on']}")


def outcomes(found: Json) -> None:
    if not found["outcomes"]:
        return
    st.subheader("How it went")
    show.table(
        [
            {
                "After": f"{each['day']} days",
                "Missed a payment": {True: "yes", False: "no", None: "not known"}[each["missed"]],
                "Paid": each["paid"] or words.NOTHING,
                "Messages": each["messages"],
                "Calls": each["calls"],
            }
            for each in found["outcomes"]
        ],
        "How it went, day by day",
    )


def stop(found: Json) -> None:
    if found["ending"] or not session.may("interventions:act"):
        return
    with st.form("cancel", border=True):
        reason = st.text_input("Stop helping: why?", key="why-cancel", max_chars=500, placeholder="Goes on record")
        if st.form_submit_button("Stop this episode"):
            if len(reason.strip()) < 3:
                show.notice("Say why in a few words: it goes on record.", kind="watch")
                return
            with session.told_plainly():
                session.backend().cancel_intervention(found["id"], reason.strip())
                st.rerun()


interventions()
