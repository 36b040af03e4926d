"""The methods that read one field of a payment's objects and nothing else: a row each."""

from __future__ import annotations

from credit_forensics.evidence.metadata_keys import NAMED_KEYS
from credit_forensics.resolution.method import ANY_OTHER, SESSION, Field, Method

METHODS = (
    Method(
        "metadata_user_id",
        SESSION,
        "session metadata: user_id",
        reads_de="Metadaten der Sitzung: user_id",
        field=Field("metadata_user_id", ("user_id",)),
        cause="stale_session",
        cascade=1,
        logged_as=("PRIMARY_METADATA",),
        place=10,
    ),
    Method(
        "metadata_user_id_backup",
        SESSION,
        "session metadata: user_id_backup",
        reads_de="Metadaten der Sitzung: user_id_backup",
        field=Field("metadata_user_id_backup", ("user_id_backup",)),
        cause="stale_session",
        cascade=2,
        logged_as=("BACKUP_METADATA",),
        place=20,
    ),
    Method(
        "metadata_session_user_id",
        SESSION,
        "session metadata: session_user_id",
        reads_de="Metadaten der Sitzung: session_user_id",
        field=Field("metadata_session_user_id", ("session_user_id",)),
        cause="stale_session",
        cascade=3,
        logged_as=("SESSION_METADATA",),
        place=30,
    ),
    # Checkout's own field, set by the same session; a payer can edit it in a payment link.
    Method(
        "client_reference_id",
        SESSION,
        "client_reference_id",
        reads_de="client_reference_id",
        field=Field("reference_user_id", attribute="client_reference_id"),
        cause="stale_session",
        place=40,
    ),
    # The original handler's last resort: the first id-shaped value under any other key.
    Method(
        "metadata_scan",
        SESSION,
        "session metadata: any other key",
        reads_de="Metadaten der Sitzung: jeder andere Schlüssel",
        field=Field("scanned_user_id", (ANY_OTHER,)),
        voice="weak",
        cause="metadata_scan",
        cascade=5,
        logged_as=("EMERGENCY_SCAN_*",),
        place=50,
    ),
    # Filled only where the session asked Checkout to.
    Method(
        "intent_metadata",
        SESSION,
        "metadata of PaymentIntent, charge, subscription, invoice or its lines",
        reads_de="Metadaten von PaymentIntent, Charge, Abo, Rechnung oder deren Zeilen",
        field=Field(
            "intent_user_id",
            NAMED_KEYS,
            sources=("intent", "charge", "subscription", "invoice", "line"),
        ),
        cause="stale_session",
        place=70,
    ),
)
