"""Who may do what. Deny by default: a route without a permission stops the API at start."""

from enum import StrEnum

from plimsoll.domain.errors import NotAllowed
from plimsoll.domain.values import Value


class Role(StrEnum):
    CHANNEL = "channel"
    ANALYST = "analyst"
    REVIEWER = "reviewer"
    SENIOR_REVIEWER = "senior_reviewer"
    COLLECTOR = "collector"
    MODEL_OWNER = "model_owner"
    MODEL_APPROVER = "model_approver"
    COMPLIANCE = "compliance"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Permission(StrEnum):
    SUBMIT = "applications:submit"
    READ_OWN = "applications:read_own"
    READ = "applications:read"
    WITHDRAW = "applications:withdraw"
    READ_PRODUCTS = "products:read"
    READ_POLICIES = "policies:read"  # the rules, and what a change to them would do
    REVIEW = "reviews:answer"
    READ_REVIEWS = "reviews:read"
    OVERRIDE = "reviews:override"
    READ_WORKFLOWS = "workflows:read"
    RESUME = "workflows:resume"
    READ_MODELS = "models:read"
    TRAIN_MODELS = "models:train"
    PROPOSE_MODELS = "models:propose"
    APPROVE_MODELS = "models:approve"
    RELEASE_MODELS = "models:release"  # roles, roll-outs, experiments
    HOLD_RELEASES = "models:hold"  # pause a roll-out, take it back
    SCORE = "scores:ask"
    REPORT_OUTCOMES = "outcomes:report"
    CHECK_DRIFT = "drift:check"
    READ_SCHEDULES = "schedules:read"
    RUN_SCHEDULES = "schedules:run"
    SEND_TRANSACTIONS = "transactions:send"
    READ_CUSTOMERS = "customers:read"
    INTERVENE = "interventions:act"  # start, cancel, answer for a customer, take a call
    MANAGE_CONTACTS = "contacts:manage"  # consent, flags, addresses
    ERASE_PEOPLE = "people:erase"  # for good
    APPROVE_MESSAGES = "messages:approve"
    LET_TIME_PASS = "time:pass"  # for one case, in test mode
    READ_LEDGER = "ledger:read"
    SIGN_IN = "sessions:open"
    MANAGE_KEYS = "keys:manage"
    MANAGE_STAFF = "staff:manage"


P = Permission
_EVERYONE = {P.SIGN_IN, P.READ_PRODUCTS}
_READER = (
    _EVERYONE
    | {P.READ, P.READ_OWN, P.READ_WORKFLOWS, P.READ_MODELS, P.READ_REVIEWS, P.READ_SCHEDULES}
    | {P.READ_CUSTOMERS, P.READ_POLICIES}
)

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.CHANNEL: frozenset(
        _EVERYONE | {P.SUBMIT, P.READ_OWN, P.WITHDRAW, P.SCORE, P.REPORT_OUTCOMES, P.SEND_TRANSACTIONS}
    ),
    Role.ANALYST: frozenset(_READER),
    Role.REVIEWER: frozenset(_READER | {P.REVIEW}),
    Role.SENIOR_REVIEWER: frozenset(_READER | {P.REVIEW, P.OVERRIDE}),
    Role.COLLECTOR: frozenset(_READER | {P.INTERVENE, P.MANAGE_CONTACTS, P.LET_TIME_PASS}),
    Role.MODEL_OWNER: frozenset(
        _READER
        | {P.TRAIN_MODELS, P.PROPOSE_MODELS, P.RELEASE_MODELS, P.SCORE, P.REPORT_OUTCOMES, P.CHECK_DRIFT}
        | {P.HOLD_RELEASES, P.RUN_SCHEDULES}
    ),
    # Says yes or no and may stop a release; what is approved is begun by somebody else.
    Role.MODEL_APPROVER: frozenset(_READER | {P.APPROVE_MODELS, P.HOLD_RELEASES, P.CHECK_DRIFT}),
    Role.COMPLIANCE: frozenset(
        _READER | {P.WITHDRAW, P.READ_LEDGER, P.MANAGE_CONTACTS, P.APPROVE_MESSAGES, P.INTERVENE, P.ERASE_PEOPLE}
    ),
    Role.AUDITOR: frozenset(_READER | {P.READ_LEDGER}),
    # Keys, staff and settings; no verdicts (interfaces.md).
    Role.ADMIN: frozenset(
        _READER
        | {P.SUBMIT, P.WITHDRAW, P.MANAGE_KEYS, P.MANAGE_STAFF, P.RESUME, P.READ_LEDGER}
        | {P.SCORE, P.REPORT_OUTCOMES, P.CHECK_DRIFT, P.RUN_SCHEDULES, P.HOLD_RELEASES}
        | {P.SEND_TRANSACTIONS, P.MANAGE_CONTACTS, P.LET_TIME_PASS, P.ERASE_PEOPLE}
    ),
}


class Actor(Value):
    """Who acts: a member of staff or a system, with the roles its key grants."""

    id: str
    name: str
    roles: tuple[Role, ...]
    credential: str = ""  # id of the key or session, for the record

    def may(self, permission: Permission) -> bool:
        return any(permission in PERMISSIONS[role] for role in self.roles)

    def must(self, permission: Permission) -> None:
        if not self.may(permission):
            roles = ", ".join(self.roles) or "no role"
            raise NotAllowed(f"{self.name} ({roles}) may not do this: it needs the permission {permission}.")


SYSTEM = Actor(id="act_system", name="Plimsoll", roles=())
