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
    counted = {cap: said for cap, said in profile["used"].items() if not said.startswith("0 ")}
    used = ", ".join(f"{words.plain_code(cap).lower()} {said}" for cap, said in counted.items())
    wish = f" They prefer {words.word(profile['preferred'])}." if profile["preferred"] else ""
    st.caption(f"Caps used: {used or 'none'}.{wish}")


def wrote(replies: list[Json]) -> None:
    """What the customer answered, as they wrote it."""
    if not replies:
        return
    st.subheader("What they wrote")
    for number, reply in enumerate(replies):
        with st.container(key=f"row-reply-{number}"):
            st.text(reply["text"])
            st.caption(f"{words.word(reply['channel'])}, {words.moment(reply['received_at'], session.zone())}")


def held_back(ruling: Json) -> str:
    said = words.rule(str(ruling.get("rule") or "not_permitted"))
    rule = said[:1].upper() + said[1:]
    again = ruling.get("again_at")
    return f"{rule}, again {words.moment(again, session.zone())}" if again else rule
