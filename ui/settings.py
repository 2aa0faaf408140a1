"""What the console reads of its environment: where the API is, and under which names it is itself reached.

Never the database: the console acts as the person who signed in, through the API.
"""

from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from plimsoll.settings import stack_values

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]", "::1")


class ConsoleSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PLIMSOLL_", env_ignore_empty=True, frozen=True, extra="ignore")

    home: Path = Path("~/.plimsoll")
    profile: Literal["local", "production"] = "local"
    api: str = "http://127.0.0.1:8080"
    console: str = Field(default="http://127.0.0.1:8501", description="The address people type.")
    console_hosts: tuple[str, ...] = Field(default=(), description="More host names it answers to, as a JSON list.")
    console_behind_proxy: bool = Field(
        default=False, description="Something in front speaks TLS and keeps strangers away."
    )

    console_refresh: float = Field(default=30.0, ge=1.0, description="Seconds after which a page looks for news.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        known = {**env_settings(), **init_settings()}
        stack = stack_values(Path(known.get("home", "~/.plimsoll")).expanduser())
        addresses: dict[str, Any] = {name: stack[name] for name in ("api", "console") if name in stack}
        return init_settings, env_settings, InitSettingsSource(settings_cls, addresses)

    @property
    def secure(self) -> bool:
        """People reach it over TLS, here or at a proxy."""
        return self.console.startswith("https://")

    @property
    def hosts(self) -> frozenset[str]:
        """Host names a request may carry; anything else is a rebound name or a mistake."""
        return frozenset({*LOOPBACK_NAMES, urlsplit(self.console).hostname or "", *self.console_hosts} - {""})

    @property
    def cookie(self) -> str:
        """A browser sends cookies to every port of a host: two stacks side by side must not share one."""
        return "__Host-plimsoll" if self.secure else f"plimsoll_{urlsplit(self.console).port or 80}"

    @property
    def keys_file(self) -> Path:
        return self.home.expanduser() / "secrets" / "keys.json"
