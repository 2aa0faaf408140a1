"""Turning the pages of a long list: each one begins behind the last row of the one before, so none is shown twice."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui import words
from ui.backend import Json, NotThere

MOST = 50  # rows on a page, where nothing else is said


def read(name: str, asked: object, ask: Callable[[Any], Json]) -> Json:
    """The page somebody is at; the first one again when something else is asked for, or the place is gone."""
    places = _places(name, asked)
    try:
        return ask(places[-1]["after"] if places else None)
    except NotThere:
        if not places:
            raise
        places.clear()
        return ask(None)


def turn(name: str, found: Json, newer: str = "← Newer", older: str = "Older →") -> None:
    """Buttons to the pages before and behind, when there are any."""
    places = st.session_state[_key(name)]["places"]
    if not places and not found["has_more"]:
        return
    first = places[-1]["first"] if places else 1
    rows = len(found["data"])
    with st.container(horizontal=True, vertical_alignment="center"):
        if places:
            st.button(newer, key=f"newer-{name}", on_click=places.pop)
        if found["has_more"]:
            behind = {"after": found["after"], "first": first + rows}
            st.button(older, key=f"older-{name}", on_click=places.append, args=(behind,))
        st.caption(f"{words.counted(rows, 'row', 'rows')}, from number {first:,}")


def is_first(name: str) -> bool:
    """Whether somebody looks at the beginning of the list."""
    return not st.session_state.get(_key(name), {}).get("places")


def _places(name: str, asked: object) -> list[Any]:
    kept = st.session_state.setdefault(_key(name), {"asked": asked, "places": []})
    if kept["asked"] != asked:
        kept |= {"asked": asked, "places": []}
    return kept["places"]


def _key(name: str) -> str:
    return f"pages-{name}"
