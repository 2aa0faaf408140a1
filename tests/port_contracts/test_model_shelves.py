"""Trained versions as files and in memory: what is told of them, and what is refused."""

from abc import ABC, abstractmethod
from pathlib import Path

import pytest

from plimsoll.adapters.models import folder as files
from plimsoll.adapters.models.shelf import CARD, ModelFolder
from plimsoll.domain.models.registry import Registration
from plimsoll.domain.models.scoring import ModelRefused, ModelUnavailable
from plimsoll.ports import ModelShelf
from tests.fake_training import FakeShelf
from tests.port_contracts.test_model_registries import a_version
from tests.versions import a_models_folder


class Keeper(ABC):
    """A shelf with one version on it, and what may happen to that version."""

    shelf: ModelShelf
    name: str
    version: str

    @abstractmethod
    def tamper(self) -> None: ...

    @abstractmethod
    def lose(self) -> None: ...

    def read(self) -> Registration:
        return self.shelf.read(self.name, self.version)


class InMemory(Keeper):
    def __init__(self) -> None:
        self.fake = FakeShelf()
        self.shelf = self.fake
        version = self.fake.put(a_version())
        self.name, self.version = version.name, version.version

    def tamper(self) -> None:
        self.fake.tampered.add(self.version)

    def lose(self) -> None:
        self.fake.gone.add(self.version)


class InFiles(Keeper):
    def __init__(self, place: Path) -> None:
        (manifest,) = a_models_folder(place)
        self.shelf, self.name, self.version = ModelFolder(place), manifest.name, manifest.version
        self.folder = files.version_folder(place, self.name, self.version)
        (self.folder / CARD).write_text("# A card", encoding="utf-8")

    def tamper(self) -> None:
        with (self.folder / "model.cbm").open("ab") as model:
            model.write(b" ")

    def lose(self) -> None:
        self.folder.rename(self.folder.with_name("elsewhere"))


@pytest.fixture(params=["fake", "folder"])
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Keeper:
    return InMemory() if request.param == "fake" else InFiles(tmp_path)


def test_a_version_is_read_as_what_it_was_asked_for_and_the_same_each_time(keeper: Keeper):
    found = keeper.read()
    assert (found.name, found.version) == (keeper.name, keeper.version)
    assert found.digest.startswith(keeper.version)
    assert found.report_digest
    assert keeper.read() == found


def test_its_report_and_card_are_there_for_people(keeper: Keeper):
    report = keeper.shelf.report(keeper.name, keeper.version)
    assert report is not None
    assert report["metrics"]
    assert (keeper.shelf.card(keeper.name, keeper.version) or "").startswith("# ")


def test_a_version_that_is_not_here_is_waited_for_and_has_neither(keeper: Keeper):
    with pytest.raises(ModelUnavailable, match="is not here"):
        keeper.shelf.read(keeper.name, "0" * 12)
    assert keeper.shelf.report(keeper.name, "0" * 12) is None
    assert keeper.shelf.card(keeper.name, "0" * 12) is None


def test_a_version_is_that_of_its_own_model_alone(keeper: Keeper):
    with pytest.raises(ModelUnavailable, match="another-model"):
        keeper.shelf.read("another-model", keeper.version)
    assert keeper.shelf.report("another-model", keeper.version) is None
    assert keeper.shelf.card("another-model", keeper.version) is None


def test_a_version_that_was_lost_is_waited_for(keeper: Keeper):
    keeper.lose()
    with pytest.raises(ModelUnavailable):
        keeper.read()


def test_a_version_whose_files_were_altered_is_refused(keeper: Keeper):
    keeper.tamper()
    with pytest.raises(ModelRefused, match="digest"):
        keeper.read()
