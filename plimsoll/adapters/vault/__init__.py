"""Personal data at rest: one key per person, wrapped by a key-encryption key (AES-256-GCM)."""

from plimsoll.adapters.vault.local import LocalVault

__all__ = ["LocalVault"]
