"""The reviewer's side of a case: claim it, say what is decided and why, once."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import streamlit as st

from ui import acts, desk, drafts, session, show, taking, words
from ui.backend import Json

OUTCOMES = {"approve": "Approve", "decline": "Decline", "counter_offer": "Counter-offer"}
FIELDS = ("outcome", "reason", "amount", "term", "note")
WAITING = ("open", "claimed", "second")


def panel(found: Json, product: Json) -> None:
    """Everything about the review of this case, in the order in which a reviewer needs it."""
    review, now = found["review"], datetime.now(UTC)
    with st.container(border=True, key="review"):
        st.subheader("Review", anchor=False)
        acts.said(review["id"])
        if review["state"] not in WAITING:
            settled(review)
            return
        due(review, now)
        if not session.may("reviews:answer"):
            st.text("You may read this case; a reviewer decides it.")
            return
        first = first_verdict(review) if review["state"] == "second" else None
        if first and first["actor"] == session.person()["name"]:
            st.text("You gave the first approval: four eyes, so another person gives the second.")
            taking.button()
            return
        hold(review, now)
        if is_mine(review, now):
            form(found, review, product)


def due(review: Json, now: datetime) -> None:
    left, hue = words.time_left(review["due_at"], now)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(left, color=hue)
        st.caption(f"first answer due {words.soon(review['due_at'], now, session.zone())}", width="stretch")
    if review["for_seniors"]:
        st.text("Handed up: a senior reviewer decides it.")
    if review["escalated_at"]:
        st.text(f"Escalated. It expires {words.moment(review['deadline'], session.zone())}.")


# Holding ----------------------------------------------------------------------------------------


def is_mine(review: Json, now: datetime) -> bool:
    until = words.as_time(review["lease_until"])
    return review["claimed_by"] == session.person()["name"] and until is not None and until > now


def hold(review: Json, now: datetime) -> None:
    """Whose the case is; taking it and giving it back."""
    until = words.as_time(review["lease_until"])
    running = until is not None and until > now
    task = review["id"]
    if is_mine(review, now):
        st.text(f"Yours until {words.clock(until, session.zone())}")
        with st.container(horizontal=True):
            st.button("Give back", key="release", on_click=release, args=(task,))
            if not session.may("reviews:override"):
                desk.hand_up(review)
        return
    if review["for_seniors"] and not session.may("reviews:override"):
        taking.button()
        return
    if review["claimed_by"] and running:
        st.text(f"{review['claimed_by']} holds this case until {words.clock(until, session.zone())}.")
        taking.button()
        return
    if review["claimed_by"] == session.person()["name"]:
        show.notice("Your hold has run out: claim the case again to decide it.", kind="watch", label="Hold lost")
    st.button("Claim", type="primary", shortcut="T", key="claim", on_click=claim, args=(task,), width="stretch")


def claim(task: str) -> None:
    acts.act(task, "You hold this case now.", lambda: session.backend().claim(task), quiet=True)


def release(task: str) -> None:
    acts.act(task, "The case is back in the queue. Your draft is kept.", lambda: session.backend().release(task))


# The form ---------------------------------------------------------------------------------------


@st.fragment
def form(found: Json, review: Json, product: Json) -> None:
    """A fragment: what is typed reruns only this, and is kept as a draft at every change."""
    task = review["id"]
    restore(task)
    if review["state"] == "second":
        _show_first(review)
    outcome = st.segmented_control(
        "Verdict", list(OUTCOMES), format_func=OUTCOMES.get, key=f"outcome-{task}", on_change=keep, args=(task,),
        width="stretch",
    )  # fmt: skip
    limit = limits(found, review, product)
    if limit:
        st.caption(limit)
    reasons = product.get("review_reasons", {})
    st.selectbox(
        "Reason", list(reasons), index=None, format_func=lambda code: reasons.get(code, code), key=f"reason-{task}",
        placeholder="Choose what decided it", on_change=keep, args=(task,),
    )  # fmt: skip
    if outcome == "counter_offer":
        counter_offer(found, task)
    st.text_area(
        "Note", key=f"note-{task}", height=96, max_chars=4000, on_change=keep, args=(task,),
        placeholder="What you looked at. Kept sealed with the case.",
    )  # fmt: skip
    st.button(
        "Save verdict", type="primary", shortcut="Ctrl+Enter", key=f"save-{task}", on_click=save,
        args=(task, review["version"]), width="stretch",
    )  # fmt: skip
    if st.session_state.get("look-again"):
        st.rerun()


def limits(found: Json, review: Json, product: Json) -> str | None:
    """Said before anybody writes a verdict that cannot be taken."""
    amount, currency = Decimal(found["amount"]), found["currency"]
    by_role = product.get("review_authority") or {}
    mine = max((Decimal(by_role[role]) for role in session.person()["roles"] if role in by_role), default=Decimal(0))
    if by_role and mine < amount:
        return f"You may approve up to {words.money(mine, currency)}: offer less, decline, or leave it to another."
    above = product.get("four_eyes_above")
    if above and amount > Decimal(above) and review["state"] != "second":
        return f"Above {words.money(above, currency)} a yes takes two people: yours is the first."
    return None


def counter_offer(found: Json, task: str) -> None:
    left, right = st.columns(2)
    left.number_input(
        f"{found['currency']}, at most {float(found['amount']):,.0f}", min_value=0.0, step=100.0, value=None,
        max_value=float(found["amount"]), key=f"amount-{task}", on_change=keep, args=(task,), placeholder="Amount",
    )  # fmt: skip
    right.number_input(
        "Term, months", min_value=1, max_value=480, step=1, value=None, key=f"term-{task}",
        on_change=keep, args=(task,), placeholder=str(found["term_months"]),
    )  # fmt: skip
    desk.worked_out(found, st.session_state.get(f"amount-{task}"), st.session_state.get(f"term-{task}"))
    smaller_offers(found)


def smaller_offers(found: Json) -> None:
    """What the model says of asking for less: a reviewer need not guess."""
    alternatives = (found["score_details"] or {}).get("alternatives", [])
    if not alternatives:
        return
    with st.expander("Risk of smaller offers"):
        rows = [
            {
                "Amount": words.money(offer["amount"], found["currency"]),
                "Term": words.months(offer["term_months"]),
                "Risk": words.share(offer["probability_of_default"]),
            }
            for offer in alternatives
        ]
        show.table(rows, "Risk of default of smaller and shorter offers")


def restore(task: str) -> None:
    """Widgets that were not drawn have forgotten: the draft has not."""
    draft = drafts.of(session.person()["id"], task)
    for field in FIELDS:
        key = f"{field}-{task}"
        if key not in st.session_state and draft.get(field) is not None:
            st.session_state[key] = draft[field]


def keep(task: str) -> None:
    session.touch()
    before = drafts.of(session.person()["id"], task)
    now = {field: st.session_state[f"{field}-{task}"] for field in FIELDS if f"{field}-{task}" in st.session_state}
    drafts.keep(session.person()["id"], task, before | now)


def save(task: str, version: int) -> None:
    """Sends the verdict. Twice the same is one: the API gives the first back."""
    keep(task)
    st.session_state["look-again"] = True  # the fragment alone cannot show the case anew
    draft = drafts.of(session.person()["id"], task)
    lacking = what_lacks(draft)
    if lacking:
        acts.say(task, "watch", "Not saved", lacking)
        return
    saved = acts.act(task, "", lambda: session.backend().decide(task, answer_of(draft, version)), quiet=True)
    if not saved:
        return
    drafts.forget(session.person()["id"], task)
    first = saved["state"] == "second"
    sentence = f"Your verdict is saved: {OUTCOMES[draft['outcome']].lower()}."
    more = " The amount needs four eyes: a second person must agree." if first else ""
    acts.say(task, "good", "Saved", sentence + more)


def what_lacks(draft: Json) -> str | None:
    if draft.get("outcome") not in OUTCOMES:
        return "Choose a verdict: approve, decline or counter-offer."
    if not draft.get("reason"):
        return "Choose the reason that decided it."
    if draft["outcome"] == "counter_offer" and not draft.get("amount"):
        return "A counter-offer names the amount offered."
    return None


def answer_of(draft: Json, version: int) -> Json:
    """`version` is the task's as this reviewer saw it: the API refuses it when the case has moved on."""
    answer: dict[str, Any] = {
        "version": version,
        "outcome": draft["outcome"],
        "reason": draft["reason"],
        "note": draft.get("note") or "",
    }
    if draft["outcome"] == "counter_offer":
        answer["amount"] = str(Decimal(str(draft["amount"])).quantize(Decimal("0.01")))
        if draft.get("term"):
            answer["term_months"] = int(draft["term"])
    return answer


# What became of it ------------------------------------------------------------------------------


def settled(review: Json) -> None:
    """The verdicts given, or how the review ended without one."""
    with session.told_plainly():
        verdicts = session.backend().refreshing().review(review["id"])["verdicts"]
        if not verdicts:
            st.text(f"{words.word(review['state'])}: nobody gave a verdict.")
        for given in verdicts:
            verdict(given)
    if session.may("reviews:answer"):
        taking.button()


def verdict(given: Json) -> None:
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            show.status(given["outcome"])
            st.text(f"{given['actor']}, {words.moment(given['answered_at'], session.zone())}")
        st.text(words.chosen(given))
        if given.get("amount"):
            st.text(f"Offered: {given['amount']}")
        if given.get("note"):
            st.text(given["note"])


def first_verdict(review: Json) -> Json | None:
    with session.told_plainly():
        verdicts = session.backend().refreshing().review(review["id"])["verdicts"]
        return verdicts[0] if verdicts else None
    return None


def _show_first(review: Json) -> None:
    first = first_verdict(review)
    if first:
        st.caption("First approval")
        verdict(first)
