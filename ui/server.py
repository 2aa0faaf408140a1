"""The console as an ASGI application: `app` is Streamlit behind the Gate, never without it."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from ui.gate import ApiSessions, Gate
from ui.settings import ConsoleSettings

HERE = Path(__file__).resolve().parent


def create_app(settings: ConsoleSettings | None = None) -> st.App:
    settings = settings or ConsoleSettings()
    gate = Middleware(Gate, settings=settings, sessions=ApiSessions(settings.api))
    app = st.App(HERE / "app.py", middleware=[gate])
    _answer_to(settings)  # after the App, which decides where config.toml is read
    return app


def _answer_to(settings: ConsoleSettings) -> None:
    """Streamlit checks the websocket's host by itself, too: it must know the configured names."""
    config.set_option("server.allowedHosts", sorted({name.strip("[]") for name in settings.hosts}))


app = create_app()
