"""Performance: how did our forecasts turn out?"""

import streamlit as st

from ui import drawing, products, session, show, words
from ui import performance_charts as charts
from ui.backend import Json


def performance() -> None:
    st.title("Performance")
    with session.told_plainly():
        chosen = products.chosen(session.backend().newest_decided)
        if chosen:
            report(session.backend().performance(chosen))


def report(found: Json) -> None:
    if not found["decided"]:
        show.nothing_here("Nothing is decided yet, so there is nothing to hold against what became of it.")
        return
    if not found["known"] and not any(vintage["early"] for vintage in found["vintages"]):
        show.nothing_here(
            f"{words.counted(found['decided'], 'application is', 'applications are')} decided, and nobody has reported "
            "yet what became of any. Load outcomes with `plimsoll outcome load FILE`, or POST /v1/outcomes."
        )
        return
    totals(found)
    for sentence in found["words"]:
        show.notice(sentence, label="Read this first" if sentence == found["words"][0] else None)
    if found["overall"]:
        drawn(found)
        matrix(found["overall"]["confusion"])
    early_marks(found["vintages"])
    tables(found)


def totals(found: Json) -> None:
    figures = found["overall"] or {}
    cells = st.columns(4)
    cells[0].metric("Outcomes known", f"{found['known']:,} of {found['decided']:,}", border=True)
    cells[1].metric(
        "Bad rate, seen · predicted",
        f"{words.share(figures.get('seen'))} · {words.share(figures.get('predicted'))}",
        border=True,
        help="Of ripe vintages.",
    )
    cells[2].metric(
        f"AUC, 95 %: {charts.between(figures.get('auc_interval'))}",
        charts.number(figures.get("auc")),
        border=True,
        help="How well the score ordered applicants; a half is chance.",
    )
    cells[3].metric("Calibration", calibration(figures), border=True, help=calibration_help(figures))


def calibration(figures: Json) -> str:
    return {True: "Right", False: "Off", None: words.NOTHING}[figures.get("calibrated")]


def calibration_help(figures: Json) -> str:
    line = figures.get("calibration")
    if not line:
        return "Too few to say whether the probabilities are right."
    return (
        f"Slope {charts.between(line['slope_interval'], 2)} (1 is right); error {charts.number(figures['ece'])}, where "
        f"a perfect model stays below {charts.number(figures['ece_perfect_model_95'])}."
    )


def drawn(found: Json) -> None:
    ink = session.ink()
    if found["overall"]["note"]:
        show.notice(found["overall"]["note"], kind="watch", label="Few")
    left, right = st.columns(2, gap="large")
    drawing.draw(
        left,
        charts.bad_rate_by_vintage(found["vintages"], ink),
        alt_text="Bad rate by month of decision, seen and predicted",
    )
    drawing.draw(right, charts.reliability(found["overall"], ink), alt_text="Predicted against seen share of bads")
    if found["overall"]["auc"] is not None:
        drawing.draw(
            left, charts.auc_by_vintage(found["vintages"], ink), alt_text="AUC by month of decision with intervals"
        )


def matrix(cells: Json) -> None:
    st.subheader("At the cut that is live now")
    st.text(
        f"Above a probability of default of {words.share(cells['cut'], 2)} an application is not approved. Costs are "
        "in units of a good applicant declined."
    )
    show.table(
        [
            {
                "": "Would default",
                "Above the cut": f"{cells['true_positives']:,}",
                "Below the cut": f"{cells['false_negatives']:,} (cost {cells['cost_of_false_negatives']:,.0f})",
            },
            {
                "": "Would repay",
                "Above the cut": f"{cells['false_positives']:,} (cost {cells['cost_of_false_positives']:,.0f})",
                "Below the cut": f"{cells['true_negatives']:,}",
            },
        ],
        "What the cut gets right and wrong",
    )
    st.text(f"Together {cells['cost_per_applicant']:.3f} per applicant.")


def early_marks(vintages: list[Json]) -> None:
    rows = [
        {
            "Decided in": vintage["name"],
            "Mark": words.word(mark["mark"]),
            "Seen": f"{mark['seen']:,} of {mark['granted']:,} granted",
            "Share": words.share(mark["rate"]),
            "95 %": " to ".join(words.share(bound) for bound in mark["interval"])
            if mark["interval"]
            else words.NOTHING,
            "": "" if mark["ready"] else "so far: not every loan could show it yet",
        }
        for vintage in vintages
        for mark in vintage["early"]
    ]
    if rows:
        st.subheader("Early marks")
        show.table(rows, "Early marks")


def tables(found: Json) -> None:
    with st.expander("The figures behind the charts"):
        show.table(charts.vintage_table(found["vintages"]), "Months of decision")
        for heading, cohorts in (("By model version", found["by_model"]), ("By arm", found["by_arm"])):
            if cohorts:
                st.caption(heading)
                show.table(
                    [
                        {heading.removeprefix("By ").capitalize(): cohort["name"], **figures_of(cohort)}
                        for cohort in cohorts
                    ],
                    heading,
                )


def figures_of(cohort: Json) -> dict[str, str]:
    figures = cohort["figures"] or {}
    return {
        "Decided": f"{cohort['decided']:,}",
        "Known": f"{cohort['known']:,}",
        "Seen": words.share(figures.get("seen")),
        "Predicted": words.share(figures.get("predicted")),
        "AUC": charts.number(figures.get("auc")),
        "AUC, 95 %": charts.between(figures.get("auc_interval")),
    }


performance()
