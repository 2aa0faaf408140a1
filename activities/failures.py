"""Domain error → Temporal error, decided once.

The message stays behind: it may quote what somebody sent us. Temporal gets the class and code.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from plimsoll.domain.errors import InvalidRequest, NeedsAPerson, PlimsollError, SourceBusy, Unavailable


@contextmanager
def reported_to_temporal() -> Iterator[None]:
    """Around the body of every activity."""
    try:
        yield
    except PlimsollError as error:
        raise as_application_error(error) from None


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
