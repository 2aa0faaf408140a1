"""The console's entry: who is it, which pages may they see, show the one asked for."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from ui import session, show
from ui.backend import Json

HERE = Path(__file__).resolve().parent
MARK, ICON = str(HERE / "mark.svg"), str(HERE / "icon.svg")
STYLE = HERE / "style.css"

OVERVIEW = "app_pages/overview.py"
QUEUE = "app_pages/queue.py"
CASE = "app_pages/case.py"
TRACE = "app_pages/trace.py"
WORKFLOWS = "app_pages/workflows.py"
POLICIES = "app_pages/policies.py"
MODELS = "app_pages/models.py"
PERFORMANCE = "app_pages/performance.py"
EXPERIMENTS = "app_pages/experiments.py"
RELEASES = "app_pages/releases.py"
DRIFT = "app_pages/drift.py"
CUSTOMERS = "app_pages/customers.py"
INTERVENTIONS = "app_pages/interventions.py"
COLLECTORS = "app_pages/collectors.py"
STRATEGIES = "app_pages/strategies.py"
STREAM = "app_pages/stream.py"
MESSAGES = "app_pages/messages.py"
AUDIT = "app_pages/audit.py"
KEYS = "app_pages/keys.py"
SCHEDULES = "app_pages/schedules.py"


def main() -> None:
    st.set_page_config(page_title="Plimsoll", page_icon=ICON, layout="wide")
    st.html(STYLE)
    person = session.recognise()
    pages = pages_for(person)
    if len(pages) == 1:
        nothing_for(person)
        return
    chosen = st.navigation(pages, position="sidebar", expanded=True)
    sidebar(person)
    chosen.run()


def pages_for(person: Json) -> list[st.Page]:
    """A page appears when the person may read what it shows. `/` leads to the first of them."""
    has = person["permissions"].__contains__
    pages = [
        *([st.Page(OVERVIEW, title="Overview", url_path="overview")] if has("applications:read") else []),
        *([st.Page(QUEUE, title="Queue", url_path="queue")] if has("reviews:read") else []),
        *([st.Page(WORKFLOWS, title="Workflows", url_path="workflows")] if has("workflows:read") else []),
        *([st.Page(POLICIES, title="Policies", url_path="policies")] if has("policies:read") else []),
        *([st.Page(MODELS, title="Models", url_path="models")] if has("models:read") else []),
        *([st.Page(PERFORMANCE, title="Performance", url_path="performance")] if has("models:read") else []),
        *([st.Page(EXPERIMENTS, title="Experiments", url_path="experiments")] if has("models:read") else []),
        *([st.Page(RELEASES, title="Releases", url_path="releases")] if has("models:read") else []),
        *([st.Page(DRIFT, title="Drift", url_path="drift")] if has("models:read") else []),
        *([st.Page(CUSTOMERS, title="Customers", url_path="customers")] if has("customers:read") else []),
        *([st.Page(INTERVENTIONS, title="Interventions", url_path="interventions")] if has("customers:read") else []),
        *([st.Page(COLLECTORS, title="Calls", url_path="collectors")] if has("customers:read") else []),
        *([st.Page(MESSAGES, title="Messages", url_path="messages")] if has("customers:read") else []),
        *([st.Page(STRATEGIES, title="Strategies", url_path="strategies")] if has("customers:read") else []),
        *([st.Page(STREAM, title="Stream", url_path="stream")] if has("customers:read") else []),
        *([st.Page(TRACE, title="Decision trace", url_path="trace")] if has("applications:read") else []),
        *([st.Page(AUDIT, title="Audit", url_path="audit")] if has("ledger:read") else []),
        *([st.Page(SCHEDULES, title="Schedules", url_path="schedules")] if has("schedules:read") else []),
        *([st.Page(KEYS, title="Keys", url_path="keys")] if has("keys:manage") else []),
        *([st.Page(CASE, title="Case", url_path="case", visibility="hidden")] if has("applications:read") else []),
    ]
    return [st.Page(_home(person), title="Home", default=True, visibility="hidden"), *pages]


def _home(person: Json) -> Callable[[], None]:
    def home() -> None:
        has = person["permissions"].__contains__
        st.switch_page(QUEUE if has("reviews:answer") else COLLECTORS if "collector" in person["roles"] else OVERVIEW)

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
            st.switch_page(CASE, query_params={"id": application})
        show.notice(f"There is no case {number}.", kind="watch", label="Not found")


def nothing_for(person: Json) -> None:
    st.title("Nothing to see here yet")
    roles = ", ".join(role.replace("_", " ") for role in person["roles"])
    st.text(f"The role {roles} works through the API and has no page in this console.")
    st.html('<a href="/sign-out" target="_self">Sign out and use another key</a>')


main()
