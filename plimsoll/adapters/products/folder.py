"""Product packs as folders: `<folder>/<id>/{product.toml, reasons.toml, policy.json}`."""

import hashlib
import re
import time
import tomllib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from plimsoll.adapters.products import checking
from plimsoll.domain.errors import NotFound, Unavailable
from plimsoll.domain.underwriting.product import Product

PACK_FILES = ("product.toml", "reasons.toml", "policy.json")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


class ProductUnreadable(Unavailable):
    """A pack cannot be used as it stands; the message names file and key."""

    code = "product_unreadable"


class ProductFolder:
    """The packs under one or more folders. A pack is read again when one of its files changes.

    A pack of the same name in an earlier folder hides the later one: a lender's own comes before
    the shipped. `looks_every` seconds may pass before a change is seen: asking the disk with every
    application costs a tenth of accepting one.
    """

    def __init__(self, *folders: Path, looks_every: float = 0.0) -> None:
        self._folders = folders
        self._looks_every = looks_every
        self._read: dict[str, tuple[tuple[int, ...], Product]] = {}
        self._looked: dict[str, float] = {}

    def get(self, product_id: str) -> Product:
        looked = self._looked.get(product_id)
        if looked is not None and time.monotonic() - looked < self._looks_every:
            return self._read[product_id][1]
        product = self._look(product_id)
        self._looked[product_id] = time.monotonic()
        return product

    def _look(self, product_id: str) -> Product:
        if product_id not in self.names():
            known = ", ".join(self.names()) or "none"
            raise NotFound(f"There is no product {product_id!r}. The products here: {known}.")
        return self._current(product_id)

    def all(self) -> Sequence[Product]:
        """Those that can be read: one broken pack must not stop the others. `check` says what is wrong with it."""
        return [product for name in self.names() if (product := self._readable(name)) is not None]

    def names(self) -> list[str]:
        packs = (pack.parent.name for folder in self._folders for pack in folder.glob("*/product.toml"))
        return sorted({name for name in packs if NAME.fullmatch(name)})

    def place_of(self, product_id: str) -> Path:
        """The folder of one pack. Raises NotFound."""
        self.get(product_id)
        return self._place(product_id)

    def check(self, product_id: str) -> list[str]:
        """What is wrong with a pack, in sentences; nothing when it is whole. Raises NotFound."""
        try:
            return checking.problems(self.get(product_id), self._place(product_id))
        except ProductUnreadable as error:
            return [error.message]

    def _readable(self, product_id: str) -> Product | None:
        try:
            return self.get(product_id)
        except (ProductUnreadable, NotFound):
            return None

    def _place(self, product_id: str) -> Path:
        places = [folder / product_id for folder in self._folders]
        return next((place for place in places if (place / "product.toml").exists()), places[-1])

    def _current(self, product_id: str) -> Product:
        pack = self._place(product_id)
        touched = (hash(pack), *(_touched(pack / name) for name in PACK_FILES))
        if product_id not in self._read or self._read[product_id][0] != touched:
            self._read[product_id] = (touched, read_pack(pack))
        return self._read[product_id][1]


def read_pack(pack: Path) -> Product:
    """The product of one folder. Raises ProductUnreadable in one sentence."""
    content = _toml(pack / "product.toml")
    reasons = _toml(pack / "reasons.toml").get("reasons", [])
    if content.get("id") != pack.name:
        raise ProductUnreadable(
            f"{pack.name}/product.toml: `id` is {content.get('id')!r}; make it {pack.name!r}, the folder's name."
        )
    try:
        return Product(**_in_domain_terms(content), reasons=reasons, digest=digest_of(pack))
    except (ValidationError, TypeError) as error:
        raise ProductUnreadable(f"{pack.name}/{_first_problem(error)}") from None


def digest_of(pack: Path) -> str:
    """sha256 over the pack's files, names included, in a fixed order."""
    digest = hashlib.sha256()
    for name in PACK_FILES:
        content = (pack / name).read_bytes() if (pack / name).exists() else b""
        digest.update(f"{name}:{len(content)}:".encode() + content)
    return digest.hexdigest()


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProductUnreadable(f"{path.parent.name}/{path.name} is missing; every pack has one.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProductUnreadable(f"{path.parent.name}/{path.name} is not TOML: {error}.") from None


def _in_domain_terms(content: dict[str, Any]) -> dict[str, Any]:
    """Patience is written as `P2D`; pydantic reads it as is. Numbers with cents are written as text."""
    for source in content.get("sources", []):
        if isinstance(source.get("patience"), int | float):
            source["patience"] = timedelta(days=source["patience"])
    return content


def _first_problem(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return f"product.toml: {error}."
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    file = "reasons.toml" if where.startswith("reasons") else "product.toml"
    return f"{file}: `{where}`: {problem['msg'][0].lower()}{problem['msg'][1:]}; change or remove this key."


def _touched(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
