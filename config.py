"""Every setting of Peerloop, read from environment variables with the prefix `PEERLOOP_`.

Each has a default that serves `make demo`. A wrong value stops the start with one line that names the
variable and what it takes. Secrets are generated (mode 0600) while the base URL is loopback; any other
address must bring its own.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class ConfigError(Exception):
    """A setting is missing or wrong. The message is one line for the operator."""


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in LOOPBACK_HOSTS or host.endswith(".localhost")


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://peerloop.example.edu")
    if parts.path.rstrip("/"):
        raise ValueError("must be an origin without a path, such as https://peerloop.example.edu")
    if parts.scheme == "http" and not _is_loopback(value):
        raise ValueError("must be https, unless it is a loopback address")
    return value.rstrip("/")


def _fernet_key(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        try:
            Fernet(value.get_secret_value())
        except ValueError as error:
            raise ValueError("must be 32 random bytes in URL-safe base64 (44 characters)") from error
    return value


def _long_secret(value: SecretStr | None) -> SecretStr | None:
    if value is not None and len(value.get_secret_value()) < 32:
        raise ValueError("must have at least 32 characters")
    return value


def _database_url(value: str) -> str:
    if value.startswith("sqlite:"):
        if value.removeprefix("sqlite:///") in {value, "", ":memory:"}:
            raise ValueError("must name a file, such as sqlite:////srv/peerloop/peerloop.db: processes share it")
        return value
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if value.startswith(prefix):
            return "postgresql+psycopg://" + value.removeprefix(prefix)
    raise ValueError("must begin with sqlite:/// or postgresql://")


def _queue_url(value: str) -> str:
    if not value.startswith(("sqlite:///", "redis://", "rediss://", "postgresql://")):
        raise ValueError("must begin with sqlite:///, redis:// or postgresql://")
    return value


class Settings(BaseSettings):
    """What an operator can set. Times are in the unit that the name ends with."""

    model_config = SettingsConfigDict(env_prefix="PEERLOOP_", frozen=True, extra="ignore")

    base_url: Annotated[str, AfterValidator(_origin)] = Field(
        "http://localhost:8080", description="The public address of this tool, an origin without a path."
    )
    secret_key: Annotated[SecretStr | None, AfterValidator(_long_secret)] = Field(
        None, description="Signs CSRF tokens. At least 32 characters."
    )
    key_encryption_key: Annotated[SecretStr | None, AfterValidator(_fernet_key)] = Field(
        None, description="Encrypts the signing keys in the database. 32 bytes in URL-safe base64."
    )
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        f"sqlite:///{ROOT / 'var' / 'peerloop.db'}", description="sqlite:///… or postgresql://…"
    )
    queue_url: Annotated[str | None, AfterValidator(lambda v: v if v is None else _queue_url(v))] = Field(
        None, description="sqlite:///…, redis://… or postgresql://…; by default beside the database."
    )
    allow_private_platforms: bool = Field(
        False, description="Permit plain-http and private addresses for LMSs. Development and tests only."
    )
    keys_dir: Path = Field(ROOT / "keys", description="Where generated secrets lie, on a loopback address.")
    clock_file: Path | None = Field(
        None,
        description="A file with an offset in seconds that moves the program's clock (not the wire's). "
        "Demonstrations and tests on a loopback address only.",
    )
    files_dir: Path | None = Field(
        None,
        description="Where files lie that learners hand in; all processes share it. By default beside an SQLite "
        "database, else `var/<database>-files`.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level logged.")
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="How many proxies stand before this tool. So many entries of X-Forwarded-For are believed.",
    )
    refusals_per_minute: int = Field(
        600, ge=1, description="So many refused launches of one address are explained; it is asked to wait then."
    )
    visit_idle_minutes: int = Field(120, ge=5, le=1440, description="A visit ends after so long unused.")
    lms_timeout_seconds: float = Field(20.0, gt=0, le=120, description="Longest wait for an LMS's answer.")
    metrics_token: Annotated[SecretStr | None, AfterValidator(_long_secret)] = Field(
        None,
        description="Whoever sends it as a Bearer token may read `/metrics`; without it there is no such address. "
        "At least 32 characters.",
    )
    gradebook_sweep_seconds: float = Field(
        5.0, gt=0, le=3600, description="How often a worker looks for work that no bell announced."
    )

    @property
    def files_folder(self) -> Path:
        """Where files lie that learners hand in."""
        if self.files_dir is not None:
            return self.files_dir
        if self.database_url.startswith("sqlite:///"):
            database = Path(self.database_url.removeprefix("sqlite:///"))
            return database.with_name(f"{database.stem}-files")
        # By its name: two databases that shared a folder would each remove the other's files.
        return ROOT / "var" / f"{urlsplit(self.database_url).path.strip('/').replace('/', '-')}-files"

    @property
    def is_loopback(self) -> bool:
        return _is_loopback(self.base_url)

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https:")

    @property
    def signing_secret(self) -> str:
        """The secret key. Raises ConfigError where `with_secrets` has not been called."""
        if self.secret_key is None:
            raise ConfigError("PEERLOOP_SECRET_KEY is not set")
        return self.secret_key.get_secret_value()

    @model_validator(mode="after")
    def _only_at_home(self) -> Self:
        if self.clock_file is not None and not self.is_loopback:
            raise ValueError("PEERLOOP_CLOCK_FILE is only for a loopback PEERLOOP_BASE_URL")
        return self

    def with_secrets(self) -> Self:
        """The same settings with both secrets present, generated on first start while loopback.

        Raises ConfigError when a secret is missing on any other address.
        """
        found: dict[str, SecretStr] = {}
        makers: dict[str, Callable[[], str]] = {
            "secret_key": lambda: secrets.token_urlsafe(48),
            "key_encryption_key": lambda: Fernet.generate_key().decode(),
        }
        for name, make in makers.items():
            if getattr(self, name) is not None:
                continue
            if not self.is_loopback:
                raise ConfigError(
                    f"PEERLOOP_{name.upper()} is not set: "
                    f"{self.base_url} is not a loopback address, so it is never generated"
                )
            found[name] = SecretStr(_kept_secret(self.keys_dir / name.replace("_", "-"), make()))
        return self.model_copy(update=found)


def _kept_secret(path: Path, fresh: str) -> str:
    """The secret in `path`; `fresh` is written there first if no process has done so yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(fresh)
    try:
        # A hard link appears whole or not at all, so two processes that start together agree on one secret.
        os.link(draft, path)
    except FileExistsError:
        return path.read_text().strip()
    finally:
        draft.unlink()
    return fresh


def load() -> Settings:
    """Read and check the environment. Raises ConfigError with one line for the operator."""
    try:
        return Settings().with_secrets()
    except ValidationError as error:
        first = error.errors()[0]
        where = "_".join(str(part) for part in first["loc"]).upper()
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"PEERLOOP_{where}: {message}" if where else message) from None
