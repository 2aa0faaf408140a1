"""`plimsoll product …` and `plimsoll policy …`: what a risk team edits."""

import json as jsonlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from plimsoll.domain.errors import InvalidRequest
from starter.cli import own_products
from starter.cli.printing import DONE, FAILED, AsJson, AsRole, as_json, note, table
from starter.cli.remote import Remote

if TYPE_CHECKING:
    from plimsoll.domain.underwriting.product import Product

Answer = TypeVar("Answer")

app = typer.Typer(help="Product packs.", no_args_is_help=True)
own_products.add_to(app)
policy = typer.Typer(help="Policies: versioned data, tested before they count.", no_args_is_help=True)


@app.command("list")
def list_products(role: AsRole = None, json: AsJson = False) -> int:
    """The products that may be applied for."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/products")["data"]
    if json:
        for row in found:
            as_json(row)
    else:
        table({"product": "id", "title": "title", "type": "type", "version": "version", "currency": "currency"}, found)
    return DONE


@app.command("show")
def show(
    product: str,
    example: Annotated[bool, typer.Option("--example", help="Print one valid application, ready to send.")] = False,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """One product: its application's schema, sources, versions."""
    with Remote(role or "analyst") as api:
        found = api.get(f"/v1/products/{product}")
    if example or json:
        as_json(found["example"] if example else found)
        return DONE
    print(f"{found['title']} ({found['id']} {found['version']}), {found['type']} in {found['jurisdiction']}")
    print(f"policy {found['policy']['version']}, model {found['model']}")
    table(
        {"source": "name", "purpose": "purpose", "patience s": "patience_seconds", "then": "when_patience_is_over"},
        found["sources"],
    )
    for heading, codes in (
        ("Reasons a reviewer may give:", found["review_reasons"]),
        ("Documents a reviewer may ask for:", found["review_documents"]),
    ):
        print(heading)
        for code, sentence in codes.items():
            print(f"  {code:24} {sentence}")
    return DONE


@app.command("check")
def check(product: str, json: AsJson = False) -> int:
    """Whether a pack is whole: every reason worded, nothing protected read, every field declared."""
    from plimsoll.settings import load_settings
    from plimsoll.wiring.packs import product_packs

    problems = product_packs(load_settings()).check(product)
    return _report(problems, f"{product} is whole.", json)


@policy.command("check")
def check_policy(product: str, json: AsJson = False) -> int:
    """Whether the rules can be read and every outcome has its reason."""
    problems = _asked(product, lambda engine, pack: engine.check(pack))
    return _report(problems, f"The policy of {product} is sound.", json)


@policy.command("test")
def run_cases(product: str, json: AsJson = False) -> int:
    """Runs the cases of the pack through its rules."""
    results = _asked(product, lambda engine, pack: engine.run_cases(pack))
    failed = [result for result in results if not result.passed]
    for result in results:
        if json:
            as_json(result.model_dump(mode="json"))
        elif not result.passed:
            print(f"FAILED {result.name}: {result.problem}")
    if not json:
        print(f"{len(results) - len(failed)} of {len(results)} cases hold.")
    return FAILED if failed else DONE


@policy.command("diff")
def diff_policy(
    product: str,
    old: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The policy.json of before.")],
    new: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="The one of after; the pack's own when left out.")
    ] = None,
    json: AsJson = False,
) -> int:
    """What changed from an older version of the rules to a newer one, rule by rule."""
    changes = _asked(product, lambda engine, pack: engine.changes(pack, old, new))
    for change in changes:
        as_json({"change": change}) if json else print(change)
    if not changes and not json:
        note("No rule differs.")
    return DONE


@policy.command("backtest")
def back_test_policy(
    product: str,
    changed: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A policy.json as it might become.")],
    cases: Annotated[int, typer.Option(min=1, max=1000, help="So many of the newest decided cases.")] = 200,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """What a changed policy would have said of decided cases, beside the one in force; nothing is decided by it."""
    with Remote(role or "analyst", timeout=120) as api:
        found, _ = api.post(f"/v1/policies/{product}/trial", {"policy": _read(changed), "cases": cases})
    broken = [case for case in found["cases"] if not case["passed"]]
    as_json(found) if json else _print_trial(found, broken)
    return FAILED if found["problems"] or broken else DONE


def _read(file: Path) -> Any:
    try:
        return jsonlib.loads(file.read_bytes())
    except ValueError as error:
        raise InvalidRequest(f"{file.name} is not JSON: {error}.") from None


def _print_trial(found: dict[str, Any], broken: list[dict[str, Any]]) -> None:
    for change in found["changes"] or ["No rule differs from what is in force."]:
        print(change)
    for problem in found["problems"]:
        print(f"FAULT {problem}")
    for case in broken:
        print(f"FAILED {case['name']}: {case['problem']}")
    past = found["past"]
    if not past["cases"]:
        note("No case of this product is decided yet.")
        return
    print(
        f"{past['cases']} decided cases, accepted {past['since']} to {past['until']}: {past['alike']} would end alike, "
        f"{past['cases'] - past['alike']} otherwise."
    )
    if past["moves"]:
        table({"in force": "was", "changed": "becomes", "cases": "cases"}, past["moves"])
        table(
            {"case": "application", "in force": "was", "changed": "becomes", "rules before": "rules_before",
             "rules after": "rules_after"},
            past["differences"],
        )  # fmt: skip


@policy.command("format")
def format_policy(
    product: str,
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is in form; exit code 1 if not.")] = False,
) -> int:
    """Writes the rules in one fixed form, a row on a line, so that a change reads as one; none is changed by it."""
    differed = _asked(product, lambda engine, pack: engine.put_in_form(pack, write=not check))
    if check:
        note("Not in form: `plimsoll policy format` writes it so." if differed else "In form.")
        return FAILED if differed else DONE
    note("Written in form; its digest is another one now." if differed else "It was in form already.")
    return DONE


def _asked(product: str, ask: Callable[[Any, "Product"], Answer]) -> Answer:
    """What the policy engine says of the files of a pack. Raises InvalidRequest for one that cannot be read."""
    from plimsoll.domain.underwriting.policy import handed_in
    from plimsoll.settings import load_settings
    from plimsoll.wiring.packs import policy_engine, product_packs

    settings = load_settings()
    with handed_in():
        return ask(policy_engine(settings), product_packs(settings).get(product))


def _report(problems: list[str], all_well: str, json: bool) -> int:
    if json:
        as_json({"ok": not problems, "problems": problems})
    else:
        for problem in problems:
            print(problem)
        if not problems:
            print(all_well)
    return FAILED if problems else DONE
