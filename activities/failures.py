"""Domain error → Temporal error, decided once.

The message stays behind: it may quote what somebody sent us. Temporal gets the class and code.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from plimsoll.domain.errors import InvalidRequest, NeedsAPerson, PlimsollError, SourceBusy, Unavailable

log = structlog.get_logger()


@contextmanager
def reported_to_temporal() -> Iterator[None]:
    """Around the body of every activity."""
    try:
        yield
    except PlimsollError as error:
        raise as_application_error(error) from None
    except ApplicationError:
        raise
    except Exception as error:
        # A defect of ours. Its text may quote an applicant, so only class and place go into the history.
        log.exception("activity.broke", error=type(error).__name__)
        raise ApplicationError(f"{type(error).__name__} in {_place(error)}", type=type(error).__name__) from None


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"


def as_application_error(error: PlimsollError) -> ApplicationError:
    wait = error.details.get("retry_after") if isinstance(error, SourceBusy) else None
    return ApplicationError(
        f"{type(error).__name__}: {error.code}",
        type=type(error).__name__,
        non_retryable=isinstance(error, InvalidRequest | NeedsAPerson),
        next_retry_delay=timedelta(seconds=float(str(wait))) if wait else None,
        category=ApplicationErrorCategory.BENIGN
        if isinstance(error, Unavailable)
        else ApplicationErrorCategory.UNSPECIFIED,
    )
