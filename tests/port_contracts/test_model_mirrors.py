"""Where people look at versions beside the product: MLflow in a process of its own, and the fake."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from plimsoll.adapters.models.mlflow_mirror import MirrorFailed, MlflowMirror
from plimsoll.adapters.models.shelf import ModelFolder
from plimsoll.domain.access import Actor, Role
from plimsoll.domain.errors import Unavailable
from plimsoll.ports import ModelMirror
from tests.applicants import quick_models
from tests.builders import NOW
from tests.fake_registry import FakeRegistry
from tests.fake_training import FakeMirror

ADA = Actor(id="act_1", name="Ada", roles=(Role.MODEL_OWNER,))


@dataclass
class Wall:
    """A mirror, and the registry it shows."""

    mirror: ModelMirror
    registry: FakeRegistry


@pytest.fixture(params=["fake", "mlflow"])
def wall(request: pytest.FixtureRequest, tmp_path: Path) -> Wall:
    registry = FakeRegistry()
    fake = request.param == "fake"
    return Wall(FakeMirror() if fake else MlflowMirror(registry, tmp_path / "store", tmp_path / "models"), registry)


@pytest.fixture(params=["fake", "mlflow"])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> ModelMirror:
    if request.param == "fake":
        return FakeMirror(fails=MirrorFailed("MLflow was not told: disk full"))
    (tmp_path / "store").write_text("a file, where a folder should be")
    return MlflowMirror(FakeRegistry(), tmp_path / "store", tmp_path / "models")


async def test_catching_up_again_changes_nothing_and_complains_of_nothing(wall: Wall):
    await wall.mirror.catch_up()
    await wall.mirror.catch_up()


async def test_a_mirror_that_cannot_be_told_says_so_as_what_time_can_heal(broken: ModelMirror):
    with pytest.raises(Unavailable, match="MLflow was not told: "):
        await broken.catch_up()


async def test_a_mirror_only_looks(wall: Wall):
    models, made = quick_models()
    version = await wall.registry.register(
        ModelFolder(models).read(made.name, made.version), by=ADA, request="req_1", now=NOW
    )
    with pytest.MonkeyPatch.context() as patched:
        for verb in ("register", "adopt", "propose", "approve", "set_role", "clear_role"):
            patched.delattr(FakeRegistry, verb)
        await wall.mirror.catch_up()
    assert await wall.registry.find(version.id) == version
