"""Why the local stack cannot do as asked; each message is the sentence a person reads.

StackError
├── PortTaken        somebody else listens where a part must
├── PartFailed       a part does not come up; names its log
├── PartUnknown      no part of that name here
├── NotRunning       nothing to act on
├── ServerMissing    no Temporal server, and none could be built
└── StoreUnusable    the embedded Postgres cannot be made or reached
"""

from plimsoll.domain.errors import Unavailable


class StackError(Unavailable):
    """The local stack is not as the caller needs it."""

    code = "stack_unavailable"


class PortTaken(StackError):
    code = "port_taken"


class PartFailed(StackError):
    code = "part_failed"


class PartUnknown(StackError):
    code = "part_unknown"


class NotRunning(StackError):
    code = "stack_not_running"


class ServerMissing(StackError):
    code = "temporal_server_missing"


class StoreUnusable(StackError):
    code = "postgres_unusable"
