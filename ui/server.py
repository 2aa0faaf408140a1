"""The console as an ASGI application: `app` is Streamlit behind the Gate, never without it."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from ui.gate import ApiSessions, Gate
from ui.settings import ConsoleSettings

HERE = Path(__file__).resolve().parent


def create_app(settings: ConsoleSettings | None = None) -> st.App:
    settings = settings or ConsoleSettings()
    gate = Middleware(Gate, settings=settings, sessions=ApiSessions(settings.api))
    return st.App(HERE / "app.py", middleware=[gate])


app = create_app()
