"""`plimsoll review …`: the reviewer's day."""

from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, decision, in_words, note, table
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
    as_json(task) if json else print(f"{review} is yours until {task['lease_until']}, version {task['version']}.")
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


def _show(api: Remote, task: dict[str, Any], json: bool) -> int:
    case = api.get(f"/v1/applications/{task['application_id']}/case")
    if json:
        as_json(task | {"case": case})
        return DONE
    decision(case)
    print(f"  review {task['id']} version {task['version']}, {task['state']}, first answer due {task['due_at']}")
    print(f"  why a person: {', '.join(case['why_a_person']) or '–'}")
    for path, value in case["declared"].items():
        print(f"    {path:32} {value}")
    for evidence in case["evidence"]:
        print(f"    {evidence['source']:32} {in_words(evidence['summary'] or {}) or evidence['state']}")
    return DONE
