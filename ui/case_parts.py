"""The parts of the case page: why it is here, score, rules, facts, evidence, outcome, timeline."""

from datetime import datetime
from typing import Any

import streamlit as st

from ui import drawing, session, show, words
from ui.backend import Json
from ui.waterfall import waterfall


def why_a_person(found: Json) -> None:
    if not found["why_a_person"] or found["status"] != "review":
        return
    sentences = [*found["why_a_person"]]
    if found["missing_sources"]:
        sentences.append(f"No answer from: {', '.join(words.word(name) for name in found['missing_sources'])}")
    with st.container(border=True, horizontal=True):
        st.badge("Why a person", color="orange")
        st.text("\n".join(sentences), width="stretch")


# Score ------------------------------------------------------------------------------------------


def score(found: Json) -> None:
    st.subheader("Score", anchor=False)
    if found.get("score_after_verdict"):
        st.text("Covered: this queue asks for your own verdict first, and shows the score after it.")
        return
    details = found["score_details"]
    if not details:
        closed = found["outcome"] is not None or found["review"] is not None
        st.text("Not scored: a rule settled it first." if closed else "Not scored yet: evidence is still missing.")
        return
    risk, points = st.columns(2)
    risk.metric(
        "Risk of default",
        words.share(details["probability_of_default"]),
        help="Probability of default in this product's portfolio.",
    )
    points.metric("Score", f"{found['score']} of 1000", help="1000 × (1 − risk of default): higher is safer.")
    drawing.draw(st, waterfall(details, session.ink()), alt_text="What raised and what lowered this applicant's risk")
    with st.container(gap="xxsmall"):
        for sentence in score_notes(details):
            st.caption(sentence)


def score_notes(details: Json) -> list[str]:
    model, (low, high) = details["model"], details["interval"]
    within = f"{low * 100:.1f} % and {high * 100:.1f} %"
    notes = [f"Likely between {within}: so say 90 % of the models trained on resampled data."]
    if details["near_cut"] >= 0.1:
        other_side = words.share(details["near_cut"], 0)
        notes.append(f"A close call: {other_side} of resampled models put it on the other side of the limit.")
    if details["novelty"] >= 0.9:
        others = words.share(details["novelty"], 0)
        notes.append(f"Unusual: farther from its like than {others} of the applicants the model learned from.")
    if details["missing"]:
        notes.append(f"Scored without: {', '.join(words.word(name) for name in details['missing'])}.")
    if details.get("reference"):
        notes.append(f"The chart compares with {details['reference']}: × 1 is no difference.")
    notes.append(f"Model {model['name']}, version {model['version']} ({model['role']}).")
    return notes


EFFECTS = {"approve": "Approves", "counter_offer": "Smaller offer", "refer": "Asks a person", "decline": "Declines"}

# Rules and reasons ------------------------------------------------------------------------------


def reasons(found: Json) -> None:
    """The reasons given; before a decision those the score would give, as the rule's are above."""
    details = found["score_details"] or {}
    decided = found["outcome"] is not None
    shown = found["reasons"] if decided else details.get("reasons", [])
    if not shown:
        return
    st.subheader("Reasons given" if decided else "What counts against it", anchor=False)
    with st.container(gap="xxsmall"):
        for reason in shown:
            st.text(f"{reason['rank']}. {reason['text']}")


def rules(found: Json) -> None:
    st.subheader("Rules that fired", anchor=False)
    if not found["rule_hits"]:
        st.text("None.")
    for hit in found["rule_hits"]:
        rule(hit)
    policy = found["policy"] or (found["proposal"] or {}).get("policy")
    if policy:
        st.caption(f"Policy {policy['id']}, version {policy['version']}.")


def rule(hit: Json) -> None:
    with st.container(key=f"row-rule-{hit['id']}", gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(hit["name"], width="stretch")
            if hit["effect"]:
                st.badge(EFFECTS.get(hit["effect"], hit["effect"]), color=words.colour(hit["effect"]))
            else:
                st.badge("Remark", color="gray")
        values = (f"{fact(path)} = {words.value_in_words(value)}" for path, value in hit["values_read"].items())
        st.caption(f"Rule {hit['id']}")
        st.text("Read: " + (", ".join(values) or "nothing"))


def fact(path: str) -> str:
    return words.fact_name(path).lower()


# Facts and evidence -----------------------------------------------------------------------------

SHOWN_ABOVE = {"product", "type", "external_id", "amount", "currency", "term_months", "priority", "jurisdiction"}


def declared(found: Json) -> None:
    st.subheader("Declared", anchor=False)
    pairs = [(words.fact_name(path), in_words(path, value, found)) for path, value in found["declared"].items()
             if path not in SHOWN_ABOVE]  # fmt: skip
    if pairs:
        show.facts(pairs)
    else:
        st.text("Nothing to show: the application was erased, or declares nothing more.")


def in_words(path: str, value: Any, found: Json) -> str:
    if path.endswith(("income", "amount")):
        return words.money(value, found["currency"])
    if isinstance(value, str) and "_" in value and value == value.lower():
        return value.replace("_", " ")
    return words.value_in_words(value)


def evidence(found: Json, now: datetime) -> None:
    st.subheader("Evidence", anchor=False)
    if not found["evidence"]:
        st.text("No source was asked.")
    for record in found["evidence"]:
        source(record, found, now)


def source(record: Json, found: Json, now: datetime) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(words.word(record["source"]))
            if record["state"] != "answered":
                show.status(record["state"])
            st.space("stretch")
            st.caption(age(record, now), width="content")
        if record["summary"]:
            show.facts(
                ((words.fact_name(name), in_words(name, value, found)) for name, value in record["summary"].items()),
                label_share=0.5,
            )
        elif record["last_error"]:
            st.text(f"{words.word(record['last_error'])}; tried {words.counted(record['attempts'], 'time', 'times')}.")


def age(record: Json, now: datetime) -> str:
    if record["as_of"] or record["answered_at"]:
        return f"as of {words.ago(record['as_of'] or record['answered_at'], now)}"
    return f"asked {words.ago(record['sent_at'], now)}" if record["sent_at"] else ""


# Outcome and timeline ---------------------------------------------------------------------------


def decision(found: Json) -> None:
    if not found["outcome"] or found["status"] != "decided":
        return
    st.subheader("Decision", anchor=False)
    show.facts(_decided(found))


def _decided(found: Json) -> list[tuple[str, str]]:
    pairs = [("Outcome", f"{words.word(found['outcome'])} {words.word(found['outcome_source'])}")]
    if found["override"]:
        pairs.append(("By", f"{found['override']['by']}: {words.chosen(found['override'], 'text')}"))
    terms = found["terms"]
    if terms:
        currency = terms["currency"]
        pairs += [
            ("Offer", f"{words.money(terms['amount'], currency)} over {words.months(terms['term_months'])}"),
            ("Payment", f"{words.money(terms['payment'], currency)} a month"),
            ("Yearly rate", f"{float(terms['apr']) * 100:.2f} % APR"),
            ("Total cost", words.money(terms["total_cost"], currency)),
        ]
    if found["timings"]["decided_at"]:
        pairs.append(("Decided", words.moment(found["timings"]["decided_at"], session.zone())))
    return pairs


def timeline(found: Json) -> None:
    with st.expander(f"Timeline: {words.counted(len(events(found)), 'entry', 'entries')}", expanded=False):
        show.table(events(found), "Everything that happened to this case, in order")


def events(found: Json) -> list[dict[str, str]]:
    """The ledger's entries and the run's steps, in order of time."""
    zone = session.zone()
    written = [
        (entry["at"], words.word(entry["kind"]), _detail(entry), entry["actor"], words.NOTHING)
        for entry in found["ledger"]
    ]
    done = [
        (step["started_at"], f"Step: {words.plain_code(step['step']).lower()}", _step(step), "Plimsoll",
         words.milliseconds(step["duration_ms"]))
        for step in found["steps"]
    ]  # fmt: skip
    ordered = sorted(written + done, key=lambda event: str(words.as_time(event[0])))
    return [
        {"When": f"{words.as_time(at):%d %b} {words.clock(at, zone, seconds=True)}", "What": what, "Detail": detail,
         "Who": "Plimsoll" if who == "act_system" else who, "Took": took}
        for at, what, detail, who, took in ordered
    ]  # fmt: skip


def _detail(entry: Json) -> str:
    said = [words.word(entry[name]) for name in ("source", "outcome") if entry.get(name)]
    if isinstance(entry.get("why"), list):
        said += [str(why) for why in entry["why"]]
    if entry.get("model"):
        said.append(str(entry["model"]))
    return ", ".join(said) or words.chosen(entry)


def _step(step: Json) -> str:
    said = [words.word(step["source"])] if step["source"] else []
    return ", ".join([*said, words.word(step["error"] or step["result"])])
