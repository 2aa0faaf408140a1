"""`plimsoll`: a client of the HTTP API, and the switch of the local stack.

Only what `--help` needs is imported here; every verb imports its own tools.
"""

import os
import sys
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from starter.cli import (
    cases,
    collectors,
    contacts,
    customers,
    drift,
    experiments,
    interventions,
    keys,
    models,
    outcomes,
    people,
    performance,
    products,
    record,
    retrainings,
    reviews,
    rollouts,
    schedules,
    scores,
    stack,
    templates,
    transactions,
    webhooks,
)

app = typer.Typer(
    name="plimsoll",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (stack, cases, scores, record, interventions):
    module.add_to(app)
app.add_typer(reviews.app, name="review")
app.add_typer(products.app, name="product")
app.add_typer(products.policy, name="policy")
app.add_typer(models.app, name="model")
app.add_typer(retrainings.app, name="retraining")
app.add_typer(rollouts.app, name="rollout")
app.add_typer(experiments.app, name="experiment")
performance.add_to(models.app)
app.add_typer(outcomes.app, name="outcome")
app.add_typer(transactions.app, name="transactions")
app.add_typer(transactions.repayments, name="repayments")
app.add_typer(drift.app, name="drift")
app.add_typer(customers.app, name="customer")
app.add_typer(people.app, name="person")
app.add_typer(interventions.app, name="intervention")
app.add_typer(collectors.app, name="collector")
app.add_typer(contacts.app, name="contact")
app.add_typer(templates.app, name="template")
app.add_typer(schedules.app, name="schedule")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(keys.app, name="key")


def tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("plimsoll"))
        raise typer.Exit


@app.callback()
def plimsoll(
    version: Annotated[
        bool, typer.Option("--version", callback=tell_version, is_eager=True, help="Which version this is, and leaves.")
    ] = False,
) -> None:
    """Decides who may carry which risk, and keeps watch while they carry it."""


def main() -> None:
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    if "temporalio" in sys.modules:
        os._exit(code)  # the SDK can abort at interpreter exit (rc 134): leave with the true code
    sys.exit(code)


def run() -> int:
    """Runs one verb; an expected error is one sentence on stderr and an exit code, never a traceback."""
    from plimsoll.domain.errors import PlimsollError

    try:
        result = app(standalone_mode=False)
        return result if isinstance(result, int) else 0
    except typer.Exit as leaving:
        return leaving.exit_code
    except typer.Abort:
        print("Stopped.", file=sys.stderr)
        return 1
    except TyperException as usage:
        return _usage(usage)
    except PlimsollError as error:
        from starter.cli.printing import exit_code, tell

        tell(error)
        return exit_code(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


def _usage(error: TyperException) -> int:
    """One sentence, and where to read on."""
    context = getattr(error, "ctx", None)
    said = error.format_message().strip()
    for problem in _refused_by_a_type(error):
        said = said.replace("Input should", f"{problem['input']!r} should")
    print(said, file=sys.stderr)
    if "--help" not in said:
        print(f"Try: {context.command_path if context else 'plimsoll'} --help", file=sys.stderr)
    return 2


def _refused_by_a_type(error: TyperException) -> list[Any]:
    """What pydantic says of a value: its sentence names no value, and the reader should not have to guess."""
    from pydantic import ValidationError

    cause = error.__cause__
    return list(cause.errors()) if isinstance(cause, ValidationError) else []


if __name__ == "__main__":
    main()
