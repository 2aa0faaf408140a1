"""Errors as RFC 9457 problems: one sentence for people, a stable `code` for programs."""

import math
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from plimsoll.domain.errors import NotSignedIn, PlimsollError, Unavailable

log = structlog.get_logger()


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    return JSONResponse(
        {"type": f"urn:plimsoll:{code}", "title": code.replace("_", " "), "status": status, "code": code,
         "detail": detail, **more},
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )  # fmt: skip


NO_FIELDS = ("query", "body", "[key]")  # of the places that an error names


def present(error: PlimsollError) -> JSONResponse:
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(math.ceil(float(str(error.details.get("retry_after", error.retry_after)))))
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    public = {name: value for name, value in error.details.items() if name in ("fields", "outcome", "reason",
              "reason_text", "by", "version", "status")}  # fmt: skip
    if "status" in public:
        public["application_status"] = public.pop("status")
    return problem(error.status, error.code, error.message, headers, **public)


def install(app: FastAPI) -> None:
    """Every error leaves the API as a problem; what nobody foresaw leaves its traceback in the log only."""

    @app.exception_handler(PlimsollError)
    async def known(request: Request, error: PlimsollError) -> JSONResponse:
        return present(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        fields = [
            {"field": ".".join(str(part) for part in found["loc"] if part not in NO_FIELDS) or "body",
             "problem": _plainly(found)}
            for found in error.errors()
        ]  # fmt: skip
        return problem(422, "fields_invalid", "The request does not fit: see `fields`.", fields=fields)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status_code, "http_error")
        return problem(error.status_code, code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> JSONResponse:
        return unforeseen(request, error)


def _plainly(found: Any) -> str:
    match found["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is no field here"
        case "time_delta_parsing":
            return f"is no duration: {found['input']!r}; write it as PT15M, PT36H or P7D"
    return str(found["msg"]).removeprefix("Value error, ")


def unforeseen(request: Request, error: Exception) -> JSONResponse:
    log.exception("request.failed", path=request.url.path, error=type(error).__name__)
    return problem(500, "internal_error", "Something broke on our side; the request id names it in our log.")
