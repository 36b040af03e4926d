"""Explains payments of a case: their claims, patterns and weights, each asked for once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from credit_forensics.did_you_mean import or_nearest
from credit_forensics.errors import CaseError
from credit_forensics.judgement.explanation import Explanation, explain
from credit_forensics.judgement.voices import used_claims
from credit_forensics.tables.catalogue import Tables

if TYPE_CHECKING:
    from credit_forensics.case.case import Case

_Named = dict[str, dict[str, list[str]]]


def explain_payments(case: Case, payment_ids: Sequence[str]) -> list[Explanation]:
    """Why payments have their verdicts, in the order asked for.

    One question a table whatever the number of payments: among a million a question takes longer
    than all the rest.

    Raises
    ------
    CaseError
        when the case has no such payment; the nearest id is named.
    """
    judgement, wanted = case.judgement, list(dict.fromkeys(payment_ids))
    engine = case.evidence.engine
    judged = judgement.judged
    rows = engine.frame(judged.filter(judged.payment_id.isin([*wanted, ""])))
    missing = set(wanted) - set(rows["payment_id"])
    if missing:
        raise CaseError(_no_such_payment(case, min(missing)))
    verdicts = Tables().verdicts
    found = engine.frame(verdicts.filter(verdicts.payment_id.isin([*wanted, ""])))
    verdict_of = {str(row["payment_id"]): row for row in found.to_dict("records")}
    named = _methods_by_family(case, wanted)
    # The mask's key is made on first use: not before something is shown.
    return [
        explain(
            row,
            {str(key): value for key, value in verdict_of[payment].items()},
            named.get(payment, {}),
            judgement.pattern_of(int(row.iloc[0]["pattern"])),
            judgement.fit,
            shown=lambda value: case.mask.user_id(value),  # noqa: PLW0108
        )
        for payment in payment_ids
        for row in [rows[rows["payment_id"] == payment]]
    ]


def _methods_by_family(case: Case, payment_ids: Sequence[str]) -> dict[str, _Named]:
    """For each payment: family to person to the methods that name that person."""
    judgement = case.judgement
    table = judgement.claims()
    rows = case.evidence.engine.frame(table.filter(table.payment_id.isin([*payment_ids, ""])))
    users = set(rows["user_id"].dropna())
    persons = case.persons[case.persons["user_id"].isin(list(users))]
    person = dict(zip(persons["user_id"], persons["person_id"], strict=True))
    order = {method.name: place for place, method in enumerate(judgement.methods)}

    def place(claim: dict[Any, Any]) -> tuple[int, str, str]:
        return order.get(claim["method"], 99), str(claim["family"]), str(claim["user_id"])

    named: dict[str, _Named] = {}
    for claim in sorted(used_claims(rows, judgement.methods).to_dict("records"), key=place):
        whom = person.get(claim["user_id"], claim["user_id"])
        families = named.setdefault(str(claim["payment_id"]), {})
        families.setdefault(claim["family"], {}).setdefault(whom, []).append(claim["method"])
    return named


def _no_such_payment(case: Case, payment_id: str) -> str:
    # The engine finds the nearest of a million in a moment; difflib says whether it is near.
    nearest = case.evidence.engine.connection.execute(
        "SELECT payment_id FROM verdicts ORDER BY levenshtein(payment_id, ?), payment_id LIMIT 1",
        [payment_id[:200]],
    ).fetchall()
    hint = or_nearest(payment_id, [row[0] for row in nearest])
    return f"There is no payment {payment_id} in this case{hint}"
