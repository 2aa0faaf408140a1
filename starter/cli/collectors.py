"""`plimsoll collector …`: the collector's day."""

from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, note, quoted, table
from starter.cli.remote import Remote

app = typer.Typer(help="Calls to customers, made by people.", no_args_is_help=True)

COLUMNS = {
    "task": "id", "intervention": "intervention_id", "level": "level", "script": "script", "why": "why",
    "state": "state", "due": "due_at", "held by": "claimed_by_name",
}  # fmt: skip
Task = Annotated[str, typer.Argument(help="The task: tsk_…")]


@app.command("list")
def list_tasks(
    queue: Annotated[str | None, typer.Option(help="Only this queue.")] = None,
    state: Annotated[str | None, typer.Option(help="open, claimed, answered, closed")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """The queue, most urgent first."""
    with Remote(role or "collector") as api:
        found = api.get("/v1/collector-tasks", queue=queue, state=state, limit=limit)["data"]
    if json:
        for row in found:
            as_json(row)
    elif not found:
        note("Nobody is to be called.")
    else:
        table(COLUMNS, found)
    return DONE


@app.command("next")
def next_task(
    queue: Annotated[str | None, typer.Option(help="Only this queue.")] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Takes the most urgent task whose customer may be called now."""
    with Remote(role or "collector") as api:
        answer, _ = api.post("/v1/collector-tasks/next" + (f"?queue={queue}" if queue else ""))
    if answer["data"] is None:
        note("Nobody may be called now.")
        return DONE
    return _tell(answer["data"], json)


@app.command("claim")
def claim(task: Task, role: AsRole = None, json: AsJson = False) -> int:
    """Takes a task on a lease; refused with the rule when the customer may not be called now."""
    return _post(task, "claim", role, json)


@app.command("call")
def call(task: Task, role: AsRole = None, json: AsJson = False) -> int:
    """About to dial: shows the number and what to say. The call counts from here on."""
    return _post(task, "call", role, json)


@app.command("release")
def release(task: Task, role: AsRole = None, json: AsJson = False) -> int:
    """Gives a task back to the queue."""
    return _post(task, "release", role, json)


@app.command("answer")
def answer(
    task: Task,
    came: Annotated[
        str,
        typer.Option(
            "--came",
            help="promise, tool, paid_already, no_help_needed, refused, no_answer, wrong_number, call_back, "
            "no_more_contact, disputed, bereaved, vulnerable, on_with_the_plan",
        ),
    ],
    amount: Annotated[str | None, typer.Option(help="Of a promise or plan.")] = None,
    currency: Annotated[str | None, typer.Option(help="USD, EUR…")] = None,
    due: Annotated[str | None, typer.Option(help="Day of a promise, or last day of a tool: YYYY-MM-DD.")] = None,
    tool: Annotated[
        str | None, typer.Option(help="due_date_change, payment_plan, payment_holiday or counselling.")
    ] = None,
    payments: Annotated[int, typer.Option(help="Parts of a plan.")] = 1,
    again: Annotated[str | None, typer.Option("--again-at", help="When to call back, with its offset.")] = None,
    note_: Annotated[str, typer.Option("--note", help="Sealed with the customer's data.")] = "",
    version: Annotated[int | None, typer.Option(help="The version you saw; the present one when left out.")] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """What came of it. The first answer wins; saying the same again changes nothing."""
    with Remote(role or "collector") as api:
        seen = version or api.get(f"/v1/collector-tasks/{task}")["version"]
        given = {
            "amount": amount, "currency": currency, "due_on": due, "tool": tool, "call_back_at": again,
        }  # fmt: skip
        report: dict[str, Any] = {"version": seen, "answer": came, "payments": payments, "note": note_}
        report |= {name: value for name, value in given.items() if value is not None}
        found, _ = api.post(f"/v1/collector-tasks/{task}/answer", report)
    as_json(found) if json else print(f"{task}: {came.replace('_', ' ')}.")
    if not json:
        note(f"What follows from it: `plimsoll intervention show {found['intervention_id']}`.")
    return DONE


def _post(task: str, verb: str, role: str | None, json: bool) -> int:
    with Remote(role or "collector") as api:
        found, _ = api.post(f"/v1/collector-tasks/{task}/{verb}")
    return _tell(found, json)


def _tell(task: dict[str, Any], json: bool) -> int:
    if json:
        as_json(task)
        return DONE
    print(f"{task['id']}: {task['script']}, {task['state']}, version {task['version']}, due {task['due_at']}")
    if task["claimed_by_name"]:
        print(f"  held by {task['claimed_by_name']} until {task['lease_until']}")
    for factor in task["factors"]:
        print(f"  why: {factor['words'] or factor['feature']} ({factor['value']})")
    for why in task["why"]:
        print(f"  because: {why.replace('_', ' ')}")
    for reply in task.get("replies", []):
        print(f"  they wrote by {reply['channel']}: {quoted(reply['text'])}")
    if task.get("says"):
        print(f"  dial {task.get('number') or 'no number known'}")
        print(task["says"])
        note(f"Then say what came of it: `plimsoll collector answer {task['id']} --came promise|no_answer|…`.")
    elif task["state"] == "claimed":
        note(f"Number and words: `plimsoll collector call {task['id']}`; from there on the call counts.")
    return DONE
