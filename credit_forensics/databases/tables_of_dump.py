"""Reads the rows of a database's plain SQL dump (pg_dump, mysqldump, sqlite3); runs none of it.

Rows are those of ``COPY … FROM stdin`` and ``INSERT … VALUES``; what else a dump defines is passed
over. A script that does more (updates, computed values) is refused: what a table holds after it
only a database can tell.
"""

from __future__ import annotations

import gzip
import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TextIO

from credit_forensics.databases.written_rows import create_table, insert_rows

_ROWS, _HEAD = 20_000, 1 << 16
_SQL = re.compile(
    r"^\s*(?:CREATE\s+(?:TABLE|SCHEMA|TYPE)|(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?(?:INTO\b|\[)"
    r"|COPY\s+\S+.*FROM\s+stdin|PRAGMA\s+foreign)",
    re.IGNORECASE | re.MULTILINE,
)
_MYSQL = re.compile(r"^-- (?:MySQL|MariaDB) dump|^\) ENGINE=|^INSERT INTO `", re.MULTILINE)
_PART = r"(?:\"(?:[^\"]|\"\")+\"|`[^`]+`|\[[^\]]+\]|[\w$]+)"
_NAME = rf"({_PART}(?:\s*\.\s*{_PART})*)"
_CREATE = re.compile(rf"\s*CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}\s*\(", re.IGNORECASE)
_COPY = re.compile(rf"\s*COPY\s+{_NAME}\s*(?:\(([^)]*)\)\s*)?FROM\s+stdin\b", re.IGNORECASE)
_INSERT = re.compile(
    rf"\s*(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?(?:INTO\s+)?{_NAME}\s*(?:\(([^)]*)\)\s*)?"
    r"(?:OVERRIDING\s+\w+\s+VALUE\s+)?VALUES\s*",
    re.IGNORECASE,
)
_CHANGES = re.compile(
    r"\s*(?:UPDATE\s+\S+\s+SET|DELETE\s+FROM\s+(?!sqlite_)|INSERT|REPLACE|MERGE|WITH)\b",
    re.IGNORECASE,
)
_COLUMN = re.compile(rf"\s*({_PART})\s+(\w+)")
_NO_COLUMN = re.compile(
    r"\s*(?:CONSTRAINT|PRIMARY|UNIQUE|FOREIGN|CHECK|EXCLUDE|LIKE|(?:FULLTEXT|SPATIAL)?\s*(?:KEY|INDEX))\b",
    re.IGNORECASE,
)
_KINDS = (
    ("boolean", re.compile("bool|bit$", re.IGNORECASE)),
    ("integer", re.compile("(?:tiny|small|medium|big)?(?:int|serial)", re.IGNORECASE)),
    ("numeric", re.compile("numeric|decimal|double|float|real|money", re.IGNORECASE)),
    ("timestamp", re.compile("timestamp|date", re.IGNORECASE)),
    ("json", re.compile("json", re.IGNORECASE)),
)
_VALUE = re.compile(
    r"\s*(?:(?:_\w+\s+|[NE])?'((?:[^'\\]|''|\\.)*)'(?:::[\w. ]+(?:\[\])?)?"
    r"|(NULL|TRUE|FALSE)\b|([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?=\s*[,)])|(0?[xX]'?[0-9A-Fa-f]+'?))\s*",
    re.IGNORECASE | re.DOTALL,
)
_PLAIN_VALUE = re.compile(
    _VALUE.pattern.replace(r"[^'\\]|''|\\.", "[^']|''", 1), re.IGNORECASE | re.DOTALL
)
_END = re.compile(r"\s*(?:ON CONFLICT DO NOTHING\s*)?;?\s*", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = dict(zip("ntrbfv0Z", "\n\t\r\b\f\v\0\x1a", strict=True))
_BODIES = re.compile(r"\s*(?:CREATE|ALTER|DO)\b", re.IGNORECASE)
_COMMENTS = re.compile(r"--|/\*")
_MARKS, _MARKS_OF_MYSQL = re.compile(r"'|--|/\*"), re.compile(r"\\.|'|--|/\*", re.DOTALL)
_DOLLARS = re.compile(r"\$\w*\$")

Row = tuple[str | int | None, ...]


def is_dump(path: Path) -> bool:
    """Whether a file begins as a dump in SQL.

    Raises
    ------
    ValueError
        where it is packed and damaged.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "backup"
    >>> _ = path.write_text("-- a dump\\nCREATE TABLE users (id int);\\n")
    >>> is_dump(path)
    True
    """
    with _opened(path) as file:
        return _SQL.search(file.read(_HEAD)) is not None


def dumped_tables(path: Path) -> Iterator[tuple[str, dict[str, str], Iterator[Row]]]:
    """Each part of a dump that has rows: its table, the columns with their kinds, the rows.

    The rows of a part are to be taken before the next part.

    Raises
    ------
    ValueError
        where it holds no rows, or something that must be run to be known.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "dump.sql"
    >>> _ = path.write_text("CREATE TABLE a (id int);\\nINSERT INTO a VALUES (1),(2);\\n")
    >>> [(table, kinds, list(rows)) for table, kinds, rows in dumped_tables(path)]
    [('a', {'id': 'integer'}, [('1',), ('2',)])]
    """
    with _opened(path) as file:
        mysql = _MYSQL.search(file.read(_HEAD)) is not None
        file.seek(0)
        tables: dict[str, dict[str, str]] = {}
        empty = True
        for statement in _statements(file, mysql=mysql):
            if match := _CREATE.match(statement):
                tables[_table(match[1])] = _columns(statement[match.end() :])
                continue
            rows: Iterator[Row]
            if match := _COPY.match(statement):
                kinds = _kinds(tables, match[1], match[2])
                rows = _copied(file, kinds)
            elif match := _INSERT.match(statement):
                if _table(match[1]).startswith("sqlite_"):
                    continue
                kinds = _kinds(tables, match[1], match[2])
                rows = _inserted(statement[match.end() :], _VALUE if mysql else _PLAIN_VALUE)
            elif _CHANGES.match(statement):
                raise ValueError(f"it changes rows ({_shown(statement)})")
            else:
                continue
            empty = False
            yield _table(match[1]), kinds, _whole(rows, len(kinds))
    if empty:
        raise ValueError("it has no rows")


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with _named_damage(), gzip.open(path) if packed else path.open("rb") as lines:
        yield TextIOWrapper(lines, encoding="utf-8", errors="replace", newline="\n")


@contextmanager
def _named_damage() -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise ValueError("it is packed, and damaged or cut off") from None


def write_dump(connection: sqlite3.Connection, path: Path) -> None:
    """Write the tables of a dump that have rows into a SQLite database; raises as above."""
    for name, kinds, rows in dumped_tables(path):
        create_table(connection, name, kinds)
        insert_rows(connection, name, list(kinds), iter(lambda: list(islice(rows, _ROWS)), []))  # noqa: B023


def _whole(rows: Iterator[Row], width: int) -> Iterator[Row]:
    # Rows are taken outside of the file's own block.
    with _named_damage():
        for row in rows:
            if len(row) != width:
                raise ValueError(f"a row has {len(row)} values for {width} columns")
            yield row


def _shown(statement: str) -> str:
    return " ".join(statement[:60].split())


def _statements(file: Iterator[str], *, mysql: bool) -> Iterator[str]:
    """Each statement; comments and the bodies of functions are passed over.

    Raises
    ------
    ValueError
        where the file ends within one: what came after its beginning is not known.
    """
    held: list[str] = []
    body, delimiter, inside = "", ";", ""
    for line in file:
        if line.upper().startswith("DELIMITER "):
            delimiter, held, inside = line.split()[1], [], ""
            continue
        if body:
            body, held = ("", []) if body in line else (body, held)
            continue
        if not held and line.startswith(("#", "\\")):
            continue
        # A text may hold the end of a line, and a statement take several.
        code, inside = _without_comments(line, inside, mysql=mysql)
        if not held and not code.strip():
            continue
        held.append(code)
        dollars = _DOLLARS.findall(code) if _BODIES.match(held[0]) else []
        if len(dollars) % 2:
            body, inside = dollars[-1], ""
        elif not inside and code.rstrip().endswith(delimiter):
            statement, held = "".join(held), []
            if delimiter == ";":
                yield statement
    if body or inside:
        raise ValueError("it ends in the middle of a statement; the dump is not whole")
    if held:
        yield "".join(held)


def _without_comments(line: str, inside: str, *, mysql: bool) -> tuple[str, str]:
    """A line without its comments, and what goes on in the next one: a text, a comment, nothing.

    An apostrophe in a comment is no quote: taken for one, it would hide the statements after it.

    Examples
    --------
    >>> _without_comments("id int, -- the user's\\n", "", mysql=False)
    ('id int, \\n', '')
    >>> _without_comments("VALUES ('a -- b\\n", "", mysql=False)
    ("VALUES ('a -- b\\n", "'")
    """
    if inside != "/*" and not _COMMENTS.search(line) and not (mysql and "\\" in line):
        return line, inside if line.count("'") % 2 == 0 else "" if inside else "'"
    code: list[str] = []
    at = 0
    while True:
        if inside == "/*":
            end = line.find("*/", at)
            if end < 0:
                return "".join(code), inside
            at, inside = end + 2, ""
        mark = (_MARKS_OF_MYSQL if mysql else _MARKS).search(line, at)
        if mark is None:
            return "".join([*code, line[at:]]), inside
        if mark[0] == "'":
            inside = "" if inside else "'"
        elif not inside and mark[0] == "--":
            return "".join([*code, line[at : mark.start()], "\n"]), inside
        elif not inside and mark[0] == "/*":
            inside = "/*"
        code.append(line[at : mark.start() if inside == "/*" else mark.end()])
        at = mark.end()


def _kinds(tables: dict[str, dict[str, str]], name: str, listed: str | None) -> dict[str, str]:
    """The columns that rows are given for, and what each is declared to be."""
    known = tables.get(_table(name), {})
    if listed is None:
        if not known:
            raise ValueError(f"it does not say the columns of {_table(name)}")
        return known
    names = [_bare(one) for one in re.findall(_PART, listed)]
    if not known:
        raise ValueError(f"it does not say what the columns of {_table(name)} are")
    return {name: known.get(name, "") for name in names}


def _table(name: str) -> str:
    """A table's name; one of another schema than the usual has that before it."""
    parts = [_bare(part) for part in re.findall(_PART, name)]
    usual = len(parts) < 2 or parts[-2].lower() in ("public", "dbo", "main")
    return parts[-1] if usual else f"{parts[-2]}_{parts[-1]}"


def _bare(name: str) -> str:
    return name.strip('"`[]').replace('""', '"')


def _columns(body: str) -> dict[str, str]:
    """The columns that a table is created with, and their kinds.

    Examples
    --------
    >>> _columns("id bigint NOT NULL, price numeric(10,2), kind enum('a','b'), PRIMARY KEY (id));")
    {'id': 'integer', 'price': 'numeric', 'kind': 'text'}
    """
    columns: dict[str, str] = {}
    depth, part = 0, ""
    for piece in re.findall(r"'(?:[^']|'')*'|--[^\n]*|[(),]|[^'(),-]+|-", body):
        if piece.startswith("--"):
            continue
        if depth == 0 and piece in (",", ")"):
            match = None if _NO_COLUMN.match(part) else _COLUMN.match(part)
            if match:
                kind = next((name for name, is_ in _KINDS if is_.match(match[2])), "text")
                columns[_bare(match[1])] = kind
            part = ""
            if piece == ")":
                break
            continue
        depth += (piece == "(") - (piece == ")")
        part += piece
    return columns


def _copied(lines: Iterator[str], kinds: dict[str, str]) -> Iterator[Row]:
    """The rows of PostgreSQL's COPY, to the line that ends it."""
    boolean = [kind == "boolean" for kind in kinds.values()]
    for line in lines:
        text = line.rstrip("\n")
        if text == "\\.":
            return
        yield tuple(
            None
            if value == "\\N"
            else {"t": 1, "f": 0}.get(value, value)
            if is_boolean
            else _unescaped(value)
            for value, is_boolean in zip(text.split("\t"), boolean, strict=False)
        )
    raise ValueError("it ends in the middle of a table; the dump is not whole")


def _inserted(text: str, literal: re.Pattern[str]) -> Iterator[Row]:
    """The rows of an INSERT, each of literals.

    Examples
    --------
    >>> list(_inserted(" (1,'it''s',NULL),(2,'b',-3.5);", _PLAIN_VALUE))
    [('1', "it's", None), ('2', 'b', '-3.5')]
    """
    at, escapes = len(text) - len(text.lstrip()), literal is _VALUE
    while text[at : at + 1] == "(":
        row: list[str | int | None] = []
        while text[at] != ")":
            match = literal.match(text, at + 1)
            if match is None or text[match.end() : match.end() + 1] not in (",", ")"):
                raise ValueError(f"it computes a value ({_shown(text[at + 1 :])})")
            row.append(_literal(match, escapes=escapes))
            at = match.end()
        yield tuple(row)
        at += 1
        while text[at : at + 1] == "," or text[at : at + 1].isspace():
            at += 1
    if not _END.fullmatch(text, at):
        raise ValueError(f"it says more than rows ({_shown(text[at:])})")


def _literal(match: re.Match[str], *, escapes: bool) -> str | int | None:
    text, word, number, hexadecimal = match.groups()
    if text is not None:
        text = text.replace("''", "'")
        return _unescaped(text) if escapes or match[0].lstrip().startswith("E'") else text
    if word is not None:
        return {"NULL": None, "TRUE": 1, "FALSE": 0}[word.upper()]
    return str(number or hexadecimal)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), text) if "\\" in text else text
