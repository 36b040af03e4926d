"""Makes a world with known truth: its evidence tables, and what really happened in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.scenarios import bookkeeping, records, truth
from credit_forensics.scenarios.accounts import make_accounts
from credit_forensics.scenarios.bursts import make_timeline
from credit_forensics.scenarios.checkout import make_checkouts
from credit_forensics.scenarios.faults import Fault, choose_faults
from credit_forensics.scenarios.handler import handle
from credit_forensics.scenarios.identifiers import stream
from credit_forensics.scenarios.mechanisms import (
    change_checkouts,
    change_people,
    change_tables,
    with_shared_causes,
)
from credit_forensics.scenarios.people import make_people
from credit_forensics.scenarios.returns import plan_returns
from credit_forensics.scenarios.scene import Scene
from credit_forensics.scenarios.settings import Price, WorldSettings
from credit_forensics.tables.catalogue import conform

COVERED = {
    "payments": "created_at",
    "events": "created_at",
    "deliveries": "received_at",
    "ledger": "created_at",
}


@dataclass(frozen=True)
class World:
    """A world.

    Attributes
    ----------
    tables
        evidence tables by name (``evidence.tables.EVIDENCE``), as Arrow; derived columns that
        ``prepare`` can fill are empty.
    truth
        a row a payment: payment_id, payer_user_id (the true payer's account), payer_person_id,
        credited_user_id (empty where nothing was booked), wrong (credited to another person),
        cause, burst_id.
    truth_findings
        finding, cause, payment_id, user_id.
    bursts
        burst_id, onset and end (creation of its first and last wrong payment), payments.
    people
        user_id, person_id, household_id: whose every id is, and who lives together.
    prices
        what each price is worth.
    """

    tables: Mapping[str, pa.Table]
    truth: pd.DataFrame
    truth_findings: pd.DataFrame
    bursts: pd.DataFrame
    people: pd.DataFrame
    prices: tuple[Price, ...] = field(default_factory=tuple)

    def evidence(self) -> Evidence:
        """The tables in a new evidence store on DuckDB."""
        evidence = Evidence()
        for name, rows in self.tables.items():
            evidence.add(name, rows)
        for gap in self.tables["gaps"].to_pylist() if "gaps" in self.tables else ():
            # The table of gaps is written from custody once all is loaded.
            evidence.custody.gap(gap["source"], gap["object"], gap["problem"], gap["consequence"])
        return evidence


def make_world(settings: WorldSettings, seed: int) -> World:
    """Make a world; the same settings and seed give the same world.

    Raises
    ------
    ValueError
        for fewer than two payments or people, which make no world.

    Examples
    --------
    >>> world = make_world(WorldSettings(payments=300), seed=1)
    >>> len(world.truth), sorted(world.tables)[:3]
    (300, ['balances', 'customers', 'deliveries'])
    """
    if settings.payments < 2 or settings.user_count < 2:
        raise ValueError("a world needs at least two payments and two people")
    start = int(settings.start.timestamp() * 1_000_000)
    end = start + int(settings.length_days * 86_400 * 1_000_000)
    people = make_people(settings, stream(seed, "people"), start)
    people = change_people(settings.mechanisms, people, stream(seed, "changed people"))
    timeline = make_timeline(settings, stream(seed, "bursts"), start)
    checkouts = make_checkouts(settings, people, timeline, stream(seed, "checkout"))
    change_checkouts(settings.mechanisms, people, checkouts, stream(seed, "mechanisms"))
    # A payment at the very edge of the window proves no absence, so none is lost there by chance.
    edge = max(2, len(checkouts) // 100)
    checkouts.identity_lost[:edge] = checkouts.identity_lost[-edge:] = False
    checkouts.metadata_empty &= checkouts.identity_lost
    fault = choose_faults(settings, people, checkouts, stream(seed, "faults"))
    checkouts.identity_lost[fault == Fault.RESOLUTION_FAILED] = True
    own = (fault == Fault.TEST_MODE) | (fault == Fault.UNKNOWN_USER)
    checkouts.customer[own] = len(people) + np.flatnonzero(own)
    checkouts.preset[own] = False
    rebound = own & (checkouts.email_kind == 3)
    checkouts.email_kind[rebound] = 1
    accounts = make_accounts(settings, people, checkouts, fault, stream(seed, "accounts"))
    handling = handle(
        people,
        checkouts,
        accounts,
        fault,
        stream(seed, "handler"),
        poisoned_mappings=settings.poisoned_mappings,
    )
    end = max(end, int(handling.booked.max(initial=end)) + 1)
    returns = plan_returns(
        settings, checkouts, handling, fault=fault, end=end, rng=stream(seed, "returns")
    )
    labels = records.make_labels(
        settings, people, checkouts, accounts, fault=fault, rng=stream(seed, "labels")
    )
    scene = Scene(
        settings, people, timeline, checkouts, fault, accounts, handling, returns, labels, end
    )
    return _written(scene, seed)


def _written(scene: Scene, seed: int) -> World:
    books = bookkeeping.keep_books(scene, stream(seed, "books"))
    tables = {
        "payments": records.payments_table(scene, stream(seed, "payments")),
        "metadata": records.metadata_table(scene, stream(seed, "metadata")),
        "events": books.events,
        "deliveries": books.deliveries,
        "ledger": books.ledger,
        "customers": records.customers_table(scene.labels, scene.accounts, scene.handling),
        "users": records.users_table(scene.people, scene.accounts),
        "balances": books.balances,
    }
    if scene.settings.mechanisms:
        change_tables(scene.settings.mechanisms, tables, stream(seed, "changed tables"))
    facts = with_shared_causes(scene.settings.mechanisms, truth.truth_table(scene))
    return World(
        tables=with_spans(tables),
        truth=facts,
        truth_findings=truth.truth_findings(facts, scene, books),
        bursts=truth.bursts_table(facts, scene.timeline),
        people=truth.people_table(scene.people, scene.accounts),
        prices=scene.settings.prices,
    )


def with_spans(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The tables conformed to the contract, with the table ``spans`` of what they span."""
    conformed = {name: conform(name, rows) for name, rows in tables.items()}
    rows = []
    for source, column in COVERED.items():
        table = conformed.get(source)
        if table is None:
            continue
        span = pc.min_max(table[column])
        rows.append(
            {
                "source": source,
                "first_at": span["min"].as_py(),
                "last_at": span["max"].as_py(),
                "row_count": table.num_rows,
            }
        )
    conformed["spans"] = conform(
        "spans", pa.Table.from_pylist(rows) if rows else pd.DataFrame({"source": []}, dtype=str)
    )
    return conformed
