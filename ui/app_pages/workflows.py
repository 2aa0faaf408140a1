"""Workflows: what is running, waiting, stuck?"""

from collections.abc import Mapping
from datetime import UTC, datetime

import streamlit as st

from ui import acts, paging, session, show, words
from ui.backend import OPEN_STATUSES, Json

UNFINISHED, STUCK = "unfinished", "stuck"
STATUSES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    UNFINISHED: ("Not finished", OPEN_STATUSES),
    "waiting": ("Waits on a source", ("waiting",)),
    "review": ("With a person", ("review",)),
    "running": ("Running", ("received", "screening")),
    STUCK: ("Stuck for 15 min or more", ("received", "screening")),
    "failed": ("Failed or expired", ("failed", "expired")),
    "decided": ("Decided", ("decided",)),
    "all": ("All", ()),
}
WIDTHS = (1.0, 1.5, 1.6, 1.3, 1.3, 1.1, 0.9)
NAMES = ("Case", "Status", "Waits on", "Asked for", "Product", "Accepted", "Run")
ANY = "any source"
CASES = "case"
KINDS = {
    CASES: "Cases", "training": "Trainings", "retraining": "Retrainings", "rollout": "Roll-outs",
    "intervention": "Interventions",
}  # fmt: skip
PAGE_OF = {
    "training": "app_pages/models.py", "retraining": "app_pages/models.py", "rollout": "app_pages/releases.py",
    "intervention": "app_pages/interventions.py",
}  # fmt: skip
OTHER_WIDTHS = (1.0, 1.2, 3.0, 1.5, 1.1, 0.9)
OTHER_NAMES = ("Run", "State", "Waits on", "Product", "Began", "Engine")


def workflows() -> None:
    st.title("Workflows")
    state()
    kind = st.pills("Runs of", list(KINDS), format_func=KINDS.get, default=CASES, key="kind", bind="query-params")
    if kind in (None, CASES):
        filters()
        runs()
    else:
        others(kind)


@st.fragment(run_every=session.REFRESH)
def state() -> None:
    with session.told_plainly():
        summary = session.backend().refreshing().runs_summary()
        st.session_state["source-names"] = summary["source_names"]
        if summary["engine"] != "ok":
            show.notice(
                "The workflow engine (Temporal) is away. Applications are kept and go on when it is back.",
                kind="wrong",
                label="Engine away",
            )
        counts(summary)
        elsewhere(summary["others"])
        sources(summary)
        acts.said("workflows")


def counts(summary: Json) -> None:
    n = {row["status"]: row["n"] for row in summary["by_status"]}
    cells = st.columns(4)
    cells[0].metric("Running", f"{n.get('received', 0) + n.get('screening', 0):,}", border=True)
    cells[1].metric("Wait on a source", f"{n.get('waiting', 0):,}", border=True)
    cells[2].metric("With a person", f"{n.get('review', 0) + n.get('awaiting_applicant', 0):,}", border=True)
    cells[3].metric("Failed or expired", f"{n.get('failed', 0) + n.get('expired', 0):,}", border=True)


def elsewhere(others: list[Json]) -> None:
    """What goes on besides cases."""
    said = [f"{KINDS.get(row['kind'], row['kind'])} {row['n']:,}" for row in others if row["n"]]
    st.caption(f"Under way besides: {', '.join(said)}." if said else "Nothing else is under way.")


def sources(summary: Json) -> None:
    """One line per source that has ever failed or is waited for."""
    waiting = {row["source"]: row for row in summary["waiting_on"]}
    known = {row["source"]: row for row in summary["sources"]}
    troubled = [name for name in sorted({*waiting, *known}) if name in waiting or _troubled(known[name])]
    if not troubled:
        st.caption("All sources answer." if known else "No source has failed so far.")
        return
    st.subheader("Sources in trouble")
    for name in troubled:
        source(name, known.get(name), waiting.get(name))


def _troubled(source: Json) -> bool:
    return bool(source["failures"]) or is_open(source)


def is_open(source: Json | None) -> bool:
    until = words.as_time((source or {}).get("open_until"))
    return until is not None and until > datetime.now(UTC)


def source(name: str, known: Json | None, waiting: Json | None) -> None:
    now = datetime.now(UTC)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.badge("Paused" if is_open(known) else "Failing", color="red" if is_open(known) else "orange")
        said = [words.word(name)]
        if known and known["failures"]:
            said.append(f"{words.counted(known['failures'], 'failure', 'failures')} in a row")
        if is_open(known):
            assert known is not None
            said.append(f"next try at {words.clock(known['open_until'], session.zone(), seconds=True)}")
        if waiting:
            longest = words.ago(waiting["since"], now).removesuffix(" ago")
            said.append(f"{words.counted(waiting['n'], 'case waits', 'cases wait')}, the longest for {longest}")
        st.text(" · ".join(said), width="stretch")
        if waiting and session.may("workflows:resume"):
            with st.popover("Try again now"):
                st.text_input("Why", key=f"why-{name}", placeholder="Goes on record, e.g. the bureau says it is back")
                st.button("Resume all that wait on it", key=f"resume-{name}", on_click=resume, args=(name,))


def resume(name: str) -> None:
    reason = (st.session_state.get(f"why-{name}") or "").strip()
    if len(reason) < 3:
        acts.say("workflows", "watch", "Not done", "Say why in a few words: it goes on record.")
        return
    answer = acts.act("workflows", "", lambda: session.backend().resume(name, reason), quiet=True)
    if answer:
        cases = words.counted(answer["resumed"], "case tries", "cases try")
        acts.say("workflows", "good", "Done", f"{cases} {words.word(name).lower()} again now.")


def filters() -> None:
    names = st.session_state.get("source-names", [])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Show",
            list(STATUSES),
            format_func=lambda status: STATUSES[status][0],
            key="status",
            bind="query-params",
            width=220,
        )
        st.selectbox(
            "Waiting on",
            [ANY, *names],
            format_func=lambda name: "Any source, or none" if name == ANY else words.word(name),
            key="source",
            bind="query-params",
            width=220,
        )


@st.fragment(run_every=session.REFRESH)
def runs() -> None:
    now = datetime.now(UTC)
    shown = st.session_state.get("status", UNFINISHED)
    statuses = STATUSES[shown][1]
    source = st.session_state.get("source", ANY)
    with session.told_plainly():
        backend, waiting_on = session.backend().refreshing(), None if source == ANY else source
        found = paging.read(
            "runs", (shown, source), lambda after: backend.runs(statuses, waiting_on, shown == STUCK, after)
        )
        if not found["data"]:
            show.nothing_here("No run fits this filter. Choose All to see those that are finished.")
        else:
            show.heading(WIDTHS, NAMES)
            for run in found["data"]:
                draw(run, now)
            paging.turn("runs", found)
        session.refreshed(now)


def draw(run: Json, now: datetime) -> None:
    case, status, waits, asked, product, accepted, link = show.line(WIDTHS, run["id"])
    with case:
        st.page_link(
            "app_pages/case.py",
            label=f"…{run['id'][-7:]}",
            query_params={"id": run["id"]},
            help=f"Open {run['id']}",
        )
    shown = run["outcome"] if run["status"] == "decided" and run["outcome"] else run["status"]
    status.badge(words.word(shown), color=words.colour(shown))
    waits.text(waits_on(run))
    asked.text(words.money(run["amount"], run["currency"]))
    product.text(words.plain_code(run["product"].replace("-", " ")))
    accepted.text(words.ago(run["accepted_at"], now))
    if run["ui"]:
        link.markdown(f"[Temporal ↗]({run['ui']})")


@st.fragment(run_every=session.REFRESH)
def others(kind: str) -> None:
    """Trainings, roll-outs and the like, as Postgres knows them."""
    now = datetime.now(UTC)
    with session.told_plainly():
        backend = session.backend().refreshing()
        found = paging.read("others", kind, lambda after: backend.other_runs(kind, after))
        if not found["data"]:
            show.nothing_here(f"{KINDS[kind]}: none is under way. What has ended is on the page of its subject.")
        else:
            show.heading(OTHER_WIDTHS, OTHER_NAMES)
            for run in found["data"]:
                draw_other(run, now)
            paging.turn("others", found)
        session.refreshed(now)


def draw_other(run: Json, now: datetime) -> None:
    name, state, waits, product, began, link = show.line(OTHER_WIDTHS, run["id"])
    page = PAGE_OF[run["kind"]]
    query = {"id": run["id"]} if run["kind"] == "intervention" else {}
    with name:
        st.page_link(page, label=f"…{run['id'][-7:]}", query_params=query, help=f"Open {run['id']}")
    state.badge(words.word(run["state"]), color=words.colour(run["state"]))
    until = f", until {words.moment(run['until'], session.zone())}" if run["until"] else ""
    waits.text((words.word(run["waits_on"]) if run["waits_on"] else words.NOTHING) + until)
    product.text(words.plain_code(run["product"].replace("-", " ")))
    began.text(words.ago(run["started_at"], now))
    if run["ui"]:
        link.markdown(f"[Temporal ↗]({run['ui']})")


def waits_on(run: Json) -> str:
    if run["waiting_on"]:
        return ", ".join(words.word(name.strip()) for name in run["waiting_on"].split(","))
    return {"review": "a reviewer", "awaiting_applicant": "the applicant"}.get(run["status"], words.NOTHING)


workflows()
