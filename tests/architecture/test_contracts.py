"""The import contracts, and that each of them would notice: one line breaks it in a copy of the tree."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NOT_OURS = shutil.ignore_patterns("__pycache__", "*.pyc")

# Contract -> (file in the copy, a line that breaks it). A new contract needs a line here.
BREACHES = {
    "layers": ("activities/__init__.py", "import workflows.patience"),
    "worker": ("starter/logs.py", "import worker"),
    "inside": ("plimsoll/ports/__init__.py", "import plimsoll.settings"),
    "domain": ("plimsoll/domain/values.py", "import httpx"),
    "adapters": ("plimsoll/adapters/vault/local.py", "import plimsoll.adapters.postgres.database"),
    "wiring": ("starter/logs.py", "import plimsoll.adapters.vault"),
    "workflows": ("workflows/patience.py", "import psycopg"),
    "engine": ("plimsoll/adapters/postgres/engine/outbox.py", "import temporalio.client"),
    "heavy": ("starter/logs.py", "import pandas"),
    "console": ("ui/__init__.py", "import plimsoll.settings"),
    "behind-the-console": ("starter/logs.py", "import ui"),
    "sandbox": ("sandbox/app.py", "import plimsoll.domain.values"),
    "outside": ("plimsoll/domain/values.py", "import sandbox.person"),
}


def test_every_import_contract_is_kept():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def broken_report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy in which every contract is broken once."""
    copy = tmp_path_factory.mktemp("broken")
    for package in root_packages():
        shutil.copytree(ROOT / package, copy / package, ignore=NOT_OURS)
    shutil.copy(ROOT / ".importlinter", copy)
    shutil.copy(ROOT / "worker.py", copy)
    for file, line in BREACHES.values():
        with (copy / file).open("a") as source:
            source.write(f"\n{line}\n")
    return " ".join(lint(copy).stdout.split())


@pytest.mark.parametrize("contract", BREACHES)
def test_a_contract_notices_when_it_is_broken(broken_report: str, contract: str):
    assert f"{contracts()[contract]} BROKEN" in broken_report


def test_no_contract_goes_untried():
    assert set(contracts()) == set(BREACHES)


def test_the_name_of_a_contract_is_a_whole_sentence():
    short = [name for name in contracts().values() if len(name.split()) < 8]
    assert not short


def test_every_package_at_the_top_has_a_place_in_the_contracts():
    packages = {folder.parent.name for folder in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages == set(root_packages())


def contracts() -> dict[str, str]:
    """Id -> name, of all contracts."""
    config = configuration()
    prefix = "importlinter:contract:"
    return {s.removeprefix(prefix): config[s]["name"] for s in config.sections() if s.startswith(prefix)}


def root_packages() -> list[str]:
    return configuration()["importlinter"]["root_packages"].split()


def configuration() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    return config


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(config_filename='.importlinter', no_cache=True))"
    )
    return subprocess.run([sys.executable, "-c", command], cwd=folder, capture_output=True, text=True, timeout=120)
