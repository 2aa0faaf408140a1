"""Serves the API: `python -m starter.api --host 127.0.0.1 --port 8080`."""

import argparse

import uvicorn

from plimsoll.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="starter.api", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--workers", type=int, default=load_settings().api_workers)
    given = parser.parse_args()
    uvicorn.run(
        "starter.api.app:create_app",
        factory=True,
        host=given.host,
        port=given.port,
        workers=given.workers,
        loop="uvloop",
        access_log=False,
        log_level="warning",
        server_header=False,
        # Whose address a request came from is the proxy's business; we know callers by their key.
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
