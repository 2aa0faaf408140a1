"""Keys and passwords of the first run: made once, readable by their owner alone.

kek                   encrypts the key of each person (production: a key service)
seal_key.pem, .pub    sign the ledger's checkpoints; the public half verifies them
gateway_callbacks     signs what message gateways tell us by themselves
postgres_superuser    the embedded Postgres: its administrator,
postgres_owner        who owns the schema and migrates it,
postgres_app          and who the product connects as
"""

import os
import secrets
from pathlib import Path

KEK = "kek"
SEAL_KEY, SEAL_KEY_PUBLIC = "seal_key.pem", "seal_key.pub"
GATEWAY_CALLBACKS = "gateway_callbacks"
PASSWORDS = ("postgres_superuser", "postgres_owner", "postgres_app")


def make_keys(folder: Path) -> None:
    """Makes the keys that are not there yet."""
    make_private_folder(folder)
    write_once(folder / KEK, secrets.token_hex(32))
    make_callback_secret(folder)
    if not (folder / SEAL_KEY).exists():
        _make_seal_key(folder)


def make_callback_secret(folder: Path) -> None:
    """Made whenever it is missing: no data hangs on it, and homes of before it have none."""
    write_once(folder / GATEWAY_CALLBACKS, secrets.token_hex(32))


def make_passwords(folder: Path) -> None:
    """Makes the passwords of a new embedded Postgres."""
    make_private_folder(folder)
    for name in PASSWORDS:
        write_once(folder / name, secrets.token_urlsafe(32))


def missing(folder: Path) -> list[str]:
    """The files a home that has been used before should have and has not."""
    return [name for name in (KEK, SEAL_KEY, *PASSWORDS) if not (folder / name).exists()]


def read(folder: Path, name: str) -> str:
    return (folder / name).read_text().strip()


def make_private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def write_once(path: Path, content: str) -> bool:
    """Writes the file unless it exists; two at once agree on one winner."""
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_private(draft, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def write_private(path: Path, content: str) -> None:
    """A new file only its owner can read, safely on disk before we go on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _make_seal_key(folder: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    # The public half last and always anew: a crash in between must not leave a pair that does not match.
    (folder / SEAL_KEY_PUBLIC).unlink(missing_ok=True)
    write_once(folder / SEAL_KEY, private.decode())
    write_once(folder / SEAL_KEY_PUBLIC, public.decode())
