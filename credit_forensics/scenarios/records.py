"""Writes the tables of payments, metadata, users and customers."""

from __future__ import annotations

import base64

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios import names
from credit_forensics.scenarios.accounts import Accounts
from credit_forensics.scenarios.checkout import (
    EMAIL_PREFILLED,
    EMAIL_UNKNOWN,
    NAME_INITIAL,
    NAME_LOWER,
    NAME_OTHER,
    NAME_UPPER,
    Checkouts,
)
from credit_forensics.scenarios.deliveries import settled_at
from credit_forensics.scenarios.faults import Fault
from credit_forensics.scenarios.handler import Handling
from credit_forensics.scenarios.identifiers import instants, take, tokens
from credit_forensics.scenarios.people import People
from credit_forensics.scenarios.scene import Labels, Scene
from credit_forensics.scenarios.settings import WorldSettings

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.6 Safari/605",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/139.0.0.0 Mobile",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Edg/139.0.0.0",
)
NOT_PAID = (Fault.ABANDONED, Fault.UNPAID, Fault.ASYNC_FAILED)
DELAYED = (Fault.ASYNC_PAID, Fault.UNPAID, Fault.ASYNC_FAILED)


def make_labels(
    settings: WorldSettings,
    people: People,
    checkouts: Checkouts,
    accounts: Accounts,
    *,
    fault: Ints,
    rng: np.random.Generator,
) -> Labels:
    """Draw the texts of the payments and of all customer numbers."""
    count = len(checkouts)
    live = pa.array(fault != Fault.TEST_MODE)
    prefix = pc.if_else(live, "cs_live_", "cs_test_")
    payment_id = pc.binary_join_element_wise(prefix, tokens(rng, "", count, 32), "")
    customers = tokens(
        rng, "cus_", max(len(people), int(checkouts.customer.max(initial=0)) + 1), 14
    )
    credits_of = np.array([price.credits for price in settings.prices])
    credits_ = credits_of[checkouts.price]
    factor = np.where(rng.random(count) < 0.5, 10, 2)
    person = accounts.person[accounts.session_id]
    return Labels(
        payment_id=payment_id,
        customer_id=take(customers, checkouts.customer),
        account_email=pc.fill_null(take(people.email, person), "unknown"),
        account_name=pc.fill_null(take(people.full_name, person), "unknown"),
        credits=credits_,
        stated_credits=np.where(fault == Fault.WRONG_AMOUNT, credits_ * factor, credits_),
        customers=customers,
    )


def payments_table(scene: Scene, rng: np.random.Generator) -> pa.Table:
    """The table ``payments``; of its derived columns those that other columns cannot give."""
    settings, people, checkouts, fault = (
        scene.settings,
        scene.people,
        scene.checkouts,
        scene.fault,
    )
    accounts, labels, returns = scene.accounts, scene.labels, scene.returns
    count = len(checkouts)
    amount = np.array([price.amount for price in settings.prices])[checkouts.price]
    refunded = np.zeros(count, dtype=np.int64)
    refund = ~returns.dispute
    refunded[returns.payment[refund]] = (
        amount[returns.payment[refund]] * returns.share[refund]
    ).astype(np.int64)
    disputed = np.zeros(count, dtype=np.bool_)
    disputed[returns.payment[returns.lost]] = True
    abandoned = fault == Fault.ABANDONED
    completed = np.where(fault == Fault.ASYNC_PAID, settled_at(scene), checkouts.completed)
    present = np.where(abandoned, -1, np.arange(count))
    status = np.select([np.isin(fault, NOT_PAID[:2]), fault == Fault.ASYNC_FAILED], [1, 2], 0)
    card = np.where(np.isin(fault, (*DELAYED, Fault.ABANDONED)), -1, checkouts.card)
    numbers, position = np.unique(card, return_inverse=True)
    fingerprints = tokens(rng, "", len(numbers), 16)
    price_ids = pa.array([price.price_id for price in settings.prices])
    reference = np.where(checkouts.reference_kept, accounts.session_id, -1)
    return pa.table(
        {
            "payment_id": labels.payment_id,
            "created_at": instants(checkouts.created),
            "completed_at": instants(completed, abandoned),
            "livemode": fault != Fault.TEST_MODE,
            "mode": pa.repeat("payment", count),
            "status": take(pa.array(["complete", "expired"]), abandoned.astype(np.int64)),
            "payment_status": take(pa.array(["paid", "unpaid", "failed"]), status),
            "amount": amount,
            "currency": pa.repeat(settings.currency, count),
            "customer_id": labels.customer_id,
            "customer_preset": checkouts.preset,
            "client_reference_id": take(accounts.text, reference),
            "payer_email": take(_typed_emails(people, checkouts, rng), present),
            "payer_name": take(_typed_names(settings, people, checkouts, rng), present),
            "payment_intent_id": take(tokens(rng, "pi_", count), present),
            "card_fingerprint": take(fingerprints, np.where(card < 0, -1, position)),
            "amount_refunded": refunded,
            "disputed": disputed,
            "expected_credits": labels.credits,
            "email_prefilled": checkouts.preset | (checkouts.email_kind == EMAIL_PREFILLED),
            "amount_lost": np.where(disputed, amount, refunded),
            "price_id": take(price_ids, checkouts.price),
        }
    )


def _typed_emails(people: People, checkouts: Checkouts, rng: np.random.Generator) -> pa.Array:
    count = len(checkouts)
    other = pc.binary_join_element_wise(
        tokens(rng, "", count, 6), pa.scalar("@mail.example.org"), ""
    )
    other = pc.utf8_lower(other)
    known = take(people.email, checkouts.email_of)
    return pc.if_else(pa.array(checkouts.email_kind == EMAIL_UNKNOWN), other, known)


def _typed_names(
    settings: WorldSettings, people: People, checkouts: Checkouts, rng: np.random.Generator
) -> pa.Array:
    count, persons = len(checkouts), len(people)
    first = take(pa.array(names.FIRST), names.skewed(rng, len(names.FIRST), count))
    last = take(pa.array(names.LAST), names.skewed(rng, len(names.LAST), count))
    strange = pc.if_else(
        pa.array(rng.random(count) < settings.names.other_is_person),
        pc.binary_join_element_wise(first, last, " "),
        pc.binary_join_element_wise(last, pa.scalar(" GmbH"), ""),
    )
    forms = pa.chunked_array(
        [
            people.full_name,
            pc.utf8_upper(people.full_name),
            pc.utf8_lower(people.full_name),
            people.initial_name,
            strange,
        ]
    ).combine_chunks()
    kind = checkouts.name_kind
    block = np.select([kind == k for k in (NAME_UPPER, NAME_LOWER, NAME_INITIAL)], [1, 2, 3], 0)
    position = block * persons + np.maximum(checkouts.name_of, 0)
    other = kind == NAME_OTHER
    position = np.where(other, 4 * persons + np.arange(count), position)
    return take(forms, position)


def metadata_table(scene: Scene, rng: np.random.Generator) -> pa.Table:
    """The table ``metadata`` as the original checkout route writes it, a block a key."""
    settings, checkouts, fault = scene.settings, scene.checkouts, scene.fault
    people, accounts, labels = scene.people, scene.accounts, scene.labels
    session = take(accounts.text, accounts.session_id)
    no_ids = np.isin(fault, [Fault.METADATA_SCAN, Fault.EMAIL_MATCH]) | checkouts.identity_lost
    full = ~checkouts.metadata_empty
    with_ids = ~no_ids
    referrer = take(accounts.text, people.browser_partner[checkouts.payer])
    versions = [f"2.{release}.0" for release in range(64)]
    versions += [f"2.9.{burst + 1}-hotfix" for burst in range(len(scene.timeline.versioned))]
    version = np.where(checkouts.version < 0, 63 - checkouts.version, checkouts.version)
    price_ids = pa.array([price.price_id for price in settings.prices])
    prices = take(price_ids, checkouts.price)
    entries: list[tuple[str, pa.Array, Bools]] = [
        ("user_id", session, with_ids & (checkouts.keys_missing == 0)),
        ("user_id_backup", session, with_ids & (checkouts.keys_missing <= 1)),
        ("session_user_id", session, with_ids),
        ("referred_by", referrer, fault == Fault.METADATA_SCAN),
        ("credits", pa.array(labels.stated_credits).cast(pa.string()), full),
        ("price_id", prices, full),
        ("plan_id", pc.replace_substring(prices, "price", "plan"), full),
        ("purchase_timestamp", _iso(checkouts.created), full),
        ("frontend_version", take(pa.array(versions), version), full),
        ("session_email", labels.account_email, with_ids),
        ("session_name", labels.account_name, with_ids),
        ("validation_hash", _base64(pc.utf8_slice_codeunits(session, 0, 12)), with_ids),
        ("browser_fingerprint", take(pa.array(BROWSERS), checkouts.browser), full),
    ]
    blocks = []
    position = np.zeros(len(checkouts), dtype=np.int64)
    for key, values, where in entries:
        position += where
        blocks.append(
            _entries(labels.payment_id, "session", position, key=key, values=values, where=where)
        )
    copied = with_ids & (fault != Fault.ABANDONED)
    copied &= rng.random(len(checkouts)) < settings.intent_metadata_share
    blocks.append(
        _entries(
            labels.payment_id,
            "intent",
            np.ones_like(position),
            key="user_id",
            values=session,
            where=copied,
        )
    )
    return pa.concat_tables(blocks)


def _entries(
    payment_id: pa.Array,
    source: str,
    position: Ints,
    *,
    key: str,
    values: pa.Array,
    where: Bools,
) -> pa.Table:
    rows = np.flatnonzero(where)
    return pa.table(
        {
            "payment_id": take(payment_id, rows),
            "source": pa.repeat(source, len(rows)),
            "position": position[rows],
            "key": pa.repeat(key, len(rows)),
            "value": take(values, rows),
        }
    )


def _iso(microseconds: Ints) -> pa.Array:
    seconds = pa.array(microseconds // 1_000_000).cast(pa.timestamp("s"))
    return pc.strftime(seconds, format="%Y-%m-%dT%H:%M:%S.000Z")


def _base64(texts: pa.Array) -> pa.Array:
    """Base64 of texts of one length each; distinct texts are few beside the payments."""
    encoded = texts.dictionary_encode()
    values = [
        base64.b64encode(text.encode()).decode()[:16] for text in encoded.dictionary.to_pylist()
    ]
    return pc.take(pa.array(values, pa.string()), encoded.indices)


def users_table(people: People, accounts: Accounts) -> pa.Table:
    """The table ``users``."""
    rows = np.flatnonzero(accounts.has_account)
    person = accounts.person[rows]
    return pa.table(
        {
            "user_id": take(accounts.text, rows),
            "email": take(people.email, person),
            "name": take(people.full_name, person),
            "created_at": instants(accounts.created[rows]),
        }
    )


def customers_table(labels: Labels, accounts: Accounts, handling: Handling) -> pa.Table:
    """The table ``customers``: each binding that the handler wrote."""
    rows = np.flatnonzero(handling.bound >= 0)
    return pa.table(
        {
            "customer_id": take(labels.customers, rows),
            "user_id": take(accounts.text, handling.bound[rows]),
            "bound_at": instants(handling.bound_at[rows]),
        }
    )
