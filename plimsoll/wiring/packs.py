"""Products: where their packs are read from, and how a new one is written and checked."""

from pathlib import Path
from typing import TYPE_CHECKING

from plimsoll.adapters.policies import ZenPolicyEngine
from plimsoll.adapters.products import ProductFolder
from plimsoll.settings import Settings

if TYPE_CHECKING:
    from plimsoll.adapters.datasets.tables import Table
    from plimsoll.domain.lenders_file.own_product import Draft


def product_packs(settings: Settings) -> ProductFolder:
    return ProductFolder(settings.own_products, settings.products_dir, looks_every=1.0)


def policy_engine(settings: Settings) -> ZenPolicyEngine:
    return ZenPolicyEngine(settings.own_products, settings.products_dir)


def lenders_table(path: Path) -> "Table":
    """Any table in a file. Raises TableUnreadable in one sentence."""
    from plimsoll.adapters.datasets.tables import read_table

    return read_table(path)


def make_pack(settings: Settings, draft: "Draft", file: Path | None, force: bool) -> Path:
    """Writes the pack of a draft into the home's products, checked as the shipped ones are; the pack's folder."""
    from plimsoll.adapters.products import new_pack

    return new_pack.make_pack(settings.own_products, draft, file, lambda room: _problems(room, draft.id), force)


def check_new_name(settings: Settings, name: str, force: bool) -> None:
    """Whether a product may be called so, before anybody has worked for it. Raises InvalidRequest, Conflict."""
    from plimsoll.adapters.products import new_pack

    new_pack.check_name(name)
    if (settings.products_dir / name / "product.toml").exists():
        raise new_pack.PackExists(f"{name!r} is shipped with Plimsoll; choose another name.")
    place = settings.own_products / name
    if place.exists() and not force:
        raise new_pack.PackExists(f"There is a product {name!r} already, in {place}; rename it, or say --force.")


def _problems(folder: Path, product_id: str) -> list[str]:
    """Everything wrong with one pack in a folder: the pack, its rules, and the cases that do not hold."""
    packs, engine = ProductFolder(folder), ZenPolicyEngine(folder)
    found = packs.check(product_id)
    if found:
        return found
    product = packs.get(product_id)
    failed = [f"{case.name}: {case.problem}." for case in engine.run_cases(product) if not case.passed]
    return engine.check(product) + failed
