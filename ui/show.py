"""Pieces every page is made of. Text from outside goes through `st.text`: never Markdown, never HTML."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import streamlit as st

from ui import words

# Filters of the queue, and what they are called.
MINE, FREE, OTHERS, SECOND = "mine", "free", "others", "second"
SHOWN = {MINE: "Mine", FREE: "Nobody has it", OTHERS: "With others", SECOND: "Second approval"}

Kind = Literal["wrong", "watch", "good", "note"]
BADGES: dict[Kind, tuple[str, str]] = {
    "wrong": ("Not done", "red"),
    "watch": ("Look again", "orange"),
    "good": ("Done", "green"),
    "note": ("Note", "blue"),
}


def notice(sentence: str, kind: Kind = "note", label: str | None = None) -> None:
    """One sentence the reader must see. `st.error` would render Markdown, and sentences quote values."""
    default, hue = BADGES[kind]
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.badge(label or default, color=hue)
        st.text(sentence, width="stretch")


def nothing_here(sentence: str) -> None:
    """An empty state: says what to do, not only that there is nothing."""
    with st.container(border=True, horizontal_alignment="center"):
        st.text(sentence)


def status(code: str | None) -> None:
    st.badge(words.word(code), color=words.colour(code))


def facts(pairs: Iterable[tuple[str, str]], label_share: float = 0.42) -> None:
    """Name and value, line by line."""
    with st.container(gap="xxsmall"):
        for name, value in pairs:
            left, right = st.columns([label_share, 1 - label_share], gap="small")
            left.caption(name)
            right.text(value)


def heading(widths: Sequence[float], names: Sequence[str]) -> None:
    for column, name in zip(st.columns(widths, gap="small"), names, strict=True):
        column.caption(name)


def line(widths: Sequence[float], key: str) -> list[Any]:
    """The cells of one row of a list."""
    with st.container(key=f"row-{key}"):
        return list(st.columns(widths, gap="small", vertical_alignment="center"))


def refreshed(at: str) -> None:
    st.caption(f"Refreshed {at}, again every 30 s")
