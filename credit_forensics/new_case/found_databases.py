"""Says what a database holds: tables that a tool syncs with Stripe, and others that may be a
ledger's. It is opened for reading only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from credit_forensics.case_file import from_environment
from credit_forensics.databases.read_only import UnreadableError, open_read_only
from credit_forensics.databases.urls import masked, parse_url
from credit_forensics.errors import CaseError
from credit_forensics.evidence.synced.identify_tables import identify_tables, tool_of
from credit_forensics.new_case.inventory import Found

# Where a shop's own configuration has its database; the first that is set is looked at.
VARIABLES = ("LEDGER_URL", "DATABASE_URL")
_SHOWN = 8


@dataclass(frozen=True)
class FoundDatabase:
    """A database and what it holds.

    ``url`` is as the case file is to have it, ``opens`` what opens it now, ``synced`` the objects
    of Stripe that a tool keeps in it, ``others`` the remaining tables, ``problem`` why it cannot be
    read, ``set_variable`` the variable that has to be set for ``url``.
    """

    name: str
    url: str
    opens: str
    synced: tuple[str, ...] = ()
    tool: str = ""
    others: tuple[str, ...] = ()
    problem: str = ""
    set_variable: str = ""

    @property
    def words(self) -> str:
        """What it holds, in one line."""
        if self.problem:
            return self.problem
        parts = [f"Stripe's {', '.join(self.synced)} as {self.tool} keeps them"] * bool(self.synced)
        more = f" and {len(self.others) - _SHOWN} more" if len(self.others) > _SHOWN else ""
        parts += [f"tables {', '.join(self.others[:_SHOWN])}{more}"] * bool(self.others)
        return "; ".join(parts) or "no tables"


def found_databases(
    folder: Path,
    stock: Sequence[Found],
    given: Sequence[str],
    environment: Mapping[str, str] = os.environ,
) -> list[FoundDatabase]:
    """The SQLite files of a folder, the databases that are given, else the environment's.

    Raises
    ------
    CaseError
        for a database that is given and cannot be opened.

    Examples
    --------
    >>> found_databases(Path(), [], [], {})
    []
    """
    found = [
        _look(folder, found.name, f"sqlite:///{found.name}", f"sqlite:///{found.name}")
        for found in stock
        if found.use == "database"
    ]
    opened = {(folder / one.name).resolve() for one in found}
    for text in given:
        url, opens, variable = _as_written(folder, text)
        path = opens.removeprefix("sqlite:///")
        if path != opens and (folder / path).resolve() in opened:
            continue
        one = _look(folder, "", url, opens, variable)
        if one.problem:
            raise CaseError(one.problem)
        found.append(one)
    if not given:
        found += _of_environment(folder, environment, alone=not found)
    return found


def _of_environment(
    folder: Path, environment: Mapping[str, str], *, alone: bool
) -> Iterator[FoundDatabase]:
    for name in VARIABLES if alone else VARIABLES[:1]:
        if environment.get(name):
            yield _look(folder, f"the database of {name}", f"env:{name}", environment[name])
            return


def _as_written(folder: Path, text: str) -> tuple[str, str, str]:
    """A URL that is given as the case file may have it, what opens it, and a variable to set."""
    if text.startswith("env:"):
        return text, from_environment(text, "--database"), ""
    if Path(text).is_file():
        text = f"sqlite:///{text}"
    parsed = parse_url(text, "given")
    if parsed.get_backend_name() == "sqlite":
        path = Path((parsed.database or "").removeprefix("file:").split("?")[0]).resolve()
        inside = path.is_relative_to(folder.resolve())
        shown = path.relative_to(folder.resolve()).as_posix() if inside else path.as_posix()
        return f"sqlite:///{shown}", f"sqlite:///{shown}", ""
    # A password belongs in no file.
    if "***" in masked(parsed):
        return f"env:{VARIABLES[0]}", text, VARIABLES[0]
    return text, text, ""


def _look(folder: Path, name: str, url: str, opens: str, variable: str = "") -> FoundDatabase:
    try:
        with open_read_only(opens, folder, "given") as database:
            synced = identify_tables(database, None)
            taken = [table.relation for table in synced.values()]
            tools = sorted({tool_of(relation) or "" for relation in taken})
            others = [r.name for r in database.relations() if r not in taken]
            return FoundDatabase(
                name or database.name,
                url,
                opens,
                tuple(synced),
                " and ".join(tools),
                tuple(others),
                "",
                variable,
            )
    except (CaseError, UnreadableError) as error:
        return FoundDatabase(name or url, url, opens, problem=str(error))
