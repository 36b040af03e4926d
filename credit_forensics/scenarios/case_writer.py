"""Writes a world as a real case: Stripe exports, a handler log, a ledger and the case file."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

import zstandard

from credit_forensics.scenarios.ledger_writer import write_ledger
from credit_forensics.scenarios.log_writer import log_lines
from credit_forensics.scenarios.stripe_export import StripeExport
from credit_forensics.scenarios.stripe_shapes import Json
from credit_forensics.scenarios.world import World

StripeFormat = Literal["jsonl", "json", "list"]
Compression = Literal["", "gz", "zst"]
_PAGE = 100


def write_case(
    world: World,
    folder: Path,
    *,
    name: str = "credits on the wrong account",
    ledger_url: str | None = None,
    ledger_reference: str | None = None,
    stripe_format: StripeFormat = "jsonl",
    compression: Compression = "",
    request_ids: bool = False,
) -> Path:
    """Write a case that reads back as the world; the path of its ``case.toml``.

    The same world gives the same bytes. What a case cannot tell is left to its reader: a customer
    that an earlier payment used counts there as preset, since Stripe makes a new one otherwise.

    Parameters
    ----------
    world
        made by ``make_world``, ``scenario`` or by hand.
    folder
        where to write; made if it is not there.
    name
        the case's name.
    ledger_url
        a SQLAlchemy URL of an existing database; ``ledger.db`` (SQLite) in the folder without it.
    ledger_reference
        what the case file says instead of that URL, as ``env:LEDGER_URL``, so that no secret
        stands in it.
    stripe_format
        ``jsonl``, ``json`` (one array) or ``list`` (list pages of 100, a line each).
    compression
        of the Stripe files and the log: none, ``gz`` or ``zst``.
    request_ids
        whether the log's messages end with `` request_id=…``.

    Raises
    ------
    OSError
        when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stripe = StripeExport(world.tables)
    ending = f".{compression}" if compression else ""
    stripe_ending = ("json" if stripe_format == "json" else "jsonl") + ending
    files = {
        "sessions": stripe.sessions(),
        "events": stripe.events(),
        "charges": stripe.charges(),
    }
    if any(source == "intent" for _, source in stripe.metadata):
        files["intents"] = stripe.intents()
    if any(row["subscription_id"] is not None for row in stripe.payments.values()):
        files["invoices"] = stripe.invoices()
    for kind, objects in files.items():
        with _writer(folder / f"{kind}.{stripe_ending}") as file:
            _write_objects(file, objects, kind, stripe_format)
    with _writer(folder / f"webhook.log{ending}") as file:
        for text in log_lines(world.tables["deliveries"], stripe, request_ids=request_ids):
            file.write(text)
    reference = ledger_reference or ledger_url or "sqlite:///ledger.db"
    if ledger_url is None:
        database = folder / "ledger.db"
        database.unlink(missing_ok=True)
        write_ledger(world.tables, f"sqlite:///{database}")
    else:
        write_ledger(world.tables, ledger_url)
    case_file = folder / "case.toml"
    case_file.write_text(
        _case_text(world, name, [f"{kind}.{stripe_ending}" for kind in files], ending, reference),
        encoding="utf-8",
    )
    return case_file


def _case_text(
    world: World, name: str, stripe_files: list[str], ending: str, ledger_url: str
) -> str:
    lines = [f"name = {json.dumps(name)}", "", "[stripe]"]
    lines += [f'{file.split(".")[0]} = "{file}"' for file in stripe_files]
    lines += ["", "[webhook_log]", f'files = "webhook.log{ending}"', "", "[ledger]"]
    lines += [
        f"url = {json.dumps(ledger_url or 'sqlite:///ledger.db')}",
        'schema = "credit_ledger"',
    ]
    lines += ["", "[prices]"]
    lines += [f"{price.price_id} = {price.credits}" for price in world.prices]
    return "\n".join(lines) + "\n"


def _write_objects(
    file: IO[str], objects: Iterable[Json], kind: str, stripe_format: StripeFormat
) -> None:
    if stripe_format == "jsonl":
        for one in objects:
            file.write(_text(one) + "\n")
    elif stripe_format == "json":
        file.write("[" + ",\n".join(_text(one) for one in objects) + "]\n")
    else:
        for page in _pages(objects):
            url = {"sessions": "/v1/checkout/sessions"}.get(kind, f"/v1/{kind}")
            file.write(_text({"object": "list", "data": page, "has_more": True, "url": url}) + "\n")


def _pages(objects: Iterable[Json]) -> Iterator[list[Json]]:
    page: list[Json] = []
    for one in objects:
        page.append(one)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def _text(one: Json) -> str:
    return json.dumps(one, ensure_ascii=False, separators=(",", ":"))


@contextmanager
def _writer(path: Path) -> Iterator[IO[str]]:
    """A text file, compressed as its name says; no clock goes into its bytes."""
    with path.open("wb") as raw:
        if path.suffix == ".gz":
            with (
                gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
                io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as text,
            ):
                yield text
        elif path.suffix == ".zst":
            with (
                zstandard.ZstdCompressor().stream_writer(raw) as packed_zst,
                io.TextIOWrapper(packed_zst, encoding="utf-8", newline="\n") as text,
            ):
                yield text
        else:
            with io.TextIOWrapper(raw, encoding="utf-8", newline="\n") as text:
                yield text
