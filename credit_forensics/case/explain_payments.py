"""Explains payments of a case: their claims, patterns and weights, each asked for once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from credit_forensics.case.payment_aliases import payment_meant, payments_of
from credit_forensics.did_you_mean import or_nearest
from credit_forensics.errors import CaseError
from credit_forensics.judgement.explanation import Explanation, explain
from credit_forensics.judgement.fit import Fit
from credit_forensics.judgement.pattern_arrays import decode
from credit_forensics.judgement.used_claims import MethodVoice, used_claims

_Named = dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class JudgedTables:
    """What an explanation reads of a judgement.

    ``judged`` and ``claims`` are DuckDB's SQL for the voices with their posteriors and for the
    claims; ``methods`` are the methods in order. The tables ``verdicts`` and ``persons`` lie
    beside them.
    """

    judged: str
    claims: str
    methods: tuple[MethodVoice, ...]
    fit: Fit


def explain_payments(
    connection: duckdb.DuckDBPyConnection,
    tables: JudgedTables,
    payment_ids: Sequence[str],
    *,
    shown: Callable[[object], str] = str,
) -> list[Explanation]:
    """Why payments have their verdicts, in the order asked for.

    One question a table whatever the number of payments: among a million a question takes longer
    than all the rest.

    Parameters
    ----------
    connection
        where the judged tables lie.
    tables
        what to read of them.
    payment_ids
        the payments, by any id of an object that tells of them, or the beginning of one.
    shown
        how ids are shown where an explanation displays itself.

    Raises
    ------
    CaseError
        when the case has no such payment; the nearest id is named.
    """
    if not all(isinstance(one, str) for one in payment_ids):
        raise CaseError("A payment's id is a text, as 'cs_live_a1'.")
    known_as = payments_of(connection, payment_ids)
    payment_ids = [known_as.get(payment, payment) for payment in payment_ids]

    def of_wanted(query: str, column: str, values: Sequence[str]) -> list[dict[str, Any]]:
        # Each value by itself: the engine then looks for it in the tables before it joins them.
        marks = ", ".join(["?"] * len(values)) or "NULL"
        chosen = f"SELECT * FROM ({query}) WHERE {column} IN ({marks})"
        found = connection.execute(chosen, list(values))
        names = [str(one[0]) for one in found.description or ()]
        # As plain values: what tables are made with takes longer to load than all the rest.
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def judged_of(payments: Sequence[str]) -> dict[str, dict[str, Any]]:
        rows = of_wanted(tables.judged, "payment_id", list(dict.fromkeys(payments)))
        return {str(row["payment_id"]): row for row in rows}

    judged = judged_of(payment_ids)
    missing = sorted(set(payment_ids) - set(judged))
    if missing:
        meant = {text: payment_meant(connection, text) for text in missing}
        nowhere = [text for text, payment in meant.items() if payment is None]
        if nowhere:
            raise CaseError(_no_such_payment(connection, nowhere[0]))
        payment_ids = [meant.get(payment) or payment for payment in payment_ids]
        judged = judged_of(payment_ids)
    wanted = list(dict.fromkeys(payment_ids))
    found = of_wanted("SELECT * FROM verdicts", "payment_id", wanted)
    verdict_of = {str(row["payment_id"]): row for row in found}
    claims = of_wanted(tables.claims, "payment_id", wanted)
    users = sorted({claim["user_id"] for claim in claims if claim["user_id"] is not None})
    persons = of_wanted("SELECT user_id, person_id FROM persons", "user_id", users)
    person = {str(row["user_id"]): str(row["person_id"]) for row in persons}
    credited = sorted({row["credited"] for row in judged.values() if row["credited"] is not None})
    ids: dict[str, list[str]] = {}
    for row in of_wanted("SELECT user_id, person_id FROM persons", "person_id", credited):
        ids.setdefault(str(row["person_id"]), []).append(str(row["user_id"]))
    named = _methods_by_family(claims, person, tables.methods)
    return [
        explain(
            row,
            verdict_of[payment],
            named.get(payment, {}),
            decode(tables.fit.families, np.array([int(row["pattern"])], dtype=np.int64)),
            tables.fit,
            methods=tables.methods,
            ids_of_person=sorted(ids.get(str(row["credited"]), ())),
            shown=shown,
        )
        for payment in payment_ids
        for row in [judged[payment]]
    ]


def _methods_by_family(
    claims: Sequence[Mapping[str, Any]], person: dict[str, str], methods: Sequence[MethodVoice]
) -> dict[str, _Named]:
    """For each payment: family to person to the methods that name that person."""
    order = {method.name: place for place, method in enumerate(methods)}

    def place(claim: Mapping[str, Any]) -> tuple[int, str, str]:
        return order.get(claim["method"], 99), str(claim["family"]), str(claim["user_id"])

    named: dict[str, _Named] = {}
    for claim in sorted(used_claims(claims, methods), key=place):
        whom = person.get(claim["user_id"], claim["user_id"])
        families = named.setdefault(str(claim["payment_id"]), {})
        families.setdefault(claim["family"], {}).setdefault(whom, []).append(claim["method"])
    return named


def _no_such_payment(connection: duckdb.DuckDBPyConnection, payment_id: str) -> str:
    # The engine finds the nearest of a million in a moment; difflib says whether it is near.
    nearest = connection.execute(
        "SELECT payment_id FROM verdicts ORDER BY levenshtein(payment_id, ?), payment_id LIMIT 1",
        [payment_id[:200]],
    ).fetchall()
    hint = or_nearest(payment_id, [row[0] for row in nearest])
    return f"There is no payment {payment_id} in this case{hint}"
