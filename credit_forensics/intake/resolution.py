"""Says who paid, as the audit does: its methods, its families, one voice a family.

The audit runs its methods (``credit_forensics.resolution``) as expressions over tables; one
delivery cannot wait for an engine. So each method also says whom it names for a single session,
from the same data and in the same file, and a test holds both against each other. Left out is what
a webhook does not carry (the card, the PaymentIntent's metadata), and what is too weak to book by:
the payer's name, which is too often another's, and the scan of other metadata keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from credit_forensics.evidence.fold_and_match import PLACEHOLDERS
from credit_forensics.intake.checkout_object import Checkout
from credit_forensics.resolution.given_values import own_words
from credit_forensics.resolution.method import SESSION, Method
from credit_forensics.resolution.methods import METHODS
from credit_forensics.resolution.one_session import OneSession, email_key


@dataclass(frozen=True)
class Known:
    """What the database knows about a session.

    Attributes
    ----------
    accounts
        user id to folded e-mail, of every account that the session may mean.
    bindings
        user and time of the customer's bindings, oldest first.
    other_payments
        user and time of the customer's other booked payments, oldest first.
    """

    accounts: Mapping[str, str | None] = field(default_factory=dict)
    bindings: Sequence[tuple[str, datetime | None]] = ()
    other_payments: Sequence[tuple[str, datetime]] = ()


@dataclass(frozen=True)
class Claim:
    """What one method says: whom, in which family's name, and whether an account has that id."""

    method: str
    family: str
    user_id: str
    known: bool


@dataclass(frozen=True)
class Resolution:
    """Whom to credit, or the problem that stops it.

    ``problem`` is None, ``unresolved`` (nobody is named), ``unknown_user``, ``disagreement``,
    ``single_family`` or ``seal_broken``.
    """

    claims: tuple[Claim, ...]
    user_id: str | None
    method: str | None
    families: tuple[str, ...]
    problem: str | None


def candidate_ids(checkout: Checkout) -> list[str]:
    """Values of the session that may be user ids, for the database to look up.

    Examples
    --------
    >>> from credit_forensics.intake.checkout_object import read_checkout
    >>> session = {"id": "cs_1", "object": "checkout.session", "amount_total": 5,
    ...     "currency": "eur", "client_reference_id": "u1", "metadata": {"user_id": "u2"}}
    >>> candidate_ids(read_checkout(session, {}))
    ['u2', 'u1']
    """
    values = _values(checkout, emails=False)
    return list(dict.fromkeys(v for v in values if v.lower() not in PLACEHOLDERS))


def candidate_emails(checkout: Checkout) -> list[str]:
    """Folded e-mails of the session, for the database to look up."""
    keys = (email_key(value) for value in _values(checkout, emails=True))
    return list(dict.fromkeys(key for key in keys if key))


def _values(checkout: Checkout, *, emails: bool) -> list[str]:
    """What the session carries of the fields that methods read: ids, or addresses."""
    session = _one_session(checkout, Known())
    fields = [method.field for method in METHODS if method.field is not None]
    wanted = [field for field in fields if field.in_session and field.emails == emails]
    return [value for field in wanted for value in field.values(session)]


def claims(
    checkout: Checkout, facts: Known, methods: Sequence[Method] = METHODS
) -> tuple[Claim, ...]:
    """What every method says of a session, in the audit's order.

    Examples
    --------
    >>> from credit_forensics.intake.checkout_object import read_checkout
    >>> session = {"id": "cs_1", "object": "checkout.session", "amount_total": 5,
    ...     "currency": "eur", "customer_details": {"email": "ada@example.com"},
    ...     "metadata": {"user_id": "u1"}}
    >>> facts = Known({"u1": "ada@example.com"})
    >>> [(c.method, c.family) for c in claims(read_checkout(session, {}), facts)]
    [('metadata_user_id', 'session'), ('payer_email', 'email')]
    """
    preset = customer_preset(checkout, facts)
    conditions = {
        "customer_preset": preset,
        "email_prefilled": checkout.prefilled_email is not None or preset,
    }
    session = _one_session(checkout, facts)
    named = [(method, method.resolve_session(session)) for method in methods]
    own = {method.name for method in own_words(methods)}
    words = {_person(user_id, facts) for method, user_id in named if user_id and method.name in own}
    found = []
    for method, user_id in named:
        if method.session_when and not method.history and user_id and words:
            # As in the audit: what contradicts the session's ids is no copy of them.
            conditions[method.session_when] &= _person(user_id, facts) in words
    for method, user_id in named:
        if user_id is None:
            continue
        spoken_by_session = method.session_when is not None and conditions[method.session_when]
        family = SESSION if spoken_by_session else method.family
        found.append(Claim(method.name, family, user_id, user_id in facts.accounts))
    return tuple(found)


def customer_preset(checkout: Checkout, facts: Known) -> bool:
    """Whether a session was given its customer: it made none, or the customer is older."""
    if checkout.customer_id is None or checkout.renewal:
        return False
    if not checkout.customer_made:
        return True
    return any(at < checkout.created_at for _, at in facts.other_payments)


def resolve(
    checkout: Checkout,
    facts: Known,
    *,
    min_families: int = 2,
    sealed: bool | None = None,
    single_family: str = "sealed",
) -> Resolution:
    """Whom a payment belongs to, if independent families agree and none says otherwise.

    Parameters
    ----------
    min_families
        how many families must name the same person.
    sealed
        whether the metadata's seal holds (``seal.is_sealed``).
    single_family
        ``sealed``: the session family alone will do where its seal holds; ``queue``: never.

    Examples
    --------
    >>> from credit_forensics.intake.checkout_object import read_checkout
    >>> session = {"id": "cs_1", "object": "checkout.session", "amount_total": 5,
    ...     "currency": "eur", "customer_details": {"email": "bo@example.com"},
    ...     "metadata": {"user_id": "u1", "user_id_backup": "u1", "session_user_id": "u1"}}
    >>> facts = Known({"u1": "ada@example.com", "u2": "bo@example.com"})
    >>> resolve(read_checkout(session, {}), facts).problem
    'disagreement'
    """
    found = claims(checkout, facts)
    families = tuple(dict.fromkeys(claim.family for claim in found))

    def stopped(problem: str) -> Resolution:
        return Resolution(found, None, None, families, problem)

    if not found:
        return stopped("unresolved")
    if sealed is False:
        return stopped("seal_broken")
    if not all(claim.known for claim in found):
        return stopped("unknown_user")
    persons = {_person(claim.user_id, facts) for claim in found}
    if len(persons) > 1:
        return stopped("disagreement")
    alone = len(families) < min_families
    if alone and not (families == (SESSION,) and sealed and single_family == "sealed"):
        return stopped("single_family")
    return Resolution(found, found[0].user_id, found[0].method, families, None)


def _person(user_id: str, facts: Known) -> str:
    # Accounts of one e-mail are one person, as in the audit.
    return facts.accounts.get(user_id) or f"id:{user_id}"


def _one_session(checkout: Checkout, facts: Known) -> OneSession:
    return OneSession(
        metadata=checkout.metadata,
        client_reference_id=checkout.client_reference_id,
        payer_email=checkout.payer_email,
        created_at=checkout.created_at,
        accounts=facts.accounts,
        bindings=facts.bindings,
        other_payments=facts.other_payments,
    )
