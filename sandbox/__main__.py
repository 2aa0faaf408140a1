"""`python -m sandbox`: the outside world on one port."""

import argparse
import sys
from pathlib import Path

import uvicorn

from sandbox.app import Sandbox


def main() -> None:
    options = read_options()
    print(f"sandbox on http://{options.host}:{options.port}", file=sys.stderr, flush=True)
    uvicorn.run(
        Sandbox(options.log, options.callback_secret),
        host=options.host,
        port=options.port,
        loop="auto",  # uvloop where it is installed
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_level="warning",
        # Nothing may stand between the server and the desk, which closes connections itself.
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,  # held calls would keep it waiting for ever
    )


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sandbox", description="A bureau, a bank, a registry, a telephone company, and gateways for messages."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--log", type=Path, help="journal that survives a restart (JSON lines)")
    parser.add_argument("--callback-secret", type=Path, help="file with the secret that callbacks are signed with")
    return parser.parse_args()


if __name__ == "__main__":
    main()
