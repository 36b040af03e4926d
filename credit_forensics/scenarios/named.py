"""Small scenarios by name, each about one fault or one trap, with five to forty payments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa

from credit_forensics.scenarios.demo import ORIGINAL_PAYER, ORIGINAL_WRONG_USER
from credit_forensics.scenarios.settings import DEFAULT_PRICES
from credit_forensics.scenarios.shop import Shop
from credit_forensics.scenarios.world import World, with_spans

_REGULARS = (
    "Clara Neumann",
    "David Kornbach",
    "Emil Lindner",
    "Frida Holzer",
    "Greta Silbermann",
)
Maker = Callable[[Shop], None]
_MAKERS: dict[str, Maker] = {}


def scenario(name: str) -> World:
    """A named scenario as a world; the same every time.

    Raises
    ------
    KeyError
        when there is none of that name; the message lists those there are.

    Examples
    --------
    >>> scenario("stale_session").truth["wrong"].sum()
    np.int64(1)
    """
    if name == "empty":
        return Shop(name).world()
    try:
        make = _MAKERS[name]
    except KeyError:
        known = ", ".join(scenario_names())
        raise KeyError(f"no scenario {name!r}; there are {known}") from None
    shop = Shop(name)
    for who in _REGULARS:
        user = shop.account(who)
        for _ in range(2):
            shop.buy(user)
    make(shop)
    for row in list(shop.rows["users"])[:2]:
        shop.buy(row["user_id"])
    if name != "no_balance_table":
        return shop.world()
    world = shop.world(without=("balances",))
    gap = {
        "source": "ledger",
        "object": "balances",
        "problem": "missing_table",
        "consequence": "stored balances cannot be compared with the ledger",
    }
    tables = {k: v for k, v in world.tables.items() if k != "spans"}
    return replace(world, tables=with_spans({**tables, "gaps": pa.Table.from_pylist([gap])}))


def scenario_names() -> list[str]:
    """Names of all scenarios, sorted."""
    return sorted([*_MAKERS, "empty"])


def _named(make: Maker) -> Maker:
    _MAKERS[make.__name__] = make
    return make


def _pair(shop: Shop) -> tuple[str, str]:
    """Two people who use one browser, with the ids of the original incident."""
    return shop.account("Anna Berger", ORIGINAL_PAYER), shop.account(
        "Tom Feldmann", ORIGINAL_WRONG_USER
    )


@_named
def clean(shop: Shop) -> None:
    """Nothing is wrong."""
    anna, _ = _pair(shop)
    shop.buy(anna)


@_named
def stale_session(shop: Shop) -> None:
    """The session carries the id of whoever used the browser before, in every copy.

    Anna always bought for herself: of somebody who hardly bought, it would be a question.
    """
    anna, tom = _pair(shop)
    for _ in range(3):
        shop.buy(anna)
    shop.buy(tom)
    wrong = shop.buy(anna, session=tom)
    shop.expect("poisoned_mapping", None, wrong, tom)


@_named
def stale_session_preset(shop: Shop) -> None:
    """As before, and the session presets Tom's customer and e-mail: only card and name tell."""
    anna, tom = _pair(shop)
    shop.buy(anna)
    shop.buy(anna)
    shop.buy(tom, customer="cus_ofTom0000000", preset=True)
    shop.buy(anna, session=tom, customer="cus_ofTom0000000", preset=True)


@_named
def household_card(shop: Shop) -> None:
    """Two who live together pay with one card; each is credited rightly."""
    anna = shop.account("Anna Berger")
    paul = shop.account("Paul Berger", lives_with=anna)
    for who in (anna, paul, anna, paul):
        shop.buy(who, card="sharedcard000001")


@_named
def poisoned_mapping(shop: Shop) -> None:
    """A wrong payment binds Anna's customer to Tom; a later one without ids follows it."""
    anna, tom = _pair(shop)
    for _ in range(3):
        shop.buy(anna)
    wrong = shop.buy(anna, session=tom, customer="cus_ofAnna000000")
    shop.expect("poisoned_mapping", None, wrong, tom)
    later = shop.buy(anna, customer="cus_ofAnna000000", metadata="credits", reference=False)
    shop.expect("wrong_user", "customer_mapping", later)


@_named
def customer_mapping(shop: Shop) -> None:
    """An old binding names Tom for Anna's customer, and the metadata has no ids."""
    anna, tom = _pair(shop)
    shop.buy(anna)
    shop.bind("cus_ofAnna000000", tom)
    wrong = shop.buy(anna, customer="cus_ofAnna000000", metadata="credits", reference=False)
    shop.expect("wrong_user", "customer_mapping", wrong)


@_named
def relogin_ids(shop: Shop) -> None:
    """Every sign-in makes a new id: one has an account with Anna's e-mail, one has none."""
    anna, _ = _pair(shop)
    shop.buy(anna)
    for stored in (True, False):
        again = shop.account("Anna Berger", email=shop.email_of(anna), stored=stored, same_as=anna)
        payment = shop.buy(anna, session=again)
        shop.expect("split_identity", None, payment, again)


@_named
def id_namespace(shop: Shop) -> None:
    """The handler reads ``00417`` as a number and credits account ``417``, another person."""
    anna = shop.account("Anna Berger", "00417")
    tom = shop.account("Tom Feldmann", "417")
    shop.buy(tom)
    for _ in range(2):
        wrong = shop.buy(anna, books=tom)
        shop.expect("wrong_user", "id_namespace", wrong)
        shop.expect("poisoned_mapping", None, wrong, tom)


@_named
def metadata_scan(shop: Shop) -> None:
    """No id fields; the handler's scan takes the one who referred Anna for the payer."""
    anna, tom = _pair(shop)
    shop.buy(anna)
    wrong = shop.buy(
        anna,
        metadata="credits",
        reference=False,
        extra={"referred_by": tom},
        books=tom,
        method="EMERGENCY_SCAN_REFERRED_BY",
    )
    shop.expect("wrong_user", "metadata_scan", wrong)
    shop.expect("poisoned_mapping", None, wrong, tom)


@_named
def handler_ledger_mismatch(shop: Shop) -> None:
    """The log says Anna, the ledger credits Tom."""
    anna, tom = _pair(shop)
    shop.buy(anna)
    wrong = shop.buy(anna, ledger_user=tom)
    shop.expect("wrong_user", "handler_ledger_mismatch", wrong)


@_named
def email_match(shop: Shop) -> None:
    """No ids; the handler goes by the e-mail typed, which is Paul's, who lives with Anna."""
    anna = shop.account("Anna Berger")
    paul = shop.account("Paul Berger", lives_with=anna)
    shop.buy(anna)
    shop.buy(anna)
    wrong = shop.buy(
        anna,
        email=shop.email_of(paul),
        metadata="credits",
        reference=False,
        books=paul,
        method="EMAIL_LOOKUP",
    )
    shop.expect("wrong_user", "email_match", wrong)
    shop.expect("poisoned_mapping", None, wrong, paul)


@_named
def guest_checkout(shop: Shop) -> None:
    """No Stripe customer: three right purchases, one with a stale session."""
    anna, tom = _pair(shop)
    for _ in range(3):
        shop.buy(anna, customer="none")
    shop.buy(anna, customer="none", session=tom)


@_named
def redelivery(shop: Shop) -> None:
    """Stripe delivers one event twice, and it is booked twice."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna)
    event = shop.rows["events"][-1]["event_id"]
    shop.now += timedelta(minutes=30)
    shop.deliver(payment, event)
    shop.expect("duplicate_credit", "one_event", payment, anna)


@_named
def two_events_one_fact(shop: Shop) -> None:
    """Two events tell one completion, and each is booked."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna)
    shop.now += timedelta(seconds=30)
    shop.deliver(payment, shop.event("checkout.session.completed", payment))
    shop.expect("duplicate_credit", "several_events", payment, anna)


@_named
def async_success(shop: Shop) -> None:
    """A delayed method completes unpaid and is booked; two days later the money comes."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna, delayed=True)
    shop.now += timedelta(days=2)
    shop.event("checkout.session.async_payment_succeeded", payment)


@_named
def async_failure(shop: Shop) -> None:
    """A delayed method completes unpaid and is booked; the money never comes."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna, delayed=True, payment_status="failed")
    shop.now += timedelta(days=2)
    shop.event("checkout.session.async_payment_failed", payment)
    shop.expect("unpaid_credit", "failed", payment, anna)


@_named
def unpaid(shop: Shop) -> None:
    """Booked although the session is still unpaid."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna, delayed=True, payment_status="unpaid")
    shop.expect("unpaid_credit", "unpaid", payment, anna)


@_named
def test_mode(shop: Shop) -> None:
    """A payment of Stripe's test mode is booked in the live ledger."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna, livemode=False)
    shop.expect("test_mode_credit", None, payment, anna)


@_named
def refund_unreversed(shop: Shop) -> None:
    """Refunded in full, and the credits stay."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna)
    shop.give_back(payment, 1.0, booked=0.0)
    shop.expect("refund_not_reversed", "refund", payment, anna)


@_named
def refund_reversed(shop: Shop) -> None:
    """Half refunded, and half the credits are taken back: nothing is wrong."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna)
    shop.give_back(payment, 0.5, booked=0.5)


@_named
def refund_over_reversed(shop: Shop) -> None:
    """Half refunded, and all the credits are taken back."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna)
    shop.give_back(payment, 0.5, booked=1.0)
    shop.expect("refund_over_reversed", "refund", payment, anna)


@_named
def dispute_won(shop: Shop) -> None:
    """A dispute is won: nothing is owed, and nothing was taken."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna)
    shop.give_back(payment, 0.0, booked=0.0, dispute="won")


@_named
def dispute_lost(shop: Shop) -> None:
    """A dispute is lost, and the credits stay."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna)
    shop.give_back(payment, 1.0, booked=0.0, dispute="lost")
    shop.expect("refund_not_reversed", "dispute_lost", payment, anna)


@_named
def missing_metadata(shop: Shop) -> None:
    """A session without metadata and with a new customer: the handler cannot tell whose it is."""
    anna, _ = _pair(shop)
    shop.buy(anna)
    payment = shop.buy(anna, metadata="none")
    shop.expect("missing_credit", "resolution_failed", payment, anna)
    shop.expect("failed_delivery", "resolution_failed", payment)


@_named
def not_delivered(shop: Shop) -> None:
    """Paid, and the log that covers the time shows no delivery."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna, handled="lost")
    shop.expect("missing_credit", "not_delivered", payment, anna)


@_named
def signature_refused(shop: Shop) -> None:
    """The handler refuses the delivery's signature."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna, handled="refused")
    shop.expect("missing_credit", "signature_refused", payment, anna)
    shop.expect("failed_delivery", "signature_refused")


@_named
def database_error(shop: Shop) -> None:
    """The database refuses, the handler answers 200, and Stripe never tries again."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna, handled="database_error")
    shop.expect("missing_credit", "acknowledged_not_applied", payment, anna)
    shop.expect("failed_delivery", "database_error", payment, anna)


@_named
def orphan_credit(shop: Shop) -> None:
    """A purchase entry names an event that Stripe never sent."""
    anna, _ = _pair(shop)
    shop.buy(anna)
    event = shop.token("evt_", "forged")
    reason = f"stripe_purchase:method_primary_metadata:event_{event}"
    shop.entry(anna, 200, reason, kind="purchase", event=event)
    shop.expect("orphan_credit", "no_event", None, anna)


@_named
def wrong_amount(shop: Shop) -> None:
    """The front end writes ten times the credits that the price is worth."""
    anna, _ = _pair(shop)
    payment = shop.buy(anna, credits=10 * DEFAULT_PRICES[0].credits)
    shop.expect("wrong_amount", None, payment, anna)


@_named
def unknown_user(shop: Shop) -> None:
    """Credits for an account that was deleted since."""
    gone = shop.account("Viktor Ostmann", stored=False)
    payment = shop.buy(gone, session_email="unknown", customer="none")
    shop.expect("unknown_user", None, payment, gone)


@_named
def balance_drift(shop: Shop) -> None:
    """A stored balance is seven credits short of the ledger's sum."""
    anna, _ = _pair(shop)
    shop.buy(anna)
    shop.drifts[anna] = -7
    shop.expect("balance_drift", None, None, anna)


@_named
def no_balance_table(shop: Shop) -> None:
    """The ledger has no balances: a zero that means nothing."""
    anna, _ = _pair(shop)
    shop.buy(anna)
    shop.expect("balance_unreadable", "missing_table")


@_named
def repaired(shop: Shop) -> None:
    """A wrong payment that was put right by a reversal and a correction."""
    anna, tom = _pair(shop)
    shop.buy(anna)
    shop.buy(tom)
    payment = shop.buy(anna, session=tom, customer="none")
    credits_ = DEFAULT_PRICES[0].credits
    shop.now += timedelta(hours=5)
    for user, delta, kind in ((tom, -credits_, "reversal"), (anna, credits_, "correction")):
        reason = f"{kind}:wrong_user:payment_{payment}"
        shop.entry(user, delta, reason, kind=kind, payment=payment)
