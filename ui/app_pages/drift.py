"""Drift: what moved, by how much, does it matter?"""

import streamlit as st

from ui import drawing, paging, products, session, show, words
from ui import drift_charts as charts
from ui.backend import Json

PAGE_HEIGHT = 900


def drift() -> None:
    st.title("Drift")
    with session.told_plainly():
        chosen = products.chosen(newest)
        if chosen is None:
            return
        ask_for_a_check(chosen)
        listed = paging.read("drift", chosen, lambda after: session.backend().drift_reports(chosen, after))
        found = listed["data"]
        if not found:
            show.nothing_here(
                "No drift check was made yet. A schedule makes one every six hours once a model is live; "
                f"`plimsoll drift check {chosen}` makes one now."
            )
            return
        report = session.backend().drift_report(chosen_of(found))
        one(report)
        over_time(chosen)
        earlier(listed)


def newest() -> list[Json]:
    """The check in the address, else the newest of all products."""
    asked = st.query_params.get("report")
    return [session.backend().drift_report(asked)] if asked else session.backend().drift_reports(limit=1)["data"]


def ask_for_a_check(product: str) -> None:
    if not session.may("drift:check"):
        return
    if st.button("Check now", key="check"):
        begun = session.backend().check_drift(product)
        st.session_state["checking"] = begun["id"]
    if begun_id := st.session_state.get("checking"):
        show.notice(f"{begun_id} is being made; it appears in the list when it is done.", label="Under way")


def chosen_of(found: list[Json]) -> str:
    """The one in the address, else the newest that is listed."""
    ids = [report["id"] for report in found]
    asked = st.query_params.get("report")
    start = asked or ids[0]
    if st.session_state.get("checking") in ids:
        del st.session_state["checking"]
    names = {
        report["id"]: f"{words.moment(report['checked_at'], session.zone())}, {words.word(report['level']).lower()}"
        for report in found
    }
    ids = ids if start in ids else [start, *ids]
    picked = st.selectbox(
        "Check", ids, index=ids.index(start), format_func=lambda id_: names.get(id_, id_), key=f"check-{start}",
        width=420,
    )  # fmt: skip
    return picked or start


def one(report: Json) -> None:
    """One check: its verdict, every column, what was done, and Evidently's page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        show.status(report["level"])
        st.text(report["summary"], width="stretch")
    since, until = (words.moment(moment, session.zone()) for moment in report["window"])
    model = report["model"]
    st.caption(
        f"{report['id']}, {words.word(report['trigger'])}. Window {since} to {until}, against the training of "
        f"{model['name']}@{model['version']}."
    )
    what_was_done(report)
    columns = all_columns(report)
    if not charts.worst_first(columns):
        return
    drawing.draw(st, charts.by_feature(columns, session.ink()), alt_text="PSI of every column with limits")
    figures(columns, report["significance"])
    look_closer(columns)
    page_of(report)


def what_was_done(report: Json) -> None:
    if not report["actions"]:
        st.caption("No rule was broken.")
    for alert in report["actions"]:
        kind: show.Kind = "watch" if alert["state"] in ("taken", "continues") else "note"
        # The word for cases is another: what waits here waits for more windows of the same.
        state = "not yet" if alert["state"] == "waiting" else words.word(alert["state"]).lower()
        show.notice(alert["text"], kind=kind, label=f"{words.word(alert['action'])}: {state}")
    for done in report.get("done", []):
        at = words.moment(done["at"], session.zone())
        st.text(f"{at}: {words.word(done['what'])} ({done['rule']}): {words.word(done['result'])}")


def figures(columns: list[Json], significance: float) -> None:
    """Every number behind the chart, n and p among them."""
    with st.expander("The figures behind the chart", expanded=False):
        show.table([_row(column) for column in charts.worst_first(columns)], "Every column with its figures")
        st.caption(
            f"A move counts when its p is below {significance:.2g}: one per cent for the whole check, shared among its "
            "columns. Effect is 0 for the same and 1 for nothing in common; 0.15 is worth a look, 0.25 an act."
        )


def look_closer(columns: list[Json]) -> None:
    st.subheader("Bin by bin")
    names = [column["feature"] for column in charts.worst_first(columns)]
    chosen = st.selectbox("Column", names, key="column", bind="query-params", width=260)
    column = next((column for column in columns if column["feature"] == chosen), None)
    if column is None:
        return
    missing = f"missing {words.share(column['missing_reference'])} then, {words.share(column['missing_current'])} now"
    st.caption(f"{column['n_reference']:,} in training, {column['n_current']:,} now; {missing}.")
    drawing.draw(st, charts.bins(column, session.ink()), alt_text="Shares of each bin in training and now")
    with st.expander("The shares"):
        show.table(
            [
                {
                    "Bin": each["label"],
                    "Training": words.share(each["reference"], 2),
                    "Now": words.share(each["current"], 2),
                }
                for each in column["bins"]
            ],
            "Shares of each bin",
        )


def page_of(report: Json) -> None:
    """In a frame of its own, which may draw and reach nothing."""
    st.subheader("Evidently's report")
    if not report["page"]:
        st.caption("This check has no page: there was nothing to draw, or drawing failed. Its figures are above.")
        return
    if st.toggle("Show it", key="page"):
        st.iframe(f"/drift-page?report={report['id']}", height=PAGE_HEIGHT)
        st.caption("The same numbers as above; kept for the newest hundred checks.")


def over_time(product: str) -> None:
    st.subheader("Over time")
    history = [row for row in session.backend().drift_history(product) if row["psi"] is not None]
    if len({row["id"] for row in history}) < 2:
        st.caption("There is one check so far; a line needs two.")
        return
    drawing.draw(st, charts.over_time(history, session.ink()), alt_text="PSI of the columns that moved most over time")
    with st.expander("The figures over time"):
        show.table(
            [
                {
                    "Until": words.moment(row["window_to"], session.zone()),
                    "Column": row["feature"],
                    "PSI": _number(row["psi"]),
                    "Rows": f"{row['n_current']:,}",
                    "Level": words.word(row["level"]),
                }
                for row in history
            ],
            "PSI of each column at each check",
        )


def earlier(listed: Json) -> None:
    with st.expander("Earlier checks", expanded=not paging.is_first("drift")):
        show.table(
            [
                {
                    "Checked": words.moment(report["checked_at"], session.zone()),
                    "Level": words.word(report["level"]),
                    "Rows": f"{report['n_current']:,}",
                    "By": words.word(report["trigger"]),
                    "In short": report["summary"],
                    "Report": report["id"],
                }
                for report in listed["data"]
            ],
            "Earlier checks, the newest first",
        )
        paging.turn("drift", listed)


def all_columns(report: Json) -> list[Json]:
    return [*report["features"], *(report[name] for name in ("score", "reason", "approval") if report[name])]


def _row(column: Json) -> Json:
    return {
        "Column": column["feature"],
        "Level": words.word(column["level"]),
        "PSI": _number(column["psi"]),
        "By chance": _number(column["expected_psi"]),
        "Effect": _number(column["effect_size"]),
        "KS": _number(column["ks"]),
        "Chi²": _number(column["chi_square"], 1),
        "p": words.NOTHING if column["p_value"] is None else f"{column['p_value']:.2g}",
        "n training": f"{column['n_reference']:,}",
        "n now": f"{column['n_current']:,}",
        "Missing": f"{words.share(column['missing_reference'])} → {words.share(column['missing_current'])}",
        "Unseen": words.share(column["unseen_current"]),
    }


def _number(value: float | None, digits: int = 3) -> str:
    return words.NOTHING if value is None else f"{value:.{digits}f}"


drift()
