"""Messages: what do we write to customers, and who stands behind each text?"""

from collections.abc import Mapping
from typing import Literal

import streamlit as st

from ui import session, show, words
from ui.backend import Json, Refused

LANGUAGES = {"en": "English", "de": "German"}
STATES: Mapping[str, tuple[str, Literal["orange", "green", "gray"]]] = {
    "proposed": ("Waits for approval", "orange"),
    "approved": ("Approved", "green"),
    "retired": ("Retired", "gray"),
}


def messages() -> None:
    st.title("Messages")
    with session.told_plainly(stop=True):
        found = session.backend().templates()
        if not found:
            show.nothing_here("No text is on record, so nobody is written to. `plimsoll template propose` brings those "
                              "of the folder.")  # fmt: skip
            return
        waiting(found)
        listed(found)
        chosen = chosen_of(found)
        newest = max(text["version"] for text in found if text["name"] == chosen["name"])
        one(chosen, before(found, chosen), newest)


def waiting(found: list[Json]) -> None:
    """What somebody proposed and nobody has answered."""
    proposed = [text for text in found if text["state"] == "proposed"]
    for text in show.first(proposed, "the others follow as these are answered."):
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"row-{key_of(text)}"):
            badge(text)
            st.text(f"{key_of(text)}, proposed by {text['proposed_by']}", width="stretch")
            st.page_link("app_pages/messages.py", label="Read it", query_params={"id": key_of(text)})


def listed(found: list[Json]) -> None:
    with st.expander("Every text, with who stands behind it"):
        show.table(
            [
                {
                    "Text": text["name"],
                    "Version": text["version"],
                    "By": words.word(text["channel"]),
                    "State": STATES[text["state"]][0],
                    "Proposed by": text["proposed_by"],
                    "Approved by": text["approved_by"] or words.NOTHING,
                    "Approved": words.moment(text["approved_at"], session.zone()),
                }
                for text in found
            ],
            "Every version of every text",
        )


def chosen_of(found: list[Json]) -> Json:
    """The one in the address, else one that waits, else the first."""
    by_key = {key_of(text): text for text in found}
    waits = next((key for key, text in by_key.items() if text["state"] == "proposed"), next(iter(by_key)))
    asked = st.query_params.get("id")
    start = asked if asked in by_key else waits
    keys = list(by_key)
    picked = st.selectbox("Read", keys, index=keys.index(start), key=f"read-{start}", width=420)
    return by_key[picked or start]


def before(found: list[Json], chosen: Json) -> Json | None:
    """The approved version that customers get until this one is approved."""
    older = [t for t in found if t["name"] == chosen["name"] and t["version"] < chosen["version"]]
    return next((text for text in sorted(older, key=lambda t: -t["version"]) if text["state"] == "approved"), None)


def one(text: Json, older: Json | None, newest: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(key_of(text), width="content")
        badge(text)
        what = dict.fromkeys((words.word(text["channel"]), words.word(text["content"]["purpose"])))
        st.text(f"{', '.join(what)}, digest {text['digest'][:12]}")
    said = [f"Proposed by {text['proposed_by']}, {words.moment(text['proposed_at'], session.zone())}"]
    if text["approved_by"]:
        said.append(f"approved by {text['approved_by']}, {words.moment(text['approved_at'], session.zone())}")
    st.caption("; ".join(said) + ".")
    texts(text, older)
    acts(text)
    if session.may("contacts:manage"):
        propose(text, newest)


def texts(text: Json, older: Json | None) -> None:
    """Language by language, as it is sent but for what is filled in; beside it what is sent now."""
    for language, wording in text["content"]["texts"].items():
        cells = st.columns(2 if older else 1, gap="large")
        with cells[0]:
            st.subheader(_language(language))
            worded(wording)
        if older:
            with cells[1]:
                st.subheader(f"Version {older['version']}, sent now")
                worded(older["content"]["texts"].get(language) or {"text": "Not in this language."})


def worded(wording: Json) -> None:
    with st.container(border=True):
        if wording.get("subject"):
            st.caption("Subject")
            st.text(wording["subject"])
        st.text(wording["text"])


def acts(text: Json) -> None:
    """Approval by another person than who proposed it; the API sees to that."""
    if not session.may("messages:approve") or text["state"] == "retired":
        return
    if text["state"] == "proposed" and text["proposed_by"] == session.person()["name"]:
        st.caption("You proposed it yourself: somebody else approves it.")
        return
    verb, label = ("approve", "Approve") if text["state"] == "proposed" else ("retire", "Retire")
    with st.form(f"act-{key_of(text)}", border=True):
        st.text_input("Reason", key=f"reason-{key_of(text)}", max_chars=500, placeholder="Goes on record")
        if st.form_submit_button(label, type="primary" if verb == "approve" else "secondary"):
            act(text, verb)


def act(text: Json, verb: str) -> None:
    with session.told_plainly():
        reason = _reason(f"reason-{key_of(text)}")
        done = session.backend().move_template(text, verb, reason)
        st.toast(f"{key_of(done)} is {STATES[done['state']][0].lower()}.")
        st.rerun()


def propose(text: Json, newest: int) -> None:
    """Other words for the same occasion are the next version; whoever writes them does not approve them."""
    with st.expander("Propose other words"), st.form(f"propose-{key_of(text)}", border=False):
        wanted = {language: edited(text, language) for language in text["content"]["texts"]}
        st.text_input("Why", key=f"why-{key_of(text)}", max_chars=500, placeholder="Goes on record")
        if st.form_submit_button("Propose"):
            with session.told_plainly():
                reason = _reason(f"why-{key_of(text)}")
                proposed = text["content"] | {"version": newest + 1, "texts": wanted}
                made = session.backend().propose_template(proposed, reason)
                st.toast(f"{key_of(made)} waits for approval.")
                st.rerun()


def edited(text: Json, language: str) -> Json:
    wording, key = text["content"]["texts"][language], f"{key_of(text)}-{language}"
    said: Json = {}
    if wording.get("subject") is not None:
        said["subject"] = st.text_input(f"Subject, {_language(language)}", wording["subject"], key=f"subject-{key}")
    said["text"] = st.text_area(_language(language), wording["text"], key=f"text-{key}", height=260)
    return said


def badge(text: Json) -> None:
    label, hue = STATES[text["state"]]
    st.badge(label, color=hue)


def key_of(text: Json) -> str:
    return f"{text['name']}@{text['version']}"


def _reason(key: str) -> str:
    reason = st.session_state.get(key, "").strip()
    if len(reason) < 3:
        raise Refused("Say why in a few words: it goes on record.")
    return reason


def _language(code: str) -> str:
    return LANGUAGES.get(code, code)


messages()
