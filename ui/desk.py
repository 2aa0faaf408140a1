"""The reviewer's desk beside the verdict: papers, notes, similar cases, an offer worked out, handing up, being away."""

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from ui import acts, session, show, words
from ui.backend import Json, Problem


def panel(found: Json, product: Json) -> None:
    """What belongs to a case and is no verdict."""
    if not found["review"]:
        return
    acts.said(f"desk-{found['id']}")
    papers(found, product)
    notes(found)
    if not found.get("score_after_verdict"):
        similar(found)


def at_work(found: Json) -> bool:
    return session.may("reviews:answer") and found["status"] in ("review", "awaiting_applicant")


# Papers -----------------------------------------------------------------------------------------


def papers(found: Json, product: Json) -> None:
    asked, listed = found["documents"], product.get("review_documents", {})
    if not asked and not (listed and at_work(found)):
        return
    st.subheader("Documents", anchor=False)
    for paper in asked:
        draw_paper(found, paper)
    if listed and at_work(found):
        owed = {paper["code"] for paper in asked if paper["received_at"] is None}
        ask_for(found, {code: name for code, name in listed.items() if code not in owed})


def draw_paper(found: Json, paper: Json) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"row-paper-{paper['id']}"):
        st.text(paper["name"], width="stretch")
        if paper["received_at"] is None:
            st.badge("asked for", color="orange", help=f"By {paper['asked_by']}; until {until(paper)}.")
        else:
            st.badge("handed in", color="green", help=words.moment(paper["received_at"], session.zone()))
            if session.may("reviews:answer") or session.may("ledger:read"):
                take(found, paper)


def until(paper: Json) -> str:
    return words.moment(paper["until"], session.zone())


def take(found: Json, paper: Json) -> None:
    """Fetched when it is wanted: opening goes on record."""
    kept = f"paper-{paper['id']}"
    if kept not in st.session_state:
        st.button("Open", key=f"open-{paper['id']}", on_click=fetch, args=(found["id"], paper["id"]),
                  help="Goes on record with your name")  # fmt: skip
        return
    content, media_type, name = st.session_state.pop(kept)
    st.download_button(
        "Save it", content, file_name=name, mime=media_type, key=f"save-{paper['id']}", on_click="ignore"
    )


def fetch(application: str, document: str) -> None:
    got = acts.act(f"desk-{application}", "", lambda: session.backend().document(application, document), quiet=True)
    if got:
        st.session_state[f"paper-{document}"] = got


def ask_for(found: Json, listed: Json) -> None:
    key = f"ask-{found['id']}"
    with st.popover("Ask for a document", disabled=not listed):
        st.selectbox("Document", list(listed), format_func=listed.get, index=None, key=key, placeholder="Choose one")
        st.caption("The applicant is asked by the system that sent the case. It waits, and comes back by itself.")
        st.button("Ask the applicant", key=f"{key}-now", type="primary", on_click=send_ask, args=(found, key))


def send_ask(found: Json, key: str) -> None:
    code = st.session_state.get(key)
    subject, task = f"desk-{found['id']}", found["review"]["id"]
    if not code:
        acts.say(subject, "watch", "Not asked", "Choose the document the applicant is to hand in.")
        return
    acts.act(subject, "The applicant is asked. The case waits for the document.",
             lambda: session.backend().ask_for_document(task, code))  # fmt: skip


# Notes ------------------------------------------------------------------------------------------


def notes(found: Json) -> None:
    if not found["notes"] and not at_work(found):
        return
    st.subheader("Notes", anchor=False)
    for note in found["notes"]:
        with st.container(gap="xxsmall", key=f"row-note-{note['id']}"):
            st.text(words.NOTHING if note["text"] is None else note["text"])
            st.caption(f"{note['by']}, {words.moment(note['written_at'], session.zone())}")
    if at_work(found):
        key = f"new-note-{found['id']}"
        st.text_area("For the next one at this case", key=key, height=68, max_chars=4000,
                     placeholder="Kept sealed with the case, for good.")  # fmt: skip
        st.button("Write down", key=f"{key}-now", on_click=write, args=(found["id"], key))


def write(application: str, key: str) -> None:
    text = (st.session_state.get(key) or "").strip()
    if not text:
        acts.say(f"desk-{application}", "watch", "Not written", "Type what the next one at this case should know.")
        return
    done = acts.act(f"desk-{application}", "Written down.", lambda: session.backend().note(application, text))
    if done is not False:
        st.session_state[key] = ""


# Similar cases ----------------------------------------------------------------------------------


def similar(found: Json) -> None:
    """Asked for when it is opened: most verdicts need no look at others."""
    if not found["score_details"]:
        return
    key = f"similar-{found['id']}"
    if not st.toggle("Similar decided cases", key=key, help="Nearest in risk, amount and term, of the same product"):
        return
    with session.told_plainly():
        near = session.backend().similar(found["id"])
        if not near:
            st.text("No case of this product has been decided yet.")
            return
        show.table([in_words(case) for case in near], "Decided cases nearest to this one, and what became of them")


def in_words(case: Json) -> dict[str, str]:
    became = {None: "not known yet", True: "bad", False: "good"}
    return {
        "Case": case["id"],
        "Asked for": f"{words.money(case['amount'], case['currency'])}, {words.months(case['term_months'])}",
        "Risk": words.share(case["probability_of_default"]),
        "Decided": f"{words.word(case['outcome'])} {words.word(case['outcome_source'])}",
        "Ended": became[case["bad"]],
    }


# An offer worked out ----------------------------------------------------------------------------


def worked_out(found: Json, amount: float | None, term: int | None) -> None:
    """What the offer that is being typed would cost and risk: the same sum the verdict would grant."""
    if not amount or not found["score_details"]:
        return
    try:
        offer = session.backend().refreshing().offer(found["id"], f"{amount:.2f}", term or found["term_months"])
    except Problem as problem:
        st.caption(acts.in_full(problem))
        return
    terms, currency = offer["terms"], found["currency"]
    show.facts(
        [
            ("Payment", f"{words.money(terms['payment'], currency)} a month"),
            ("Yearly rate", f"{float(terms['apr']) * 100:.2f} % APR"),
            ("Total cost", words.money(terms["total_cost"], currency)),
            ("Risk of default", words.share(offer["probability_of_default"])),
        ]
    )


# Handing up, being away -------------------------------------------------------------------------


def hand_up(review: Json) -> None:
    if review["for_seniors"]:
        return
    key = f"hand-up-{review['id']}"
    with st.popover("Hand up"):
        st.text_input("Why it is not yours to decide", key=key, max_chars=500, placeholder="Goes on record")
        st.button("Leave it to a senior reviewer", key=f"{key}-now", on_click=send_up, args=(review["id"], key))


def send_up(task: str, key: str) -> None:
    reason = (st.session_state.get(key) or "").strip()
    if len(reason) < 3:
        acts.say(task, "watch", "Not done", "Say why in a few words: the senior reviewer reads it first.")
        return
    acts.act(task, "A senior reviewer decides this case now.", lambda: session.backend().hand_up(task, reason))


def absence(away: list[Json]) -> None:
    """Who is away, and how to be."""
    mine = next((row for row in away if row["id"] == session.person()["id"]), None)
    others = [f"{row['name']} until {words.moment(row['until'], session.zone())}" for row in away if row is not mine]
    if others:
        st.caption(f"Away: {'; '.join(others)}")
    if not session.may("reviews:answer"):
        return
    if mine:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge("You are away", color="orange")
            st.text(f"until {words.moment(mine['until'], session.zone())}; taking a case ends it.", width="content")
            st.button("I am back", key="back", on_click=come_back)
        return
    with st.popover("Be away"):
        tomorrow = datetime.now(session.zone()).date() + timedelta(days=1)
        st.date_input("Back on", value=tomorrow, min_value=tomorrow, key="away-until")
        st.caption("What you hold goes back to the queue; drafts are kept.")
        st.button("Leave", key="leave", type="primary", on_click=leave)


def leave() -> None:
    day: date = st.session_state["away-until"]
    until = datetime.combine(day, time(), session.zone()).astimezone(UTC)
    acts.act("queue", "What you held is back in the queue.", lambda: session.backend().leave(until.isoformat()))


def come_back() -> None:
    acts.act("queue", "Welcome back.", lambda: session.backend().come_back())
