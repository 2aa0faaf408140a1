"""Overview: how is the portfolio doing?"""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import streamlit as st

from ui import drawing, session, show, words
from ui import overview_charts as charts
from ui.backend import Json

ANY = "any"
FILTERS = ("product", "outcome", "arm", "version")
OUTCOMES: Mapping[str, str] = {"approve": "Approved", "counter_offer": "Counter-offer", "decline": "Declined"}


def overview() -> None:
    st.title("Overview")
    with session.told_plainly():
        filters(session.backend().portfolio_choices())
    figures()


def filters(choices: Json) -> None:
    """They live in the address, so a view can be kept or sent to a colleague."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choose("Product", "product", choices["product"], lambda name: words.plain_code(name.replace("-", " ")))
        choose("Outcome", "outcome", list(OUTCOMES), OUTCOMES.__getitem__)
        choose("Arm", "arm", choices["arm"], words.word)
        choose("Version", "version", choices["version"], str)
        for label, key in (("Accepted from", "since"), ("until", "until")):
            st.date_input(label, None, key=key, bind="query-params", format="YYYY-MM-DD", width=130)


def choose(label: str, key: str, options: list[str], named: object) -> None:
    st.selectbox(
        label,
        [ANY, *options],
        format_func=lambda option: "Any" if option == ANY else named(option),  # type: ignore[operator]
        key=key,
        bind="query-params",
        width=144,
    )


def chosen() -> dict[str, str | None]:
    picked = {key: st.session_state.get(key) for key in FILTERS}
    days = {key: st.session_state.get(key) for key in ("since", "until")}
    return {key: value for key, value in picked.items() if value not in (None, ANY)} | {
        key: day.isoformat() for key, day in days.items() if isinstance(day, date)
    }


@st.fragment(run_every=session.REFRESH)
def figures() -> None:
    now = datetime.now(UTC)
    with session.told_plainly():
        asked = chosen()
        found = session.backend().refreshing().portfolio(**asked, zone=getattr(session.zone(), "key", None))
        if found["applications"]:
            rates(found)
            charts_of(found)
            left, right = st.columns(2, gap="large")
            with left:
                standing(found)
            with right:
                waiting(found, now)
                health(found, now)
            tables(found)
        elif asked:
            show.nothing_here("No application fits these filters. Set them to Any, or choose other days.")
        else:
            show.nothing_here(
                "No application has come in yet. Send one with `plimsoll apply FILE`, or POST /v1/applications."
            )
        session.refreshed(now)


# Numbers ----------------------------------------------------------------------------------------


def rates(found: Json) -> None:
    first, second = st.columns(4), st.columns(4)
    first[0].metric("Applications", f"{found['applications']:,}", border=True, help=f"{found['decided']:,} decided.")
    first[1].metric("Automation rate", words.share(found["automation_rate"]), border=True,
                    help="Went to no person, of those decided or referred.")  # fmt: skip
    first[2].metric("Approved", words.share(found["approval_rate"]), border=True,
                    help=f"As asked. With a counter-offer: {words.share(found['counter_offer_rate'])}.")  # fmt: skip
    first[3].metric("Declined", words.share(found["decline_rate"]), border=True, help="Of all decided.")
    second[0].metric("Referred to a person", words.share(found["refer_rate"]), border=True,
                     help="Of all applications.")  # fmt: skip
    yes = found["time_to_yes"]
    second[1].metric(
        "Time to yes, half · 95 %", f"{words.seconds(yes['p50'])} · {words.seconds(yes['p95'])}", border=True,
        help=f"Half take at most the first, 95 % at most the second; of the newest {yes['n']:,} approvals "
             "and offers, from acceptance until the decision is on record.",
    )  # fmt: skip
    verdicts = found["verdicts"]
    second[2].metric("Override rate", words.share(found["override_rate"]), border=True,
                     help=f"Of {verdicts['n']:,} verdicts of people on scored cases, those on the other side of the "
                          "cut that is live now.")  # fmt: skip
    cost, of_what = evidence_cost(found)
    second[3].metric("Cost of evidence", cost, border=True, help=of_what)
    people(found)


def evidence_cost(found: Json) -> tuple[str, str]:
    costs = found["cost_of_evidence"]
    if not costs:
        return words.NOTHING, "No source was asked."
    said = ", ".join(words.money(cost["amount"], cost["currency"]) for cost in costs)
    asked, free = sum(cost["inquiries"] for cost in costs), sum(cost["without_price"] for cost in costs)
    if free == asked:
        return words.NOTHING, f"{words.counted(asked, 'inquiry', 'inquiries')}; no source of the product has a price."
    each = ", ".join(words.money(float(cost["amount"]) / found["applications"], cost["currency"]) for cost in costs)
    unpriced = f" {words.counted(free, 'inquiry has', 'inquiries have')} no price." if free else ""
    return (
        said,
        f"{words.counted(asked, 'inquiry', 'inquiries')}, {each} an application, at the pack's prices.{unpriced}",
    )


def people(found: Json) -> None:
    counts = {row["status"]: row["n"] for row in found["by_status"]}
    with_people = counts.get("review", 0)
    if with_people and session.may("reviews:read"):
        st.page_link(
            "app_pages/queue.py", label=f"{words.counted(with_people, 'case waits', 'cases wait')} for a person →"
        )


# Charts and their tables ------------------------------------------------------------------------


def charts_of(found: Json) -> None:
    ink = session.ink()
    left, right = st.columns(2, gap="large")
    drawing.draw(left, charts.over_time(found["over_time"], found["unit"], session.zone(), ink),
        key="over-time", alt_text="Applications over time by outcome",
    )  # fmt: skip
    if found["histogram"]:
        drawing.draw(
            right,
            charts.histogram(found["histogram"], ink),
            key="histogram",
            alt_text="How probabilities of default spread",
        )
        drawing.draw(left, charts.by_risk(found["bands"], found["band_bounds"], ink), key="bands",
            alt_text="What was decided in each band of risk",
        )  # fmt: skip
    else:
        right.text("Nothing is scored yet.")
    if any(vintage["known"] for vintage in found["vintages"]):
        drawing.draw(
            right,
            charts.losses(found["vintages"], ink),
            key="losses",
            alt_text="Bad rate and loss by month of decision",
        )
        young = sum(not vintage["ripe"] for vintage in found["vintages"])
        if young:
            right.caption("Hollow: not every loan of the month could have ended yet, so the rate will move.")
    elif found["vintages"]:
        with right:
            show.nothing_here(
                "How the loans went is not known yet: `plimsoll outcome load FILE`, or POST /v1/outcomes."
            )


def tables(found: Json) -> None:
    with st.expander("The figures behind the charts"):
        st.caption("Over time")
        show.table(charts.time_table(found["over_time"], found["unit"], session.zone()), "Applications over time")
        if found["bands"]:
            st.caption("By risk")
            show.table(charts.risk_table(found["bands"], found["band_bounds"]), "Decisions by band of risk")
        if found["vintages"]:
            st.caption("By month of decision")
            show.table(charts.vintage_table(found["vintages"]), "Months of decision")


# Where they stand, whom they wait for -----------------------------------------------------------


def standing(found: Json) -> None:
    st.subheader("Where they stand")
    for row in sorted(found["by_status"], key=lambda row: -row["n"]):
        bar(words.word(row["status"]), row["n"], found["applications"])
    if found["by_outcome"]:
        st.subheader("How they were decided")
    for outcome, source, number in decided(found["by_outcome"]):
        bar(f"{words.word(outcome)} {words.word(source)}", number, found["decided"])


def decided(rows: list[Json]) -> list[tuple[str, str, int]]:
    """Summed over products, most first."""
    sums: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row["outcome"], row["outcome_source"]
        sums[key] = sums.get(key, 0) + row["n"]
    return sorted(((*key, n) for key, n in sums.items()), key=lambda each: -each[2])


def waiting(found: Json, now: datetime) -> None:
    if not found["waiting_on"]:
        return
    st.subheader("Waiting on sources")
    for row in found["waiting_on"]:
        name, longest = words.word(row["source"]), words.ago(row["since"], now).removesuffix(" ago")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{name}: {words.counted(row['n'], 'case', 'cases')}, the longest for {longest}")
            if session.may("workflows:read"):
                st.page_link("app_pages/workflows.py", label="Show them", query_params={"source": name})


def health(found: Json, now: datetime) -> None:
    st.subheader("Sources, last 24 hours")
    if not found["sources"]:
        st.text("No product asks any source.")
        return
    show.table([health_of(source, now) for source in found["sources"]], "Sources in the last 24 hours")
    st.caption("Every try counts, for at most the newest 5,000 cases.")


def health_of(source: Json, now: datetime) -> Json:
    until = words.as_time(source["open_until"])
    paused = until is not None and until > now
    state = (
        "Paused" if paused else "Failing" if source["failures"] else "Answers" if source["answered"] else "Not asked"
    )
    return {
        "Source": words.word(source["source"]),
        "State": state,
        "Asked": f"{source['asked']:,}",
        "Answered": words.share(source["answered"] / source["asked"]) if source["asked"] else words.NOTHING,
        "Half within": words.seconds(source["p50"]),
        "95 % within": words.seconds(source["p95"]),
    }


def bar(name: str, number: int, total: int) -> None:
    share = number / total if total else 0.0
    st.progress(min(share, 1.0), text=f"{name}: {number:,} ({words.share(share)})")


overview()
