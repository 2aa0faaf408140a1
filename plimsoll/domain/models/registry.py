"""Versions of models and what may be done with them: registered, proposed, approved, then given a role.

Each change is asked of the record as it stands and gives the record as it shall stand, or says in
one sentence why not. Asking again for what was done already gives the same record.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from plimsoll.domain.access import Actor
from plimsoll.domain.errors import Conflict, InvalidRequest, NotAllowed
from plimsoll.domain.models.scoring import ModelPin, ModelRefused
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Value


class ModelState(StrEnum):
    CANDIDATE = "candidate"  # trained and registered
    PROPOSED = "proposed"  # somebody answers for it and waits for a second word
    APPROVED = "approved"  # may be given a role
    REJECTED = "rejected"
    RETIRED = "retired"


class RoleName(StrEnum):
    CHAMPION = "champion"  # decides
    CHALLENGER = "challenger"  # decides for its share of applicants
    SHADOW = "shadow"  # scores beside, and decides nothing


class NoReport(InvalidRequest):
    code = "model_without_report"


class SelfApproval(NotAllowed):
    code = "self_approval"


class NotInThatState(Conflict):
    """What is asked does not follow from where the version stands."""

    code = "model_state"


class NotApproved(Conflict):
    code = "model_not_approved"


class Unreleasable(Conflict):
    """`details["blockers"]`: each thing in the way, as a sentence."""

    code = "model_unreleasable"


class AnotherProduct(Conflict):
    code = "model_of_another_product"


class RoleHeld(Value):
    """A role a version plays now."""

    role: RoleName
    share: float = 0.0  # of applicants, the challenger's
    salt: str = ""
    since: datetime
    set_by: str
    reason: str


class Registration(Value):
    """A trained version as its files tell it, every digest held against them."""

    name: str
    version: str
    digest: str
    product: str
    algorithm: str
    manifest: dict[str, Any]
    report_digest: str | None = None  # sha256 of report.json; without it nothing can be proposed
    blockers: tuple[str, ...] = ()  # why training says it must not be released

    @property
    def files(self) -> dict[str, str]:
        """name -> sha256"""
        return self.manifest.get("files") or {}


class ModelRecord(Value):
    """One version of one model. Its files are elsewhere; this says what may be done with them."""

    id: str
    name: str
    version: str
    digest: str
    product: str
    algorithm: str
    state: ModelState
    training_id: str | None = None
    manifest: dict[str, Any] = Field(default_factory=dict)
    report_digest: str | None = None
    created_by: str
    created_at: datetime
    proposed_by: str | None = None
    proposed_at: datetime | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    note: str | None = None  # why it was rejected or retired
    roles: tuple[RoleHeld, ...] = ()
    names: dict[str, str] = Field(default_factory=dict)  # actor -> how people call them

    @property
    def called(self) -> str:
        return f"{self.name}@{self.version}"

    def pin(self, role: RoleName = RoleName.CHAMPION) -> ModelPin:
        arm = RoleName.CHALLENGER if role is RoleName.CHALLENGER else RoleName.CHAMPION
        return ModelPin(
            name=self.name,
            version=self.version,
            digest=self.digest,
            calibration=(self.manifest.get("files") or {}).get("calibration.json", ""),
            role=role,
            arm=role if role is RoleName.SHADOW else arm,
        )

    def plays(self, role: RoleName) -> RoleHeld | None:
        return next((held for held in self.roles if held.role is role), None)

    # What may be done -----------------------------------------------------------------------

    def proposed(self, by: Actor, now: datetime) -> "ModelRecord":
        """Raises NoReport, NotInThatState."""
        if self.state is ModelState.PROPOSED and self.proposed_by == by.id:
            return self
        if self.state is not ModelState.CANDIDATE:
            raise NotInThatState(f"{self.called} is {self.state}: only a candidate can be proposed.")
        if not self.report_digest:
            raise NoReport(f"{self.called} has no report, and what was not evaluated cannot be approved: train anew.")
        return self._with(state=ModelState.PROPOSED, proposed_by=by.id, proposed_at=now)

    def approved(self, by: Actor, now: datetime) -> "ModelRecord":
        """Raises SelfApproval, NotInThatState."""
        if self.state is ModelState.APPROVED and self.approved_by == by.id:
            return self
        self._must_be_proposed("approved")
        self._must_be_another(by)
        return self._with(state=ModelState.APPROVED, approved_by=by.id, approved_at=now)

    def rejected(self, by: Actor, reason: str) -> "ModelRecord":
        """Raises NotInThatState."""
        if self.state is ModelState.REJECTED and self.note == reason:
            return self
        self._must_be_proposed("rejected")
        return self._with(state=ModelState.REJECTED, note=reason)

    def retired(self, reason: str) -> "ModelRecord":
        """Raises NotInThatState while it plays a role."""
        if self.state is ModelState.RETIRED:
            return self
        if self.roles:
            playing = " and ".join(sorted(held.role for held in self.roles))
            raise NotInThatState(f"{self.called} is {playing}: give that role to another version first.")
        return self._with(state=ModelState.RETIRED, note=reason)

    def must_be_fit_for(self, role: RoleName, share: float) -> None:
        """Raises NotApproved, NotInThatState, InvalidRequest."""
        if self.state is not ModelState.APPROVED:
            raise NotApproved(
                f"{self.called} is {self.state} and not approved: it must be proposed by one person and approved "
                f"by another before it can be {role}."
            )
        if role is not RoleName.CHAMPION and self.plays(RoleName.CHAMPION):
            raise NotInThatState(f"{self.called} is the champion: promote another version before it becomes {role}.")
        if role is RoleName.CHALLENGER and not 0 < share <= 1:
            raise InvalidRequest(f"A challenger's share is above 0 and at most 1, not {share:g}.")

    def _must_be_proposed(self, what: str) -> None:
        if self.state is not ModelState.PROPOSED:
            raise NotInThatState(f"{self.called} is {self.state}: only a proposed version can be {what}.")

    def _must_be_another(self, by: Actor) -> None:
        if by.id == self.proposed_by:
            raise SelfApproval(f"Four eyes: {by.name} proposed {self.called}, so another person must approve it.")

    def _with(self, **changes: Any) -> "ModelRecord":
        return self.model_copy(update=changes)


def must_belong(record: ModelRecord | Registration, product: str, model_of_product: str) -> None:
    """Raises AnotherProduct unless this version was trained for that product's model."""
    if record.product != product or record.name != model_of_product:
        raise AnotherProduct(
            f"{record.name}@{record.version} was trained for {record.product} and cannot score {product}."
        )


def must_have_same_files(record: ModelRecord, found: Registration) -> None:
    """Raises ModelRefused when what lies there is not what was registered, however well it fits together."""
    same = (found.digest, found.name, found.version) == (record.digest, record.name, record.version)
    if not same or found.report_digest != record.report_digest:
        what = "report" if same else "manifest"
        raise ModelRefused(f"The {what} of {record.called} is not the one that was registered: its digest differs.")


def must_be_releasable(called: str, blockers: Iterable[str]) -> None:
    """Raises Unreleasable with everything that is in the way."""
    found = tuple(blockers)
    if found:
        raise Unreleasable(f"{called} must not be released: {' '.join(found)}", blockers=list(found))


class NobodyApplies(Conflict):
    code = "nobody_applies"


def must_be_applied_for(product: Product) -> None:
    """Raises NobodyApplies: shadow, shares and gates compare what two models said of applicants."""
    if product.watches:
        raise NobodyApplies(
            f"{product.id} watches customers and nobody applies for it, so a shadow, a share or an experiment would "
            "compare nobody: hold the version against the champion with `plimsoll model compare`, then make it "
            "champion with `plimsoll model promote`."
        )
