"""Which model an application gets: by a digest of who applies, never by chance at call time.

Anybody can work it out again. The salt stands in `model_role` and in the ledger, the person's id
with the application:

    printf '%s' '<salt>/<per_…>' | sha256sum

The first 16 hex digits are 64 bits; their first 53, divided by 2^53, are the position in [0, 1).
Who stands below the share belongs to the challenger. So the arm is the same after a restart, a
retry or on another machine, and a share that grows keeps everybody who was in.
"""

import hashlib

from plimsoll.domain.models.scoring import ModelPin, ModelUnavailable
from plimsoll.domain.values import Value

CHAMPION, CHALLENGER, SHADOW = "champion", "challenger", "shadow"


def position(salt: str, person: str) -> float:
    """Where somebody stands in [0, 1)."""
    digest = hashlib.sha256(f"{salt}/{person}".encode()).digest()
    # 53 bits, which a float holds exactly: 64 could be rounded up to 1.
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


class Lineup(Value):
    """The versions of one model that play a role now."""

    name: str
    champion: ModelPin | None = None
    challenger: ModelPin | None = None
    share: float = 0.0  # of applicants, the challenger's
    salt: str = ""
    shadow: ModelPin | None = None

    def must_have_champion(self) -> ModelPin:
        """Raises ModelUnavailable."""
        if self.champion is None:
            raise ModelUnavailable(f"No version of the model {self.name} is live: train one and have it approved.")
        return self.champion

    def assigned(self, person: str) -> ModelPin:
        """The version this person's application is scored with. Raises ModelUnavailable without a champion."""
        champion = self.must_have_champion()
        if self.challenger is not None and position(self.salt, person) < self.share:
            return self.challenger
        return champion
