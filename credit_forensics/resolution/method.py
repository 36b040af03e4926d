"""What a method is: all that the audit, the intake, the reports and the docs need to know of one.

A method stands in one file of ``resolution/methods`` and nowhere else. What reads methods takes
them from ``methods.METHODS`` and asks the object; no list of names stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from credit_forensics.resolution.family_names import CARD, EMAIL, MAPPING, NAME, SESSION
from credit_forensics.resolution.one_session import OneSession, email_key
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

__all__ = ["ANY_OTHER", "CARD", "EMAIL", "MAPPING", "NAME", "SESSION", "Field", "Method", "Voice"]

ANY_OTHER = "*"
"""Stands for every metadata key that no other method reads."""

Voice = Literal["copy", "weak", "history", "shared"]


@dataclass(frozen=True)
class Field:
    """A value that the objects of a payment carry, as one column of ``session_fields``.

    ``keys`` are metadata keys: the first that holds a usable value counts. ``sources`` are the
    objects whose metadata it is. ``attribute`` names a field of the Checkout session instead.
    ``emails``: an address to be looked up, not an id.
    """

    column: str
    keys: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("session",)
    attribute: str = ""
    emails: bool = False

    @property
    def in_session(self) -> bool:
        """Whether the Checkout session itself carries it, so that a webhook has it at hand."""
        scanned = ANY_OTHER in self.keys
        return bool(self.attribute) or (
            self.sources == (SESSION,) and bool(self.keys) and not scanned
        )

    def values(self, session: OneSession) -> list[str]:
        """What one session carries, in the order in which the values count."""
        if self.attribute:
            carried = [getattr(session, self.attribute)]
        else:
            carried = [session.metadata.get(key) for key in self.keys]
        return [value for value in carried if value]


@dataclass(frozen=True)
class Method:
    """One way of telling who paid.

    Parameters
    ----------
    name
        its column in the matrix. Its values are user ids wherever they are shown.
    family
        the evidence family in whose name it speaks. A new one is added with its first method.
    reads
        what it reads, in English; ``reads_de`` in German.
    field
        the column of ``session_fields`` that holds the id; with ``lookup`` the key to look up.
    lookup
        a table ``key, user_id`` with at most one row a key.
    rows
        instead of a field: a table ``payment_id, user_id`` with at most one row a payment.
    history
        instead of both: what makes payments one's own (``card_fingerprint``, ``customer_id``);
        whom the other payments belong to is named.
    for_session
        how one session alone is resolved where its fields do not say; without it the intake takes
        ``field`` where the session carries it, and leaves the method out where it does not.
    session_when
        a boolean column of ``session_fields``: where it is true, the web session wrote the value,
        which then belongs to that family, whatever ``family`` says.
    echo_when
        a boolean column that ``rows`` gives as ``echo``: where it is true, an earlier payment may
        have written the value, which is then shown and is no witness.
    voice
        how its value joins its family's voice: ``copy`` (one of several copies of one value),
        ``weak`` (only where no other method of the family names anybody), ``history`` (leads its
        family, by how many payments stand behind it), ``shared`` (by how many accounts have it).
    cause
        of ``wrong_user``, where this method explains the choice.
    cascade
        its turn in the original handler's first-hit order; 0 where it has none.
    logged_as
        the names that handlers write to their logs; one that ends with ``*`` is a beginning.
    family_words
        what the family is called in English and German, where the method brings a new one.
    place
        its turn in every list of methods.
    """

    name: str
    family: str
    reads: str
    field: Field | None = None
    lookup: Callable[[Tables], ir.Table] | None = None
    rows: Callable[[Tables], ir.Table] | None = None
    history: str | None = None
    for_session: Callable[[OneSession], str | None] | None = None
    session_when: str | None = None
    echo_when: str | None = None
    voice: Voice = "copy"
    cause: str = "unknown"
    cascade: int = 0
    logged_as: tuple[str, ...] = ()
    reads_de: str = ""
    family_words: tuple[str, str] | None = None
    place: int = 1000

    def __post_init__(self) -> None:
        ways = (self.field, self.rows, self.history)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(f"method {self.name!r} needs exactly one of field, rows and history")
        if self.history is not None and (
            not self.name.endswith("_history") or self.family == SESSION or self.voice != "history"
        ):
            raise ValueError(
                f"method {self.name!r} is a history: its name ends with _history, its voice is "
                "'history', and its family is not the session's"
            )

    @property
    def session_id(self) -> Field | None:
        """The field by which the session itself states a user id, where that is what it reads."""
        field = self.field
        stated = field is not None and field.in_session and not field.emails
        return field if stated and self.family == SESSION and self.lookup is None else None

    @property
    def key(self) -> str | None:
        """The one metadata key of the session whose raw value its claims show, where it has one."""
        field = self.session_id
        return field.keys[0] if field is not None and len(field.keys) == 1 else None

    @property
    def stem(self) -> str:
        """Of a history: what the table of its votes and their columns are called by.

        Examples
        --------
        >>> Method("card_history", CARD, "", history="card_fingerprint", voice="history").stem
        'card'
        """
        return self.name.removesuffix("_history")

    def resolve_session(self, session: OneSession) -> str | None:
        """Whom it names for one session, without an engine.

        Examples
        --------
        >>> method = Method("m", SESSION, "metadata: user_id", field=Field("m", ("user_id",)))
        >>> method.resolve_session(OneSession({"user_id": "U1"}, accounts={"u1": None}))
        'u1'
        """
        if self.for_session is not None:
            return self.for_session(session)
        if self.field is None or not self.field.in_session:
            return None
        values = self.field.values(session)
        if self.field.emails:
            keys = [key for key in map(email_key, values) if key]
            return session.account_of(keys[0]) if keys else None
        users = [user for user in map(session.user, values) if user]
        return users[0] if users else None
