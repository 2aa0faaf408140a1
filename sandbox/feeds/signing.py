"""How Plaid signs a notice: a JWT (ES256) over the digest of its body, by a key whose public half is asked for."""

import base64
import hashlib
import json
import uuid
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256


class Signer:
    def __init__(self) -> None:
        self.key_id = str(uuid.uuid4())
        self._key = ec.generate_private_key(ec.SECP256R1())

    def public(self, created_at: int) -> dict[str, Any]:
        """The key as a JWK, as `/webhook_verification_key/get` shows it."""
        numbers = self._key.public_key().public_numbers()
        x, y = (_encoded(number.to_bytes(32)) for number in (numbers.x, numbers.y))
        words = {"alg": "ES256", "crv": "P-256", "kty": "EC", "use": "sig", "kid": self.key_id, "x": x, "y": y}
        return words | {"created_at": created_at, "expired_at": None}

    def token(self, body: bytes, at: int, **head: str) -> str:
        heading = {"alg": "ES256", "kid": self.key_id, "typ": "JWT"} | head
        claims = {"iat": at, "request_body_sha256": hashlib.sha256(body).hexdigest()}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (heading, claims))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{_encoded(r.to_bytes(32) + s.to_bytes(32))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
