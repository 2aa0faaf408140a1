"""What somebody does on a page: done once, and one sentence about what became of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from ui import show, words
from ui.backend import Conflict, Problem, Refused, SignedOut, Unreachable

STAYS = timedelta(minutes=2)


def act(subject: str, done: str, work: Callable[[], Any], quiet: bool = False) -> Any:
    """Does it, and leaves one sentence about it for the page; False when it was not done."""
    st.session_state.pop(f"said-{subject}", None)
    try:
        answer = work()
    except SignedOut:
        say(subject, "wrong", "Not saved", "Your session had ended: nothing was saved.")
        return False
    except Problem as problem:
        lost = problem.details.get("perhaps_done")
        say(subject, "watch" if lost else "wrong", "Not known" if lost else "Not saved", in_full(problem))
        return False
    if not quiet:
        say(subject, "good", "Done", done)
    return answer


def in_full(problem: Problem) -> str:
    if isinstance(problem, Refused) and problem.details.get("fields"):
        fields = problem.details["fields"]
        return "; ".join(f"{words.fact_name(field['field'])} {field['problem']}" for field in fields) + "."
    if isinstance(problem, Conflict) and problem.details.get("by"):
        verdict = words.word(problem.details.get("outcome")).lower()
        reason = words.chosen(problem.details)
        return f"{problem.details['by']} was first: {verdict} ({reason}). Your verdict was not saved."
    if isinstance(problem, Unreachable):
        return f"{problem.sentence} Your draft is kept; saving again cannot count twice."
    return problem.sentence


def say(subject: str, kind: show.Kind, label: str, sentence: str) -> None:
    st.session_state[f"said-{subject}"] = (kind, label, sentence, datetime.now(UTC))


def said(subject: str) -> None:
    """What became of the last act: until the next one, or until nobody remembers asking."""
    never = ("note", "", "", datetime.min.replace(tzinfo=UTC))
    kind, label, sentence, at = st.session_state.get(f"said-{subject}", never)
    if datetime.now(UTC) - at < STAYS:
        show.notice(sentence, kind=kind, label=label)
