"""Decision trace: what was decided, from what, by what, by whom, and is the record still what it was?"""

from datetime import UTC, datetime
from functools import partial

import streamlit as st

from ui import case_parts, copies, paper, session, show, words
from ui.backend import Json, NotThere

WIDTHS = (1.3, 1.5, 1.2, 1.6, 1.4)
NAMES = ("Case", "Your number", "Outcome", "Asked for", "Accepted")


def trace() -> None:
    st.title("Decision trace")
    number = look_for()
    if not number:
        show.nothing_here("Enter a number above: of a case, a decision, a review or an applicant, ours or your own.")
        return
    with session.told_plainly(stop=True):
        found = session.backend().decisions(number)
    if not found:
        show.notice(f"Nothing is known under {number}.", kind="watch", label="Not found")
    elif len(found) == 1:
        with session.told_plainly(stop=True):
            one(found[0]["id"])
    else:
        several(found)


def look_for() -> str:
    """The address carries it, so a trace can be sent to an auditor who may see it."""
    typed = st.text_input(
        "Number of a case, a decision, a review or an applicant", key="id", bind="query-params", width=520,
        placeholder="app_… dec_… rev_… or a number of your own", max_chars=200,
    )  # fmt: skip
    return (typed or "").strip()


def several(found: list[Json]) -> None:
    st.text(f"{words.counted(len(found), 'case', 'cases')}, the newest first")
    drawn = show.first(found, "enter the number of a case to see another.")
    show.heading(WIDTHS, NAMES)
    for row in drawn:
        case, own, outcome, asked, accepted = show.line(WIDTHS, row["id"])
        with case:
            st.page_link("app_pages/trace.py", label=f"…{row['id'][-7:]}", query_params={"id": row["id"]},
                         help=f"Trace {row['id']}")  # fmt: skip
        own.text(row["external_id"] or words.NOTHING)
        shown = row["outcome"] or row["status"]
        outcome.badge(words.word(shown), color=words.colour(shown))
        asked.text(words.money(row["amount"], row["currency"]))
        accepted.text(words.moment(row["accepted_at"], session.zone()))


def one(application: str) -> None:
    try:
        found = session.backend().case(application)
    except NotThere as problem:
        show.notice(problem.sentence, kind="watch", label="Not found")
        return
    header(found)
    to_print(found)
    record, plain = st.tabs(["The record", "In plain words"])
    with record:
        the_record(found)
    with plain:
        in_plain_words(found)


def header(found: Json) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(
            f"{words.money(found['amount'], found['currency'])} over {words.months(found['term_months'])}",
            width="content",
        )
        show.status(found["outcome"] if found["status"] == "decided" else found["status"])
        st.space("stretch")
        st.page_link("app_pages/case.py", label="Open the case →", query_params={"id": found["id"]})
    with st.container(horizontal=True, gap="medium"):
        st.text(found["id"])
        if found["external_id"]:
            st.text(f"your number {found['external_id']}")


def to_print(found: Json) -> None:
    """Made when it is asked for: each copy has a mark of its own, and the record says who took it."""
    backend, zone, known = session.backend(), session.zone(), checked(found["id"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "For an auditor (PDF)",
            partial(copies.for_an_auditor, backend, found, known, session.person()["name"], zone),
            f"trace-{found['id']}.pdf", "application/pdf", key="print-auditor", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "For the applicant (PDF)", partial(copies.for_the_applicant, backend, found, zone),
            f"about-{found['id']}.pdf", "application/pdf", key="print-applicant", on_click="ignore",
        )  # fmt: skip
        proven = f"the check of {words.moment(known['checked_at'], zone)}" if known else "no check: verify it first"
        st.caption(f"Each copy carries a mark, and is on record with who took it. The auditor's tells of {proven}.")


# The record -------------------------------------------------------------------------------------


def the_record(found: Json) -> None:
    zone = session.zone()
    left, right = st.columns(2, gap="large")
    with left:
        part("Decision", paper.decision_facts(found, zone))
        part("Versions", paper.versions(found))
        part("Score", paper.score_facts(found))
        case_parts.reasons(found)
        case_parts.rules(found)
    with right:
        case_parts.declared(found)
        case_parts.evidence(found, datetime.now(UTC))
    proof(found)
    case_parts.timeline(found)


def part(name: str, pairs: tuple[tuple[str, str], ...]) -> None:
    st.subheader(name)
    show.facts(pairs, label_share=0.3)


def checked(application: str) -> Json | None:
    """What was found at the last click, while this person stays on this case."""
    kept = st.session_state.get("proof")
    return kept if kept and kept["application"] == application else None


def proof(found: Json) -> None:
    st.subheader("Proof")
    with st.container(horizontal=True):
        # Before the page is drawn: what is printed from its head says what was found.
        st.button("Verify this case", key="verify", on_click=verify, args=(found["id"],))
        whole = session.may("ledger:read") and st.button("Verify the whole record", key="verify-all")
    if whole:
        verify_everything()
    known = checked(found["id"])
    if known is None:
        st.caption("Hashes the entries below, their links in the chain and the rows they vouch for once more.")
    else:
        verdict(known)
    show.table(entries(found, known), "Entries of the ledger about this case")


def verify(application: str) -> None:
    with session.told_plainly():
        st.session_state["proof"] = session.backend().proof(application)


def verdict(known: Json) -> None:
    at = words.moment(known["checked_at"], session.zone())
    if known["ok"]:
        entries_ = words.counted(len(known["entries"]), "entry", "entries")
        said = f"{entries_} and {words.counted(known['rows'], 'row', 'rows')} fit, checked {at}."
        show.notice(said, kind="good", label="Verified")
    else:
        show.notice(f"{known['problem']} (checked {at}). Tell compliance before anybody works on.", kind="wrong",
                    label="Does not fit")  # fmt: skip


def verify_everything() -> None:
    with session.told_plainly(), st.spinner("Reading every entry, link and row …"):
        found = session.backend().verification()
        if found["ok"]:
            entries_, rows = (words.counted(found[n], *forms) for n, forms in
                              (("entries", ("entry", "entries")), ("rows", ("row", "rows"))))  # fmt: skip
            show.notice(f"{entries_}, {rows} and {found['checkpoints']:,} signed checkpoints fit.", kind="good",
                        label="The whole record")  # fmt: skip
        else:
            show.notice(str(found["problem"]), kind="wrong", label="Does not fit")


def entries(found: Json, known: Json | None) -> list[dict[str, str]]:
    hashes = {entry["entry"]: entry for entry in (known or {}).get("entries", [])}
    return [
        {
            "When": words.moment(entry["at"], session.zone()),
            "What": words.word(entry["kind"]),
            "Who": entry.get("actor_name") or ("Plimsoll" if entry["actor"] == "act_system" else entry["actor"]),
            "Why": words.NOTHING if entry["reason"] == entry["kind"] else words.chosen_with_code(entry),
            "Seq": f"{entry['seq']:,}" if entry["seq"] else "not sealed yet",
            **({"Hash": hashes.get(entry.get("entry"), {}).get("hash") or words.NOTHING} if known else {}),
        }
        for entry in found["ledger"]
    ]


# In plain words ---------------------------------------------------------------------------------


def in_plain_words(found: Json) -> None:
    """Just what the applicant's page says."""
    sheet = paper.for_the_applicant(found, session.zone())
    for section in sheet.sections:
        st.subheader(section.title)
        for sentence in section.sentences:
            st.text(sentence)
    st.caption(sheet.foot)


trace()
