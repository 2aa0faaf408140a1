"""How the console starts, and when it does not."""

import tomllib
from pathlib import Path

import pytest
import streamlit as st

from ui.__main__ import why_not, why_not_configured
from ui.server import create_app
from ui.settings import ConsoleSettings

UI = Path(__file__).resolve().parent.parent.parent / "ui"
LOCAL = ConsoleSettings(profile="local")
DATABASE = {"DATABASE_URL": "postgresql://x"}


def production(console: str) -> ConsoleSettings:
    return ConsoleSettings(profile="production", console=console)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_it_starts_on_the_loopback(host):
    """The local stack needs no certificate."""
    assert why_not(host, False, LOCAL, {}) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_it_does_not_start_for_other_machines_without_tls(host):
    """The refusal says what to do instead."""
    sentence = why_not(host, False, LOCAL, {})
    assert sentence is not None
    assert "--tls-cert" in sentence


def test_with_tls_or_a_proxy_other_machines_may_reach_it():
    """Both are ways to keep sessions off the wire in clear."""
    assert why_not("0.0.0.0", True, LOCAL, {}) is None
    assert why_not("0.0.0.0", False, ConsoleSettings(console_behind_proxy=True), {}) is None


def test_in_production_people_reach_it_over_https():
    """A plain public address is refused; one published to the loopback only is not."""
    assert "https" in str(why_not("0.0.0.0", False, production("http://console.example"), {}))
    assert why_not("0.0.0.0", False, production("https://console.example"), {}) is None
    assert why_not("0.0.0.0", False, production("http://127.0.0.1:8501"), {}) is None


def test_in_production_it_refuses_the_databases_address():
    """What it does not hold it cannot lose."""
    assert "DATABASE_URL" in str(why_not("127.0.0.1", False, production("https://x"), DATABASE))
    assert why_not("127.0.0.1", False, LOCAL, DATABASE) is None


def test_streamlit_is_configured_as_it_must_be():
    """Built once, the app reads the configuration beside it."""
    create_app(LOCAL)
    assert why_not_configured() is None


def test_configured_names_reach_streamlits_own_check():
    """Streamlit looks at the websocket's host once more; it must know the deployment's names."""
    create_app(ConsoleSettings(console_hosts=("console.internal",)))
    assert "console.internal" in st.get_option("server.allowedHosts")
    assert why_not_configured() is None


def test_a_configuration_that_shows_errors_is_refused(monkeypatch):
    """The environment could unsay the file; then the console does not start."""
    create_app(LOCAL)
    monkeypatch.setattr(st, "get_option", lambda name: "full" if name == "client.showErrorDetails" else [])
    assert "client.showErrorDetails" in str(why_not_configured())


def test_its_settings_never_hold_the_database():
    """Neither from the environment nor from what the local stack wrote down."""
    assert not [name for name in ConsoleSettings.model_fields if "database" in name]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_buttons_can_be_read(theme):
    """4.5:1 for text on both grounds and for the label of the main button (WCAG 1.4.3)."""
    colours = tomllib.loads((UI / ".streamlit" / "config.toml").read_text())["theme"][theme]
    for ground in (colours["backgroundColor"], colours["secondaryBackgroundColor"]):
        assert contrast(colours["textColor"], ground) >= 7
        assert contrast(colours["linkColor"], ground) >= 4.5
    assert contrast("#ffffff", colours["primaryColor"]) >= 4.5
    assert contrast(colours["primaryColor"], colours["backgroundColor"]) >= 3
    for name in ("red", "orange", "green", "blue", "gray"):
        assert contrast(colours[f"{name}TextColor"], colours[f"{name}BackgroundColor"]) >= 4.5, name


def test_no_page_asks_another_host_for_anything():
    """Material icons come from an outside font host; nothing here uses them."""
    for source in [*UI.rglob("*.py"), *UI.rglob("*.toml"), *UI.rglob("*.css")]:
        text = source.read_text()
        assert ":material/" not in text, source
        assert "unsafe_allow_html" not in text, source
        assert "fonts.googleapis" not in text, source


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
