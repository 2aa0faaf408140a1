"""The product a page is about: the one in the address, else the first that has something to show there."""

from collections.abc import Callable

import streamlit as st

from ui import session, show, words
from ui.backend import Json

KEY = "of_product"


def chosen(newest: Callable[[], list[Json]]) -> str | None:
    """`newest`: what the page is about, of any product; asked only to know what to open on."""
    names = [row["id"] for row in session.backend().products()]
    if not names:
        show.nothing_here("There is no product yet. `plimsoll product new` makes one from a file.")
        return None
    found = newest() if len(names) > 1 and KEY not in st.session_state else []
    start = next((names.index(row["product"]) for row in found if row["product"] in names), 0)
    return st.selectbox("Product", names, index=start, key=KEY, bind="query-params", width=260, format_func=named)


def named(product: str) -> str:
    return words.plain_code(product.replace("-", " "))
