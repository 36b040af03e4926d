"""Payers who match nobody: what their silence says of the account that the session names.

An e-mail or a name that matches no account is nothing in itself: people type another address or a
firm's name. But the two fail independently of each other in a shop, and where most payers match by
both and an account's owner is known by either elsewhere, both together should be rare. What there
is of it beyond that are people who have no account here: another product's customers whose ids
collide with this one's, say. They may pay for the account as well as not, so it is half of them
that counts against it; and only where nothing but the session speaks, so that it makes a question
more urgent and accuses nobody.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

from credit_forensics.judgement.likely_patrons import reach
from credit_forensics.resolution.family_names import EMAIL, NAME, SESSION
from credit_forensics.resolution.history import Mode
from credit_forensics.tables.expressions import ibis, ir

PAY_FOR_IT = 0.5
"""How many people without an account pay rightly for somebody's, as far as anybody can know."""
_BEYOND = 2.0  # standard deviations of what is expected, which are still chance


def strangers(payments: ir.Table, judged: ir.Table, mode: Mode) -> ir.Table:
    """Payments of which nothing but the session speaks, whose payers match nobody.

    Parameters
    ----------
    payments
        ``payment_id, payer_email, email_prefilled``.
    judged
        voices joined to ``posteriors``.
    mode
        ``as_of`` counts each payment's past alone.

    Returns
    -------
    ``stranger_payment``: payment ids, and ``strange``: the chance that the account is wrong for it,
    above 0.
    """
    named = judged.filter(ibis.coalesce(judged[f"v_{SESSION}"] == judged.credited, False))
    told = payments.select(typed_id="payment_id", mail="payer_email", given="email_prefilled")
    joined = named.inner_join(told, named.payment_id == told.typed_id)
    typed = joined.mail.notnull() & ~ibis.coalesce(joined.given, False)
    joined = joined.filter(typed & joined.name_key.notnull())
    rows = joined.select(
        "payment_id",
        "created_at",
        "credited",
        alone=joined.available == 1,
        mail=joined[f"v_{EMAIL}"].isnull(),
        name=joined[f"l_{NAME}"] == 0,
        known=_count(
            (joined[f"v_{EMAIL}"] == joined.credited) | (joined[f"v_{NAME}"] == joined.credited)
        ),
    )
    # Only of accounts whose owners are known by what they type elsewhere.
    rows = rows.mutate(known=rows.known.sum().over(reach(mode, "credited")))
    rows = rows.filter(rows.known > 0)
    counts: dict[str, Any] = {
        "both": rows.mail & rows.name,
        "only_mail": rows.mail & ~rows.name,
        "only_name": rows.name & ~rows.mail,
        "neither": ~rows.mail & ~rows.name,
    }
    rows = rows.mutate(**{f"n_{name}": _count(one) for name, one in counts.items()})
    rows = rows.mutate(
        **{f"n_{name}": rows[f"n_{name}"].sum().over(reach(mode)) for name in counts}
    )
    # Where accounts have no names, or few do, a name that matches none is the rule.
    everybody = reduce(add, (rows[f"n_{name}"] for name in counts))
    rows = rows.filter(2 * rows.n_neither > everybody)
    # Of independent failures the fourth count follows from the other three. An engine may divide
    # before it filters.
    expected = rows.n_only_mail * rows.n_only_name / ibis.greatest(rows.n_neither, 1)
    beyond = rows.n_both - expected - _BEYOND * (expected + 1).sqrt()
    strange = (1 - PAY_FOR_IT) * beyond / rows.n_both
    found = rows.filter(rows.alone & rows.mail & rows.name & (beyond > 0))
    return found.select(stranger_payment="payment_id", strange=strange)


def _count(what: ir.BooleanValue) -> ir.IntegerValue:
    return ibis.coalesce(what, False).cast("int64")
