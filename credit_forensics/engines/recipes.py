"""Keeps the SQL of the house's own steps, so that each is built and compiled once a version.

Building and compiling a step takes longer than running it on a small case, and gives the same text
every time. So a step is a recipe: a name for what it is made of, and the way to build it. Its text
is kept in the user's cache, as Python keeps compiled modules, under a digest of the package's
source and of the versions that compile it. It holds no data of a case. Recipes without a name
(methods and findings of one's own) are built and compiled each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import platformdirs

from credit_forensics.tables.expressions import ibis, ir
from credit_forensics.whole_file import write_whole

_PACKAGE = Path(__file__).resolve().parents[1]
_COMPILED_WITH = ("ibis-framework", "sqlglot")
_VERSIONS_KEPT = 8
_NAME = re.compile(r"[a-z0-9_-]{1,200}")


@dataclass(frozen=True)
class Recipe:
    """A step's expression, built only where its text is not kept.

    Attributes
    ----------
    name
        what the expression is made of beside the package itself, in letters, digits, ``_`` and
        ``-``; empty where that has no name.
    build
        gives the expression.

    Examples
    --------
    >>> recipe = Recipe("", lambda: ibis.table({"payment_id": str}, name="payments"))
    >>> recipe.expression.columns
    ('payment_id',)
    """

    name: str
    build: Callable[[], ir.Table] = field(compare=False)

    def __post_init__(self) -> None:
        if self.name and not _NAME.fullmatch(self.name):
            raise ValueError(f"recipe {self.name!r} needs a name that can be a file's")

    @cached_property
    def expression(self) -> ir.Table:
        """The expression; built once."""
        return self.build()


Query: TypeAlias = "ir.Table | Recipe"
"""What engines run."""


Columns: TypeAlias = dict[str, str]
"""Ibis's word for each column's type, by the column's name."""


@dataclass(frozen=True)
class Written:
    """A query as text, with the columns that it gives."""

    sql: str
    columns: Columns


@dataclass(frozen=True)
class Kept:
    """A table that lies on an engine under its name.

    Examples
    --------
    >>> Kept("few", {"payment_id": "string"}).table.columns
    ('payment_id',)
    """

    name: str
    columns: Columns

    @property
    def table(self) -> ir.Table:
        """The table, unbound."""
        return ibis.table(self.columns, name=self.name)


def expression_of(query: Query) -> ir.Table:
    """The expression of a query, for an engine that keeps no text."""
    return query.expression if isinstance(query, Recipe) else query


def columns_of(expression: ir.Table) -> Columns:
    """The columns that an expression gives.

    Examples
    --------
    >>> columns_of(ibis.table({"amount": "int64"}, name="payments"))
    {'amount': 'int64'}
    """
    return {name: str(kind) for name, kind in expression.schema().items()}


def written(query: Query, dialect: str, to_sql: Callable[[ir.Table], str]) -> Written:
    """A query's text in a dialect: kept from an earlier run, or compiled and kept.

    Parameters
    ----------
    query
        an expression or a recipe.
    dialect
        the name under which texts of this compiler are kept.
    to_sql
        the compiler.

    Examples
    --------
    >>> payments = ibis.table({"payment_id": str}, name="payments")
    >>> written(Recipe("", lambda: payments), "duckdb", ibis.to_sql).columns
    {'payment_id': 'string'}
    """
    if not isinstance(query, Recipe):
        return Written(to_sql(query), columns_of(query))
    path = _path(dialect, query.name) if query.name else None
    kept = _read(path) if path else None
    if kept is None:
        kept = Written(to_sql(query.expression), columns_of(query.expression))
        if path:
            _keep(path, kept)
    return kept


@lru_cache(maxsize=512)
def _read(path: Path) -> Written | None:
    """The text of a whole file of this version; anything else is as if there were none."""
    with contextlib.suppress(OSError, ValueError):
        # As bytes: read as text, a carriage return in a pattern would become a new line.
        head, _, sql = path.read_bytes().decode().partition("\n")
        told = json.loads(head.removeprefix("-- "))
        if isinstance(told, dict) and told.get("digest") == _digest_of(sql):
            return Written(sql, dict(told["columns"]))
    return None


def _keep(path: Path, text: Written) -> None:
    head = json.dumps({"columns": text.columns, "digest": _digest_of(text.sql)})
    # A cache that cannot be written costs time, and is no reason to fail.
    with contextlib.suppress(OSError):
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, mode=0o700)
            _sweep(path.parent.parent)
        write_whole(path, f"-- {head}\n{text.sql}".encode())
        _read.cache_clear()


def _sweep(folder: Path) -> None:
    versions = sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in versions[_VERSIONS_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _path(dialect: str, name: str) -> Path:
    folder = platformdirs.user_cache_path("credit-forensics", appauthor=False) / "sql"
    return folder / _digest() / f"{dialect}-{name}.sql"


def _digest_of(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


@lru_cache(maxsize=1)
def _digest() -> str:
    """Of every source file of the package, and of what compiles it: other source, other texts."""
    digest = hashlib.blake2b(digest_size=12)
    for distribution in _COMPILED_WITH:
        digest.update(f"{distribution} {version(distribution)}\n".encode())
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(f"{path.relative_to(_PACKAGE)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
