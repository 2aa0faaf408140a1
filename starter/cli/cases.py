"""`apply`, `status`, `trace`, `list`, `withdraw`, `resume`: applications from the command line."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from starter.cli.printing import (
    DONE,
    FAILED,
    UNDECIDED,
    AsJson,
    AsRole,
    as_json,
    decision,
    in_words,
    note,
    readable,
    table,
    tell,
)
from starter.cli.remote import Remote


def add_to(app: typer.Typer) -> None:
    app.command("apply")(apply)
    app.command("status")(status)
    app.command("trace")(trace)
    app.command("list")(list_applications)
    app.command("withdraw")(withdraw)
    app.command("resume")(resume)


def apply(
    file: Annotated[
        Path, typer.Argument(callback=readable, help="JSON object, JSON lines or CSV; - reads standard input.")
    ],
    product: Annotated[str | None, typer.Option(help="Product of applications that name none.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="Key of a single application.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for each decision.", min=0, max=25)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Sends one application or many, and prints each decision.

    The same line sent again is the same application: its key is made of its content.
    """
    from starter.cli.bulk import read_applications, send_all

    text = sys.stdin.read() if str(file) == "-" else _read(file)
    with Remote(role or "channel") as api:
        lines = read_applications(text, file.suffix, product, api)
        if idempotency_key and len(lines) != 1:
            raise typer.BadParameter(f"--idempotency-key is for one application, this file has {len(lines)}.")
        undecided = failed = 0
        for line, answer in send_all(api, lines, wait, idempotency_key):
            if isinstance(answer, Exception):
                failed += 1
                tell(answer, f"line {line.number}: " if len(lines) > 1 else "")
                continue
            undecided += answer["outcome"] is None
            as_json(answer) if json else decision(answer)
    if len(lines) > 1:
        note(f"{len(lines) - failed} sent, {failed} refused, {undecided} not decided yet.")
    return FAILED if failed else UNDECIDED if undecided else DONE


def status(application: str, role: AsRole = None, json: AsJson = False) -> int:
    """Where one application stands."""
    with Remote(role or "analyst") as api:
        found = api.get(f"/v1/applications/{application}")
    as_json(found) if json else decision(found)
    return DONE


def trace(application: str, role: AsRole = None, json: AsJson = False) -> int:
    """Every step of one application: inputs, outputs, durations, retries, versions."""
    with Remote(role or "analyst") as api:
        found = api.get(f"/v1/applications/{application}/trace")
    if json:
        as_json(found)
        return DONE
    decision(found)
    print("\nDeclared")
    for path, value in found["declared"].items():
        print(f"  {path:32} {value}")
    print("\nEvidence")
    for evidence in found["evidence"]:
        said = in_words(evidence["summary"] or {}) or evidence["last_error"] or ""
        sent = "sent once" if evidence["attempts"] == 1 else f"sent {evidence['attempts']} times"
        print(f"  {evidence['source']:10} {evidence['state']:9} {sent:12}  {said}")
    print("\nRules that fired" + ("" if found["rule_hits"] else ": none"))
    for hit in found["rule_hits"]:
        print(f"  {hit['id']:28} {hit['effect'] or 'flag':14} {in_words(hit['values_read'])}")
    print("\nSteps")
    table(
        {"step": "step", "source": "source", "lane": "lane", "began": "started_at", "ms": "duration_ms",
         "result": "result", "error": "error"},
        found["steps"],
    )  # fmt: skip
    print("\nLedger")
    table({"seq": "seq", "what": "kind", "who": "actor_name", "why": "reason", "when": "at"}, found["ledger"])
    return DONE


def list_applications(
    status: Annotated[str | None, typer.Option(help="received, waiting, review, decided, withdrawn …")] = None,
    outcome: Annotated[str | None, typer.Option(help="approve, decline, counter_offer")] = None,
    product: Annotated[str | None, typer.Option()] = None,
    external_id: Annotated[str | None, typer.Option(help="Your own number.")] = None,
    waiting_on: Annotated[str | None, typer.Option(help="Name of a source.")] = None,
    after: Annotated[str | None, typer.Option(help="Continue behind this application.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Applications, newest first."""
    with Remote(role or "analyst") as api:
        found = api.get(
            "/v1/applications", status=status, outcome=outcome, product=product, external_id=external_id,
            waiting_on=waiting_on, after=after, limit=limit,
        )  # fmt: skip
    if json:
        for row in found["data"]:
            as_json(row)
        return DONE
    table(
        {"application": "id", "yours": "external_id", "status": "status", "outcome": "outcome", "amount": "amount",
         "months": "term_months", "PD": "probability_of_default", "waits on": "waiting_on", "accepted": "accepted_at"},
        found["data"],
    )  # fmt: skip
    if found["has_more"]:
        note(f"There is more: --after {found['after']}")
    return DONE


def withdraw(
    application: str,
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Withdraws an application that is not decided yet."""
    with Remote(role or "admin") as api:
        found, _ = api.post(f"/v1/applications/{application}/withdraw", {"reason": reason})
    as_json(found) if json else print(f"{application} is withdrawn.")
    return DONE


def resume(
    waiting_on: Annotated[str, typer.Option(help="Name of the source that is back.")],
    reason: Annotated[str, typer.Option(help="Goes on record.")] = "the source is back",
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Tries everything that waits on a source again, now."""
    with Remote(role or "admin") as api:
        found, _ = api.post(f"/v1/workflows/resume?waiting_on={waiting_on}", {"reason": reason})
    resumed = found["resumed"]
    if json:
        as_json(found)
    elif not resumed:
        note(f"No case waits on {waiting_on}: `plimsoll list --status waiting` shows what does wait, and on whom.")
    else:
        cases, go = ("case", "goes") if resumed == 1 else ("cases", "go")
        print(f"{resumed} {cases} that waited on {waiting_on} {go} on.")
    return DONE


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8 text.") from None
