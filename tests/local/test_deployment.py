"""The files people deploy with: read here, so that a renamed setting or service cannot rot in them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from plimsoll.local.temporal_server import DYNAMIC_CONFIG
from plimsoll.settings import ROOT, Settings
from ui.settings import ConsoleSettings

COMPOSE_FILE = ROOT / "docker-compose.yml"
# Read by our own entry points, not by Settings.
OURS = {"DATABASE_URL_FILE", "DATABASE_OWNER_URL_FILE", "PLIMSOLL_READY_FILE"}
THEIRS = {
    "postgres": {"POSTGRES_PASSWORD_FILE", "POSTGRES_INITDB_ARGS"},
    "temporalio/server": {
        "DB",
        "DB_PORT",
        "POSTGRES_SEEDS",
        "POSTGRES_USER",
        "NUM_HISTORY_SHARDS",
        "BIND_ON_IP",
        "PROMETHEUS_ENDPOINT",
        "LOG_LEVEL",
        "DYNAMIC_CONFIG_FILE_PATH",
    },
    "temporalio/ui": {
        "TEMPORAL_ADDRESS",
        "TEMPORAL_DEFAULT_NAMESPACE",
        "TEMPORAL_CORS_ORIGINS",
        "TEMPORAL_DISABLE_NEWS_FETCH",
    },
}


def settings_variables() -> set[str]:
    """The environment variable of every setting, of the product and of its console."""
    return {
        field.validation_alias.choices[0] if field.validation_alias else f"PLIMSOLL_{name.upper()}"  # type: ignore[union-attr,misc]
        for name, field in {**Settings.model_fields, **ConsoleSettings.model_fields}.items()
    }


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE_FILE.read_text())


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return compose["services"]


def test_every_need_names_a_service_and_a_condition_it_can_meet(services):
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, f"{name} needs {needed}, which is no service"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], f"{name} waits for the health of {needed}"
            else:
                assert services[needed]["restart"].startswith("on-failure"), f"{needed} never completes"


def test_every_variable_is_a_setting_or_known_to_its_image(services):
    for name, service in services.items():
        known = THEIRS.get(service["image"].rpartition(":")[0], settings_variables() | OURS)
        unknown = set(service.get("environment", {})) - known
        assert not unknown, f"{name} sets {unknown}, which nobody reads"


def test_every_variable_asked_of_the_operator_is_a_setting():
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE_FILE.read_text()))
    assert asked <= settings_variables()


def test_every_image_is_pinned(services):
    for name, service in services.items():
        tag = service["image"].rpartition(":")[2]
        assert re.match(r"v?\d", tag), f"{name} runs {service['image']}"


def test_everything_used_is_declared(compose, services):
    for service in services.values():
        assert set(service.get("networks", [])) <= set(compose["networks"])
        for secret in service.get("secrets", []):
            assert (secret if isinstance(secret, str) else secret["source"]) in compose["secrets"]
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (ROOT / source).exists(), f"{source} is not there"


def test_nothing_listens_beyond_this_machine(services):
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_console_and_the_sandbox_cannot_reach_the_database(services):
    for name, secrets in (("console", []), ("sandbox", ["gateway_callbacks"])):  # it signs what it tells by itself
        assert services[name]["networks"] == ["services"]
        assert services[name].get("secrets", []) == secrets


def test_both_servers_are_tuned_alike():
    deployed = yaml.safe_load((ROOT / "deploy/temporal/dynamicconfig.yaml").read_text())
    values = {key: constraints[0]["value"] for key, constraints in deployed.items()}
    assert values.pop("frontend.WorkflowTimeSkippingEnabled") is False
    assert values == {k: v for k, v in DYNAMIC_CONFIG.items() if k != "frontend.WorkflowTimeSkippingEnabled"}


def test_the_example_environment_names_every_setting_once():
    named = re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    assert sorted(named) == sorted(settings_variables()), "give each setting its line in .env.example"


def test_the_example_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    before = Settings()
    for line in (ROOT / ".env.example").read_text().splitlines():
        if line and not line.startswith(("#", "PLIMSOLL_HOME")):
            monkeypatch.setenv(line.rstrip("="), "")
    assert Settings() == before


@pytest.mark.parametrize("script", ["make-secrets.sh", "entrypoint.sh", "postgres/create-roles.sh"])
def test_the_scripts_parse(script: str):
    path = ROOT / "deploy" / script
    shell = path.read_text().splitlines()[0].removeprefix("#!")
    assert subprocess.run([shell, "-n", str(path)]).returncode == 0


def test_the_entrypoint_reads_secrets_from_their_files(tmp_path: Path):
    secret = tmp_path / "database_url"
    secret.write_text("postgresql://app:s3cret@db/plimsoll")
    told = subprocess.run(
        [str(ROOT / "deploy/entrypoint.sh"), "sh", "-c", 'echo "$DATABASE_URL ${DATABASE_URL_FILE:-}"'],
        env={"DATABASE_URL_FILE": str(secret), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == "postgresql://app:s3cret@db/plimsoll"


def test_make_lists_what_there_is():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True).stdout
    for target in ("setup", "demo", "down", "test", "test-long", "check", "bench", "lock"):
        assert f"make {target} " in listed
