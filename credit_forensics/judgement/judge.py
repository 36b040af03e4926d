"""Runs resolution and judgement on an engine, step by step, keeping what the next step reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from credit_forensics.engine import Engine
from credit_forensics.errors import CaseError
from credit_forensics.evidence.tables import Tables
from credit_forensics.judgement.choices import choices
from credit_forensics.judgement.families import FAMILIES, Family, with_custom
from credit_forensics.judgement.fusion import Fused, fuse
from credit_forensics.judgement.model import Fit
from credit_forensics.judgement.patterns import (
    MOST_FAMILIES,
    Cells,
    Patterns,
    decode,
)
from credit_forensics.judgement.periods import Periods, choose_periods
from credit_forensics.judgement.persons import group_persons, person_links
from credit_forensics.judgement.verdicts import person_of_best, verdicts
from credit_forensics.judgement.voices import as_persons, family_voices
from credit_forensics.resolution.card_history import resolve_by_card_history
from credit_forensics.resolution.credited import credited
from credit_forensics.resolution.customer_history import resolve_by_customer_history
from credit_forensics.resolution.history import Mode
from credit_forensics.resolution.matrix import build_matrix
from credit_forensics.resolution.method import Method
from credit_forensics.resolution.methods import METHODS
from credit_forensics.resolution.session_fields import session_fields

# A payment vouches for others only where it is itself more likely right than not.
_OWNED_FROM = 500_000  # millionths


@dataclass
class Judgement:
    """What the judgement kept: table names on the engine, and the model.

    On the engine lie ``session_fields``, ``credited``, ``persons``, ``matrix`` (user ids, with
    histories), ``person_matrix``, ``voices``, ``posteriors``, ``judged``, ``verdicts`` and
    ``choices``.
    """

    mode: Mode
    methods: tuple[Method, ...]
    families: tuple[Family, ...]
    periods: Periods
    patterns: Patterns
    cells: Cells
    fit: Fit
    matrix: ir.Table
    judged: ir.Table
    notes: list[str] = field(default_factory=list)

    def pattern_of(self, key: int) -> Patterns:
        """The one pattern of a key, for an explanation."""
        return decode(self.families, np.array([key], dtype=np.int64))


def judge(
    engine: Engine,
    *,
    mode: Mode = "hindsight",
    custom: Sequence[Method] = (),
    different: Sequence[tuple[str, str]] = (),
    progress: Callable[[str, int, int], None] | None = None,
) -> Judgement:
    """Resolve and judge the evidence that lies on an engine.

    Parameters
    ----------
    engine
        holds the prepared evidence tables.
    mode
        ``hindsight`` (everything but the payment) or ``as_of`` (what could be known then).
    custom
        methods of one's own, beside the house's.
    different
        pairs of ids that are two people whatever the evidence says.
    progress
        called with a step's name, its number and how many there are.

    Raises
    ------
    CaseError
        for more families than the patterns can hold.
    """
    steps = iter(range(1, 8))

    def step(name: str) -> None:
        if progress:
            progress(name, next(steps), 7)

    tables = Tables()
    methods = (*METHODS, *custom)
    families = with_custom([method.family for method in custom])
    if len(families) > MOST_FAMILIES:
        raise CaseError(f"Methods of one's own may add {MOST_FAMILIES - len(FAMILIES)} families.")

    step("session fields")
    fields = engine.materialize("session_fields", session_fields(tables))
    held = engine.materialize("credited", credited(tables))
    step("persons")
    links = engine.frame(person_links(tables, fields))
    accounts = engine.frame(tables.users.select("user_id"))["user_id"]
    persons = group_persons(links, accounts, [(a, b) for a, b in different])
    engine.register("persons", persons)
    step("methods")
    matrix = engine.materialize("matrix", build_matrix(tables, fields, held, methods))
    names = [method.name for method in methods]
    columns = [*names, "ledger"]
    person_matrix = matrix
    if len(persons):
        person_matrix = engine.materialize(
            "person_matrix", as_persons(matrix, tables.persons, columns)
        )
    bearers = engine.materialize("name_bearers", _name_bearers(tables))
    periods = _periods(engine, matrix)

    def fuse_voices(name: str, voices: ir.Table) -> Fused:
        return fuse(
            engine,
            name,
            voices,
            bearers,
            families=families,
            periods=periods,
            accounts=len(accounts),
        )

    step("first judgement")
    voices = family_voices(person_matrix, families, custom)
    first = fuse_voices("own_voices", voices)
    step("histories")
    owned = engine.materialize("ownership", _ownership(engine, first, families))
    card = engine.materialize("card_votes", resolve_by_card_history(tables, owned, mode))
    customer = engine.materialize(
        "customer_votes", resolve_by_customer_history(tables, owned, mode)
    )
    step("judgement")
    voices = family_voices(person_matrix, families, custom, card, customer)
    second = fuse_voices("voices", voices)
    step("verdicts")
    _with_histories(engine, matrix, person_matrix, card, customer)
    session_id = matrix.select(
        session_payment_id="payment_id",
        session_user_id=ibis.coalesce(
            matrix.metadata_user_id,
            matrix.metadata_user_id_backup,
            matrix.metadata_session_user_id,
            matrix.client_reference_id,
        ),
    )
    thought = second.judged()
    judged = engine.materialize(
        "judged",
        thought.join(session_id, thought.payment_id == session_id.session_payment_id).drop(
            "session_payment_id"
        ),
    )

    engine.materialize(
        "verdicts",
        verdicts(tables, judged, families, mode, has_users=bool(len(accounts))),
    )
    final_matrix = ibis.table(matrix.schema(), name="matrix")
    final_persons = ibis.table(matrix.schema(), name="person_matrix")
    engine.materialize("choices", choices(final_matrix, final_persons, tables.verdicts, methods))
    return Judgement(
        mode=mode,
        methods=methods,
        families=families,
        periods=periods,
        patterns=second.patterns,
        cells=second.cells,
        fit=second.fit,
        matrix=final_matrix,
        judged=judged,
        notes=list(second.fit.notes),
    )


def _ownership(engine: Engine, fused: Fused, families: Sequence[Family]) -> ir.Table:
    """The most probable payer of each payment by its own evidence, without any history.

    Histories left out, no payment can hear its own echo through another one's.
    """
    judged = fused.judged()
    owned = judged.select(
        "payment_id",
        person_id=person_of_best(judged, families),
        millionths=(judged.best_probability * 1_000_000).round(0).cast("int64"),
    )
    return owned.filter(owned.person_id.notnull() & (owned.millionths >= _OWNED_FROM))


def _name_bearers(tables: Tables) -> ir.Table:
    """``person_id, name_key`` for the names that several accounts bear."""
    names = tables.user_names
    shared = names.group_by("name_key").agg(bearers=names.user_id.nunique())
    shared = shared.filter(shared.bearers > 1)
    several = names.inner_join(shared, "name_key").select("user_id", "name_key")
    persons = tables.persons
    linked = several.left_join(persons, "user_id")
    return linked.select(
        person_id=ibis.coalesce(persons.person_id, several.user_id), name_key=several.name_key
    ).distinct()


def _periods(engine: Engine, matrix: ir.Table) -> Periods:
    times = matrix.agg(
        first=matrix.created_at.min().epoch_seconds(),
        last=matrix.created_at.max().epoch_seconds(),
        payments=matrix.count(),
    )
    row = engine.arrow(times).to_pylist()[0]
    if row["first"] is None:
        return Periods(0, 86_400)
    return choose_periods(int(row["first"]), int(row["last"]), int(row["payments"]))


def _with_histories(
    engine: Engine, matrix: ir.Table, person_matrix: ir.Table, card: ir.Table, customer: ir.Table
) -> None:
    """Put the histories' votes into the matrix, now that owners are known."""
    for name, rows in (("matrix", matrix), ("person_matrix", person_matrix)):
        card_votes = card.select(card_payment="payment_id", card_user="user_id")
        customer_votes = customer.select(customer_payment="payment_id", customer_user="user_id")
        joined = rows.left_join(card_votes, rows.payment_id == card_votes.card_payment)
        joined = joined.left_join(
            customer_votes, joined.payment_id == customer_votes.customer_payment
        )
        filled = {"card_history": joined.card_user, "customer_history": joined.customer_user}
        expression = joined.select(
            *(filled.get(column, joined[column]).name(column) for column in rows.columns)
        )
        # A table cannot be replaced while it is read.
        engine.materialize(f"{name}_next", expression)
        engine.materialize(name, ibis.table(matrix.schema(), name=f"{name}_next"))


def sorted_verdicts(engine: Engine) -> pd.DataFrame:
    """The verdicts with exactly the documented columns, sorted by payment."""
    table = Tables().verdicts
    return engine.frame(table.order_by("payment_id"))
