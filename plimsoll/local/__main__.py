"""`python -m plimsoll.local`: the stack without the CLI.

python -m plimsoll.local up [--ports auto] [--only postgres,temporal] [--detach] [--json]
python -m plimsoll.local down | status [--json] | restart PART | fetch
"""

import argparse
import json
import os
import sys
from pathlib import Path

from plimsoll.local import stack
from plimsoll.local.errors import StackError
from plimsoll.local.temporal_binaries import obtain


def main() -> int:
    asked = _read_arguments()
    home = Path(os.environ.get("PLIMSOLL_HOME") or "~/.plimsoll")
    try:
        return VERBS[asked.verb](home, asked)
    except StackError as error:
        print(error.message, file=sys.stderr)
        return 5
    except KeyboardInterrupt:
        return 130


def up(home: Path, asked: argparse.Namespace) -> int:
    only = asked.only.split(",") if asked.only else None
    for event in stack.up(home, ports=asked.ports, detach=asked.detach, only=only):
        print(f"{event.seconds:6.2f} s  {event.part:12} {event.sentence or event.state}", file=sys.stderr)
    if asked.json:
        print(json.dumps(stack.describe(home)))
    return 0


def down(home: Path, asked: argparse.Namespace) -> int:
    print("stopped" if stack.down(home) else f"nothing runs in {home}", file=sys.stderr)
    return 0


def status(home: Path, asked: argparse.Namespace) -> int:
    told = stack.describe(home)
    if asked.json:
        print(json.dumps(told))
    else:
        for name, part in told["parts"].items():
            print(f"{name:12} {part['state']:11} {part['sentence']}")
    return 0 if told["ready"] else 1


def restart(home: Path, asked: argparse.Namespace) -> int:
    stack.restart(home, asked.part)
    return 0


def fetch(home: Path, asked: argparse.Namespace) -> int:
    """Only makes sure that the Temporal server's binary is here."""
    for sentence in obtain():
        print(sentence, file=sys.stderr, flush=True)
    return 0


VERBS = {"up": up, "down": down, "status": status, "restart": restart, "fetch": fetch}


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m plimsoll.local")
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("part", nargs="?")
    parser.add_argument("--ports", choices=("default", "auto"), default="default")
    parser.add_argument("--only", help="parts, separated by commas")
    parser.add_argument("--detach", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
