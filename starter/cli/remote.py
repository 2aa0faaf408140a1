"""The API as the CLI sees it: the key of a role, one error tree, no retries behind the user's back."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plimsoll.domain import errors

if TYPE_CHECKING:
    from plimsoll.settings import Settings

OF_STATUS = {
    401: errors.NotSignedIn, 403: errors.NotAllowed, 404: errors.NotFound, 409: errors.Conflict,
    413: errors.TooLarge, 422: errors.FieldsInvalid, 429: errors.TooManyRequests,
}  # fmt: skip


class ApiAway(errors.Unavailable):
    """Nobody answers there: whatever else is asked will not be answered either."""


class Remote:
    """`with Remote("analyst") as api: api.get("/v1/…")`"""

    def __init__(self, role: str, settings: "Settings | None" = None, timeout: float = 40.0) -> None:
        import httpx

        from plimsoll.settings import load_settings

        self.settings = settings or load_settings()
        self._http = httpx.Client(
            base_url=self.settings.api,
            headers={"Authorization": f"Bearer {key_of(self.settings, role)}"},
            timeout=httpx.Timeout(timeout, connect=3.0),
            trust_env=False,
        )

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, params={k: v for k, v in query.items() if v is not None})[0]

    def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[Any, int]:
        """The answer and its status code."""
        content = None if body is None else json.dumps(body).encode()
        return self._call("POST", path, content=content, headers={"Content-Type": "application/json"} | (headers or {}))

    def post_lines(self, path: str, lines: bytes) -> tuple[Any, int]:
        """JSON lines as they are."""
        return self._call("POST", path, content=lines, headers={"Content-Type": "application/x-ndjson"})

    def put(self, path: str, body: Any) -> Any:
        content, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        return self._call("PUT", path, content=content, headers=headers)[0]

    def put_file(self, path: str, file: Path, media_type: str) -> None:
        """The file as it is."""
        self._call("PUT", path, content=file.read_bytes(), headers={"Content-Type": media_type})

    def delete(self, path: str) -> None:
        self._call("DELETE", path)

    def _call(self, method: str, path: str, **given: Any) -> tuple[Any, int]:
        import httpx

        try:
            answer = self._http.request(method, path, **given)
        except httpx.HTTPError as error:
            raise ApiAway(
                f"The API does not answer at {self.settings.api} ({type(error).__name__}): "
                "is the stack up? `plimsoll doctor` says more."
            ) from None
        if answer.is_error:
            raise as_error(answer)
        return (answer.json() if answer.content else None), answer.status_code


def as_error(answer: Any) -> errors.PlimsollError:
    try:
        problem = answer.json()
    except ValueError:
        return errors.Unavailable(f"The API answered {answer.status_code} without a problem: is it Plimsoll's?")
    kind = OF_STATUS.get(answer.status_code, errors.Unavailable if answer.status_code >= 500 else errors.InvalidRequest)
    return kind(problem.get("detail", f"The API answered {answer.status_code}."), **{
        name: value for name, value in problem.items() if name in ("fields", "outcome", "by", "version")
    })  # fmt: skip


def key_of(settings: "Settings", role: str) -> str:
    """`PLIMSOLL_API_KEY`, else the local key of the role. Raises NotSignedIn."""
    given = os.environ.get("PLIMSOLL_API_KEY")
    if given:
        return given
    path = settings.secrets / "keys.json"
    try:
        keys = json.loads(path.read_text())
    except (OSError, ValueError):
        raise errors.NotSignedIn(
            f"There are no local keys in {path}: run `plimsoll up` once, or set PLIMSOLL_API_KEY."
        ) from None
    if role not in keys:
        raise errors.InvalidRequest(f"There is no role {role!r}: choose {', '.join(sorted(keys))}.")
    return keys[role]
