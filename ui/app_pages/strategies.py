"""Strategies: what is done for whom, and does it help?"""

import streamlit as st

from ui import drawing, session, show, strategy_charts, words
from ui.backend import Json

LEVELS = ("critical", "high", "medium", "low")


def strategies() -> None:
    st.title("Strategies")
    with session.told_plainly(stop=True):
        found = session.backend().strategies()
        measured = session.backend().effect()
        effect(measured)
        arms(measured["arms"])
        table(found["table"])


def effect(found: Json) -> None:
    st.subheader("Does it help?")
    for sentence in found["plan"]["words"]:
        st.text(sentence)
    read = [each for each in found["effect"] if each["comparison"]]
    for each in found["effect"]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(f"{each['day']} days", color="gray")
            show.status(each["verdict"])
            st.text(each["words"], width="stretch")
    if not read:
        show.nothing_here(
            "No episode is old enough yet, or too few are known. What is measured appears here 30, 60 and 90 days "
            "after episodes opened; nothing is read before."
        )
        return
    drawing.draw(st, strategy_charts.effect(read, session.ink()), key="effect",
                    alt_text="Missed payments of treated less held out, with intervals")  # fmt: skip
    show.table(
        [
            {
                "After": f"{each['day']} days",
                "Treated": f"{each['treated']:,}",
                "Held out": f"{each['held_out']:,}",
                "Missed when held out": words.share(each["comparison"]["champion"]),
                "Missed when treated": words.share(each["comparison"]["challenger"]),
                "Difference": strategy_charts.points(each["comparison"]["difference"]),
                "95 %": " to ".join(strategy_charts.points(b) for b in each["comparison"]["interval"]),
                "p": f"{each['comparison']['p']:.2g}",
                "Of the planned sample": words.share(each["share_of_sample"]),
            }
            for each in read
        ],
        "Treated against held out",
    )


def arms(found: list[Json]) -> None:
    """Strategies against the first in the table, as they were dealt."""
    if not any(each["known"] for each in found):
        return
    st.subheader("One strategy against another")
    show.table(
        [
            {
                "After": f"{each['day']} days",
                "Strategy": each["arm"],
                "Known": f"{each['known']:,}",
                "Missed a payment": words.share(each["missed_share"]),
                "Against": each["against"] or words.NOTHING,
                "Difference": strategy_charts.points(each["comparison"]["difference"])
                if each["comparison"]
                else words.NOTHING,
            }
            for each in found
        ],
        "Strategies against one another",
    )


def table(found: Json) -> None:
    st.subheader("What is done")
    st.text(
        f"Table {found['version']}: {words.share(found['hold_out'])} of each level are left alone, so that the effect "
        f"can be seen; never whoever asks for help. After an episode nothing opens for {found['rest_days']} days."
    )
    for strategy in found["strategies"]:
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge(strategy["id"], color="blue")
                st.text(f"{words.share(strategy['share'], 0)} of customers. {strategy['says']}", width="stretch")
            for level in LEVELS:
                st.text(f"{words.word(level)}: {ladder(strategy['ladders'][level])}")
    with st.expander("Relief that may be agreed"):
        show.table(
            [
                {
                    "Relief": words.word(tool["tool"]),
                    "In words": tool["says"],
                    "For at most": f"{tool['at_most_days']} days",
                    "Payments": tool["at_most_payments"],
                    "Once in": f"{tool['once_in_days']} days",
                }
                for tool in found["tools"]
            ],
            "Relief that may be agreed",
        )
    st.caption(
        f"From watch/strategy.toml, digest {found['digest'][:12] or 'none'}. An episode keeps the plan it began with."
    )


def ladder(steps: list[Json]) -> str:
    said = [
        f"{words.word(step['by'])} “{step['template']}”, then wait {step['wait_hours']} h"
        + (f", {step['tries']} tries" if step["tries"] > 1 else "")
        for step in steps
    ]
    return " → ".join(said) or "nothing"


strategies()
