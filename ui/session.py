"""Who is looking at this page, through which backend, in which time zone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from ui import show, words
from ui.backend import Backend, Json, Problem, SignedOut
from ui.door import GO_TO_THE_DOOR
from ui.settings import ConsoleSettings

TOUCH = 60.0


@cache
def settings() -> ConsoleSettings:
    return ConsoleSettings()


REFRESH = settings().console_refresh  # seconds between two looks of a page at what it shows
SOON = REFRESH / 2  # where somebody else may be about to change what is being worked on


def backend() -> Backend:
    """The API as this person. Tests put a fake into the session state."""
    given = st.session_state.get("backend")
    if given is not None:
        return given
    return Backend(settings().api, st.context.cookies.get(settings().cookie, ""))


def sign_in_again() -> None:
    """Leaves for the sign-in page, which comes back here."""
    show.notice("Your session has ended: sign in to go on. What you had typed is kept.", kind="wrong")
    st.html(f"<script>{GO_TO_THE_DOOR}</script>", unsafe_allow_javascript=True)
    st.stop()


def recognise() -> Json:
    """The person, asked anew on every run of the script: a revoked session ends with its next click."""
    with told_plainly(stop=True):
        st.session_state["person"] = backend().who_am_i()
    return person()


def touch() -> None:
    """Writing a verdict is being there, though it reruns only the form: tells the API now and then."""
    now = time.monotonic()
    if now - st.session_state.get("touched", 0.0) < TOUCH:
        return
    st.session_state["touched"] = now
    with suppress(Problem):  # whatever is wrong is said when the verdict is saved
        backend().who_am_i()


def person() -> Json:
    return st.session_state["person"]


def may(permission: str) -> bool:
    return permission in person()["permissions"]


@contextmanager
def told_plainly(stop: bool = False) -> Iterator[None]:
    """Problems become a sentence on the page; a session that ended leads to the sign-in page."""
    try:
        yield
    except SignedOut:
        sign_in_again()
    except Problem as problem:
        show.notice(problem.sentence, kind="wrong")
        if stop:
            st.button("Try again")
            st.stop()


def refreshed(now: datetime) -> None:
    st.caption(f"Refreshed {words.clock(now, zone(), seconds=True)}, again every {REFRESH:g} s")


def ink() -> str | None:
    """The text colour of charts: their own default is too pale on light ground. None before the browser told."""
    try:
        kind: Any = st.context.theme.type
    except AttributeError:
        return None
    return {"light": "#2f3e47", "dark": "#d5dee3"}.get(kind) if isinstance(kind, str) else None


def zone() -> tzinfo:
    """The browser's time zone, UTC when it does not say."""
    try:
        name: Any = st.context.timezone
        return ZoneInfo(name) if isinstance(name, str) and name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
