"""The environment, read once into one frozen Settings. Blank means default.

Order: environment variable, then what the local stack wrote to `PLIMSOLL_HOME/stack.json`
(addresses and ports of the parts it started), then the default below.
"""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

ROOT = Path(__file__).resolve().parent.parent
STACK_FILE = "stack.json"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="PLIMSOLL_", env_ignore_empty=True, frozen=True, extra="ignore", populate_by_name=True
    )

    home: Path = Field(default=Path("~/.plimsoll"), description="Where the local stack keeps everything.")
    profile: Literal["local", "production"] = Field(
        default="local", description="`production` refuses to start with local conveniences on."
    )
    mode: Literal["test", "live"] = Field(
        default="test", description="`test` allows sandbox sources and fast-forwarding a case."
    )

    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_URL", "database_url"),
        description="Postgres as the application role; the embedded Postgres when unset.",
    )
    database_owner_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_OWNER_URL", "database_owner_url"),
        description="Postgres as the owner of the schema, for migrations only.",
    )
    database_pool: int = Field(default=12, ge=1, description="Connections a process may hold.")

    temporal_address: str | None = Field(
        default=None,
        validation_alias=AliasChoices("TEMPORAL_ADDRESS", "temporal_address"),
        description="host:port of a Temporal frontend; the embedded server when unset.",
    )
    temporal_namespace: str = Field(
        default="plimsoll",
        validation_alias=AliasChoices("TEMPORAL_NAMESPACE", "temporal_namespace"),
        description="The Temporal namespace of this deployment.",
    )
    temporal_ui_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("TEMPORAL_UI_URL", "temporal_ui_url"),
        description="Where Temporal's own UI answers, for links.",
    )

    api: str = Field(default="http://127.0.0.1:8080", description="Where the HTTP API answers.")
    console: str = Field(default="http://127.0.0.1:8501", description="Where the console answers.")
    sandbox: str = Field(default="http://127.0.0.1:8090", description="Where the sandbox's sources answer.")
    source_urls: dict[str, str] = Field(
        default_factory=dict,
        description='Real addresses of sources, as JSON: {"bureau": "https://…"}; the sandbox otherwise.',
    )
    alert_webhook: str | None = Field(
        default=None,
        description="Address told of drift, in JSON signed with `secrets/alert_webhook`; nobody when unset.",
    )

    callback_url: str | None = Field(
        default=None, description="Where message gateways reach the API from outside; `PLIMSOLL_API` when unset."
    )
    smtp_host: str | None = Field(default=None, description="Mail server for e-mails; off when unset.")
    smtp_port: int = Field(default=587, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection to it is protected."
    )
    smtp_user: str | None = Field(
        default=None, description="Who signs in there, with the password in `secrets/smtp_password`."
    )
    smtp_sender: str | None = Field(default=None, description="Sender of e-mails; answers come back to it.")
    twilio_account: str | None = Field(
        default=None, description="Account SID for SMS, with the token in `secrets/twilio_token`; off when unset."
    )
    twilio_sender: str | None = Field(default=None, description="Sending number (+1…) or messaging service (MG…).")
    twilio_url: str = Field(default="https://api.twilio.com", description="Where that API answers.")

    first_admin_key_file: Path | None = Field(
        default=None, description="Where `migrate` leaves the first admin's key while there is no key at all."
    )

    products_dir: Path = Field(
        default=ROOT / "products", description="The product packs that are shipped; your own lie in `home/products`."
    )
    watch_dir: Path = Field(
        default=ROOT / "watch",
        description="Signals, strategies, contact rules and message templates; a copy in `home/watch` comes first.",
    )
    data_dir: Path = Field(default=ROOT / "data", description="The data sets shipped with the product.")
    models_dir: Path | None = Field(default=None, description="Trained models; `home/models` when unset.")
    secrets_dir: Path | None = Field(default=None, description="Key files; `home/secrets` when unset.")

    body_limit: int = Field(default=256 * 1024, description="Largest request body in bytes.")
    request_timeout: float = Field(default=30.0, description="Seconds a request may take.")
    rate_limit: int = Field(
        default=0, description="Requests a minute for one key; 0 leaves limits to the proxy in front."
    )
    max_starts_in_flight: int = Field(
        default=16, ge=0, description="Eager starts at once in one API process; 0 leaves all to the dispatcher."
    )
    max_backlog: int = Field(
        default=2000,
        ge=1,
        description="Accepted but undecided applications at which an API process answers 503 with Retry-After.",
    )
    max_backlog_seconds: float = Field(
        default=20.0,
        gt=0,
        description="Seconds of deciding, at the pace of the last ten, at which it does so sooner.",
    )
    api_workers: int = Field(
        default=1, ge=1, description="API processes behind one port; each decides, too, and needs its memory."
    )
    hot_worker: bool = Field(default=True, description="Whether the API process decides, too (eager starts).")
    log_level: str = Field(default="info", description="debug, info, warning or error.")

    @property
    def home_dir(self) -> Path:
        return self.home.expanduser()

    @property
    def secrets(self) -> Path:
        return self.secrets_dir or self.home_dir / "secrets"

    @property
    def own_products(self) -> Path:
        """Where `plimsoll product new` writes: beside the shipped packs, which may be read-only."""
        return self.home_dir / "products"

    @property
    def watch_dirs(self) -> tuple[Path, Path]:
        """Where files of the watch lie, the lender's own first."""
        return self.home_dir / "watch", self.watch_dir

    @property
    def models(self) -> Path:
        return self.models_dir or self.home_dir / "models"

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
        home = Path(known.get("home", "~/.plimsoll")).expanduser()
        return init_settings, env_settings, InitSettingsSource(settings_cls, stack_values(home))


def stack_values(home: Path) -> dict[str, Any]:
    """What the local stack of this home told about itself, or nothing."""
    try:
        return json.loads((home / STACK_FILE).read_text())["settings"]
    except (OSError, ValueError, KeyError):
        return {}


def load_settings(**given: Any) -> Settings:
    return Settings(**given)
