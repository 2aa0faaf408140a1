"""`plimsoll person …`: how much there is of a person, and erasing them."""

from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, AsJson, AsRole, as_json, note, table
from starter.cli.remote import Remote

app = typer.Typer(help="Persons, whether they applied or are watched.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="per_…, one of their applications, or the lender's own id")]


@app.command("show")
def show(person: Name, role: AsRole = None, json: AsJson = False) -> int:
    """How much there is of one person."""
    with Remote(role or "analyst") as api:
        found = api.get(f"/v1/people/{_path(person)}")
    if json:
        as_json(found)
    else:
        _tell(found)
    return DONE


@app.command("erase")
def erase(
    people: Annotated[list[str], typer.Argument(help="per_…, one of their applications, or the lender's own id")],
    reason: Annotated[str, typer.Option("--reason", help="Why; goes on record for good, so name nobody in it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Erases persons everywhere, for good: nothing of theirs can be read afterwards, and the ledger still verifies."""
    with Remote(role or "compliance", timeout=120) as api:
        for person in people:
            if not yes:
                _tell(api.get(f"/v1/people/{_path(person)}"))
                typer.confirm(f"Erase {person} for good?", abort=True, err=True)
            erased, _ = api.post(f"/v1/people/{_path(person)}/erase", {"reason": reason})
            if json:
                as_json(erased)
            else:
                _told(erased)
    return DONE


def _tell(found: dict[str, Any]) -> None:
    table({"person": "id"} | {name: name for name in found if name != "id"}, [found])


def _told(erased: dict[str, Any]) -> None:
    open_ = [*erased["withdrawn"], *erased["ended"]]
    stopped = f", {', '.join(open_)} stopped" if open_ else ""
    print(f"{erased['person']} is erased: {erased['transactions']:,} events deleted{stopped}.")
    note(f"Backups hold their key until they are gone: after a restore, erase {erased['person']} again.")


def _path(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
