"""Every setting, read from the environment once. docs/configuration.md lists them all."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from persistence.secret_box import SecretBox, SecretKeyError, open_box, parse_keys

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")

Port = Annotated[int, Field(ge=1, le=65535)]
Bytes = Annotated[int, Field(ge=1024)]


class ConfigurationError(Exception):
    """The configuration is broken. The text is one line for each fault, for the operator."""


class Settings(BaseSettings):
    """The configuration of one process. Frozen: a change needs a restart."""

    model_config = SettingsConfigDict(
        env_prefix="TABLECAST_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
    )

    host: str = Field(
        "127.0.0.1", validation_alias="HOST", description="The address the web server listens on."
    )
    port: Port = Field(
        8000, validation_alias="PORT", description="The TCP port the web server listens on."
    )
    data: Path = Field(
        Path(".tablecast"),
        description="The data folder: database, uploaded files, sockets, the first API key.",
    )
    database_url: str | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="A PostgreSQL 18 database of yours (`postgresql://…`). Without it "
        "`tablecast up` runs its own.",
    )
    files_url: str | None = Field(
        None,
        description="Where uploaded files go: `s3://bucket/folder` of any S3-compatible service, "
        "with `AWS_…` variables for endpoint and credentials. Without it: the data folder.",
    )
    redis_url: str | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="A Redis or Valkey of yours (`redis://…`, `rediss://…` or `unix://…`). Without "
        "it `tablecast up` runs its own.",
    )
    api_key: SecretStr | None = Field(
        None,
        description="A bootstrap admin key: it is made to work at start. Without it the first "
        "start makes one and keeps it in `api-key` in the data folder.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="What stored secrets are sealed with: 32 bytes in base64; several with commas "
        "between, the first seals, all open. Without it the first start makes one and keeps it in "
        "`secret.key` in the data folder.",
    )
    open: bool = Field(
        False,
        description="Serve the one organisation without keys. Loopback addresses only; the same as "
        "`tablecast serve --open`.",
    )
    web_processes: int = Field(
        1, ge=1, le=64, description="How many web processes `tablecast up` runs on the one port."
    )
    demo: bool = Field(True, description="Load the demo data at the first start of `tablecast up`.")
    pool_size: int = Field(
        16, ge=2, le=1000, description="Database connections that one process holds at most."
    )
    max_body_bytes: Bytes = Field(
        10_000_000, description="The largest body of a request that is not an upload; over it: 413."
    )
    max_upload_bytes: Bytes = Field(
        50_000_000, description="The largest uploaded file; over it: 413."
    )
    sync_seconds: float = Field(
        60,
        ge=0.1,
        le=3600,
        description="How long a request that waits for a document to be read may take; over it: "
        "504, and the reading goes on.",
    )
    egress_allow: str | None = Field(
        None,
        description="Hosts, addresses and networks, with commas between, that workflows and "
        "triggers may call although they are not public: `intern.example,10.0.0.0/8`.",
    )
    webhook_retention_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="Days for which deliveries of webhooks are kept after they ended.",
    )
    shutdown_seconds: int = Field(
        10, ge=1, le=600, description="How long a stopping process may finish what it began."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level that is logged."
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="`json`: one object a line on stderr; `console`: for human eyes."
    )

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str | None) -> str | None:
        return _with_scheme(value, "postgresql", "postgres")

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str | None) -> str | None:
        return _with_scheme(value, "redis", "rediss", "unix")

    @field_validator("files_url")
    @classmethod
    def _is_s3(cls, value: str | None) -> str | None:
        return _with_scheme(value, "s3")

    @field_validator("egress_allow")
    @classmethod
    def _names_hosts(cls, value: str | None) -> str | None:
        entries = [entry.strip() for entry in value.split(",")] if value else []
        if not all(_HOST.fullmatch(entry) or _is_network(entry) for entry in entries):
            raise ValueError("must be host names, addresses or networks with commas between")
        return value

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value() if value else "x"
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("must be printable ASCII without spaces")
        return value

    @field_validator("secret_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                parse_keys(value.get_secret_value())
            except SecretKeyError as error:
                raise ValueError(str(error)) from None
        return value

    @property
    def postgres_folder(self) -> Path:
        """The cluster of the embedded PostgreSQL."""
        return self.data / "postgres"

    @property
    def blob_place(self) -> Path | str:
        """Where uploaded files go: a folder, or a URL."""
        return self.files_url or self.data / "files"

    @property
    def key_file(self) -> Path:
        """The first API key, mode 0600."""
        return self.data / "api-key"

    @property
    def secret_key_file(self) -> Path:
        """What stored secrets are sealed with, when no setting says it; mode 0600."""
        return self.data / "secret.key"

    def secret_box(self) -> SecretBox:
        """Seals and opens stored secrets. Raises `ConfigurationError` when there is no key."""
        setting = self.secret_key.get_secret_value() if self.secret_key else None
        try:
            return open_box(setting, self.secret_key_file)
        except SecretKeyError as error:
            raise ConfigurationError(str(error)) from None

    def require_loopback(self) -> None:
        """Refuse `open` on an address that others can reach."""
        if self.open and self.host not in LOOPBACK:
            raise ConfigurationError(
                f"Serving without keys is for this machine only: HOST must be 127.0.0.1, ::1 or "
                f"localhost, but it is {self.host}."
            )


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _with_scheme(value: str | None, *schemes: str) -> str | None:
    if value is not None and urlsplit(value).scheme not in schemes:
        raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    return value


def variable(field: str) -> str:
    """The environment variable of a field of `Settings`."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"TABLECAST_{field.upper()}"


def _sentence(location: str, message: str) -> str:
    field = location if location in Settings.model_fields else location.lower()
    name = variable(field) if field in Settings.model_fields else location
    # The value is not repeated: it may be a password.
    rule = message.removeprefix("Value error, ").removeprefix("Input ")
    return f"{name} {rule[0].lower()}{rule[1:]}."


def load() -> Settings:
    """The settings from the environment. Raises `ConfigurationError`."""
    try:
        settings = Settings()
    except ValidationError as error:
        faults = [_sentence(str(one["loc"][0]), one["msg"]) for one in error.errors()]
        raise ConfigurationError("\n".join(faults)) from None
    settings.require_loopback()
    return settings
