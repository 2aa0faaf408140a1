"""What a start costs: nobody waits for a library that this process may never use."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# Seconds each, measured: Evidently 6.4, MLflow 3.3, CatBoost 1.7.
HEAVY = {"catboost", "evidently", "mlflow", "pandas", "plotly", "scipy", "sklearn", "streamlit"}
# What a verb may need and `--help` never does.
OF_A_VERB = HEAVY | {"alembic", "fastapi", "httpx", "numpy", "psycopg", "sqlmodel", "temporalio", "uvicorn", "zen"}


@pytest.mark.parametrize("module", ["starter.cli.main", "starter.api.app", "worker", "plimsoll.wiring"])
def test_no_heavy_library_comes_along_with(module: str):
    assert not loaded_by(f"import {module}") & HEAVY


@pytest.mark.parametrize("words", ["--help", "review --help", "up --help"])
def test_help_is_printed_without_the_tools_of_any_verb(words: str):
    ask = f"import sys; sys.argv = ['plimsoll', *{words.split()}]; from starter.cli.main import run; run()"
    assert not loaded_by(ask) & OF_A_VERB


def test_building_the_app_loads_no_heavy_library():
    assert not loaded_by("from starter.api.app import create_app; create_app()") & HEAVY


def loaded_by(code: str) -> set[str]:
    """Top-level modules in a fresh interpreter after running this."""
    tell = "import sys; print('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())
