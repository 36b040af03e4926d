"""Understands database URLs as people write them, and hides the secrets in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from psycopg import pq
    from sqlalchemy import engine as sa_engine
    from sqlalchemy import exc as sa_exc
    from sqlalchemy.engine import URL
else:
    # Slow to load, and needed only where a database is opened.
    pq = Later("psycopg.pq")
    sa_engine = Later("sqlalchemy.engine")
    sa_exc = Later("sqlalchemy.exc")

CONNECT_SECONDS = 10
_SECRETS = ("password", "sslpassword", "passfile", "sslkey")
# What writes the tables of a database that cannot be opened here into files that can be read.
_EXPORTS = {
    "mongodb": " (mongoexport)",
    "firestore": " (as JSON, by its REST API or an export tool)",
    "mssql": " (bcp, or a client's CSV export)",
    "snowflake": " (COPY INTO … FILE_FORMAT = (TYPE = PARQUET))",
    "bigquery": " (bq extract, as Parquet)",
}
_PLAIN_SQLITE = re.compile(r"sqlite:///([\w./-]+)", re.ASCII)
_SQLITE_MAGIC = b"SQLite format 3\x00"


@dataclass(frozen=True)
class PlainSqlite:
    """``sqlite:///`` and a path, with nothing besides: read without SQLAlchemy, slow to load."""

    database: str

    def get_backend_name(self) -> str:
        """As SQLAlchemy's URL names it."""
        return "sqlite"


def parse_to_read(url: str, what: str) -> URL | PlainSqlite:
    """A database URL, as what opens databases for reading needs it; else as ``parse_url``.

    Examples
    --------
    >>> parse_to_read("sqlite:///ledger.db", "ledger")
    PlainSqlite(database='ledger.db')
    """
    plain = _PLAIN_SQLITE.fullmatch(url)
    return PlainSqlite(plain[1]) if plain else parse_url(url, what)


def parse_url(url: str, what: str) -> URL:
    """Parse a database URL into SQLite or PostgreSQL by psycopg.

    Raises
    ------
    CaseError
        when it is no URL, or of another database.

    Examples
    --------
    >>> str(parse_url("postgres://reader@db.example.com/shop", "ledger"))
    'postgresql+psycopg://reader@db.example.com/shop'
    >>> str(parse_url("file:./dev.db", "ledger"))
    'sqlite:///./dev.db'
    """
    if url.startswith("file:"):  # as Prisma writes it
        url = "sqlite:///" + url.removeprefix("file:")
    try:
        parsed = sa_engine.make_url(url)
    except (sa_exc.SQLAlchemyError, ValueError):
        raise CaseError(
            f"The {what} url is not a database URL; write sqlite:///file.db or "
            "postgresql://user:password@host/database."
        ) from None
    backend = parsed.drivername.split("+")[0]
    if backend == "sqlite":
        return parsed.set(drivername="sqlite")
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise CaseError(
        f"The {what} url names the database {backend!r}; only sqlite and postgresql, and for a "
        f"ledger mysql and mariadb, can be opened read-only here. Export its tables"
        f"{_EXPORTS.get(backend, '')} and name them: "
        '[ledger] files = { entries = "entries.csv", users = "users.csv" }.'
    )


def mysql_url(url: str) -> URL | None:
    """A URL of MySQL or MariaDB, whatever driver it names; none for any other.

    Examples
    --------
    >>> mysql_url("mariadb+pymysql://reader@db.example.com/shop").database
    'shop'
    >>> mysql_url("sqlite:///ledger.db") is None
    True
    """
    if not url.lower().startswith(("mysql", "mariadb")):
        return None
    try:
        parsed = sa_engine.make_url(url)
    except (sa_exc.SQLAlchemyError, ValueError):
        return None
    found = parsed.drivername.split("+")[0] in ("mysql", "mariadb")
    return parsed.set(drivername="mysql") if found else None


def masked(url: URL | PlainSqlite) -> str:
    """The URL with every secret in it replaced.

    Examples
    --------
    >>> masked(parse_url("postgresql://a:pw@db.example.com/shop?sslpassword=x", "ledger"))
    'postgresql://a:***@db.example.com/shop?sslpassword=***'
    """
    if isinstance(url, PlainSqlite):
        return f"sqlite:///{url.database}"
    hidden = {key: "***" for key in url.query if key.lower() in _SECRETS}
    text = url.update_query_dict(hidden).render_as_string(hide_password=True)
    return text.replace("postgresql+psycopg://", "postgresql://").replace("%2A%2A%2A", "***")


def sqlite_path(url: URL | PlainSqlite, folder: Path, what: str) -> Path:
    """The database file of a SQLite URL.

    Raises
    ------
    CaseError
        when the URL names no file, or the file is missing, empty or no SQLite database.
    """
    text = (url.database or "").removeprefix("file:").split("?")[0]
    if not text or text == ":memory:":
        raise CaseError(f"The {what} url names no file; write sqlite:///file.db.")
    path = folder / text
    if path.exists() and not path.is_file():
        # Opening a pipe would wait for ever.
        raise CaseError(f"The {what} database {text} is not a file.")
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE_MAGIC))
    except FileNotFoundError:
        raise CaseError(f"The {what} database {text} does not exist.") from None
    except OSError as error:
        raise CaseError(
            f"The {what} database {text} cannot be read: {error.strerror or 'unknown error'}."
        ) from None
    if head != _SQLITE_MAGIC:
        state = "is empty" if not head else "is not a SQLite database"
        raise CaseError(f"The {what} database {text} {state}.")
    return path


def libpq_arguments(url: URL) -> dict[str, Any]:
    """What libpq is told of a URL; settings that only other clients know are left out."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    query = {key: value for key, value in url.query.items() if key in known}
    # asyncpg spells it "ssl".
    if "ssl" in url.query and "sslmode" not in query:
        query["sslmode"] = {"true": "require"}.get(str(url.query["ssl"]), str(url.query["ssl"]))
    arguments: dict[str, Any] = {
        key: ",".join(value) if isinstance(value, tuple) else value for key, value in query.items()
    }
    parts = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
    }
    arguments.update({key: value for key, value in parts.items() if value})
    arguments.setdefault("connect_timeout", CONNECT_SECONDS)
    arguments.setdefault("application_name", "credit-forensics")
    return arguments


def secrets(url: URL | PlainSqlite) -> list[str]:
    """The secrets in a URL, to keep them out of messages."""
    if isinstance(url, PlainSqlite):
        return []
    found = [str(url.query[key]) for key in url.query if key.lower() in _SECRETS]
    return [str(url.password), *found] if url.password else found


def one_line(error: BaseException, *hidden: str) -> str:
    """An error's first line without secrets, quoted values or a full stop."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    text = re.sub(r"^.*?\b(ERROR|FATAL): +", "", lines[0].strip())
    for secret in hidden:
        text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
    # DETAIL lines and row values may hold personal data; identifiers stand in double quotes.
    text = re.sub(r"'[^']*'", "'…'", text)
    return text.rstrip(".")
