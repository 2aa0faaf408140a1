"""Whether a notice comes from Plaid: `Plaid-Verification` is a JWT (ES256) over the digest of its body.

Its key is asked for by the id that the token names. Anybody may name one, so only one unknown key is asked for at a
time, and what is no token of the right form asks for none.
"""

import base64
import hashlib
import hmac
import json
import re
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from plimsoll.adapters.feeds.http import FeedCalls
from plimsoll.domain.errors import TooBusy

WINDOW = 300  # seconds a token is good for
AHEAD = 30  # seconds their clock may be before ours
A_KEY_IS_GOOD = 3600  # seconds; then it is asked for anew, for keys are withdrawn
LARGEST = 4096
KEY_ID = re.compile(r"[\w-]{1,64}")
PER_SECOND = 1.0

Key = ec.EllipticCurvePublicKey


class PlaidNotices:
    def __init__(self, calls: FeedCalls, *, client_id: str, secret: str) -> None:
        self._calls = calls
        self._keys = {"client_id": client_id, "secret": secret}
        self._known: dict[str, tuple[int, Key]] = {}
        self._asking = False

    async def fits(self, token: str, body: bytes, at: int) -> bool:
        """Signed by Plaid, over this body, within the last five minutes. Raises SourceUnavailable, TooBusy."""
        head, claims = _part(token, 0), _part(token, 1)
        if head.get("alg") != "ES256" or not KEY_ID.fullmatch(str(head.get("kid", ""))):
            return False
        key = await self._key(str(head["kid"]), at)
        return key is not None and _is_signed(token, key) and _is_young(claims, at) and _is_of(claims, body)

    async def _key(self, name: str, at: int) -> Key | None:
        if name in self._known and at - self._known[name][0] < A_KEY_IS_GOOD:
            return self._known[name][1]
        if self._asking:
            raise TooBusy("Another notice's key is being asked for: send this again.")
        self._asking = True
        try:
            found = await self._asked(name)
        finally:
            self._asking = False
        if found is not None:
            self._known[name] = (at, found)
        return found

    async def _asked(self, name: str) -> Key | None:
        """None for a key that Plaid does not know, or no longer."""
        asked = self._keys | {"key_id": name}
        answer = await self._calls.json("POST", "/webhook_verification_key/get", json=asked, refused=(400,))
        key = answer.get("key") if isinstance(answer, dict) else None
        if not isinstance(key, dict) or key.get("expired_at") is not None or key.get("crv") != "P-256":
            return None
        try:
            x, y = (int.from_bytes(_decoded(key[name])) for name in ("x", "y"))
            return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def _part(token: str, place: int) -> dict[str, Any]:
    """A part of the token as it says it of itself; nothing when it is none."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LARGEST:
        return {}
    try:
        found = json.loads(_decoded(parts[place]))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_signed(token: str, key: Key) -> bool:
    signed, _, signature = token.rpartition(".")
    try:
        raw = _decoded(signature)
        if len(raw) != 64:
            return False
        both = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        key.verify(both, signed.encode(), ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_young(claims: dict[str, Any], at: int) -> bool:
    issued = claims.get("iat")
    return isinstance(issued, int) and -AHEAD <= at - issued <= WINDOW


def _is_of(claims: dict[str, Any], body: bytes) -> bool:
    said = str(claims.get("request_body_sha256", ""))
    return hmac.compare_digest(said.encode(), hashlib.sha256(body).hexdigest().encode())


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
