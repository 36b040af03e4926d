"""What resolution, judgement and findings write."""

from __future__ import annotations

from credit_forensics.tables.columns import BOOL, INT, REAL, TEXT, TIME, TableSpec, table_spec

RESULTS: tuple[TableSpec, ...] = (
    table_spec(
        "coverage",
        "what was read of a source, and whether its silence says anything",
        [
            ("source", TEXT, "payments, events, deliveries, ledger, refunds, users or balances"),
            ("since", TIME, "from when the source speaks"),
            ("until", TIME, "until when"),
            ("read", INT, "rows; of a log, its lines with a time"),
            ("tied", INT, "of these, what was tied to payments, events or accounts"),
            ("recognised", INT, "of these, what could be tied: purchases, deliveries, accounts"),
            ("rejected", INT, "rows that could not be read"),
            (
                "reason",
                TEXT,
                "why nothing follows from what the source does not show; empty where it does",
            ),
        ],
    ),
    table_spec(
        "judged_shares",
        "what share of the money, the credits and the log was judged, and why the rest was not",
        [
            ("subject", TEXT, "money, credits or log"),
            ("reason", TEXT, "why it was not judged; an empty text for what was"),
            ("share", REAL, "of the subject, 0 to 1"),
            ("rows", INT, "payments, entries or deliveries"),
        ],
    ),
    table_spec(
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
    table_spec(
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
    table_spec(
        "verdicts",
        "a payment's verdict",
        [
            ("payment_id", TEXT, "the payment"),
            (
                "verdict",
                TEXT,
                "confirmed, misattributed, paid_by_another, split_identity, ambiguous, "
                "unverifiable, unresolved, undetermined, not_credited, not_for_credits or not_paid",
            ),
            ("credited_user_id", TEXT, "who holds the credits"),
            ("rightful_user_id", TEXT, "who paid, as far as the evidence names one"),
            (
                "probability_misattributed",
                REAL,
                "of the account: that who paid is another person and does not pay for it; empty where "
                "nothing was credited",
            ),
            ("log_odds", REAL, "ln(p / (1 - p)) of that probability, unrounded"),
            ("families_agreeing", INT, "families whose voice is the rightful person"),
            ("families_available", INT, "families with a voice"),
            ("mode", TEXT, "as_of or hindsight"),
        ],
    ),
    table_spec(
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
    table_spec(
        "persons",
        "an id and the person it belongs to",
        [
            ("user_id", TEXT, "an id seen anywhere"),
            ("person_id", TEXT, "the person: the group's earliest account, else its smallest id"),
            ("reason", TEXT, "why it is in the group"),
        ],
    ),
    table_spec(
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
    table_spec(
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
