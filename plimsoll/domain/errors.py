"""Every error of the product, by the question "who can fix this?".

    PlimsollError
    ├── InvalidRequest            the caller can: 4xx, never retried
    │   ├── NotFound              404
    │   ├── NotSignedIn           401
    │   ├── NotAllowed            403
    │   ├── FieldsInvalid         422, names each field
    │   ├── KeyReused             422, same idempotency key, other body
    │   ├── Conflict              409, somebody or something else was first
    │   │   ├── ReviewAlreadyAnswered
    │   │   ├── StaleVersion
    │   │   └── ApplicationClosed
    │   └── TooLarge              413
    ├── Unavailable               time can: 503, retried
    │   ├── SourceUnavailable     a source is down, slow, refusing or answering nonsense
    │   ├── SourceBusy            the source asked us to come back later (429), or our own limit did
    │   ├── EngineUnavailable     Temporal is away
    │   ├── ModelUnavailable      no model to score with            (scoring.py)
    │   │   └── ModelRefused      its files are not what the manifest says
    │   ├── PolicyUnavailable     the pinned policy is gone         (adapters/policies)
    │   ├── TooBusy               the house accepts no more for the moment: 503 with Retry-After
    │   └── TooManyRequests       this client has used up its share: 429 with Retry-After
    └── NeedsAPerson              a person can: the case parks in a named queue
        ├── WrongPerson           a source answered about somebody else
        └── OutcomeUnknown        a call was sent, its fate is unknown and the source cannot be asked

Behaviour depends on the class and its `code`, never on the wording. "No" is a
decision, not an error.
"""


class PlimsollError(Exception):
    """The base: a stable `code`, and a message that says what, which value, what to do."""

    code = "error"
    status = 500

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidRequest(PlimsollError):
    code, status = "invalid_request", 400


class NotFound(InvalidRequest):
    code, status = "not_found", 404


class NotSignedIn(InvalidRequest):
    code, status = "not_signed_in", 401


class NotAllowed(InvalidRequest):
    code, status = "not_allowed", 403


class FieldsInvalid(InvalidRequest):
    """`details["fields"]` is a list of {field, problem}."""

    code, status = "fields_invalid", 422


class KeyReused(InvalidRequest):
    code, status = "idempotency_key_reused", 422


class Conflict(InvalidRequest):
    code, status = "conflict", 409


class ReviewAlreadyAnswered(Conflict):
    code = "review_already_answered"


class StaleVersion(Conflict):
    code = "stale_version"


class ApplicationClosed(Conflict):
    code = "application_closed"


class TooLarge(InvalidRequest):
    code, status = "too_large", 413


class Unavailable(PlimsollError):
    code, status = "unavailable", 503
    retry_after = 5.0


class SourceUnavailable(Unavailable):
    """`details["kind"]`: timeout, refused, server_error, garbage, too_large, breaker_open."""

    code = "source_unavailable"


class SourceBusy(Unavailable):
    """`details["retry_after"]`: seconds the source asked us to wait, if it said so."""

    code = "source_busy"


class EngineUnavailable(Unavailable):
    code = "engine_unavailable"


class TooBusy(Unavailable):
    code, status = "too_busy", 503


class TooManyRequests(Unavailable):
    code, status = "too_many_requests", 429


class NeedsAPerson(PlimsollError):
    code, status = "needs_a_person", 409


class WrongPerson(NeedsAPerson):
    code = "wrong_person"


class OutcomeUnknown(NeedsAPerson):
    code = "outcome_unknown"
