"""One Checkout session with what is known about it: what a method reads where no engine runs."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from credit_forensics.evidence.fold_and_match import PLACEHOLDERS

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class OneSession:
    """A session, the accounts that it may mean, and its customer's bindings and payments.

    Attributes
    ----------
    metadata, client_reference_id, payer_email, created_at
        as the session carries them.
    accounts
        user id to folded e-mail, of every account that the session may mean.
    bindings
        user and time of the customer's bindings.
    other_payments
        user and time of the customer's other booked payments.
    """

    metadata: Mapping[str, str] = field(default_factory=dict)
    client_reference_id: str | None = None
    payer_email: str | None = None
    created_at: datetime = _EPOCH
    accounts: Mapping[str, str | None] = field(default_factory=dict)
    bindings: Sequence[tuple[str, datetime | None]] = ()
    other_payments: Sequence[tuple[str, datetime]] = ()

    def user(self, value: str) -> str | None:
        """The id itself, the one known id that differs only in case, or the value as it is.

        Examples
        --------
        >>> session = OneSession(accounts={"u1": None, "V": None, "v": None})
        >>> session.user("U1"), session.user("V"), session.user("x"), session.user("unknown")
        ('u1', 'V', 'x', None)
        """
        if value.lower() in PLACEHOLDERS:
            return None
        if value in self.accounts:
            return value
        folded = [known for known in self.accounts if known.lower() == value.lower()]
        return folded[0] if len(folded) == 1 else value

    def account_of(self, key: str) -> str | None:
        """The account of a folded e-mail, the smallest id where several have it.

        Examples
        --------
        >>> OneSession(accounts={"b": "ada@example.com", "a": "ada@example.com"}).account_of(
        ...     "ada@example.com")
        'a'
        """
        return min((user for user, email in self.accounts.items() if email == key), default=None)


def email_key(value: str | None) -> str | None:
    """An e-mail address folded as the evidence folds it: trimmed, lower-case, NFC.

    Examples
    --------
    >>> email_key(" Ada@Example.COM "), email_key("nobody")
    ('ada@example.com', None)
    """
    if value is None or "@" not in value:
        return None
    return unicodedata.normalize("NFC", value).strip().lower()
