"""The tables that the rest of the package reads, with a few derived columns.

In the derived columns text is folded once (case, accents, order), so that everything later
compares for equality and every engine agrees.
"""

from __future__ import annotations

from credit_forensics.tables.columns import BOOL, INT, REAL, TEXT, TIME, TableSpec, table_spec

EVIDENCE: tuple[TableSpec, ...] = (
    table_spec(
        "payments",
        "a money fact: one sum of money for one purchase, whatever objects of Stripe's tell of it",
        [
            (
                "payment_id",
                TEXT,
                "the Checkout session's id, else the invoice's, the PaymentIntent's, the charge's",
            ),
            ("kind", TEXT, "checkout, invoice, intent or charge: whose id it has"),
            ("created_at", TIME, "when the session, else the invoice or the money, was created"),
            ("completed_at", TIME, "when it completed; empty if it did not or it is not known"),
            ("livemode", BOOL, "false: Stripe's test mode"),
            ("account", TEXT, "acct_… of a connected account, where its events say so"),
            ("mode", TEXT, "payment, subscription or setup"),
            (
                "billing_reason",
                TEXT,
                "why an invoice was made: subscription_create, subscription_cycle, manual, …",
            ),
            ("subscription_id", TEXT, "sub_…"),
            ("period_start", TIME, "what a renewal pays for: from"),
            ("period_end", TIME, "what a renewal pays for: until"),
            ("status", TEXT, "open, complete or expired"),
            (
                "payment_status",
                TEXT,
                "paid, unpaid or no_payment_required; failed after an async failure",
            ),
            ("amount", INT, "minor units"),
            ("currency", TEXT, "lower-case ISO code"),
            ("customer_id", TEXT, "cus_…, empty for guests"),
            (
                "customer_preset",
                BOOL,
                "the session was given this customer (true where it cannot be told)",
            ),
            ("client_reference_id", TEXT, "as Checkout kept it"),
            ("payer_email", TEXT, "the e-mail used at Checkout"),
            ("payer_name", TEXT, "the name typed at Checkout"),
            ("payment_intent_id", TEXT, "pi_…"),
            ("card_fingerprint", TEXT, "the same card has the same fingerprint"),
            ("amount_refunded", INT, "cumulative, minor units"),
            ("disputed", BOOL, "a dispute that was not won stands against it"),
            (
                "expected_credits",
                INT,
                "credits that its lines are worth: quantity × credits of the price, summed",
            ),
            ("for_credits", TEXT, "whether it buys credits: yes, no or probably not"),
            ("email_prefilled", BOOL, "derived: the e-mail was given by the session, not typed"),
            (
                "amount_lost",
                INT,
                "derived: refunds plus lost disputes, minor units, at most the amount",
            ),
            ("price_id", TEXT, "derived: the price, from line items or metadata"),
            ("payer_email_key", TEXT, "derived: payer_email folded"),
            ("payer_name_key", TEXT, "derived: payer_name folded"),
            ("reference_user_id", TEXT, "derived: client_reference_id as a canonical user id"),
            ("reference_valid", BOOL, "derived: its shape is accepted"),
            (
                "reference_detail",
                TEXT,
                "derived: exact, case, wildcard, wrapped, member or unknown",
            ),
            (
                "for_recipient",
                BOOL,
                "derived: its metadata names an account as the recipient of what is bought",
            ),
        ],
    ),
    table_spec(
        "payment_objects",
        "an object of Stripe's that tells of a payment and does not give it its id",
        [
            ("payment_id", TEXT, "the payment"),
            ("object_id", TEXT, "in_…, inpay_…, pi_…, ch_…, re_… or dp_…"),
            ("kind", TEXT, "invoice, invoice_payment, intent, charge, refund or dispute"),
            (
                "tie",
                TEXT,
                "named: by ids; inferred: by customer, amount and time, where no id is named",
            ),
        ],
    ),
    table_spec(
        "payment_items",
        "a line of a payment, where its session or invoice shows them",
        [
            ("payment_id", TEXT, "the payment"),
            ("position", INT, "its place among the lines, from 1"),
            ("price_id", TEXT, "price_…"),
            ("product_id", TEXT, "prod_…"),
            ("quantity", INT, "how many; 1 where it does not say"),
            ("amount", INT, "before discounts and taxes, minor units"),
            ("credits", INT, "credits that one of it is worth, by [prices] or metadata"),
            ("prorated", BOOL, "a part of a period, on a change of the subscription"),
        ],
    ),
    table_spec(
        "prices",
        "a price of [prices]",
        [
            ("price_id", TEXT, "price_…"),
            ("credits", INT, "credits that one of it is worth"),
            ("amount", INT, "what one of it costs, minor units"),
            ("currency", TEXT, "lower-case ISO code"),
        ],
    ),
    table_spec(
        "subscriptions",
        "a subscription as it is now",
        [
            ("subscription_id", TEXT, "sub_…"),
            ("customer_id", TEXT, "cus_…"),
            ("status", TEXT, "active, trialing, past_due, canceled, …"),
            ("created_at", TIME, "created"),
            ("ended_at", TIME, "when it ended"),
        ],
    ),
    table_spec(
        "credit_rules",
        "what [credits] says; one row where it says anything",
        [
            ("reset", TEXT, "monthly"),
            ("rollover", BOOL, "what is left stays"),
            ("expires_days", INT, "days after which credits expire"),
        ],
    ),
    table_spec(
        "lapses",
        "derived: a ledger entry that its own words call a reset or an expiry",
        [
            ("entry_id", TEXT, "the entry"),
            ("kind", TEXT, "reset or expiry"),
        ],
    ),
    table_spec(
        "metadata",
        "one metadata entry; an object has each key once",
        [
            ("payment_id", TEXT, "the payment"),
            (
                "source",
                TEXT,
                "session, subscription, invoice, line, intent, charge, customer, price or product",
            ),
            ("position", INT, "its place in the object, from 1"),
            ("key", TEXT, "as given"),
            ("value", TEXT, "as given"),
            ("user_id", TEXT, "derived: the value as a canonical user id, where it can be one"),
            ("valid", BOOL, "derived: the shape is accepted as a user id"),
            ("detail", TEXT, "derived: exact, case, wildcard, wrapped, member or unknown"),
            (
                "role",
                TEXT,
                "derived: user_id, where another key stands for it; empty: its own name",
            ),
            ("email_key", TEXT, "derived: the value folded, where it is an e-mail address"),
        ],
    ),
    table_spec(
        "events",
        "a Stripe event",
        [
            ("event_id", TEXT, "evt_…"),
            ("type", TEXT, "checkout.session.completed, …"),
            ("created_at", TIME, "created"),
            ("payment_id", TEXT, "the payment it tells of"),
            ("object_id", TEXT, "id of data.object"),
            ("livemode", BOOL, "livemode"),
            ("api_version", TEXT, "api_version"),
            ("account", TEXT, "acct_… of a connected account; empty: the account's own event"),
        ],
    ),
    table_spec(
        "deliveries",
        "one handling of an event, as the log tells it",
        [
            ("event_id", TEXT, "evt_…, empty when the signature was refused"),
            ("payment_id", TEXT, "cs_…"),
            ("received_at", TIME, "time of its first line"),
            ("signature_valid", BOOL, "verified, refused, or not told"),
            ("method", TEXT, "as the handler names it: PRIMARY_METADATA, DATABASE_LOOKUP, …"),
            ("resolved_user_id", TEXT, "whom the handler took it to be"),
            ("credits", INT, "credits it says it booked"),
            (
                "outcome",
                TEXT,
                "credited, ignored, signature_refused, resolution_failed, no_credits, "
                "database_error, handler_error, not_found, incomplete, duplicate; acknowledged (answered with "
                "success, and no more is known) or received (its end was not understood)",
            ),
            ("error", TEXT, "the error as logged, first line"),
            ("request_id", TEXT, "the request's id in the log"),
            ("source_file", TEXT, "file"),
            ("source_line", INT, "line of its first line, from 1"),
            (
                "resolved_user_detail",
                TEXT,
                "derived: wildcard, wildcard_ambiguous or wildcard_unknown, for a scrubbed id",
            ),
        ],
    ),
    table_spec(
        "ledger",
        "a ledger entry",
        [
            ("entry_id", TEXT, "its key"),
            ("user_id", TEXT, "the account it moves"),
            ("delta", INT, "credits, signed"),
            ("reason", TEXT, "as written"),
            (
                "kind",
                TEXT,
                "purchase, usage, refund, reversal, correction, transfer, grant or other",
            ),
            ("event_id", TEXT, "evt_…"),
            ("payment_id", TEXT, "the payment it books, by event, reason or column"),
            ("created_at", TIME, "when"),
            (
                "tie",
                TEXT,
                "how it is tied to its payment: named, by invoice (of a session's payment), by "
                "event, by subscription, inferred or none",
            ),
            ("tie_probability", REAL, "of an inferred tie: how sure it is"),
            ("fraction", INT, "billionths of a credit besides delta, with its sign"),
        ],
    ),
    table_spec(
        "customers",
        "a binding of a Stripe customer to a user",
        [
            ("customer_id", TEXT, "cus_…"),
            ("user_id", TEXT, "the account"),
            ("bound_at", TIME, "when; empty if the table does not say"),
        ],
    ),
    table_spec(
        "users",
        "an account",
        [
            ("user_id", TEXT, "its id"),
            ("email", TEXT, "as stored"),
            ("name", TEXT, "as stored"),
            ("created_at", TIME, "when"),
            ("email_key", TEXT, "derived: email folded"),
        ],
    ),
    table_spec(
        "balances",
        "a stored balance",
        [
            ("user_id", TEXT, "the account"),
            ("balance", INT, "credits"),
            ("fraction", INT, "billionths of a credit besides balance, with its sign"),
        ],
    ),
    table_spec(
        "memberships",
        "that a person belongs to an account of several",
        [
            ("user_id", TEXT, "the person's account"),
            ("account_id", TEXT, "the organisation or team that owns credits"),
            ("role", TEXT, "as stored"),
            ("since", TIME, "from when; empty if the table does not say"),
            ("until", TIME, "until when; empty while it lasts"),
            ("email", TEXT, "the person's, as stored"),
            ("name", TEXT, "the person's, as stored"),
            ("email_key", TEXT, "derived: email folded"),
        ],
    ),
    table_spec(
        "user_names",
        "derived: a folded form of an account's name (several a user)",
        [
            ("user_id", TEXT, "the account"),
            ("name_key", TEXT, "a form that a typed name may fold to"),
        ],
    ),
    table_spec(
        "user_links",
        "a link that may make two ids one person",
        [
            ("user_id", TEXT, "an id"),
            ("linked_user_id", TEXT, "the other id"),
            ("reason", TEXT, "account_email, alias, merged, sign_in, session_email or overruled"),
            ("strength", REAL, "0 to 1; links of 0.5 or more merge"),
            ("since", TIME, "merged: from when the account is a part of the other one"),
        ],
    ),
    table_spec(
        "sign_ins",
        "a sign-in line of a log",
        [
            ("user_id", TEXT, "the id that the sign-in was given"),
            ("email_key", TEXT, "the folded e-mail that signed in"),
            ("signed_in_at", TIME, "when"),
        ],
    ),
    table_spec(
        "gaps",
        "something a source should have held and did not",
        [
            ("source", TEXT, "ledger, stripe or webhook_log"),
            ("object", TEXT, "the table, column or file"),
            (
                "problem",
                TEXT,
                "missing_table, missing_column, unreadable, window, absent, rejected, not_joined, "
                "read_as or unread",
            ),
            ("consequence", TEXT, "which method or finding cannot be had, in a sentence"),
        ],
    ),
    table_spec(
        "spans",
        "what span of time was read of a source",
        [
            ("source", TEXT, "payments, events, deliveries or ledger"),
            ("first_at", TIME, "earliest time seen"),
            ("last_at", TIME, "latest time seen, or until when the source is known to be whole"),
            ("row_count", INT, "rows; of a log, its lines with a time"),
            ("rejected", INT, "rows that could not be read"),
        ],
    ),
)
