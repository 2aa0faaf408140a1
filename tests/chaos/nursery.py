"""Forks workers and API processes on demand; `parts.Nursery` talks to it, one JSON line each way.

Only foreign libraries are loaded before a fork: our own modules read the environment when imported.
"""

import json
import os
import runpy
import sys
from typing import Any

import catboost  # noqa: F401
import cryptography.hazmat.primitives.asymmetric.ed25519  # noqa: F401
import fastapi  # noqa: F401
import httpx  # noqa: F401
import psycopg_pool  # noqa: F401
import pydantic_settings  # noqa: F401
import structlog  # noqa: F401
import temporalio.contrib.pydantic
import temporalio.worker  # noqa: F401
import uvicorn  # noqa: F401
import uvloop  # noqa: F401
import zen  # noqa: F401


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(ended(order["ended"]) if "ended" in order else forked(order)), flush=True)


def forked(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0), os.dup2(log, 1), os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = [order["module"], *order["arguments"]]
    try:
        runpy.run_module(order["module"], run_name="__main__")
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
    os._exit(1)


def ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


if __name__ == "__main__":
    main()
    os._exit(0)
