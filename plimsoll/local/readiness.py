"""Whether a part that speaks HTTP is ready: it listens *and* answers well."""

import http.client
from collections.abc import Callable
from urllib.parse import urlsplit


def answers(site: str, *paths: str) -> Callable[[], bool]:
    """A check that asks the first path the site knows for a 2xx or 3xx."""

    def check() -> bool:
        for path in paths:
            status = _status(site, path)
            # A path it does not have, or keeps behind its sign-in, says nothing about its health.
            if status not in (401, 403, 404):
                return status is not None and status < 400
        return False

    return check


def _status(site: str, path: str) -> int | None:
    """By hand, because the usual helpers would ask a proxy named in the environment."""
    connection = http.client.HTTPConnection(urlsplit(site).netloc, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
