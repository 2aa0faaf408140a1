"""`up`, `down`, `doctor`, `demo`: the local stack."""

from typing import Annotated

import typer

from starter.cli.printing import DONE, FAILED, UNAVAILABLE, AsJson, as_json, note


def add_to(app: typer.Typer) -> None:
    app.command("up")(up)
    app.command("down")(down)
    app.command("doctor")(doctor)
    app.command("demo")(demo)


Ports = Annotated[str, typer.Option(help="`default`, or `auto` for any free ones.")]


def up(
    detach: Annotated[bool, typer.Option("--detach", help="Return when every part is ready.")] = False,
    ports: Ports = "default",
    json: AsJson = False,
) -> int:
    """Starts the local stack: Postgres, Temporal, sandbox, API, worker, console."""
    return _bring_up(detach, ports, json=json)


def _bring_up(detach: bool, ports: str, *, json: bool = False, quiet: bool = False) -> int:
    from plimsoll.local import stack
    from plimsoll.local.errors import StackError
    from plimsoll.settings import load_settings

    if ports not in ("default", "auto"):
        raise typer.BadParameter(f"--ports is `default` or `auto`, not {ports!r}.")
    home = load_settings().home_dir
    try:
        for event in stack.up(home, ports=ports, detach=detach):  # type: ignore[arg-type]
            note(f"{event.part:12} {event.sentence or event.state}")
    except StackError as error:
        note(str(error))
        return UNAVAILABLE
    if detach and not quiet:
        found = stack.describe(home)
        as_json(found) if json else _addresses(found)
    return DONE


def down(json: AsJson = False) -> int:
    """Stops the local stack; everything it knows stays in PLIMSOLL_HOME."""
    from plimsoll.local import stack
    from plimsoll.settings import load_settings

    stopped = stack.down(load_settings().home_dir)
    as_json({"stopped": stopped}) if json else print("The stack is down." if stopped else "There was nothing to stop.")
    return DONE


def doctor(json: AsJson = False) -> int:
    """Says of each part, in one sentence, whether it works and what to do if not."""
    from plimsoll.local import stack
    from plimsoll.local.doctor import examine
    from plimsoll.settings import load_settings

    home = load_settings().home_dir
    findings = examine(home)
    if json:
        parts = [{"part": f.part, "state": f.state, "sentence": f.sentence} for f in findings]
        as_json(stack.describe(home) | {"findings": parts})
    else:
        for finding in findings:
            print(f"{finding.state:6} {finding.part:14} {finding.sentence}")
    return FAILED if any(finding.state == "wrong" for finding in findings) else DONE


def demo(
    applicants: Annotated[int, typer.Option(help="How many held-out applicants are decided.", min=1, max=300)] = 300,
    ports: Ports = "default",
    watch: Annotated[bool, typer.Option(help="Watch real card accounts, too, and reach who is at risk.")] = True,
) -> int:
    """Brings everything up, decides real held-out applicants, and watches real accounts for a first missed payment."""
    from starter.cli.demo import PRODUCT, addresses, decide_real_applicants, release_first, train_first
    from starter.cli.demo_watching import watch_real_accounts

    # Before the stack is up, so that nothing waits for a model afterwards.
    version = train_first(PRODUCT, "training a model on 700 real loans (a quarter of a minute, once) …")
    code = _bring_up(True, ports, quiet=True)
    if code:
        return code
    release_first(PRODUCT, version)
    code = decide_real_applicants(applicants)
    if watch:
        watch_real_accounts()
    addresses()
    return code


def _addresses(found: dict) -> None:
    print(f"API          {found['api']}  (docs at {found['api']}/docs)")
    print(f"Console      {found['console']}")
    print(f"Temporal UI  {found['temporal_ui']}")
