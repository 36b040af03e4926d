"""Decides, from counts alone, whether the silence of a source says anything, and if not, why.

Every threshold of coverage stands here. A reason is a word of ``REASONS``; an empty one means that
what the source does not show was not there in its time.
"""

from __future__ import annotations

LINKED_FROM = 0.75
"""Share of the entries of bought credits that must be tied to payments: of four entries three."""

OTHERS_FROM = 10
"""Entries of payments that were not read, more than of those that were: of another shop, or of more
payments than were exported."""

LEAST_NAMED = 10
"""So many entries that name a payment that was read show which payments the ledger names."""

JOINED_FROM = 0.1
"""Share of the ledger's accounts that another table must know to be the table of its accounts."""

REASONS = {
    "not_read": ("nothing was read of it", "davon wurde nichts gelesen"),
    "none_tied": (
        "no ledger entry is tied to a payment",
        "keine Buchung im Ledger ist mit einer Zahlung verknüpft",
    ),
    "few_tied": (
        "too few ledger entries are tied to payments",
        "zu wenige Buchungen im Ledger sind mit Zahlungen verknüpft",
    ),
    "few_named": (
        "many ledger entries name nothing of Stripe's, and those that do are tied to payments",
        "viele Buchungen im Ledger nennen nichts von Stripe, und die es tun, sind mit Zahlungen "
        "verknüpft",
    ),
    "other_payments": (
        "most ledger entries name payments that were not read: of another shop, or not exported",
        "die meisten Buchungen im Ledger nennen Zahlungen, die nicht gelesen wurden: eines "
        "anderen Shops, oder nicht exportiert",
    ),
    "none_recognised": (
        "no delivery was recognised in the log",
        "im Protokoll wurde keine Zustellung erkannt",
    ),
    "few_recognised": (
        "most deliveries in the log do not name what they are of",
        "die meisten Zustellungen im Protokoll nennen nicht, wovon sie handeln",
    ),
    "other_deliveries": (
        "no delivery in the log is of a payment that was read",
        "keine Zustellung im Protokoll gehört zu einer gelesenen Zahlung",
    ),
    "not_joined": (
        "it has nearly none of the accounts that the ledger names",
        "sie enthält fast keines der Konten, die das Ledger nennt",
    ),
    "rejected": ("rows of it could not be read", "Zeilen davon waren nicht lesbar"),
    "incomplete": (
        "the ledger's entries were not read as a whole",
        "die Buchungen des Ledgers wurden nicht vollständig gelesen",
    ),
}
"""Each reason in English and in German."""

NOT_JUDGED = {
    "outside": (
        "paid at a time that the ledger does not cover",
        "zu einer Zeit bezahlt, die das Ledger nicht abdeckt",
    ),
    "unverifiable": (
        "only one kind of evidence names the payer",
        "nur eine Art von Beleg nennt den Zahler",
    ),
    "ownerless": (
        "booked by an entry that names no account: it may have been deleted since",
        "gebucht von einer Buchung ohne Konto: es wurde seither womöglich gelöscht",
    ),
    "other_product": (
        "probably paid for something else; name the prices of credits under [prices]",
        "wohl für etwas anderes bezahlt; unter [prices] lassen sich die Preise der Credits nennen",
    ),
    "unresolved": ("nothing names the payer", "nichts nennt den Zahler"),
    "untied": (
        "entries that name no payment that was read",
        "Buchungen, die keine gelesene Zahlung nennen",
    ),
    "unclear": (
        "entries of no known kind; say under [ledger.kinds] what they are",
        "Buchungen unbekannter Art; unter [ledger.kinds] lässt sich sagen, was sie sind",
    ),
    "nameless": (
        "deliveries that do not name what they are of",
        "Zustellungen, die nicht nennen, wovon sie handeln",
    ),
}
"""Why a share was not judged, beside these, in English and in German."""

BY_NAME = (None, "few_named")
"""Of payments: by these an entry that names one that is not there is known to have none."""


def of_ledger(read: int, tied: int, untied: int, rejected: int = 0) -> str | None:
    """Why a payment without an entry may have one all the same.

    Parameters
    ----------
    read
        entries of any kind.
    tied, untied
        entries of bought credits, in the time of the payments: those tied to one, and those that
        name nothing, or something of a kind that was not read.
    rejected
        rows that could not be read, and may have been such entries.

    Examples
    --------
    >>> of_ledger(9, 3, 1), of_ledger(9, 2, 1), of_ledger(9, 0, 0), of_ledger(0, 0, 0)
    (None, 'few_tied', 'none_tied', 'not_read')
    """
    if not read:
        return "not_read"
    if not tied:
        return "none_tied"
    return None if tied >= LINKED_FROM * (tied + untied + rejected) else "few_tied"


def of_payments(read: int, tied: int, untied: int, unbacked: int = 0) -> str | None:
    """Why an entry without a payment may have one; ``tied`` are those that name theirs.

    ``unbacked`` name a payment as those that were read are named, and none that was read. Where
    other entries name nothing of Stripe's (another store's purchases in the same ledger), what does
    is still known to have a payment or none: ``few_named``.

    Examples
    --------
    >>> of_payments(3, 3, 1), of_payments(3, 0, 1), of_payments(0, 0, 1)
    (None, 'none_tied', 'not_read')
    >>> of_payments(99, 30, 40, 1), of_payments(99, 30, 40, 11)
    ('few_named', 'few_tied')
    >>> of_payments(9, 9, 0, 10), of_payments(9, 10, 0, 10), of_payments(9, 8, 0, 9)
    ('other_payments', None, None)
    """
    if tied and unbacked >= OTHERS_FROM and unbacked > tied:
        return "other_payments"
    why = of_ledger(read, tied, untied)
    by_name = tied >= LEAST_NAMED and tied >= LINKED_FROM * (tied + unbacked)
    return "few_named" if why == "few_tied" and by_name else why


def of_refunds(tied: int, untied: int) -> str | None:
    """Why credits may have been taken back although no entry of the payment says so.

    Examples
    --------
    >>> of_refunds(0, 0), of_refunds(3, 1), of_refunds(0, 1)
    (None, None, 'few_tied')
    """
    return None if tied >= LINKED_FROM * (tied + untied) else "few_tied"


def of_deliveries(lines: int, named: int, nameless: int, tied: int) -> str | None:
    """Why a payment may have been delivered although the log shows no delivery of it.

    Parameters
    ----------
    lines
        lines of the log with a time.
    named, nameless
        deliveries that name an event or a payment, and those that should and do not.
    tied
        of the named, those of events or payments that were read.

    Examples
    --------
    >>> of_deliveries(90, 3, 2, 1), of_deliveries(90, 2, 2, 2), of_deliveries(90, 2, 0, 0)
    (None, 'few_recognised', 'other_deliveries')
    >>> of_deliveries(90, 0, 0, 0), of_deliveries(0, 0, 0, 0)
    ('none_recognised', 'not_read')
    """
    if not lines:
        return "not_read"
    if not named:
        return "none_recognised"
    if named <= nameless:
        return "few_recognised"
    return None if tied else "other_deliveries"


def of_accounts(read: int, known: int, named: int) -> str | None:
    """Why an account may be there although a table of accounts does not have it.

    Parameters
    ----------
    read
        rows of the table.
    known, named
        of the accounts that the ledger names, those that the table has, and all of them.

    Examples
    --------
    >>> of_accounts(9, 1, 10), of_accounts(9, 0, 10), of_accounts(9, 0, 0), of_accounts(0, 0, 10)
    (None, 'not_joined', None, 'not_read')
    """
    if not read:
        return "not_read"
    return "not_joined" if known < JOINED_FROM * named else None
