"""How a customer may be reached: consent, addresses, flags and caps, as the governor would rule now."""

import streamlit as st

from ui import session, show, words
from ui.backend import Json, NotThere


def reach(person: str) -> None:
    st.subheader("How they may be reached")
    try:
        profile = session.backend().contact_profile(person)
    except NotThere:
        st.text("No address and no consent is known.")
        return
    if profile["flags"]:
        show.notice(", ".join(words.word(flag) for flag in profile["flags"]), kind="watch", label="Flagged")
    for channel, ruling in sorted(profile["permitted_now"].items()):
        with st.container(key=f"row-{channel}", horizontal=True, vertical_alignment="center"):
            st.text(f"{words.word(channel)} {profile['addresses'].get(channel, '')}".strip())
            if ruling["permitted"]:
                st.badge("May be used now", color="green")
            else:
                st.badge(held_back(ruling), color="gray")
    used = ", ".join(f"{words.plain_code(cap).lower()} {said}" for cap, said in profile["used"].items())
    wish = f" They prefer {words.word(profile['preferred'])}." if profile["preferred"] else ""
    st.caption(f"Caps used: {used or 'none'}.{wish}")


def held_back(ruling: Json) -> str:
    rule = words.plain_code(str(ruling.get("rule") or "not permitted"))
    again = ruling.get("again_at")
    return f"{rule}, again {words.moment(again, session.zone())}" if again else rule
