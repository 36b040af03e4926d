"""Assertions about who paid, and the same answer for a handler to act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.checks.plain_inputs import Sessions, case_of
from credit_forensics.checks.readable_table import readable_table


@dataclass(frozen=True)
class Payer:
    """Whom the audit takes for the payer of one payment.

    Attributes
    ----------
    payment_id
        the payment.
    user_id
        whom the evidence names, or None.
    verdict
        the audit's verdict.
    families_agreeing, families_available
        independent families that name the payer, and that speak at all.
    claims
        method, family, user_id, known, detail: what each method says.
    """

    payment_id: str
    user_id: str | None
    verdict: str
    families_agreeing: int
    families_available: int
    claims: pd.DataFrame

    @property
    def agreed(self) -> bool:
        """Whether at least two families speak, and all that speak name the payer."""
        return self.families_available >= 2 and self.families_agreeing == self.families_available

    def __str__(self) -> str:
        columns = ["method", "family", "user_id", "known", "detail"]
        table = readable_table(self.claims, columns)
        return (
            f"{self.payment_id}: {self.verdict}, {self.families_agreeing} of "
            f"{self.families_available} families name {self.user_id or 'nobody'}\n{table}"
        )


def resolve_payer(session: Sessions | str, case: Case | None = None, **inputs: Any) -> Payer:
    """Whom the audit takes for the payer.

    Parameters
    ----------
    session
        one session, as ``case_of`` takes it; or with ``case`` a payment, by the id of any of its
        objects (session, invoice, intent, charge).
    case
        a case that holds the payment.
    inputs
        ``users``, ``customers``, … of ``case_of``.

    Raises
    ------
    ValueError
        when there is no such payment, or there are several.

    Examples
    --------
    >>> session = {"id": "cs_1", "object": "checkout.session", "created": 1_756_700_000,
    ...     "customer_details": {"email": "bo@example.com"}, "metadata": {"user_id": "u1"}}
    >>> users = [{"id": "u1", "email": "ada@example.com"}, {"id": "u2", "email": "bo@example.com"}]
    >>> resolve_payer(session, users=users).agreed
    False
    """
    if isinstance(session, str):
        if case is None:
            raise ValueError("a payment id needs the case that holds it")
        judged, payment_id = case, case.payments_named([session])[0]
    else:
        judged = case_of(session, **inputs)
        payments = judged.verdicts["payment_id"].tolist()
        if len(payments) != 1:
            raise ValueError(f"one session is resolved at a time, not {len(payments)}")
        payment_id = payments[0]
    verdicts = judged.verdicts
    row = verdicts[verdicts["payment_id"] == payment_id]
    if row.empty:
        raise ValueError(f"the case has no payment {payment_id}")
    verdict = row.iloc[0]
    claims = judged.claims
    return Payer(
        payment_id=payment_id,
        user_id=None if pd.isna(verdict["rightful_user_id"]) else str(verdict["rightful_user_id"]),
        verdict=str(verdict["verdict"]),
        families_agreeing=_number(verdict["families_agreeing"]),
        families_available=_number(verdict["families_available"]),
        claims=claims[claims["payment_id"] == payment_id].reset_index(drop=True),
    )


def assert_resolves_to(
    session: Sessions | str, user_id: str, *, case: Case | None = None, **inputs: Any
) -> Payer:
    """Assert that the evidence names this user (or another id of the same person) as the payer.

    Parameters are those of ``resolve_payer``.

    Raises
    ------
    AssertionError
        with what each method says.

    Examples
    --------
    >>> session = {"id": "cs_1", "object": "checkout.session", "created": 1_756_700_000,
    ...     "customer_details": {"email": "ada@example.com"}, "metadata": {"user_id": "u1"}}
    >>> payer = assert_resolves_to(session, "u1", users=[{"id": "u1", "email": "ada@example.com"}])
    >>> payer.families_agreeing
    2
    """
    __tracebackhide__ = True
    judged = case if case is not None else case_of(session, **inputs)
    one = session if isinstance(session, str) else judged.verdicts["payment_id"].iloc[0]
    payer = resolve_payer(str(one), judged)
    persons = dict(zip(judged.persons["user_id"], judged.persons["person_id"], strict=True))
    if payer.user_id is None or _person(payer.user_id, persons) != _person(user_id, persons):
        raise AssertionError(f"expected {user_id} to be named as the payer.\n{payer}")
    return payer


def assert_methods_agree(
    session: Sessions | str, *, families: int = 2, case: Case | None = None, **inputs: Any
) -> Payer:
    """Assert that every family that speaks names one person, and that enough of them do.

    Copies of one value are one voice, however many there are.

    Parameters
    ----------
    families
        how many independent families must agree.

    Raises
    ------
    AssertionError
        with what each method says.

    Examples
    --------
    >>> session = {"id": "cs_1", "object": "checkout.session", "created": 1_756_700_000,
    ...     "metadata": {"user_id": "u1", "user_id_backup": "u1", "session_user_id": "u1"}}
    >>> assert_methods_agree(session, users=[{"id": "u1", "email": "ada@example.com"}])
    Traceback (most recent call last):
        ...
    AssertionError: expected 2 independent families to agree; 1 speaks.
    ...
    """
    __tracebackhide__ = True
    judged = case if case is not None else case_of(session, **inputs)
    one = session if isinstance(session, str) else judged.verdicts["payment_id"].iloc[0]
    payer = resolve_payer(str(one), judged)
    persons = dict(zip(judged.persons["user_id"], judged.persons["person_id"], strict=True))
    # A value whose shape is not accepted names nobody.
    accepted = payer.claims[payer.claims["valid"].fillna(False).astype(bool)]
    named = {_person(str(user), persons) for user in accepted["user_id"].dropna()}
    if len(named) > 1:
        raise AssertionError(f"the methods name {len(named)} persons.\n{payer}")
    if payer.families_available < families:
        speaks = "speaks" if payer.families_available == 1 else "speak"
        raise AssertionError(
            f"expected {families} independent families to agree; "
            f"{payer.families_available} {speaks}.\n{payer}"
        )
    return payer


def _person(user_id: str, persons: Mapping[Any, Any]) -> str:
    return str(persons.get(user_id, user_id))


def _number(value: Any) -> int:
    return 0 if pd.isna(value) else int(value)
