"""A new pack written from a draft: files that a person reads from top to bottom and then edits."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from plimsoll.adapters.products.folder import NAME
from plimsoll.adapters.products.new_cases import cases_of
from plimsoll.adapters.products.new_policy import policy_of
from plimsoll.adapters.products.new_product import product_of
from plimsoll.adapters.products.new_reasons import reasons_of
from plimsoll.adapters.products.new_summary import summary_of
from plimsoll.domain.errors import Conflict, InvalidRequest
from plimsoll.domain.lenders_file.own_product import Draft

DATA = "data"


class PackNotWhole(InvalidRequest):
    """What was written does not pass its own checks: a defect of ours, and nothing is left behind."""

    code = "pack_not_whole"


class PackExists(Conflict):
    code = "pack_exists"


def check_name(name: str) -> None:
    """Raises InvalidRequest for a name that no folder and no address can carry."""
    if not NAME.fullmatch(name):
        raise InvalidRequest(f"{name!r} is no name for a product: small letters, digits and dashes, such as card-2026.")


def make_pack(folder: Path, draft: Draft, file: Path | None, check: Callable[[Path], list[str]], force: bool) -> Path:
    """The pack, written beside its place, checked, and moved there whole; an old one is kept under another name.

    `file` is copied beside the pack when it is given; `check` says what is wrong with the pack in a folder of packs.
    """
    place = folder / draft.id
    if place.exists() and not force:
        raise PackExists(f"There is a product {draft.id!r} already, in {place}; rename it, or say --force.")
    with _beside(folder) as room:
        write_pack(draft, room / draft.id)
        if file is not None:
            _keep(file, room / draft.id / DATA)
        problems = check(room)
        if problems:
            raise PackNotWhole(
                f"The pack of {draft.id} would not be whole, so it was not made: {' '.join(problems[:3])}"
            )
        _move(room / draft.id, place)
    return place


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as room:
        yield Path(room)


def _keep(file: Path, data: Path) -> None:
    """Labelled applications are about people: for the owner's eyes."""
    data.mkdir(mode=0o700)
    shutil.copyfile(file, data / file.name)
    os.chmod(data / file.name, 0o600)


def _move(made: Path, place: Path) -> None:
    """What was there stays, under a name that is no product's."""
    if place.exists():
        number = 1
        while (old := place.with_name(f"{place.name}.before-{number}")).exists():
            number += 1
        place.rename(old)
    made.rename(place)


def write_pack(draft: Draft, folder: Path) -> None:
    """`folder` is the pack's own, and new."""
    (folder / "cases").mkdir(parents=True)
    files = {
        "product.toml": product_of(draft),
        "reasons.toml": reasons_of(draft),
        "policy.json": policy_of(draft),
        "README.md": summary_of(draft),
        **{f"cases/{name}": text for name, text in cases_of(draft).items()},
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
