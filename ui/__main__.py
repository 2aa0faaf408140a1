"""Serves the console: `python -m ui --host 127.0.0.1 --port 8501`."""

import argparse
import os
import sys
from collections.abc import Mapping

import streamlit as st
import uvicorn

from ui.settings import LOOPBACK_NAMES, ConsoleSettings

DATABASE_WORDS = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_URL_FILE", "DATABASE_OWNER_URL_FILE")
# What Streamlit must be told for this to be safe; config.toml says so, the environment could unsay it.
MUST_BE = {
    "client.showErrorDetails": "none",
    "server.enableAgentApi": False,
    "browser.gatherUsageStats": False,
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
}


def main() -> None:
    given = _arguments()
    settings = ConsoleSettings()
    tls = bool(given.tls_cert and given.tls_key)
    from ui.server import app  # after parsing, so that --help is quick

    refusal = why_not(given.host, tls, settings, os.environ) or why_not_configured()
    if refusal:
        sys.exit(f"The console does not start: {refusal}")
    uvicorn.run(
        app,
        host=given.host,
        port=given.port,
        ssl_certfile=given.tls_cert,
        ssl_keyfile=given.tls_key,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def why_not(host: str, tls: bool, settings: ConsoleSettings, environment: Mapping[str, str]) -> str | None:
    """The sentence that forbids this start, or None."""
    loopback = host in LOOPBACK_NAMES
    shielded = settings.console_behind_proxy or settings.profile == "production"
    if not loopback and not tls and not shielded:
        return (
            f"{host} is reachable from other machines: give --tls-cert and --tls-key, listen on 127.0.0.1, "
            "or set PLIMSOLL_CONSOLE_BEHIND_PROXY=true when something in front speaks TLS."
        )
    if not loopback and settings.profile == "production" and not (tls or settings.secure or _is_local(settings)):
        return f"people would reach it at {settings.console} without TLS: PLIMSOLL_CONSOLE must be https://…"
    held = [word for word in DATABASE_WORDS if environment.get(word)]
    if held and settings.profile == "production":
        return f"it was given {held[0]}, and has no business with the database: take it out of its environment."
    return None


def why_not_configured() -> str | None:
    for option, wanted in MUST_BE.items():
        if st.get_option(option) != wanted:
            return f"Streamlit's {option} is {st.get_option(option)!r}, it must be {wanted!r}."
    if not st.get_option("server.allowedHosts"):
        return "Streamlit's server.allowedHosts is empty: any host name would do."
    if st.get_option("server.trustedUserHeaders"):
        return "Streamlit's server.trustedUserHeaders is set: who someone is comes from the API alone."
    return None


def _is_local(settings: ConsoleSettings) -> bool:
    return any(settings.console.startswith(f"http://{name}") for name in LOOPBACK_NAMES)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ui", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--tls-cert", help="certificate file, when it speaks TLS itself")
    parser.add_argument("--tls-key", help="key file of the certificate")
    return parser.parse_args()


if __name__ == "__main__":
    main()
