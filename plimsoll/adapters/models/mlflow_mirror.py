"""MLflow as a mirror: one run per version with everything measured, and aliases for the roles.

Run as a process of its own, `python -m plimsoll.adapters.models.mlflow_mirror STORE MODELS`, with the
registry's versions as JSON on its input: MLflow takes three seconds and 300 MiB to import, and
whatever happens to it must not happen to a worker.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from plimsoll.domain.errors import Unavailable
from plimsoll.domain.models.registry import ModelRecord
from plimsoll.ports import ModelRegistry

PATIENCE = 240.0  # seconds the mirror may take
AT_ONCE = 100
DATABASE, ARTIFACTS = "mlflow.db", "artifacts"
# What MLflow is asked to remember of where it runs; the rest of our environment is none of its business.
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}


class MirrorFailed(Unavailable):
    code = "mirror_unavailable"


class MlflowMirror:
    """Tells MLflow what the registry knows, in a process that ends when it is told."""

    def __init__(self, registry: ModelRegistry, store: Path, models: Path) -> None:
        self._registry = registry
        self._store = store
        self._models = models

    async def catch_up(self) -> None:
        """Raises MirrorFailed."""
        versions = [_told(record) for record in await self._all()]
        process = await self._process()
        try:
            _, said = await asyncio.wait_for(process.communicate(json.dumps(versions).encode()), PATIENCE)
        except TimeoutError:
            raise MirrorFailed(f"MLflow took more than {PATIENCE:.0f} s: the next change tries again.") from None
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            last = said.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
            raise MirrorFailed(f"MLflow was not told: {last[0]}")

    async def _process(self) -> asyncio.subprocess.Process:
        try:
            self._store.mkdir(mode=0o700, parents=True, exist_ok=True)
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", __name__, str(self._store), str(self._models),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
                env={**os.environ, **QUIET},
            )  # fmt: skip
        except OSError as error:  # no room, no right, no more processes
            raise MirrorFailed(f"MLflow was not told: {error}.") from None

    async def _all(self) -> Sequence[ModelRecord]:
        found: list[ModelRecord] = []
        while True:
            some = await self._registry.find_all(limit=AT_ONCE, after=found[-1].id if found else None)
            found += some
            if len(some) < AT_ONCE:
                return found


def _told(record: ModelRecord) -> dict[str, Any]:
    return record.model_dump(mode="json")


# In the process of its own --------------------------------------------------------------------


def mirror(store: Path, models: Path, versions: Sequence[dict[str, Any]]) -> None:
    """Every version that is not there yet becomes a run and a registered version; states and aliases follow."""
    import mlflow
    from mlflow.tracking import MlflowClient

    mlflow.set_tracking_uri(tracking_uri(store))
    client = MlflowClient()
    for version in sorted(versions, key=lambda version: version["created_at"]):
        _show_version(client, store, models, version)
    for name in {version["name"] for version in versions}:
        _show_roles(client, name, [version for version in versions if version["name"] == name])


def tracking_uri(store: Path) -> str:
    return f"sqlite:///{store / DATABASE}"


def _show_version(client: Any, store: Path, models: Path, version: dict[str, Any]) -> None:
    known = _known(client, version["name"])
    mirrored = known.get(version["version"])
    if mirrored is None:
        run = _run_of(client, store, version)
        _log(client, run, models / version["name"] / version["version"], version)
        mirrored = _registered(client, run, models, version)
    for key, value in _states(version).items():
        client.set_model_version_tag(version["name"], mirrored.version, key, value)


def _known(client: Any, name: str) -> dict[str, Any]:
    """our version -> MLflow's own"""
    found = client.search_model_versions(f"name = '{name}'")
    return {one.tags.get("version", ""): one for one in found}


def _run_of(client: Any, store: Path, version: dict[str, Any]) -> Any:
    experiment = client.get_experiment_by_name(version["product"])
    experiment_id = (
        experiment.experiment_id
        if experiment
        else client.create_experiment(version["product"], artifact_location=(store / ARTIFACTS).as_uri())
    )
    names = version["names"]
    tags = {
        "mlflow.user": names.get(version["created_by"], version["created_by"]),
        "mlflow.note.content": f"{version['algorithm']}. Postgres is the authority; this is a mirror.",
        "training": version["training_id"] or "",
        "model_digest": version["digest"],
        "data_digest": str((version["manifest"].get("data") or {}).get("digest", "")),
        "code_digest": str(version["manifest"].get("code") or ""),
    }
    began = int(datetime.fromisoformat(version["manifest"]["created_at"]).timestamp() * 1_000)
    return client.create_run(
        experiment_id, start_time=began, run_name=f"{version['name']}@{version['version']}", tags=tags
    )


def _log(client: Any, run: Any, folder: Path, version: dict[str, Any]) -> None:
    from mlflow.entities import Metric, Param

    manifest, moment = version["manifest"], run.info.start_time
    parameters = {**_flat(manifest.get("plan") or {}), "seed": manifest.get("seed"), "product": version["product"]}
    parameters |= {f"library.{name}": value for name, value in (manifest.get("libraries") or {}).items()}
    measured = _flat({"": manifest.get("metrics") or {}, "data": manifest.get("data") or {}})
    client.log_batch(
        run.info.run_id,
        params=[Param(key, str(value)[:500]) for key, value in parameters.items()],
        metrics=[
            Metric(key.lstrip("."), float(value), moment, 0)
            for key, value in measured.items()
            if isinstance(value, int | float)
        ],
    )
    for name in ("manifest.json", "report.json", "card.md"):
        if (folder / name).exists():
            client.log_artifact(run.info.run_id, str(folder / name))
    for name, drawing in drawn_curves(folder / "report.json"):
        client.log_text(run.info.run_id, drawing, f"plots/{name}.svg")
    lasted = round(1_000 * (manifest.get("seconds") or 0))
    client.set_terminated(run.info.run_id, end_time=moment + lasted)


# What a report keeps of each curve: along, up, and what is said of it.
CURVES = {
    "roc": ("false_positive", "true_positive", "bads found against goods called bad"),
    "calibration": ("predicted", "seen", "seen bad rate against the predicted"),
    "gains": ("share", "bads", "bads found among the riskiest share"),
    "cost": ("approved", "cost", "cost per applicant against the share approved"),
}


def drawn_curves(report: Path) -> Iterator[tuple[str, str]]:
    """Name and SVG of each curve that the report keeps."""
    curves = (json.loads(report.read_bytes()).get("curves") or {}) if report.exists() else {}
    for name, (along, up, said) in CURVES.items():
        points = [(row[along], row[up]) for row in curves.get(name) or [] if along in row and up in row]
        if len(points) > 1:
            yield name, _drawn(points, f"{name}: {said}")


def _drawn(points: Sequence[tuple[float, float]], title: str) -> str:
    """A line in a frame with its bounds written at the corners: nothing to install, and any page shows it."""
    widest, highest = (max(1e-9, *(point[place] for point in points)) for place in (0, 1))
    line = " ".join(f"{40 + 400 * x / widest:.1f},{340 - 300 * y / highest:.1f}" for x, y in points)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 460 370" font-family="sans-serif" font-size="12">
<rect width="460" height="370" fill="white"/>
<text x="40" y="24">{title}</text>
<rect x="40" y="40" width="400" height="300" fill="none" stroke="#999"/>
<polyline points="{line}" fill="none" stroke="#1f5fa8" stroke-width="2"/>
<text x="40" y="358">0</text><text x="440" y="358" text-anchor="end">{widest:.3g}</text>
<text x="36" y="50" text-anchor="end">{highest:.3g}</text>
</svg>
"""


def _registered(client: Any, run: Any, models: Path, version: dict[str, Any]) -> Any:
    name = version["name"]
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, description="A mirror of Plimsoll's registry.")
    return client.create_model_version(
        name,
        source=(models / name / version["version"]).as_uri(),
        run_id=run.info.run_id,
        tags={"version": version["version"], "digest": version["digest"]},
        description=version["algorithm"],
    )


def _states(version: dict[str, Any]) -> dict[str, str]:
    names = version["names"]
    people = {who: names.get(version[who] or "", "") for who in ("created_by", "proposed_by", "approved_by")}
    return {"state": version["state"], **people, "note": version["note"] or ""}


def _show_roles(client: Any, name: str, versions: Sequence[dict[str, Any]]) -> None:
    """Aliases champion, challenger and shadow, as Postgres has them now."""
    known = _known(client, name)
    wanted = {held["role"]: known[version["version"]].version for version in versions for held in version["roles"]}
    shown = client.get_registered_model(name).aliases
    for role in ("champion", "challenger", "shadow"):
        if role in wanted and str(shown.get(role)) != str(wanted[role]):
            client.set_registered_model_alias(name, role, wanted[role])
        elif role in shown and role not in wanted:
            client.delete_registered_model_alias(name, role)


def _flat(values: dict[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        place = f"{path}.{key}" if path else str(key)
        if isinstance(value, dict):
            found |= _flat(value, place)
        elif isinstance(value, list | tuple):
            found |= {
                f"{place}.{number}": inner for number, inner in enumerate(value) if isinstance(inner, int | float)
            }
        else:
            found[place] = value
    return found


if __name__ == "__main__":
    os.nice(15)  # nobody waits for it
    mirror(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.stdin.read()))
