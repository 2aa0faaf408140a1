"""Customers: who is at risk, why, and how did it come to that?"""

from datetime import UTC, datetime

import streamlit as st

from ui import customer_charts as charts
from ui import drawing, paging, session, show, words
from ui.backend import Json, NotThere
from ui.reaching import reach

ANY = "any"
LEVELS = ("critical", "high", "medium", "low")
WIDTHS = (1.2, 0.9, 1.0, 3.4, 1.2)
NAMES = ("Customer", "Level", "Probability", "Why", "Since")


def customers() -> None:
    st.title("Customers")
    number = find()
    if number:
        with session.told_plainly(stop=True):
            one(number)
        return
    st.segmented_control(
        "Level", [ANY, *LEVELS], format_func=lambda level: "Any" if level == ANY else words.word(level), key="level",
        default=ANY, required=True, bind="query-params",
    )  # fmt: skip
    listed()


def find() -> str:
    typed = st.text_input(
        "Find a customer", key="id", bind="query-params", width=420, max_chars=200,
        placeholder="per_… or your own number of the customer",
    )  # fmt: skip
    return (typed or "").strip()


# All of them ------------------------------------------------------------------------------------


@st.fragment(run_every=session.REFRESH)
def listed() -> None:
    now = datetime.now(UTC)
    level = st.session_state.get("level", ANY)
    with session.told_plainly():
        backend = session.backend().refreshing()
        counts(backend.stream()["levels"])
        chosen = None if level in (None, ANY) else level
        found = paging.read("customers", chosen, lambda after: backend.customers(chosen, after))
        rows = found["data"]
        if not rows:
            nobody(level)
        else:
            show.heading(WIDTHS, NAMES)
            for row in rows:
                draw(row, now)
            paging.turn("customers", found, "← Higher risk", "Lower risk →")
        session.refreshed(now)


def counts(levels: Json) -> None:
    cells = st.columns(4)
    for cell, level in zip(cells, LEVELS, strict=True):
        cell.metric(words.word(level), f"{levels.get(level, 0):,}", border=True)


def nobody(level: str | None) -> None:
    if level in (None, ANY):
        show.nothing_here(
            "Nobody is watched yet. Load what happened on accounts with `plimsoll transactions load FILE`, or send it "
            "to POST /v1/transactions; risks appear as it is read."
        )
    else:
        show.nothing_here("Nobody is at this level now. Choose Any to see everybody who is watched.")


def draw(row: Json, now: datetime) -> None:
    name, level, probability, why, since = show.line(WIDTHS, row["id"])
    with name:
        st.page_link("app_pages/customers.py", label=f"…{row['id'][-7:]}", query_params={"id": row["id"]},
                     help=f"Open {row['id']}")  # fmt: skip
    level.badge(words.word(row["level"]), color=words.colour(row["level"]))
    probability.text(words.share(row["probability"]))
    why.text(why_of(row))
    since.text(words.ago(row.get("since") or row["as_of"], now) + (", silent" if row["silent"] else ""))


def why_of(risk: Json) -> str:
    """The two things that count most, as staff may say them; the rule's name where no model had enough to read."""
    said = [factor.get("words") or words.plain_code(factor["feature"]) for factor in (risk["factors"] or [])[:2]]
    return "; ".join(said) or words.plain_code(risk["row"] or "") or words.NOTHING


# One --------------------------------------------------------------------------------------------


def one(number: str) -> None:
    try:
        found = session.backend().customer(number)
    except NotThere as problem:
        show.notice(problem.sentence, kind="watch", label="Not found")
        st.page_link("app_pages/customers.py", label="← All customers")
        return
    header(found)
    left, right = st.columns([1, 1.2], gap="large")
    with left:
        why(found)
        episodes(found["id"])
        reach(found["id"])
    with right:
        trend(found)
    rhythms(found["portrait"])
    everything(found)


def header(found: Json) -> None:
    risk = found["risk"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(found["reference"] or found["id"], width="content")
        if risk:
            show.status(risk["level"])
        st.space("stretch")
        st.page_link("app_pages/customers.py", label="← All customers")
    with st.container(horizontal=True, gap="medium"):
        st.text(found["id"])
        if found["product"]:
            st.text(words.plain_code(found["product"].replace("-", " ")))
        if found["zone"]:
            st.text(f"time zone {found['zone']}")
        if found["due_on"]:
            st.text(f"next payment due {found['due_on']}")
        st.text(f"newest event {words.moment(found['newest_at'], session.zone())}")


def why(found: Json) -> None:
    risk = found["risk"]
    st.subheader("Why")
    if not risk:
        st.text("Not judged yet: nothing that can matter was read of this customer.")
        return
    if risk["probability"] is not None:
        st.metric("Probability of a missed payment", words.share(risk["probability"]), border=True)
    for factor in risk["factors"] or []:
        st.text(f"• {factor.get('words') or words.plain_code(factor['feature'])}")
    if not risk["factors"]:
        st.text(f"By the rule “{words.plain_code(risk['row'] or '')}”.")
    by = f"by {risk['model']}" if risk["model"] else "by a rule: too little is known for the model"
    set_off = f", set off by “{words.plain_code(str(risk['because'])).lower()}”" if risk["because"] else ""
    st.caption(f"As of {words.moment(risk['as_of'], session.zone())}, {by}{set_off}.")
    if found["silent"]:
        st.text("Nothing was heard of them for long since. They may be well or not: nobody is reached by what is old.")


def episodes(person: str) -> None:
    st.subheader("What was done")
    rows = session.backend().interventions(person=person, limit=10)["data"]
    if not rows:
        st.text("Nothing so far.")
    for row in rows:
        with st.container(key=f"row-{row['id']}", horizontal=True, vertical_alignment="center"):
            st.page_link("app_pages/interventions.py", label=f"…{row['id'][-7:]}", query_params={"id": row["id"]})
            show.status(row["state"])
            opened = f"opened {words.moment(row['opened_at'], session.zone())}"
            st.text(words.of_customer(row["ending"]) if row["ending"] else opened)


def trend(found: Json) -> None:
    history = found["history"]
    if sum(change["probability"] is not None for change in history) > 1:
        drawing.draw(
            st, charts.risk_over_time(history, session.ink()), key="risk", alt_text="Probability at each change"
        )
    if history:
        show.table(
            [
                {
                    "As of": words.moment(change["as_of"], session.zone()),
                    "Level": f"{words.word(change['before'])} → {words.word(change['level'])}"
                    if change["before"]
                    else words.word(change["level"]),
                    "Probability": words.share(change["probability"]),
                    "Why": why_of(change),
                }
                for change in history
            ],
            "How the level changed, the newest first",
        )


def rhythms(portrait: Json | None) -> None:
    st.subheader("Their own rhythm")
    if not portrait:
        st.text("Nothing was read of this customer's accounts yet.")
        return
    ink = session.ink()
    shown = portrait["rhythms"]
    for place, pace in enumerate(shown):
        if place % 2 == 0:
            cells = st.columns(2, gap="large")
        with cells[place % 2]:
            drawing.draw(
                st, charts.rhythm(pace, ink), key=f"pace-{pace['name']}", alt_text=f"Days and amounts: {pace['name']}"
            )
            st.caption(in_words(pace))
    left, right = st.columns(2, gap="large")
    if portrait["weeks"]:
        drawing.draw(left, charts.weeks(portrait["weeks"], ink), key="weeks", alt_text="In and out week by week")
    if portrait["months"]:
        cell = right if portrait["weeks"] else left
        drawing.draw(cell, charts.months(portrait["months"], ink), key="months", alt_text="Bills and payments by month")


def in_words(pace: Json) -> str:
    if not pace["cycle"]:
        return "No rhythm found: too few, or too irregular."
    said = [f"{words.plain_code(pace['cycle'])}, usually {pace['usual_amount']:,.2f}"]
    if pace["expected"]:
        said.append(f"expected {pace['expected']}")
    if pace["days_late"]:
        said.append(f"{pace['days_late']:.0f} days late")
    return ", ".join(said) + "."


def everything(found: Json) -> None:
    portrait = found["portrait"]
    if not portrait:
        return
    with st.expander("Every signal, and the figures behind the charts"):
        show.table(
            [
                {
                    "Signal": words.plain_code(s["name"]),
                    "Value": f"{s['value']:,.4g} {s['unit']}".strip(),
                    "About": s["about"],
                    "As staff may say it": s["says"] or "never said",
                }
                for s in portrait["signals"]
            ],
            "Every signal with its value",
        )
        if portrait["weeks"]:
            show.table(portrait["weeks"], "Flows of each week")
        if portrait["months"]:
            show.table(portrait["months"], "Statement of each month")


customers()
