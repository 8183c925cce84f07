"""What all models share: column factories for the types that SQLModel has no short form for."""

from typing import Any

from sqlalchemy import BigInteger, Identity, Integer, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlmodel import Field

#: Millisecond precision: what every face shows is what is stored, so cursors and comparisons agree
#: with it.
MILLISECONDS = TIMESTAMP(timezone=True, precision=3)


def now_column() -> Any:
    """A not-null timestamp that PostgreSQL fills when the writer gives none."""
    return Field(
        default=None,
        sa_column_kwargs={"server_default": text("clock_timestamp()"), "nullable": False},
        sa_type=MILLISECONDS,
    )


def time_column() -> Any:
    """A timestamp that may be missing."""
    return Field(default=None, sa_type=MILLISECONDS, nullable=True)


def json_column(*, nullable: bool = True) -> Any:
    """A jsonb column."""
    return Field(default=None, sa_type=JSONB, nullable=nullable)


def ids_column() -> Any:
    """An array of ids that may be missing."""
    return Field(default=None, sa_type=ARRAY(Uuid), nullable=True)


def big_column(*, default: int = 0, primary_key: bool = False) -> Any:
    """A bigint that is never null."""
    kwargs: dict[str, Any] = {"server_default": text(str(default))}
    if primary_key:
        kwargs = {"autoincrement": False}
    return Field(
        default=default,
        sa_type=BigInteger,
        primary_key=primary_key,
        nullable=False,
        sa_column_kwargs=kwargs,
    )


def identity_column() -> Any:
    """A number that PostgreSQL gives out."""
    return Field(
        default=None,
        sa_type=Integer,
        sa_column_args=[Identity(always=True)],
        unique=True,
    )
