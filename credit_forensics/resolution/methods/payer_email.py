"""The e-mail typed at Checkout. Where the session prefilled it, it is the session's word."""

from __future__ import annotations

from credit_forensics.resolution.account_emails import account_emails
from credit_forensics.resolution.method import EMAIL, Field, Method

METHOD = Method(
    "payer_email",
    EMAIL,
    "the e-mail used at Checkout",
    reads_de="die E-Mail an der Kasse",
    field=Field("payer_email_key", attribute="payer_email", emails=True),
    lookup=account_emails,
    session_when="email_prefilled",
    cause="email_match",
    logged_as=("EMAIL_MATCH", "EMAIL_LOOKUP"),
    place=100,
)
