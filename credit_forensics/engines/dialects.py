"""Compiles an expression to one engine's SQL, once a process for each expression."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.backends.sql.compilers import ClickHouseCompiler, PostgresCompiler, PySparkCompiler
from ibis.config import Config, options


class _UnicodeClickHouse(ClickHouseCompiler):  # type: ignore[misc]
    """ClickHouse's ``lower`` knows ASCII only; every other engine folds all of Unicode."""

    __slots__ = ()
    SIMPLE_OPS = {  # noqa: RUF012  # the compiler reads it when the class is made
        ops.Lowercase: "lowerUTF8",
        ops.Uppercase: "upperUTF8",
        ops.StringLength: "lengthUTF8",
    }

    def visit_Substring(self, op: Any, *, arg: Any, start: Any, length: Any) -> Any:  # noqa: N802
        """By characters, not by bytes; from 1, where Ibis counts from 0."""
        rest = () if length is None else (length,)
        return self.f.substringUTF8(arg, start + 1, *rest)


class _BooleanPostgres(PostgresCompiler):  # type: ignore[misc]
    """PostgreSQL casts a boolean to a plain integer only; every other engine to any width."""

    __slots__ = ()

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802
        """By way of a plain integer, where a truth value becomes a wider number."""
        if op.arg.dtype.is_boolean() and to.is_integer():
            arg = self.cast(arg, dt.int32)
        return super().visit_Cast(op, arg=arg, to=to)


COMPILERS: dict[str, Any] = {
    "postgres": _BooleanPostgres,
    "spark": PySparkCompiler,
    "clickhouse": _UnicodeClickHouse,
}


def compiled_sql(dialect: str, expression: ir.Table) -> str:
    """The expression as a dialect's SQL.

    Parameters
    ----------
    dialect
        a key of ``COMPILERS``.
    expression
        over unbound tables.

    Examples
    --------
    >>> import ibis
    >>> users = ibis.table({"user_id": "string"}, name="users")
    >>> print(compiled_sql("spark", users.filter(users.user_id == "a")))
    SELECT * FROM `users` AS `t0` WHERE `t0`.`user_id` = 'a'
    """
    return _compiled(dialect, expression.op())


@lru_cache(maxsize=512)
def _compiled(dialect: str, operation: ops.Node) -> str:
    compiler = COMPILERS[dialect]()
    with _spark_option() if dialect == "spark" else contextlib.nullcontext():
        return str(compiler.to_sqlglot(operation.to_expr()).sql(compiler.dialect))


@contextlib.contextmanager
def _spark_option() -> Iterator[None]:
    """The compiler asks for an option that only Ibis's own Spark backend registers."""

    class Options(Config):  # type: ignore[misc]
        treat_nan_as_null: bool = False

    before = getattr(options, "pyspark", None)
    options.pyspark = Options()
    try:
        yield
    finally:
        options.pyspark = before
