"""`plimsoll demo`: train on real loans, decide real held-out applicants, compare with what became of them."""

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from plimsoll.domain.underwriting.portfolio import Ended, PortfolioReport, portfolio_report
from plimsoll.domain.values import Outcome
from plimsoll.settings import Settings, load_settings
from plimsoll.wiring import open_ports
from plimsoll.wiring.labelled import shipped_set
from plimsoll.wiring.packs import product_packs
from starter.cli.bulk import Line, send_all
from starter.cli.printing import DONE, FAILED, UNDECIDED, decision, note
from starter.cli.remote import Remote
from starter.models.training import ensure_released, ensure_trained

PRODUCT = "consumer-credit"
WAIT = 20.0


def train_first(product: str, said: str) -> str:
    """The newest version of this product's model, trained now when there is none."""
    if not sys.stderr.isatty():  # where nothing turns, half a minute of silence looks like a fault
        note(said)
    with Console(stderr=True).status(said):
        model, now = ensure_trained(product, load_settings())
    low, high = model["metrics"]["auc_interval"]
    how = "trained on" if now else "trained before on"
    note(
        f"Model {model['name']}@{model['version']}, {how} {model['data']['rows']:,} rows: cross-validated AUC "
        f"{model['metrics']['auc']:.3f} (95 % interval {low:.3f} to {high:.3f})."
    )
    return model["version"]


def release_first(product: str, version: str) -> None:
    """The stack is up: proposed by one, approved by another, champion. Where something is live already, nothing."""
    settings = load_settings()

    async def release() -> bool:
        async with open_ports(settings) as ports:
            return await ensure_released(product, version, ports, settings)

    if asyncio.run(release()):
        note("Proposed by the local model owner, approved by the local model approver: champion.")


def decide_real_applicants(applicants: int) -> int:
    """The stack is up. Prints the portfolio against the truth, and one decision."""
    settings = load_settings()
    held_out = shipped_set(settings).held_out()[:applicants]
    lines = [Line(number, row.body) for number, row in enumerate(held_out, start=1)]
    began = time.monotonic()
    with Remote("channel", settings) as api:
        answers = dict(_decide_all(api, lines))
    seconds = time.monotonic() - began
    with Remote("analyst", settings) as api:
        cases = {number: api.get(f"{answer['links']['self']}/case") for number, answer in answers.items()}
    if not cases:
        note("No application was accepted: `plimsoll doctor` says what is wrong.")
        return FAILED
    _print_report(_report(settings, held_out, cases), len(cases), seconds)
    _print_one(cases)
    waiting = sum(case["status"] == "review" for case in cases.values())
    keys = settings.secrets / "keys.json"
    print(f"\n{waiting} cases wait for a person: sign in to the console with the `reviewer` key of {keys}.")
    print("What became of these applicants: `plimsoll outcome shipped` puts it on record.")
    undecided = sum(case["outcome"] is None and case["status"] != "review" for case in cases.values())
    return UNDECIDED if undecided else DONE


def _decide_all(api: Remote, lines: list[Line]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Sent through the public API like anybody's; sending them again finds the same decisions."""
    columns = (TextColumn("deciding held-out applicants"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        for line, answer in progress.track(send_all(api, lines, WAIT, None), total=len(lines)):
            if isinstance(answer, Exception):
                note(f"{(line.body or {}).get('external_id')}: {answer}")
            else:
                yield line.number, answer


def _report(settings: Settings, held_out: list[Any], cases: dict[int, dict[str, Any]]) -> PortfolioReport:
    product = product_packs(settings).get(PRODUCT)
    groups = shipped_set(settings).fairness()
    ended = []
    for number, case in cases.items():
        row = held_out[number - 1]
        proposed = case["proposal"].get("outcome")
        if proposed and case["sample_probability"] is not None:
            ended.append(
                Ended(
                    reference=row.reference,
                    outcome=Outcome(proposed),
                    sample_probability=case["sample_probability"],
                    bad=row.bad,
                    age=groups[row.reference].age,
                )
            )
    return portfolio_report(product, ended)


def _print_report(report: PortfolioReport, applicants: int, seconds: float) -> None:
    print(f"\n{applicants} real applicants decided end to end in {seconds:.1f} s, against what became of their loans:")
    if report.auc is not None and report.auc_interval is not None:
        low, high = report.auc_interval
        print(f"  AUC {report.auc:.3f} (95 % interval {low:.3f} to {high:.3f})")
    shares = ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, share in report.outcomes.items() if share)
    print(f"  outcomes: {shares}")
    print(f"  bad among approved {_percent(report.bad_rate_among_approved)}, overall {report.bad_rate:.1%}")
    costs = report.costs
    print(
        f"  cost per applicant {costs.with_referrals_at_the_cut:.3f} (referrals settled by score alone), declining all "
        f"{costs.declining_all:.3f}, approving all {costs.approving_all:.3f} — {costs.label}"
    )
    referral = report.referral
    print(
        f"  referred {referral.referred}: the score alone would be wrong on {_percent(referral.wrong_among_referred)} "
        f"of them, on {_percent(referral.wrong_among_rest)} of the rest"
    )
    for group in report.groups:
        ratio = f", ratio {group.ratio:.2f}" if group.ratio is not None else ""
        print(f"  approved {group.group}: {_percent(group.approved)} of {group.rows}{ratio}  {group.note}")


def _print_one(cases: dict[int, dict[str, Any]]) -> None:
    declined = [case for case in cases.values() if case["outcome"] == "decline" and case["reasons"]]
    shown = declined or [case for case in cases.values() if case["outcome"]]
    if shown:
        print("\nOne decision:")
        decision(max(shown, key=lambda case: len(case["reasons"])))


def addresses() -> None:
    settings = load_settings()
    print(f"\n  API          {settings.api}  (docs at {settings.api}/docs)")
    print(f"  Console      {settings.console}")
    print(f"  Temporal UI  {settings.temporal_ui_url}")
    print("The stack stays up; `make down` stops it.")
    sys.stdout.flush()


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
