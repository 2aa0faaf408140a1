"""The console's entry: who is it, which pages may they see, show the one asked for."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from ui import session, show
from ui.backend import Json
from ui.menu import MENU, Page

HERE = Path(__file__).resolve().parent
MARK, ICON = str(HERE / "mark.svg"), str(HERE / "icon.svg")
STYLE = HERE / "style.css"


def main() -> None:
    st.set_page_config(page_title="Plimsoll", page_icon=ICON, layout="wide")
    st.html(STYLE)
    person = session.recognise()
    if not any(page.permission in person["permissions"] for page in MENU):
        nothing_for(person)
        return
    chosen = st.navigation(pages_for(person), position="sidebar", expanded=True)
    sidebar(person)
    chosen.run()


def pages_for(person: Json) -> list[st.Page]:
    """A page is in the menu when the person may read what it shows; to others it says whose it is. `/` leads home."""
    home = st.Page(_home(person), title="Home", default=True, visibility="hidden")
    return [home, *(_page(person, page) for page in MENU)]


def _page(person: Json, page: Page) -> st.Page:
    if page.permission not in person["permissions"]:
        return st.Page(_not_yours(person, page.title), title=page.title, url_path=page.path, visibility="hidden")
    shown = "visible" if page.in_menu else "hidden"
    return st.Page(page.file, title=page.title, url_path=page.path, visibility=shown)


def _not_yours(person: Json, title: str) -> Callable[[], None]:
    def not_yours() -> None:
        st.title("Not for your role")
        roles = ", ".join(role.replace("_", " ") for role in person["roles"])
        show.nothing_here(f"The page {title} is not for {roles}: whoever gives out roles can change that.")

    return not_yours


def _home(person: Json) -> Callable[[], None]:
    def home() -> None:
        has = person["permissions"].__contains__
        first = "queue" if has("reviews:answer") else "collectors" if "collector" in person["roles"] else "overview"
        st.switch_page(f"app_pages/{first}.py")

    return home


def sidebar(person: Json) -> None:
    st.logo(MARK, size="large")
    with st.sidebar:
        if session.may("applications:read"):
            find_a_case()
        with st.container(key="me", gap="xxsmall"):
            st.caption("Signed in as")
            st.text(person["name"])
            st.caption(", ".join(role.replace("_", " ") for role in person["roles"]))
            st.html('<a href="/sign-out" target="_self">Sign out</a>')


def find_a_case() -> None:
    def look() -> None:
        number = st.session_state["find"].strip()
        st.session_state["find"] = ""
        st.session_state["found"] = number or None

    st.text_input("Find a case", key="find", placeholder="app_… or your number", on_change=look)
    number = st.session_state.pop("found", None)
    if number is None:
        return
    with session.told_plainly():
        application = session.backend().find(number)
        if application:
            st.switch_page("app_pages/case.py", query_params={"id": application})
        show.notice(f"There is no case {number}.", kind="watch", label="Not found")


def nothing_for(person: Json) -> None:
    st.title("Nothing to see here yet")
    roles = ", ".join(role.replace("_", " ") for role in person["roles"])
    st.text(f"The role {roles} works through the API and has no page in this console.")
    st.html('<a href="/sign-out" target="_self">Sign out and use another key</a>')


main()
