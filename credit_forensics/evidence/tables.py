"""Every table of the toolkit: its columns, their types and what they mean, in one place.

Three groups, in the order in which data flows:

* ``STAGING``: Stripe objects as the sources tell them, one row a snapshot. Several sources may
  tell of one object; ``evidence.payments`` merges them.
* ``EVIDENCE``: the eight tables that the rest of the house reads, plus a few derived columns in
  which text is folded once (case, accents, order), so that everything later compares for
  equality and every engine agrees.
* ``RESULTS``: what resolution, judgement and findings write.

Times are UTC timestamps, money is integer minor units with its currency, ids are strings.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

TEXT = "string"
TIME = "timestamp('UTC')"
INT = "int64"
REAL = "float64"
BOOL = "boolean"
MAP = "map<string, string>"

_SQL = {
    TEXT: "VARCHAR",
    TIME: "TIMESTAMPTZ",
    INT: "BIGINT",
    REAL: "DOUBLE",
    BOOL: "BOOLEAN",
    MAP: "MAP(VARCHAR, VARCHAR)",
}
_ARROW = {
    TEXT: pa.string(),
    TIME: pa.timestamp("us", tz="UTC"),
    INT: pa.int64(),
    REAL: pa.float64(),
    BOOL: pa.bool_(),
    MAP: pa.map_(pa.string(), pa.string()),
}


@dataclass(frozen=True)
class Column:
    """A column: its name, its type (one of this module's constants) and what it means."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class TableSpec:
    """A table: its name, what a row is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    @property
    def ibis_schema(self) -> dict[str, str]:
        """Name to Ibis type, as ``ibis.table`` takes it."""
        return {column.name: column.type for column in self.columns}

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema, for building and casting tables at the edges."""
        return pa.schema([(column.name, _ARROW[column.type]) for column in self.columns])

    @property
    def create_sql(self) -> str:
        """``CREATE TABLE`` for DuckDB, where evidence is loaded."""
        body = ", ".join(f'"{column.name}" {_SQL[column.type]}' for column in self.columns)
        return f'CREATE TABLE IF NOT EXISTS "{self.name}" ({body})'

    def unbound(self) -> ir.Table:
        """The table as an unbound Ibis expression."""
        return ibis.table(self.ibis_schema, name=self.name)

    def empty(self) -> pd.DataFrame:
        """A DataFrame of no rows with the right columns and types."""
        frame: pd.DataFrame = self.arrow_schema.empty_table().to_pandas()
        return frame


def _spec(name: str, row: str, columns: Iterable[tuple[str, str, str]]) -> TableSpec:
    return TableSpec(name, row, tuple(Column(*column) for column in columns))


_SNAPSHOT = [
    ("source", TEXT, "where the snapshot came from: sessions, events, api, csv, synced, …"),
    ("snapshot_at", TIME, "when the object looked like this; empty: at the time of the export"),
]

STAGING: tuple[TableSpec, ...] = (
    _spec(
        "stripe_sessions",
        "a snapshot of a Checkout Session",
        [
            ("session_id", TEXT, "cs_…"),
            ("created_at", TIME, "created"),
            ("livemode", BOOL, "livemode"),
            ("mode", TEXT, "payment, subscription or setup"),
            ("status", TEXT, "open, complete or expired"),
            ("payment_status", TEXT, "paid, unpaid or no_payment_required"),
            ("amount_total", INT, "minor units"),
            ("currency", TEXT, "lower-case ISO code"),
            ("customer_id", TEXT, "cus_…, empty for guests"),
            ("customer_creation", TEXT, "always, if_required, or empty (a customer was given)"),
            ("customer_email", TEXT, "the prefill"),
            ("details_email", TEXT, "customer_details.email: what the payer used"),
            ("details_name", TEXT, "customer_details.name"),
            ("client_reference_id", TEXT, "as given"),
            ("payment_intent_id", TEXT, "pi_…"),
            ("price_id", TEXT, "first line item's price where it was expanded"),
            ("metadata", MAP, "the session's metadata, in order"),
            *_SNAPSHOT,
        ],
    ),
    _spec(
        "stripe_intents",
        "a snapshot of a PaymentIntent",
        [
            ("payment_intent_id", TEXT, "pi_…"),
            ("created_at", TIME, "created"),
            ("livemode", BOOL, "livemode"),
            ("status", TEXT, "succeeded, requires_payment_method, …"),
            ("amount", INT, "minor units"),
            ("currency", TEXT, "lower-case ISO code"),
            ("customer_id", TEXT, "cus_…"),
            ("receipt_email", TEXT, "receipt_email"),
            ("metadata", MAP, "the intent's metadata"),
            *_SNAPSHOT,
        ],
    ),
    _spec(
        "stripe_charges",
        "a snapshot of a charge",
        [
            ("charge_id", TEXT, "ch_… or py_…"),
            ("created_at", TIME, "created"),
            ("livemode", BOOL, "livemode"),
            ("payment_intent_id", TEXT, "pi_…"),
            ("customer_id", TEXT, "cus_…"),
            ("status", TEXT, "succeeded, pending or failed"),
            ("paid", BOOL, "paid"),
            ("amount", INT, "minor units"),
            ("currency", TEXT, "lower-case ISO code"),
            ("amount_refunded", INT, "cumulative, minor units"),
            ("disputed", BOOL, "a dispute was opened, whatever became of it"),
            ("card_fingerprint", TEXT, "payment_method_details.card.fingerprint"),
            ("billing_email", TEXT, "billing_details.email"),
            ("billing_name", TEXT, "billing_details.name"),
            ("metadata", MAP, "the charge's metadata"),
            *_SNAPSHOT,
        ],
    ),
    _spec(
        "stripe_refunds",
        "a snapshot of a refund",
        [
            ("refund_id", TEXT, "re_…"),
            ("charge_id", TEXT, "ch_…"),
            ("payment_intent_id", TEXT, "pi_…"),
            ("amount", INT, "minor units"),
            ("currency", TEXT, "lower-case ISO code"),
            ("status", TEXT, "succeeded, pending, failed, canceled"),
            ("created_at", TIME, "created"),
            *_SNAPSHOT,
        ],
    ),
    _spec(
        "stripe_disputes",
        "a snapshot of a dispute",
        [
            ("dispute_id", TEXT, "dp_… or du_…"),
            ("charge_id", TEXT, "ch_…"),
            ("payment_intent_id", TEXT, "pi_…"),
            ("amount", INT, "minor units"),
            ("currency", TEXT, "lower-case ISO code"),
            ("status", TEXT, "needs_response, under_review, won, lost, …"),
            ("created_at", TIME, "created"),
            *_SNAPSHOT,
        ],
    ),
    _spec(
        "stripe_customers",
        "a snapshot of a Stripe customer",
        [
            ("customer_id", TEXT, "cus_…"),
            ("created_at", TIME, "created"),
            ("email", TEXT, "email"),
            ("name", TEXT, "name"),
            ("metadata", MAP, "the customer's metadata"),
            *_SNAPSHOT,
        ],
    ),
    _spec(
        "stripe_events",
        "an event envelope (its object goes to the table of its kind)",
        [
            ("event_id", TEXT, "evt_…"),
            ("type", TEXT, "checkout.session.completed, …"),
            ("created_at", TIME, "created"),
            ("object_id", TEXT, "id of data.object"),
            ("object_type", TEXT, "checkout.session, charge, …"),
            ("payment_intent_id", TEXT, "data.object.payment_intent, or its id"),
            ("livemode", BOOL, "livemode"),
            ("api_version", TEXT, "api_version"),
            ("source", TEXT, "where it came from"),
        ],
    ),
    _spec(
        "logged_sessions",
        "what one delivery's log tells of its session, for payments that Stripe's data lack",
        [
            ("session_id", TEXT, "cs_…"),
            ("customer_id", TEXT, "cus_…"),
            ("payment_status", TEXT, "paid, unpaid or no_payment_required"),
            ("payment_intent_id", TEXT, "pi_…"),
            ("metadata", TEXT, "the metadata as logged, as a JSON object"),
            ("logged_at", TIME, "time of the delivery's first line"),
            ("source_file", TEXT, "file"),
            ("source_line", INT, "line of the delivery's first line, from 1"),
        ],
    ),
)

EVIDENCE: tuple[TableSpec, ...] = (
    _spec(
        "payments",
        "a Checkout session, or a lone PaymentIntent",
        [
            ("payment_id", TEXT, "cs_…, or pi_… where there is no session"),
            ("created_at", TIME, "when the session was created"),
            ("completed_at", TIME, "when it completed; empty if it did not or it is not known"),
            ("livemode", BOOL, "false: Stripe's test mode"),
            ("mode", TEXT, "payment, subscription or setup"),
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
            ("expected_credits", INT, "credits the price is worth"),
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
            ("reference_detail", TEXT, "derived: exact, case, wildcard or unknown"),
        ],
    ),
    _spec(
        "metadata",
        "one metadata entry; an object has each key once",
        [
            ("payment_id", TEXT, "the payment"),
            ("source", TEXT, "session, intent, charge or customer"),
            ("position", INT, "its place in the object, from 1"),
            ("key", TEXT, "as given"),
            ("value", TEXT, "as given"),
            ("user_id", TEXT, "derived: the value as a canonical user id, where it can be one"),
            ("valid", BOOL, "derived: the shape is accepted as a user id"),
            ("detail", TEXT, "derived: exact, case, wildcard or unknown"),
            ("email_key", TEXT, "derived: the value folded, where it is an e-mail address"),
        ],
    ),
    _spec(
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
        ],
    ),
    _spec(
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
                "database_error, not_found, incomplete or duplicate",
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
    _spec(
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
        ],
    ),
    _spec(
        "customers",
        "a binding of a Stripe customer to a user",
        [
            ("customer_id", TEXT, "cus_…"),
            ("user_id", TEXT, "the account"),
            ("bound_at", TIME, "when; empty if the table does not say"),
        ],
    ),
    _spec(
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
    _spec(
        "balances",
        "a stored balance",
        [
            ("user_id", TEXT, "the account"),
            ("balance", INT, "credits"),
        ],
    ),
    _spec(
        "user_names",
        "derived: a folded form of an account's name (several a user)",
        [
            ("user_id", TEXT, "the account"),
            ("name_key", TEXT, "a form that a typed name may fold to"),
        ],
    ),
    _spec(
        "user_links",
        "a link that may make two ids one person",
        [
            ("user_id", TEXT, "an id"),
            ("linked_user_id", TEXT, "the other id"),
            ("reason", TEXT, "account_email, alias, sign_in, session_email or overruled"),
            ("strength", REAL, "0 to 1; links of 0.5 or more merge"),
        ],
    ),
    _spec(
        "sign_ins",
        "a sign-in line of a log",
        [
            ("user_id", TEXT, "the id that the sign-in was given"),
            ("email_key", TEXT, "the folded e-mail that signed in"),
            ("signed_in_at", TIME, "when"),
        ],
    ),
    _spec(
        "gaps",
        "something a source should have held and did not",
        [
            ("source", TEXT, "ledger, stripe or webhook_log"),
            ("object", TEXT, "the table, column or file"),
            ("problem", TEXT, "missing_table, missing_column, unreadable, window or absent"),
            ("consequence", TEXT, "which method or finding cannot be had, in a sentence"),
        ],
    ),
    _spec(
        "coverage",
        "what span of time a source covers",
        [
            ("source", TEXT, "payments, events, deliveries or ledger"),
            ("first_at", TIME, "earliest time seen"),
            ("last_at", TIME, "latest time seen"),
            ("row_count", INT, "rows"),
        ],
    ),
)

RESULTS: tuple[TableSpec, ...] = (
    _spec(
        "credited",
        "who holds the credits of a payment, net of reversals",
        [
            ("payment_id", TEXT, "the payment"),
            ("credited_user_id", TEXT, "the account with the most net credits; earliest on a tie"),
            ("credited_at", TIME, "when that account was first credited"),
            ("event_id", TEXT, "event of that entry"),
            ("credits", INT, "that account's net credits from this payment, refunds not counted"),
            (
                "granted",
                INT,
                "net credits from this payment over all accounts, refunds not counted",
            ),
            ("reversed", INT, "credits taken back for refunds and disputes, as a positive number"),
            ("grants", INT, "purchase entries with a positive delta that no reversal cancels"),
            ("accounts", INT, "accounts with net credits above zero"),
        ],
    ),
    _spec(
        "choices",
        "how the credited account came to be chosen, as far as it can be told",
        [
            ("payment_id", TEXT, "the payment"),
            ("log_method", TEXT, "the method that the handler's log names, in this house's names"),
            ("log_user_id", TEXT, "whom the handler's log resolved"),
            ("cascade_method", TEXT, "the method that the replayed first-hit cascade stops at"),
            ("cascade_user_id", TEXT, "whom the replayed cascade would have chosen"),
            ("explaining_method", TEXT, "the method that explains the credited account, or empty"),
            ("correct_methods", TEXT, "methods that name the rightful person, comma-separated"),
        ],
    ),
    _spec(
        "verdicts",
        "a payment's verdict",
        [
            ("payment_id", TEXT, "the payment"),
            (
                "verdict",
                TEXT,
                "confirmed, misattributed, split_identity, ambiguous, unverifiable, "
                "unresolved, undetermined, not_credited or not_paid",
            ),
            ("credited_user_id", TEXT, "who holds the credits"),
            ("rightful_user_id", TEXT, "who paid, as far as the evidence names one"),
            (
                "probability_misattributed",
                REAL,
                "1 - P(credited person); empty where nothing was credited",
            ),
            ("log_odds", REAL, "ln(p / (1 - p)) of that probability, unrounded"),
            ("families_agreeing", INT, "families whose voice is the rightful person"),
            ("families_available", INT, "families with a voice"),
            ("mode", TEXT, "as_of or hindsight"),
        ],
    ),
    _spec(
        "claims",
        "what one method says of one payment",
        [
            ("payment_id", TEXT, "the payment"),
            ("method", TEXT, "the method"),
            ("family", TEXT, "the family the value belongs to for this payment"),
            ("user_id", TEXT, "whom it names"),
            ("valid", BOOL, "the shape is accepted"),
            ("known", BOOL, "an account has it"),
            ("detail", TEXT, "what makes it weak or strong"),
        ],
    ),
    _spec(
        "persons",
        "an id and the person it belongs to",
        [
            ("user_id", TEXT, "an id seen anywhere"),
            ("person_id", TEXT, "the person: the group's earliest account, else its smallest id"),
            ("reason", TEXT, "why it is in the group"),
        ],
    ),
    _spec(
        "findings",
        "a finding",
        [
            ("payment_id", TEXT, "the payment, empty where there is none"),
            ("event_id", TEXT, "the event, where one is meant"),
            ("finding", TEXT, "its name"),
            ("cause", TEXT, "what made it, as far as told"),
            ("severity", TEXT, "critical, high, medium or low"),
            ("credited_user_id", TEXT, "who holds the credits"),
            ("rightful_user_id", TEXT, "who should"),
            ("probability", REAL, "that the finding is true; 1 for what is read, not inferred"),
            ("credits", INT, "credits at stake"),
            ("amount", INT, "minor units"),
            ("currency", TEXT, "lower-case ISO code"),
            ("created_at", TIME, "when it happened"),
            ("explanation", TEXT, "one plain sentence; ids, never e-mails or names"),
        ],
    ),
    _spec(
        "incidents",
        "findings of one kind and cause that hang together",
        [
            ("incident_id", TEXT, "finding-cause-onset"),
            ("finding", TEXT, "the finding"),
            ("cause", TEXT, "the cause"),
            ("severity", TEXT, "the highest of its findings"),
            ("onset", TIME, "first"),
            ("onset_low", TIME, "earliest it may have begun (95 %), where the rate was dated"),
            ("onset_high", TIME, "latest it may have begun"),
            ("end", TIME, "last"),
            ("end_low", TIME, "earliest it may have ended (95 %), where the rate was dated"),
            ("end_high", TIME, "latest it may have ended; empty if it may still go on"),
            ("ongoing", BOOL, "it may still go on when the evidence ends"),
            ("findings", INT, "how many"),
            ("users", INT, "distinct accounts hit"),
            ("credits", INT, "credits at stake"),
            ("amount", INT, "minor units at stake"),
            ("currency", TEXT, "currency, or 'mixed'"),
            ("summary", TEXT, "one sentence"),
        ],
    ),
)

ALL: dict[str, TableSpec] = {spec.name: spec for spec in (*STAGING, *EVIDENCE, *RESULTS)}


def spec(name: str) -> TableSpec:
    """The specification of a table by name.

    Raises
    ------
    KeyError
        when no table has that name; the message names the nearest, or lists those there are.

    Examples
    --------
    >>> spec("balances").column_names
    ['user_id', 'balance']
    """
    try:
        return ALL[name]
    except KeyError:
        near = difflib.get_close_matches(str(name), ALL, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(ALL))}"
        raise KeyError(f"no table {name!r}; {hint}") from None


class Tables:
    """The tables as unbound Ibis expressions, by attribute: ``tables.payments``.

    Methods, rules and findings take this, so each is one expression that any engine can compile.

    Examples
    --------
    >>> Tables().balances.columns
    ('user_id', 'balance')
    """

    def __getattr__(self, name: str) -> ir.Table:
        try:
            return spec(name).unbound()
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __dir__(self) -> list[str]:
        return sorted(ALL)


def conform(name: str, rows: pd.DataFrame | pa.Table) -> pa.Table:
    """Cast rows to a table's columns, in order; absent columns become empty.

    Parameters
    ----------
    name
        a table of this module.
    rows
        DataFrame or Arrow table with any of its columns. Unknown columns are refused, so that a
        misspelt one is not lost without a word. Naive times are taken as UTC; integers in an id
        column become their decimal text.

    Raises
    ------
    ValueError
        for an unknown column or a value that its column's type cannot hold.

    Examples
    --------
    >>> conform("balances", pd.DataFrame({"user_id": ["00123"], "balance": [5]})).to_pylist()
    [{'user_id': '00123', 'balance': 5}]
    """
    table_spec = spec(name)
    names = rows.column_names if isinstance(rows, pa.Table) else list(rows.columns)
    unknown = [column for column in names if column not in table_spec.column_names]
    if unknown:
        raise ValueError(f"{name} has no column {', '.join(map(repr, unknown))}")
    arrays = []
    for field in table_spec.arrow_schema:
        if field.name not in names:
            arrays.append(pa.nulls(len(rows), field.type))
            continue
        column = rows[field.name]
        given = column.dtype if isinstance(column, pd.Series) else column.type
        try:
            array = pa.array(column, from_pandas=True) if isinstance(column, pd.Series) else column
            arrays.append(_cast(array, field.type))
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            # Not in the words of the error: they quote the value, which may be an address or a name.
            problem = f"a value of type {given} was given that it cannot hold"
            raise ValueError(f"{name}.{field.name} is {field.type}; {problem}") from None
    return pa.Table.from_arrays(
        [a.combine_chunks() if isinstance(a, pa.ChunkedArray) else a for a in arrays],
        schema=table_spec.arrow_schema,
    )


def _cast(array: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray | pa.Array:
    # pandas 3 hands its text out as large_string.
    is_text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    if pa.types.is_timestamp(wanted) and is_text:
        parsed = pd.to_datetime(array.to_pandas(), utc=True, format="ISO8601")
        array = pa.Array.from_pandas(parsed)
    if pa.types.is_timestamp(array.type) and array.type.tz is None:
        array = array.cast(pa.timestamp("us")).cast(wanted)
    return array.cast(wanted)
