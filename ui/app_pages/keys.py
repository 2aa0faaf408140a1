"""Keys: who may come in, as what, and who not any more?"""

import streamlit as st

from ui import session, show, words
from ui.backend import Json

ROLES = ("analyst", "reviewer", "senior_reviewer", "collector", "model_owner", "model_approver", "compliance",
         "auditor", "admin", "channel")  # fmt: skip
WIDTHS = (1.7, 1.2, 1.9, 2.1, 1.6, 1.5)
NAMES = ("Who", "What for", "Roles", "Made", "State", "")


def keys() -> None:
    st.title("Keys")
    made_just_now()
    make()
    with session.told_plainly(stop=True):
        listed(session.backend().keys())


def make() -> None:
    with st.expander("Make a key"), st.form("new-key", border=False):
        left, middle, right = st.columns([1, 1, 1.4])
        actor = left.text_input("Who holds it", key="key-actor", max_chars=120, help="A new name makes a new person.")
        name = middle.text_input("What it is for", key="key-name", max_chars=120)
        roles = right.multiselect("Roles", ROLES, format_func=words.plain_code, key="key-roles")
        if st.form_submit_button("Make it", type="primary"):
            create(actor.strip(), name.strip(), roles)


def create(actor: str, name: str, roles: list[str]) -> None:
    if not (actor and name and roles):
        show.notice("Say who holds it, what it is for, and at least one role.", kind="watch")
        return
    with session.told_plainly():
        st.session_state["key-made"] = session.backend().create_key(actor, roles, name)
        st.rerun()


def made_just_now() -> None:
    """The one time a key is seen: gone with the next click."""
    made = st.session_state.pop("key-made", None)
    if made:
        with st.container(border=True):
            st.text(f"The key of {made['actor']}. Copy it now: it is shown this once.")
            st.code(made["key"], language=None)


def listed(found: list[Json]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = st.segmented_control("Show", ["In use", "Revoked"], default="In use", required=True, key="keys-shown")
        whose = st.text_input("Whose", key="keys-whose", placeholder="Name of a person", max_chars=120, width=240)
    rows = [key for key in found if bool(key["revoked_at"]) == (shown == "Revoked")]
    rows = [key for key in rows if whose.strip().casefold() in key["actor"].casefold()]
    if not rows and whose.strip():
        show.nothing_here("No key is held by anybody of that name: look among the others, or take the name out.")
    elif not rows:
        show.nothing_here("No key was revoked so far." if shown == "Revoked" else "No key is in use: make one above.")
    else:
        drawn = show.first(rows, "say whose, to see others.")
        show.heading(WIDTHS, NAMES)
        for key in drawn:
            draw(key)


def draw(key: Json) -> None:
    who, name, roles, made, state, act = show.line(WIDTHS, key["id"])
    who.text(key["actor"])
    name.text(key["name"])
    roles.text(", ".join(words.plain_code(role) for role in key["roles"]))
    made.text(words.moment(key["created_at"], session.zone()))
    if key["revoked_at"]:
        state.text(f"revoked {words.moment(key['revoked_at'], session.zone())}")
        return
    state.text(f"until {words.moment(key['expires_at'], session.zone())}" if key["expires_at"] else "no end")
    with act:
        revoke(key)


def revoke(key: Json) -> None:
    """Asked twice: it ends every session opened with it, maybe one's own."""
    if st.session_state.get("revoking") == key["id"]:
        with st.container(horizontal=True):
            st.button("Yes, revoke", key=f"sure-{key['id']}", on_click=done, args=(key["id"],), type="primary")
            st.button("No", key=f"no-{key['id']}", on_click=ask, args=(None,))
    else:
        st.button("Revoke", key=f"revoke-{key['id']}", on_click=ask, args=(key["id"],))


def ask(key: str | None) -> None:
    st.session_state["revoking"] = key


def done(key: str) -> None:
    st.session_state["revoking"] = None
    with session.told_plainly():
        session.backend().revoke_key(key)
        st.toast("Revoked; sessions opened with it have ended.")


keys()
