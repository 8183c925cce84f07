"""One database URL, in the spellings that the two drivers want."""

from sqlalchemy.engine import URL, make_url


def sqlalchemy_url(url: str) -> URL:
    """The URL for SQLAlchemy over asyncpg. Accepts `postgres://`, `postgresql://` and socket hosts
    (`?host=/path`)."""
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    return make_url(url).set(drivername="postgresql+asyncpg")


def asyncpg_dsn(url: str) -> str:
    """The URL for asyncpg."""
    return sqlalchemy_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
