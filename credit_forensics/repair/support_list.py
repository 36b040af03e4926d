"""Whom support writes to about missing credits, with a draft each; masked until revealed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.engines.recipes import Recipe
from credit_forensics.money import money_text
from credit_forensics.privacy.mask import Mask
from credit_forensics.records import row_dicts
from credit_forensics.repair.recovery_plan import ASK
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

SUPPORT_COLUMNS = ["payment_id", "to", "account_email", "user_id", "subject", "draft", "note"]


def support_rows(case: Case, recovery: pd.DataFrame, mask: Mask) -> pd.DataFrame:
    """``support.csv``: one row a missing credit.

    ``to`` is the address that was typed at Checkout. A draft is for after the booking; it names the
    payment, its money and its credits, and never an account or an address: who paid need not be
    whose account it is.

    Parameters
    ----------
    recovery
        the rows of ``recovery_rows``.
    mask
        what replaces addresses and ids that are personal.
    """
    addresses = _addresses(case, recovery)
    rows = []
    for row in row_dicts(recovery):
        payer, account = addresses.get(row["payment_id"], (None, None))
        note = []
        if payer is None:
            note.append("no address was typed at Checkout; Stripe has the customer's")
        elif account is not None and account.strip().casefold() != payer.strip().casefold():
            note.append("the account has another address: say nothing of it to the payer")
        if row["other_subscriptions"]:
            note.append("another subscription of this customer's is live: ask which is meant")
        rows.append(
            {
                "payment_id": row["payment_id"],
                "to": payer and mask.value(payer, "email"),
                "account_email": account and mask.value(account, "email"),
                "user_id": row["rightful_user_id"] and mask.user_id(row["rightful_user_id"]),
                "subject": "Your payment, and the credits for it",
                "draft": draft(row),
                "note": "; ".join(note),
            }
        )
    return pd.DataFrame(rows, columns=SUPPORT_COLUMNS).astype("str")


def draft(row: dict[str, Any]) -> str:
    """A letter about one missing credit, on one line for a table.

    Examples
    --------
    >>> draft({"action": "book", "credits": 50, "amount": 900, "currency": "eur",
    ...     "created_at": None, "payment_id": "cs_1", "other_subscriptions": ""})
    'Hello, your payment of 9.00 EUR (cs_1) arrived, and the 50 credits for it were not booked. \
That was our mistake. They are booked now. We are sorry for the trouble.'
    """
    money = "your payment"
    if row["amount"] is not None and row["currency"]:
        money += f" of {money_text(int(row['amount']), str(row['currency']))}"
    at = row["created_at"]
    day = "" if at is None else f" of {at:%Y-%m-%d}"
    credits = f"the {row['credits']} credits" if row["credits"] else "the credits"
    parts = [
        f"Hello, {money}{day} ({row['payment_id']}) arrived, and {credits} for it were not booked.",
        "That was our mistake.",
    ]
    if row["other_subscriptions"]:
        parts.append("We also see another subscription of yours: please tell us which is meant.")
    if row["action"] == ASK:
        parts.append(
            "So that they reach the right account, please answer from the address that your "
            "account with us has."
        )
    else:
        parts.append("They are booked now.")
    return " ".join([*parts, "We are sorry for the trouble."])


def _addresses(case: Case, recovery: pd.DataFrame) -> dict[str, tuple[str | None, str | None]]:
    """The payer's address and the rightful account's, by payment."""
    engine = case.evidence.engine
    named = recovery[["payment_id", "rightful_user_id"]].astype("str")
    engine.register("repair_recovered", named)
    found = row_dicts(engine.frame(Recipe("repair-addresses", _recovered_addresses)))
    return {row["payment_id"]: (row["payer_email"], row["email"]) for row in found}


def _recovered_addresses() -> ir.Table:
    tables = Tables()
    wanted = ibis.table(
        {"payment_id": "string", "rightful_user_id": "string"}, name="repair_recovered"
    )
    payments = tables.payments.select("payment_id", "payer_email")
    rows = wanted.left_join(payments, "payment_id").drop("payment_id_right")
    users = tables.users.group_by("user_id").agg(email=tables.users.email.max())
    rows = rows.left_join(users, rows.rightful_user_id == users.user_id)
    return rows.order_by("payment_id")
