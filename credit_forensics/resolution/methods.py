"""The methods, in the order in which the report shows them. Adding one is a file and a line."""

from __future__ import annotations

from credit_forensics.resolution.card_history import CARD_HISTORY
from credit_forensics.resolution.client_reference_id import CLIENT_REFERENCE_ID
from credit_forensics.resolution.customer_history import CUSTOMER_HISTORY
from credit_forensics.resolution.customer_mapping import CUSTOMER_MAPPING
from credit_forensics.resolution.intent_metadata import INTENT_METADATA
from credit_forensics.resolution.metadata_scan import METADATA_SCAN
from credit_forensics.resolution.metadata_session_user_id import METADATA_SESSION_USER_ID
from credit_forensics.resolution.metadata_user_id import METADATA_USER_ID
from credit_forensics.resolution.metadata_user_id_backup import METADATA_USER_ID_BACKUP
from credit_forensics.resolution.method import Method
from credit_forensics.resolution.payer_email import PAYER_EMAIL
from credit_forensics.resolution.payer_name import PAYER_NAME
from credit_forensics.resolution.session_email import SESSION_EMAIL

METHODS: tuple[Method, ...] = (
    METADATA_USER_ID,
    METADATA_USER_ID_BACKUP,
    METADATA_SESSION_USER_ID,
    CLIENT_REFERENCE_ID,
    METADATA_SCAN,
    SESSION_EMAIL,
    INTENT_METADATA,
    CUSTOMER_MAPPING,
    CUSTOMER_HISTORY,
    PAYER_EMAIL,
    PAYER_NAME,
    CARD_HISTORY,
)

# What was done, not who paid: shown beside the methods, never counted as witnesses.
REPLAYS = ("handler_cascade", "handler_log", "ledger")

# The names that the original handler writes to its log, in this house's names.
HANDLER_NAMES = {
    "PRIMARY_METADATA": "metadata_user_id",
    "BACKUP_METADATA": "metadata_user_id_backup",
    "SESSION_METADATA": "metadata_session_user_id",
    "DATABASE_LOOKUP": "customer_mapping",
    "EMAIL_MATCH": "payer_email",
    "EMAIL_LOOKUP": "payer_email",
}
HANDLER_SCAN_PREFIX = "EMERGENCY_SCAN_"
