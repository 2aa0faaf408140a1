"""`plimsoll intervention …`: who is helped, and whether it helps; `fast-forward` lets time pass for one case."""

from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, note, quoted, table
from starter.cli.remote import Remote

app = typer.Typer(help="Customers who are helped before a first missed payment.", no_args_is_help=True)

COLUMNS = {
    "intervention": "id", "person": "person_id", "level": "level", "arm": "arm", "state": "state", "how": "ending",
    "step": "step_by", "waits on": "waits_on", "until": "until", "opened": "opened_at",
}  # fmt: skip
Intervention = Annotated[str, typer.Argument(help="The intervention: int_…")]
Reason = Annotated[str, typer.Option("--reason", help="Goes on record.")]


@app.command("list")
def list_interventions(
    state: Annotated[str | None, typer.Option(help="treating, promised, watching, ended")] = None,
    level: Annotated[str | None, typer.Option(help="critical, high, medium, low")] = None,
    person: Annotated[str | None, typer.Option(help="Only this customer: per_…")] = None,
    arm: Annotated[str | None, typer.Option(help="hold_out, or a strategy.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Interventions, newest first, with what each waits on."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/interventions", state=state, level=level, person=person, arm=arm, limit=limit)["data"]
    if json:
        for row in found:
            as_json(row)
    elif not found:
        chosen = state or level or person or arm
        note("No intervention is like that." if chosen else "No intervention was opened yet.")
    else:
        table(COLUMNS, found)
    return DONE


@app.command("show")
def show(intervention: Intervention, role: AsRole = None, json: AsJson = False) -> int:
    """One episode: why, its steps, calls, promises, and how it went."""
    with Remote(role or "analyst") as api:
        return _tell(api.get(f"/v1/interventions/{intervention}"), json)


@app.command("start")
def start(
    person: Annotated[str, typer.Argument(help="The customer: per_…")],
    reason: Reason,
    level: Annotated[str, typer.Option(help="critical, high or medium: where its ladder begins.")] = "high",
    asked_for_help: Annotated[bool, typer.Option("--asked-for-help", help="The customer did.")] = False,
    product: Annotated[str, typer.Option(help="The product it is about.")] = "consumer-credit",
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Begins one by hand. A customer who asked for help is never held back for an experiment."""
    wanted = {
        "person": person, "product": product, "level": level, "asked_for_help": asked_for_help, "reason": reason,
    }  # fmt: skip
    with Remote(role or "collector") as api:
        found, _ = api.post("/v1/interventions", wanted)
    return _tell(found, json)


@app.command("cancel")
def cancel(intervention: Intervention, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Nothing more is done; how it goes is still looked at."""
    with Remote(role or "collector") as api:
        found, _ = api.post(f"/v1/interventions/{intervention}/cancel", {"reason": reason})
    return _tell(found, json)


@app.command("plan")
def plan(role: AsRole = None, json: AsJson = False) -> int:
    """The strategies in force, and what their hold-out can find out: how many it takes, and how long."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/interventions/strategies")
    if json:
        as_json(found)
        return DONE
    terms = found["table"]
    print(f"strategy table {terms['version']} ({terms['digest'][:12]}), {terms['hold_out']:.0%} held out")
    for strategy in terms["strategies"]:
        print(f"  {strategy['id']} ({strategy['share']:.0%}): {strategy['says']}")
        for level in ("critical", "high", "medium", "low"):
            steps = ", ".join(f"{step['by']} p{step['priority']}" for step in strategy["ladders"][level])
            print(f"    {level:9} {steps or 'nothing'}")
    for sentence in found["plan"]["words"]:
        print(sentence)
    return DONE


@app.command("read")
def read(role: AsRole = None, json: AsJson = False) -> int:
    """Does it help? Treated against held out at 30, 60 and 90 days, as assigned; and each strategy's share."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/interventions/effect")
    if json:
        as_json(found)
        return DONE
    for each in found["effect"]:
        print(each["words"])
    for arm in found["arms"]:
        share = "nothing known yet" if arm["missed_share"] is None else f"{arm['missed_share']:.1%} missed a payment"
        print(f"  day {arm['day']}, {arm['arm']}: {share} ({arm['known']:,} known){_against(arm)}")
    return DONE


def _against(arm: dict[str, Any]) -> str:
    compared = arm["comparison"]
    if not compared:
        return ""
    low, high = compared["interval"]
    return f", {compared['difference']:+.1%} against {arm['against']} ({low:+.1%} to {high:+.1%})"


def fast_forward(
    case: Annotated[str, typer.Argument(metavar="ID", help="app_… or int_…")],
    duration: Annotated[str, typer.Argument(help="30d, 12h, 90m")],
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Test mode: lets time pass for one case, its waits and messages included."""
    with Remote(role or "admin") as api:
        found, _ = api.post("/v1/fast-forward", {"id": case, "duration": duration})
    if json:
        as_json(found)
    elif found["arrived"]:
        print(f"{case}: {duration} later.")
    else:
        note(f"{case} is still on its way through {duration}; it arrives by itself.")
    return DONE


def add_to(main: typer.Typer) -> None:
    main.command("fast-forward")(fast_forward)


def _tell(found: dict[str, Any], json: bool) -> int:
    if json:
        as_json(found)
        return DONE
    how = f", {found['ending'].replace('_', ' ')}" if found["ending"] else ""
    print(f"{found['id']}: {found['state']}{how}  ({found['level']}, {found['arm']}, {found['person_id']})")
    if found["waits_on"] and not found["ended_at"]:
        print(f"  waits on {found['waits_on'].replace('_', ' ')} until {found['until'] or 'it is done'}")
    for factor in found["factors"]:
        print(f"  why: {factor['words'] or factor['feature']} ({factor['value']})")
    for step in found.get("steps", []):
        said = " · ".join(filter(None, (step["state"], step["result"], step["rule"])))
        print(f"  step {step['number'] + 1}: {step['by']} {step['template']}: {said}")
    for reply in found.get("replies", []):
        print(f"  they wrote by {reply['channel']}: {quoted(reply['text'])}")
    for task in found.get("tasks", []):
        print(f"  {task['id']}: {task['script']} {task['state']} {task['answer'] or ''}".rstrip())
    for agreed in found.get("commitments", []):
        print(
            f"  agreed: {agreed['tool'] or 'promise'} {agreed['amount'] or ''} by {agreed['due_on']}: {agreed['state']}"
        )
    for outcome in found.get("outcomes", []):
        missed = {True: "missed a payment", False: "paid", None: "nothing known"}[outcome["missed"]]
        print(f"  after {outcome['day']} days: {missed}")
    return DONE
