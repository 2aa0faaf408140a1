"""Whether a callback comes from who it says: signed over moment and body, neither altered nor kept for later."""

import hmac
import re
from collections.abc import Mapping

from plimsoll.adapters.messages.webhook import signature
from plimsoll.domain.outreach.contact import CallbackForged

WINDOW = 300  # seconds a signature is good for
SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def must_be_signed(secret: str | None, headers: Mapping[str, str], body: bytes, at: int) -> None:
    """Raises CallbackForged; also when no secret is known, since then nobody can be believed."""
    given = headers.get("gateway-signature", "")
    found = SIGNATURE.fullmatch(given)
    if not secret or not found or abs(at - int(found[1])) > WINDOW:
        raise CallbackForged("This callback is not signed as it must be, or its signature is too old.")
    if not hmac.compare_digest(signature(secret, body, int(found[1])), given):
        raise CallbackForged("The signature of this callback does not fit its content.")
