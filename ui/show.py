"""Pieces every page is made of. Text from outside goes through `st.text` or `table`: never Markdown, never HTML."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Literal

import streamlit as st

from ui import words

# Filters of the queue, and what they are called.
MINE, FREE, OTHERS, SECOND, APPLICANT = "mine", "free", "others", "second", "applicant"
SHOWN = {MINE: "Mine", FREE: "Nobody has it", OTHERS: "With others", SECOND: "Second approval",
         APPLICANT: "With the applicant"}  # fmt: skip

LONGEST_WORD = 24
DRAWN = 200  # rows of a table; what can be longer is turned in pages
PAGE_OF = {"app": "/trace", "per": "/customers", "int": "/interventions", "tsk": "/collectors", "mdl": "/models"}
AN_ID = re.compile(f"({'|'.join(PAGE_OF)})_[0-9a-z]{{26}}")
A_MOMENT = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d( \S+)?")
A_NUMBER = re.compile(r"[-+–−]?[\d,.]*( %| points| ms| s)?")

LISTED = 50  # rows with buttons or links of their own, where a list comes whole

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


def first(rows: Sequence[Any], more: str) -> Sequence[Any]:
    """What is drawn of a list that comes whole; `more` says how one gets at the rest."""
    if len(rows) > LISTED:
        st.caption(f"The first {LISTED} of {len(rows):,}: {more}")
    return rows[:LISTED]


def table(rows: Sequence[Mapping[str, Any]], alt: str) -> None:
    """Text that stays text, whole and readable to every reader, and nothing to take it away as a file: Streamlit's own
    grid cuts cells off, speaks to no screen reader and has a download that cannot be switched off; its static table
    draws Markdown."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    drawn = [[_cell(row.get(name)) for name in names] for row in rows[:DRAWN]]
    kinds = [_kind([row[at] for row in drawn]) for at in range(len(names))]
    head = "".join(f"<th scope=col{kind}>{escape(_heading(name))}" for name, kind in zip(names, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{_linked(cell)}" for cell, kind in zip(row, kinds, strict=True)) for row in drawn
    )
    st.html(
        f'<div class=listed tabindex=0 role=region aria-label="{escape(alt)}"><table><thead><tr>{head}</thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
    if len(rows) > DRAWN:
        st.caption(f"The first {DRAWN} of {len(rows):,}.")


def _kind(column: Sequence[str]) -> str:
    """Figures stand under one another, a moment on one line; only words longer than any are broken."""
    said = [cell for cell in column if cell != words.NOTHING]
    if said and all(A_NUMBER.fullmatch(cell) for cell in said):
        return " class=n"
    if said and all(A_MOMENT.fullmatch(cell) for cell in said):
        return " class=k"
    return " class=l" if any(len(word) > LONGEST_WORD for cell in said for word in cell.split()) else ""


def _linked(cell: str) -> str:
    """Whatever has a page of its own leads there."""
    named = AN_ID.fullmatch(cell)
    return f'<a href="{PAGE_OF[named[1]]}?id={cell}">…{cell[-7:]}</a>' if named else escape(cell)


def _heading(name: str) -> str:
    """What came without a heading of its own has the name of its field."""
    return words.plain_code(name) if len(name) > 1 and name.islower() and name.isidentifier() else name


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return words.NOTHING if value is None else f"{value:,}" if isinstance(value, int) else str(value)
