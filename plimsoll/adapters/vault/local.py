"""A vault whose key-encryption key lies in a file; production puts a KMS in its place."""

import hmac
import os
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plimsoll.domain.errors import NotFound, Unavailable

NONCE = 12


class LocalVault:
    """Sealed bytes are nonce ‖ ciphertext; the context (table and row id) is authenticated, so a
    sealed value moved to another row does not open."""

    def __init__(self, key_encryption_key: bytes) -> None:
        self._wrapping = AESGCM(key_encryption_key)
        self._hashing = hmac.digest(key_encryption_key, b"plimsoll reference hash v1", "sha256")
        self._key = lru_cache(maxsize=4096)(self._unwrap)

    @classmethod
    def from_file(cls, path: Path) -> "LocalVault":
        """Reads 32 bytes in hex. Raises Unavailable when the file is missing or unreadable."""
        try:
            return cls(bytes.fromhex(path.read_text().strip()))
        except (OSError, ValueError) as error:
            raise Unavailable(
                f"The key file {path} cannot be read ({type(error).__name__}): run `plimsoll up` once, "
                "or set PLIMSOLL_SECRETS_DIR."
            ) from None

    def new_key(self) -> bytes:
        """A fresh person's key, wrapped."""
        nonce = os.urandom(NONCE)
        return nonce + self._wrapping.encrypt(nonce, os.urandom(32), b"person key")

    def seal(self, wrapped_key: bytes, content: bytes, context: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._key(wrapped_key).encrypt(nonce, content, context.encode())

    def open(self, wrapped_key: bytes | None, sealed: bytes, context: str) -> bytes:
        """Raises NotFound when the person was erased, Unavailable when the seal does not fit."""
        if wrapped_key is None:
            raise NotFound("This person's data was erased.")
        try:
            return self._key(bytes(wrapped_key)).decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
        except (InvalidTag, ValueError):  # ValueError: too short to hold even a nonce
            raise Unavailable(
                f"The sealed data of {context} does not open: it was altered, or the key file is another one."
            ) from None

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed hash: equal for equal content, worthless to whoever lacks the key."""
        return hmac.digest(self._hashing, content, "sha256")

    def _unwrap(self, wrapped_key: bytes) -> AESGCM:
        try:
            return AESGCM(self._wrapping.decrypt(wrapped_key[:NONCE], wrapped_key[NONCE:], b"person key"))
        except (InvalidTag, ValueError):
            raise Unavailable("A person's key does not unwrap: the key file is not the one it was made with.") from None
