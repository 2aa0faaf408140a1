"""Policies: which rules decide, what changed in them, and what would another rule have done?"""

import json
import re
from datetime import UTC, datetime

import streamlit as st

from ui import session, show, words
from ui.backend import Json

OUTCOMES = {"approve": "Approved", "counter_offer": "Counter-offer", "refer": "To a person", "decline": "Declined",
            "let_through": "Past the first rules"}  # fmt: skip
EFFECTS = {"decline": "Decline", "refer": "To a person", "counter_offer": "Smaller offer", None: "A remark"}
SIGNS = (
    (r"contains\(\$, '(\w+)'\)", r"include \1"),
    (r"len\(\$\) > 0", "there are any"),
    (r"len\(\$\) == 0", "there are none"),
    (r"\$ == null", "not known"),
)
NOW = "now"
PAST = (0, 100, 200, 500, 1000)


def policies() -> None:
    st.title("Policies")
    with session.told_plainly(stop=True):
        there = session.backend().policies()
        if not there:
            show.nothing_here("There is no product yet, so there are no rules. `plimsoll product new` makes one.")
            return
        product = chosen(there)
        found = session.backend().policy(product, version_of(product))
        header(found)
        rules, cases, versions, trial = st.tabs(["Rules", "Cases", "Versions", "Try a change"])
        with rules:
            tables(found)
        with cases:
            tested(found)
        with versions:
            history(found)
        with trial:
            try_out(product)


def chosen(there: list[Json]) -> str:
    titles = {each["product"]: each["title"] for each in there}
    picked = st.selectbox(
        "Product", list(titles), format_func=titles.__getitem__, key="rules_of", bind="query-params", width=300
    )
    return picked or next(iter(titles))


def version_of(product: str) -> str | None:
    """The version somebody asked to see; what is in force otherwise."""
    asked = st.session_state.get("policy-version") or {}
    return asked.get(product)


def look_at(product: str, digest: str | None) -> None:
    st.session_state["policy-version"] = {product: digest}


def header(found: Json) -> None:
    failing = sum(not case["passed"] for case in found["cases"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Version {found['version']}", width="content")
        st.badge("In force", color="green") if found["in_force"] else st.badge("Not in force", color="gray")
        if found["problems"]:
            st.badge(words.counted(len(found["problems"]), "fault", "faults"), color="red")
        st.badge(f"{len(found['cases']) - failing} of {len(found['cases'])} cases hold",
                 color="red" if failing else "green")  # fmt: skip
        st.text(f"digest {found['digest'][:12]}")
        if not found["in_force"]:
            st.button("Back to what is in force", on_click=look_at, args=(found["product"], None), key="in-force")
    for problem in found["problems"]:
        show.notice(problem, kind="wrong", label="Fault")


# Rules ------------------------------------------------------------------------------------------


def tables(found: Json) -> None:
    """In the order in which they are asked; the severest effect of all that fire stands."""
    for table in found["tables"]:
        if table["rules"]:
            st.subheader(table["name"])
            show.table(
                [rule_row(rule, found["columns"]) for rule in table["rules"]], f"Rules of the table {table['name']}"
            )
    if found["grades"]:
        st.subheader("Price and limits")
        show.table([grade_row(grade, found["columns"]) for grade in found["grades"]], "Grades with price and limits")


def rule_row(rule: Json, columns: Json) -> Json:
    own = "the score's own" if rule["effect"] == "decline" else words.NOTHING
    return {
        "Rule": rule["id"],
        "Fires when": in_words(rule["conditions"], columns),
        "Effect": EFFECTS.get(rule["effect"], rule["effect"]),
        "Called": rule["name"],
        "Reason": words.plain_code(rule["reason"]) if rule["reason"] else own,
    }


def grade_row(grade: Json, columns: Json) -> Json:
    return {
        "Grade": grade["grade"],
        "For": in_words(grade["conditions"], columns),
        "Rate a year": words.share(float(grade["annual_rate"]), 2),
        "At most": f"{float(grade['max_amount']):,.2f}",
        "Months at most": grade["max_term_months"],
    }


def in_words(conditions: Json, columns: Json) -> str:
    return " and ".join(f"{columns.get(path, path)} {said(cell)}" for path, cell in conditions.items()) or "always"


def said(cell: str) -> str:
    """The cell of a decision table without its signs, where they are more than a comparison."""
    for sign, plain in SIGNS:
        cell = re.sub(sign, plain, cell)
    return cell


# Cases ------------------------------------------------------------------------------------------


def tested(found: Json) -> None:
    cases = found["cases"]
    if not cases:
        show.nothing_here(
            f"This product has no cases. Write down in products/{found['product']}/cases/ what must hold."
        )
        return
    failed = [case for case in cases if not case["passed"]]
    for case in failed:
        show.notice(f"{case['name']}: {case['problem']}", kind="wrong", label="Does not hold")
    show.table(
        [
            {"Holds": "✓" if case["passed"] else "✗", "Case": case["name"], "What came instead": case["problem"] or ""}
            for case in sorted(cases, key=lambda case: case["passed"])
        ],
        "The pack's cases and whether they hold",
    )


# Versions ---------------------------------------------------------------------------------------


def history(found: Json) -> None:
    kept = found["versions"]
    show.table(
        [
            {
                "Version": each["version"],
                "Digest": each["digest"][:12],
                "First seen": words.moment(each["kept_at"], session.zone()),
                "Decisions by it": f"{each['decisions']:,}",
                "First": words.moment(each["first_at"], session.zone()),
                "Last": words.moment(each["last_at"], session.zone()),
            }
            for each in kept
        ],
        "Versions that were in force, the newest first",
    )
    if len(kept) < 2:
        show.nothing_here("Only one version was ever in force here, so there is nothing to compare.")
        return
    compare(found["product"], kept)


def compare(product: str, kept: list[Json]) -> None:
    names = {each["digest"]: f"{each['version']} ({each['digest'][:8]})" for each in kept} | {NOW: "What is in force"}
    digests = list(names)
    left, right = st.columns(2)
    before = left.selectbox("From", digests[:-1], index=1, format_func=names.__getitem__, key="policy-before")
    after = right.selectbox("To", [NOW, *digests[:-1]], format_func=names.__getitem__, key="policy-after")
    if not before:
        return
    said = session.backend().policy_changes(product, before, None if after == NOW else after)
    changed(said, "No rule differs between the two.")
    st.button("Show the rules of the first", on_click=look_at, args=(product, before), key="show-before")


def changed(sentences: list[str], none: str) -> None:
    if not sentences:
        show.nothing_here(none)
    for sentence in sentences:
        st.text(f"• {sentence}")


# Trying a change --------------------------------------------------------------------------------


def try_out(product: str) -> None:
    st.text("Nothing is kept, and nothing is decided by it: a policy counts once it is in the product's folder.")
    with st.form("trial", border=True):
        given = st.file_uploader("A policy.json as it might become", type="json", key="trial-file")
        number = st.select_slider(
            "Newest decided cases to try it on", PAST, value=200, key="trial-cases", width=420,
            format_func=lambda n: "none" if n == 0 else f"{n:,}",
        )  # fmt: skip
        if st.form_submit_button("Try it", type="primary"):
            st.session_state["tried"] = asked(product, given.getvalue() if given else None, number)
    came = st.session_state.get("tried")
    if came and came["product"] == product:
        result(came["found"], came["at"])


def asked(product: str, content: bytes | None, number: int) -> Json | None:
    if content is None:
        show.notice("Choose a file first: the changed policy.json.", kind="watch")
        return None
    try:
        policy = json.loads(content)
    except ValueError as error:
        show.notice(f"This file is no JSON: {error}.", kind="wrong")
        return None
    if not isinstance(policy, dict):
        show.notice("This file is no policy: it must be one JSON object.", kind="wrong")
        return None
    with session.told_plainly(), st.spinner("Asking both policies …"):
        found = session.backend().try_policy(product, policy, number)
        return {"product": product, "found": found, "at": datetime.now(UTC)}
    return None


def result(found: Json, at: datetime) -> None:
    st.subheader("What it changes")
    changed(found["changes"], "No rule differs from what is in force.")
    for problem in found["problems"]:
        show.notice(problem, kind="wrong", label="Fault")
    failed = [case for case in found["cases"] if not case["passed"]]
    for case in failed:
        show.notice(f"{case['name']}: {case['problem']}", kind="wrong", label="Does not hold")
    if not failed and found["cases"]:
        show.notice(f"All {len(found['cases'])} cases of the pack hold.", kind="good", label="Cases")
    if found["past"]:
        the_past(found["past"])
    st.caption(f"Tried {words.clock(at, session.zone(), seconds=True)}.")


def the_past(past: Json) -> None:
    st.subheader("On decided cases")
    if not past["cases"]:
        show.nothing_here("No case of this product is decided yet.")
        return
    st.text(
        f"{words.counted(past['cases'], 'case', 'cases')}, accepted {past['since']} to {past['until']}: "
        f"{past['alike']:,} would end alike, {past['cases'] - past['alike']:,} otherwise. Both policies were asked "
        "anew, on the same facts and the same score."
    )
    if not past["moves"]:
        return
    show.table(
        [
            {"In force": OUTCOMES[move["was"]], "Changed": OUTCOMES[move["becomes"]], "Cases": f"{move['cases']:,}"}
            for move in past["moves"]
        ],
        "How outcomes would move",
    )
    show.table(
        [
            {
                "Case": each["application"],
                "In force": OUTCOMES[each["was"]],
                "Changed": OUTCOMES[each["becomes"]],
                "Rules before": ", ".join(each["rules_before"]) or words.NOTHING,
                "Rules after": ", ".join(each["rules_after"]) or words.NOTHING,
            }
            for each in past["differences"]
        ],
        "Cases that would end otherwise, the first fifty",
    )


policies()
