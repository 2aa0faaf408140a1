"""Audit: what was done here, by whom and why, and is the record whole?"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import streamlit as st

from ui import paging, session, show, words
from ui.backend import Json

ANY = "any"
A_DIGEST = re.compile(r"\b[0-9a-f]{40,}\b")
A_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
KINDS = {
    "application.": "Applications", "decision.": "Decisions", "review.": "Reviews", "model.": "Models",
    "rollout.": "Releases", "experiment.": "Experiments", "drift.": "Drift", "outcome.": "Outcomes",
    "intervention.": "Interventions", "collector_task.": "Calls", "contact.": "Contacts", "consent.": "Consent",
    "message.": "Messages", "key.": "Keys", "source.": "Sources",
}  # fmt: skip
ABOUT = ("application", "intervention", "about", "person")
SHOWN_APART = {"v", "kind", "application", "actor", "reason", "reason_text", "request", "at", "entry", "seq",
               "recorded_at", "actor_name", "row", "body", *ABOUT}  # fmt: skip


def audit() -> None:
    st.title("Audit")
    whole()
    filters()
    entries()


def whole() -> None:
    if not st.button("Verify the whole record", key="verify-all"):
        return
    with session.told_plainly(), st.spinner("Reading every entry, link and row …"):
        found = session.backend().verification()
        if found["ok"]:
            counted = words.counted(found["entries"], "entry", "entries")
            show.notice(f"{counted}, {found['rows']:,} rows, {found['checkpoints']:,} signed checkpoints fit.",
                        kind="good", label="Verified")  # fmt: skip
        else:
            show.notice(str(found["problem"]), kind="wrong", label="Does not fit")


def filters() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "What", [ANY, *KINDS], format_func=lambda kind: KINDS.get(kind, "Anything"), key="kind",
            bind="query-params", width=150,
        )  # fmt: skip
        st.text_input("By", key="by", bind="query-params", width=170, max_chars=200, placeholder="name of a person")
        st.text_input("About", key="about", bind="query-params", width=210, max_chars=80, placeholder="app_… or int_…")
        st.date_input("From", None, key="since", bind="query-params", format="YYYY-MM-DD", width=130)
        st.date_input("until", None, key="until", bind="query-params", format="YYYY-MM-DD", width=130)


def chosen() -> dict[str, str | None]:
    state = st.session_state
    kind = state.get("kind")
    days = {"since": (state.get("since"), 0), "until": (state.get("until"), 1)}
    begins = {
        name: datetime.combine(day + timedelta(days=more), time.min, session.zone()).isoformat()
        for name, (day, more) in days.items()
        if isinstance(day, date)
    }
    typed = {name: (state.get(name) or "").strip() or None for name in ("by", "about")}
    return {"kind": None if kind == ANY else kind} | typed | begins


def entries() -> None:
    """Not by itself anew: what somebody reads must not move. `Older` goes on behind what is shown."""
    asked = chosen()
    with session.told_plainly():
        found = paging.read(
            "audit", asked, lambda before: session.backend().entries(before=before, limit=paging.MOST, **asked)
        )
        rows = found["data"]
        if not rows:
            show.nothing_here("Nothing on record fits these filters. Choose other days, or Anything.")
            return
        show.table([row_of(row) for row in rows], "Entries of the record, the newest first")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Look again", key="look-again")
            st.caption(f"{words.counted(len(rows), 'entry', 'entries')}, looked at "
                       f"{words.clock(datetime.now(UTC), session.zone(), seconds=True)}.")  # fmt: skip
        paging.turn("audit", found)


def row_of(entry: Json) -> dict[str, str]:
    more = ", ".join(f"{words.plain_code(k).lower()} {brief(v)}" for k, v in entry.items()
                     if k not in SHOWN_APART and v not in (None, ""))  # fmt: skip
    who = entry["actor_name"] or ("Plimsoll" if entry["actor"] == "act_system" else entry["actor"])
    return {
        "When": words.moment(entry["at"], session.zone()),
        "What": words.word(entry["kind"]),
        "Who": who,
        "Why": why(entry),
        "About": next((entry[name] for name in ABOUT if entry.get(name)), words.NOTHING),
        "More": more,
        "Seq": f"{entry['seq']:,}" if entry["seq"] else "not sealed yet",
    }


def why(entry: Json) -> str:
    """A reviewer's reason as it was chosen; other codes in words, and what a person wrote as it is."""
    if entry["reason"] == entry["kind"]:
        return words.NOTHING
    return entry.get("reason_text") or words.plain_reason(entry["reason"])


def brief(value: Any) -> str:
    """A digest by its beginning: whole it is in the trace. A moment as people read one."""
    if isinstance(value, str) and A_MOMENT.fullmatch(value):
        return words.moment(value, session.zone())
    return A_DIGEST.sub(lambda found: f"{found[0][:12]}…", words.value_in_words(value))


audit()
