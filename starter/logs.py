"""Structured logs: one JSON object a line, ids and codes only. Personal data has no way in:
a key that is not on the list below is dropped, whoever logged it."""

import logging
import sys
from typing import Any

import structlog

ALLOWED = {
    "event", "level", "timestamp", "request_id", "application", "task", "workflow", "step", "source", "product",
    "method", "route", "path", "status", "ms", "code", "error", "queue", "queues", "part", "count", "seq", "exception",
    "version", "model", "reason_code", "address",
}  # fmt: skip


def set_up_logging(level: str) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_where_not_what),
            _only_what_is_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Temporal's own logger quotes failures; ours already say what happened, in codes.
    logging.getLogger("temporalio").setLevel(logging.ERROR)


def _only_what_is_allowed(logger: Any, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: value for key, value in event.items() if key in ALLOWED}


def _where_not_what(exc_info: structlog.typing.ExcInfo) -> str:
    """The class and the lines it came through; messages may quote what an applicant wrote."""
    import traceback

    frames = traceback.extract_tb(exc_info[2])[-6:]
    places = (f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
    return " < ".join([exc_info[0].__name__, *places])
