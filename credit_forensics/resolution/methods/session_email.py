"""The signed-in account's e-mail in the metadata: the session's word, but a stable identity."""

from __future__ import annotations

from credit_forensics.evidence.metadata_keys import EMAIL_KEYS
from credit_forensics.resolution.account_emails import account_emails
from credit_forensics.resolution.method import SESSION, Field, Method

METHOD = Method(
    "session_email",
    SESSION,
    "session metadata: e-mail of the signed-in account",
    reads_de="Metadaten der Sitzung: E-Mail des angemeldeten Kontos",
    field=Field("session_email_key", EMAIL_KEYS, emails=True),
    lookup=account_emails,
    cause="stale_session",
    place=60,
)
