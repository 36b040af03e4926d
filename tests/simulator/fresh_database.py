"""Empty databases and folders for runs of the simulator, as many as a test plays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url


@pytest.fixture
def fresh(postgres_url: str, tmp_path: Path) -> Iterator[Callable[[], tuple[str, Path]]]:
    """Makes an empty database and a folder, as often as it is asked."""
    numbers = itertools.count(1)
    made: list[str] = []

    def make() -> tuple[str, Path]:
        number = next(numbers)
        name = f"run_{tmp_path.name.replace('-', '_')[:40]}_{number}"
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made.append(name)
        url = make_url(postgres_url).set(database=name, drivername="postgresql+psycopg")
        folder = tmp_path / str(number)
        folder.mkdir()
        return url.render_as_string(hide_password=False), folder

    yield make
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in made:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
