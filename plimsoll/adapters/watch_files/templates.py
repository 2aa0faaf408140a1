"""`watch/templates/*.toml`: drafts of messages. What is sent comes from the registry, after two people agreed."""

from collections.abc import Sequence
from pathlib import Path

from plimsoll.adapters.watch_files.reading import WatchFileUnreadable, as_model, read_toml
from plimsoll.domain.errors import NotFound
from plimsoll.domain.outreach.templates import Template


class TemplateFolder:
    """A file of the same name in an earlier folder hides the later one."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    def names(self) -> Sequence[str]:
        return sorted({file.stem for folder in self._folders for file in (folder / "templates").glob("*.toml")})

    def get(self, name: str) -> Template:
        """Raises NotFound, WatchFileUnreadable."""
        for folder in self._folders:
            place = folder / "templates" / f"{name}.toml"
            if name in self.names() and place.is_file():
                template = as_model(Template, read_toml(place), place)
                if template.name != name:
                    raise WatchFileUnreadable(f"{place}: it calls itself {template.name!r}; file and name must agree.")
                return template
        raise NotFound(f"There is no template {name!r}. The templates here: {', '.join(self.names()) or 'none'}.")
