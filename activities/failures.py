"""Domain error → Temporal error, decided once.

The message stays behind: it may quote what somebody sent us. Temporal gets the class and code.
"""

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from plimsoll.domain.errors import InvalidRequest, NeedsAPerson, PlimsollError, SourceBusy, Unavailable

log = structlog.get_logger()


@contextmanager
def reported_to_temporal() -> Iterator[None]:
    """Around the body of every activity."""
    began = time.monotonic()
    try:
        yield
    except PlimsollError as error:
        raise as_application_error(error, timedelta(seconds=time.monotonic() - began)) from None
    except ApplicationError:
        raise
    except Exception as error:
        # A defect of ours. Its text may quote an applicant, so only class and place go into the history.
        log.exception("activity.broke", error=type(error).__name__)
        raise ApplicationError(f"{type(error).__name__} in {_place(error)}", type=type(error).__name__) from None


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"


def as_application_error(error: PlimsollError, elapsed: timedelta = timedelta()) -> ApplicationError:
    return ApplicationError(
        f"{type(error).__name__}: {error.code}",
        type=type(error).__name__,
        non_retryable=isinstance(error, InvalidRequest | NeedsAPerson),
        next_retry_delay=delay_before_next_try(error, elapsed),
        category=ApplicationErrorCategory.BENIGN
        if isinstance(error, Unavailable)
        else ApplicationErrorCategory.UNSPECIFIED,
    )


def delay_before_next_try(error: PlimsollError, elapsed: timedelta) -> timedelta | None:
    """What a source asked for, unless patience ends first: then a last try comes just before that.

    Temporal fails an activity at once when its next try would come after schedule-to-close, so a
    source that asks for a day, or a backoff of two minutes, would end the wait early.
    """
    asked = _asked_for(error)
    if not (isinstance(error, Unavailable) and activity.in_activity()):
        return asked
    info = activity.info()
    wait = asked or _backoff(info.retry_policy, info.attempt)
    if info.schedule_to_close_timeout is None or wait is None:
        return asked
    # Temporal's clock alone: what counts is when Temporal takes patience to be over.
    patience_left = info.scheduled_time + info.schedule_to_close_timeout - info.started_time - elapsed
    last_try = patience_left - (info.start_to_close_timeout or timedelta())
    return last_try if timedelta() < last_try < wait else asked


def _asked_for(error: PlimsollError) -> timedelta | None:
    wait = error.details.get("retry_after") if isinstance(error, SourceBusy) else None
    return timedelta(seconds=float(str(wait))) if wait else None


def _backoff(policy: RetryPolicy | None, attempt: int) -> timedelta | None:
    """How long Temporal waits after this attempt when nobody says otherwise."""
    if policy is None:
        return None
    longest = policy.maximum_interval or 100 * policy.initial_interval
    # The exponent is capped: after a month of tries the power itself would overflow.
    return min(policy.initial_interval * policy.backoff_coefficient ** min(attempt - 1, 40), longest)
