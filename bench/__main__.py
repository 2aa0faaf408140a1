"""`python -m bench [decisions accept …]`: measures, prints, asserts nothing; `--help` names all kinds.

Speed is a ratio within one run, or a figure with the machine it was measured on; see
docs/performance.md. Every run ends with its books.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

import uvloop

from bench.machine import machine

KINDS = (
    "decisions", "accept", "overload", "scores", "memory", "drift", "transactions", "watching", "interventions",
    "pages",
)  # fmt: skip
# These take long, so they run only when they are named.
ON_REQUEST = ("models", "retraining", "early-warning", "sustained", "open")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(KINDS), help=f"of {', '.join((*KINDS, *ON_REQUEST))}")
    parser.add_argument("--quick", action="store_true", help="small blocks: shows that it runs, not how fast")
    given = parser.parse_args()
    unknown = set(given.kinds) - {*KINDS, *ON_REQUEST}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose of {', '.join((*KINDS, *ON_REQUEST))}")
    for kind in given.kinds:
        print(json.dumps({"kind": kind, **machine()}), flush=True)
        for found in _measure(kind)(given.quick):
            print(json.dumps(found), flush=True)
    sys.stdout.flush()
    os._exit(0)


def _measure(kind: str) -> Callable[[bool], Iterable[dict[str, Any]]]:
    if kind == "decisions":
        from bench.decisions import measure

        return lambda quick: uvloop.run(measure(*(1, 32, 8) if quick else (7, 160, 24)))
    if kind == "models":
        from bench.models import measure as measure_models

        return measure_models
    if kind == "retraining":
        from bench.retraining import measure as measure_retraining

        return measure_retraining
    if kind == "early-warning":
        from bench.early_warning import measure as measure_early_warning

        return measure_early_warning
    if kind == "interventions":
        from bench.interventions import measure as measure_interventions

        return measure_interventions
    if kind == "open":
        from bench.interventions import measure_open

        return measure_open
    if kind == "watching":
        from bench.watching import measure as measure_watching

        return measure_watching
    if kind == "pages":
        from bench.pages import measure as measure_pages

        return measure_pages
    if kind == "drift":
        from bench.drift import measure_drift

        return measure_drift
    if kind == "scores":
        from bench.scores import measure as measure_scores

        return measure_scores
    if kind == "sustained":
        from bench.transactions import measure_sustained

        return measure_sustained
    if kind == "transactions":
        from bench.transactions import measure as measure_transactions

        return measure_transactions
    from bench import load

    return {"accept": load.accept, "overload": load.overload, "memory": load.memory}[kind]


if __name__ == "__main__":
    main()
