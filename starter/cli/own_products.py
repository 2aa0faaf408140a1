"""`product new` and `product rows`: from a lender's own file to a product one can try at once."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, AsJson, as_json, note, readable


def add_to(app: typer.Typer) -> None:
    app.command("new")(new)
    app.command("rows")(rows)


Many = list[str]
CHANCE, TOO_GOOD = 0.5, 0.93  # AUC
MOST_BADS = 0.5


def new(
    name: Annotated[str, typer.Argument(help="Name of the product: small letters, digits and dashes.")],
    file: Annotated[
        Path, typer.Option("--from", callback=readable, help="CSV (any separator, plain or gzipped) or Parquet.")
    ],
    target: Annotated[str, typer.Option(help="COL when it holds 0 and 1, else COL=BAD, or COL=BAD|WORSE.")],
    good: Annotated[
        Many | None, typer.Option(help="A value that ended well; with it, rows of others are left out.")
    ] = None,
    keep: Annotated[Many | None, typer.Option(help="A column to keep as a feature, whatever it looks like.")] = None,
    leave_out: Annotated[Many | None, typer.Option(help="A column to leave out.")] = None,
    sensitive: Annotated[Many | None, typer.Option(help="A column to set aside for the fairness report.")] = None,
    title: Annotated[str | None, typer.Option(help="What people call the product.")] = None,
    currency: Annotated[str | None, typer.Option(help="Three letters; EUR is assumed.", show_default=False)] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="Whose law applies; DE is assumed.")] = None,
    contract_age: Annotated[int, typer.Option(help="Age from which a contract may be made.", min=0, max=99)] = 18,
    cost_ratio: Annotated[
        float, typer.Option(help="Good ones turned away that cost as much as one bad one.", min=0.01)
    ] = 5,
    refer_share: Annotated[
        float, typer.Option(help="Share of the applications people can look at.", min=0, max=0.9)
    ] = 0.1,
    portfolio_bad_rate: Annotated[
        float | None, typer.Option(help="Share of bads expected; the file's if not said.")
    ] = None,
    leave_file: Annotated[
        bool, typer.Option("--leave-file", help="Read the file where it is; do not copy it.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Make it anew; the old pack is kept under another name.")
    ] = False,
    json: AsJson = False,
) -> int:
    """Makes a working product from a file of applications whose ending is known.

    The pack is a folder under PLIMSOLL_HOME/products to read and edit; a running stack finds it at once.
    """
    from plimsoll.domain.lenders_file.own_data import Wishes
    from plimsoll.settings import load_settings
    from starter.models.own_data import Order, new_product

    _check(currency, portfolio_bad_rate)
    order = Order(
        name=name, file=file, target=target, good=tuple(good or ()), title=title,
        wishes=Wishes(keep=tuple(keep or ()), leave_out=tuple(leave_out or ()), sensitive=tuple(sensitive or ())),
        currency=currency, jurisdiction=jurisdiction, contract_age=contract_age, cost_of_bad=cost_ratio,
        refer_share=refer_share, portfolio_bad_rate=portfolio_bad_rate, leave_file=leave_file, force=force,
    )  # fmt: skip
    with _watched() as progress:
        draft, place = new_product(order, load_settings(), progress)
    as_json(_described(draft, place)) if json else _tell(draft, place)
    return DONE


def rows(
    product: str,
    sample: Annotated[int, typer.Option(help="How many.", min=1)] = 10,
    seed: Annotated[int, typer.Option(help="Another seed draws other rows.")] = 0,
) -> int:
    """Rows of the product's own file as applications, a line of JSON each: to try it with `plimsoll apply`.

    Training has seen most of them, so they say nothing about how good the model is.
    """
    from plimsoll.settings import load_settings
    from starter.models.own_data import sample_rows

    given = 0
    for body in sample_rows(product, sample, seed, load_settings()):
        as_json(body)
        given += 1
    if given < sample:
        note(f"{given} of {sample}: the other rows lack what every application needs.")
    return DONE


def _check(currency: str | None, portfolio_bad_rate: float | None) -> None:
    if currency is not None and not (
        len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()
    ):
        raise typer.BadParameter(f"--currency is three capital letters such as USD, not {currency!r}.")
    if portfolio_bad_rate is not None and not 0 < portfolio_bad_rate < 1:
        raise typer.BadParameter(f"--portfolio-bad-rate is a share between 0 and 1, not {portfolio_bad_rate:g}.")


class _watched:
    """A bar on a terminal, a line per stage elsewhere; always on stderr."""

    def __enter__(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._told = ""
        self._bar = None
        if sys.stderr.isatty():
            console = Console(stderr=True)
            parts = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*parts, console=console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=1)
        return self._progress

    def __exit__(self, *failure: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _progress(self, text: str, done: int, of: int) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=text, completed=done, total=max(of, 1))
        elif text != self._told:
            note(f"{text} …")
        self._told = text


def _described(draft: Any, place: Path) -> dict[str, Any]:
    own, cut = draft.own, draft.cut
    return {
        "product": draft.id,
        "pack": str(place),
        "rows": own.rows,
        "rows_without_ending": draft.not_ended,
        "rows_unreadable": draft.left_out_rows,
        "bads": own.bads,
        "sample_bad_rate": round(draft.sample_bad_rate, 6),
        "form": {"encoding": draft.encoding, "separator": draft.separator, "decimal": draft.decimal},
        "target": draft.target.model_dump(),
        "taken_as_good": dict(draft.taken_as_good),
        "features": [
            {"name": f.name, "column": f.heading, "path": f.path, "kind": f.kind.value, "concept": f.concept,
             "missing_share": round(f.reading.missing_share, 4), "missing_codes": list(f.reading.suspected),
             "suggested_direction": f.trend.direction.value if f.trend and f.trend.clear else None,
             "figures": f.trend.told() if f.trend else None, "note": f.note}
            for f in own.features
        ],
        "set_aside": [
            {"column": c.heading, "part": c.part.value, "suspicion": c.suspicion, "why": c.why}
            for c in own.placed if c.part.value not in ("feature", "target")
        ],
        "cut_offs": cut.model_dump(),
        "auc": round(draft.auc, 4),
        "auc_interval": [round(end, 4) for end in draft.auc_interval],
        "assumed": list(draft.assumed),
    }  # fmt: skip


def _tell(draft: Any, place: Path) -> None:
    own = draft.own
    print(f"{draft.id}: {own.rows:,} applications, {own.bads:,} ended badly ({draft.sample_bad_rate:.1%}).")
    if draft.sample_bad_rate > MOST_BADS:
        column, bad = draft.target.column, "|".join(draft.target.bad_values)
        print(f"  CAUTION: {column} = {bad} was taken as bad. If it means good, say --target {column}=VALUE --force.")
    _tell_what_counts_as_good(draft)
    if draft.not_ended:
        print(f"  {draft.not_ended:,} rows have no ending and were left out.")
    if draft.left_out_rows:
        print(f"  {draft.left_out_rows:,} lines have more or fewer cells than the heading and were left out.")
    _tell_features(own)
    _tell_set_aside(own)
    _tell_cut_offs(draft)
    _tell_assumptions(draft)
    _tell_what_next(draft, place)


def _tell_what_counts_as_good(draft: Any) -> None:
    """Two words or more: one of them may mean that it has not ended yet."""
    from plimsoll.domain.lenders_file.labels import listed

    if len(draft.taken_as_good) > 1:
        print(f"  Taken as good, since nothing else was said: {listed(dict(draft.taken_as_good))}.")
        print("  Has one of them not ended yet? Then name those that ended well: --good VALUE, once for each, --force.")


def _tell_cut_offs(draft: Any) -> None:
    cut, (low, high) = draft.cut, draft.auc_interval
    print(f"\nFirst cut-offs (a quick model, out of fold: AUC {draft.auc:.3f}, {low:.3f} to {high:.3f}):")
    print(f"  approve up to {cut.approve_up_to:.3g}, decline above {cut.decline_above:.3g}, a person between")
    print(f"  {cut.approved:.0%} approved ({cut.bad_among_approved:.1%} bad among them), ", end="")
    print(f"{cut.referred:.0%} referred, {cut.declined:.0%} declined")
    _tell_doubts(draft)


def _tell_doubts(draft: Any) -> None:
    low, _ = draft.auc_interval
    if low <= CHANCE:
        print("  CAUTION: the quick model tells goods from bads no better than chance, so the cut-offs mean little.")
    elif draft.auc >= TOO_GOOD:
        print("  CAUTION: this is better than anybody predicts. Some column may have been known only afterwards.")


def _tell_features(own: Any) -> None:
    print(f"\n{len(own.features)} features:")
    for feature in own.features:
        hints = [
            f"suggested: {feature.trend.direction.value}" if feature.trend and feature.trend.clear else "",
            f"codes for nobody knows? {', '.join(feature.reading.suspected)}" if feature.reading.suspected else "",
            feature.note,
        ]
        source = f"{feature.name} ({feature.heading})" if feature.name != feature.heading else feature.name
        print(f"  {source:36} {feature.kind.value:9} {'; '.join(hint for hint in hints if hint)}".rstrip())


TITLES = {
    "leak": "Left out, looks like a leak (known only after the decision)",
    "own_answer": "Left out, looks like your own price, grade or decision",
    "sensitive": "Sensitive, never a feature",
    "reference": "References",
    "day": "Dates",
    "text": "Left out, free text and names",
    "empty": "Left out, empty",
    "constant": "Left out, always the same",
    "repeated": "Left out, repeats another column",
    "asked": "As you asked",
}


def _tell_set_aside(own: Any) -> None:
    aside = [column for column in own.placed if column.part.value not in ("feature", "target")]
    for suspicion, title in TITLES.items():
        columns = [column for column in aside if (column.suspicion or _FROM_PART.get(column.part.value)) == suspicion]
        if columns:
            print(f"\n{title}:")
        for column in columns:
            print(f"  {column.heading:36} {column.why.removeprefix('looks like a leak: ')}")


_FROM_PART = {"reference": "reference", "applied_on": "day", "label_known_on": "day"}


def _tell_assumptions(draft: Any) -> None:
    cut = draft.cut
    print("\nAssumed; change it in product.toml, or say it and make the pack anew:")
    print(f"  one bad one costs as much as {cut.cost_of_bad:g} good ones turned away (--cost-ratio)")
    print(f"  people can look at {cut.refer_share:.0%} of the applications (--refer-share)")
    if not draft.portfolio_is_given:
        print(f"  the portfolio has as many bads as the file, {draft.sample_bad_rate:.1%} (--portfolio-bad-rate)")
    for name in draft.assumed:
        print(f"  {name} {getattr(draft, name)} (--{name})")


def _tell_what_next(draft: Any, place: Path) -> None:
    print(f"\nThe pack: {place}")
    print("  README.md says what became of each column; in product.toml uncomment the directions you hold true.")
    print("Next:")
    for step in (
        f"plimsoll model train {draft.id}                (with a stack up: plimsoll up --detach)",
        "plimsoll model propose, approve, promote    (training prints the id; two people, or two roles here)",
        f"plimsoll product show {draft.id} --example | plimsoll apply -",
        f"plimsoll product rows {draft.id} --sample 20 > rows.jsonl && plimsoll apply rows.jsonl",
        f"plimsoll review list --queue {draft.id}   and   plimsoll list --product {draft.id}",
    ):
        print(f"  {step}")
