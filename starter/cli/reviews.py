"""`plimsoll review …`: the reviewer's day."""

import mimetypes
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, decision, in_words, moment, note, readable, table
from starter.cli.remote import Remote

app = typer.Typer(help="Cases that wait for a person.", no_args_is_help=True)

COLUMNS = {
    "review": "id", "application": "application_id", "yours": "external_id", "state": "state", "amount": "amount",
    "PD": "probability_of_default", "why": "why", "due": "due_at", "held by": "claimed_by",
}  # fmt: skip


@app.command("list")
def list_tasks(
    queue: Annotated[str | None, typer.Option(help="Only this queue.")] = None,
    state: Annotated[str | None, typer.Option(help="open, claimed, second, answered, expired, closed")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """The queue, most urgent first."""
    with Remote(role or "reviewer") as api:
        found = api.get("/v1/reviews", queue=queue, state=state, limit=limit)
    if json:
        for row in found["data"]:
            as_json(row)
    elif not found["data"]:
        note("Nothing waits for a person.")
    else:
        table(COLUMNS, found["data"])
        if found.get("has_more"):
            note(f"These are the {len(found['data'])} most urgent; more wait (--limit).")
    return DONE


@app.command("next")
def next_task(queue: Annotated[str | None, typer.Option()] = None, role: AsRole = None, json: AsJson = False) -> int:
    """Takes the most urgent free case and shows it."""
    from plimsoll.domain.errors import Conflict

    with Remote(role or "reviewer") as api:
        for row in api.get("/v1/reviews", queue=queue, limit=20)["data"]:
            try:
                task, _ = api.post(f"/v1/reviews/{row['id']}/claim")
            except Conflict:
                continue  # somebody else was faster: the next one
            return _show(api, task, json)
    note("Nothing waits for a person.")
    return DONE


@app.command("claim")
def claim(review: str, role: AsRole = None, json: AsJson = False) -> int:
    """Takes a case on a lease."""
    with Remote(role or "reviewer") as api:
        task, _ = api.post(f"/v1/reviews/{review}/claim")
    as_json(task) if json else print(
        f"{review} is yours until {moment(task['lease_until'])} UTC, version {task['version']}."
    )
    return DONE


@app.command("release")
def release(review: str, role: AsRole = None, json: AsJson = False) -> int:
    """Gives a case back to the queue."""
    with Remote(role or "reviewer") as api:
        task, _ = api.post(f"/v1/reviews/{review}/release")
    as_json(task) if json else print(f"{review} is back in the queue.")
    return DONE


@app.command("show")
def show(review: str, role: AsRole = None, json: AsJson = False) -> int:
    """The case behind a review: facts, evidence, score, rules."""
    with Remote(role or "reviewer") as api:
        return _show(api, api.get(f"/v1/reviews/{review}"), json)


@app.command("decide")
def decide(
    review: str,
    outcome: Annotated[str, typer.Option(help="approve, decline or counter_offer")],
    reason: Annotated[str, typer.Option(help="A listed code: `plimsoll product show` lists them.")],
    note_: Annotated[str, typer.Option("--note", help="For the record, sealed with the person's data.")] = "",
    amount: Annotated[str | None, typer.Option(help="Of a counter-offer.")] = None,
    term: Annotated[int | None, typer.Option(help="Months of a counter-offer.")] = None,
    version: Annotated[int | None, typer.Option(help="The version you saw; the present one when left out.")] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Decides a case. The first verdict wins; saying the same again changes nothing."""
    with Remote(role or "reviewer") as api:
        seen = version or api.get(f"/v1/reviews/{review}")["version"]
        answer: dict[str, Any] = {"version": seen, "outcome": outcome, "reason": reason, "note": note_}
        if amount:
            answer["amount"] = amount
        if term:
            answer["term_months"] = term
        task, _ = api.post(f"/v1/reviews/{review}/decision", answer)
    if json:
        as_json(task)
    elif task["state"] == "second":
        print(f"{review}: {outcome} noted; a second person must agree (four eyes).")
    else:
        print(f"{review}: {outcome.replace('_', ' ')}.")
    return DONE


@app.command("note")
def write_note(
    application: str,
    text: Annotated[str, typer.Argument(help="As it is to be read by colleagues.")],
    role: AsRole = None,
) -> int:
    """Writes down what the next one at this case should know; sealed with the case, for good."""
    with Remote(role or "reviewer") as api:
        api.post(f"/v1/applications/{application}/notes", {"text": text})
    print("Written down.")
    return DONE


@app.command("ask")
def ask(
    review: str,
    document: Annotated[str, typer.Argument(help="A listed code: `plimsoll product show` lists them.")],
    role: AsRole = None,
) -> int:
    """Asks the applicant for a document. The case waits for it and comes back by itself."""
    with Remote(role or "reviewer") as api:
        api.post(f"/v1/reviews/{review}/documents", {"code": document})
    print(f"{review} waits for the applicant's {document.replace('_', ' ')}.")
    return DONE


@app.command("hand-in")
def hand_in(
    application: str,
    document: Annotated[str, typer.Argument(help="doc_…, as the application shows it")],
    file: Annotated[Path, typer.Argument(callback=readable, help="PDF, JPEG or PNG of at most 2 MiB.")],
    role: AsRole = None,
) -> int:
    """Hands in a document the applicant was asked for, as the lender's own system does."""
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    with Remote(role or "channel") as api:
        api.put_file(f"/v1/applications/{application}/documents/{document}?name={quote(file.name)}", file, kind)
    print(f"{file.name} is with the case.")
    return DONE


@app.command("hand-up")
def hand_up(
    review: str,
    reason: Annotated[str, typer.Option(help="Why it is not yours to decide; goes on record.")],
    role: AsRole = None,
) -> int:
    """Leaves a case to a senior reviewer."""
    with Remote(role or "reviewer") as api:
        api.post(f"/v1/reviews/{review}/hand-up", {"reason": reason})
    print(f"{review} is a senior reviewer's now.")
    return DONE


@app.command("away")
def away(
    until: Annotated[str, typer.Argument(help="2026-01-31 or 2026-01-31T09:00, in the time of this machine.")],
    role: AsRole = None,
) -> int:
    """Be away until then: what you hold goes back to the queue. Taking a case ends it."""
    moment = _moment(until)
    with Remote(role or "reviewer") as api:
        given_back = api.put("/v1/reviews/absence", {"until": moment.isoformat()})["given_back"]
    print(f"Away until {moment:%Y-%m-%d %H:%M %Z}; given back: {', '.join(given_back) or 'nothing, you held no case'}.")
    return DONE


@app.command("back")
def back(role: AsRole = None) -> int:
    """Be back before the day you named."""
    with Remote(role or "reviewer") as api:
        api.delete("/v1/reviews/absence")
    print("You are back.")
    return DONE


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no moment: write 2026-01-31 or 2026-01-31T09:00.") from None


def _show(api: Remote, task: dict[str, Any], json: bool) -> int:
    case = api.get(f"/v1/applications/{task['application_id']}/case")
    if json:
        as_json(task | {"case": case})
        return DONE
    decision(case)
    due = moment(task["due_at"])
    print(f"  review {task['id']} version {task['version']}, {task['state']}, first answer due {due} UTC")
    print(f"  why a person: {', '.join(case['why_a_person']) or '–'}")
    for path, value in case["declared"].items():
        print(f"    {path:32} {value}")
    for document in case["documents"]:
        print(f"    {document['id']:32} {document['name']}, {'there' if document['received_at'] else 'asked for'}")
    for written in case["notes"]:
        print(f"    {written['by']:32} {written['text']}")
    for evidence in case["evidence"]:
        print(f"    {evidence['source']:32} {in_words(evidence['summary'] or {}) or evidence['state']}")
    return DONE
