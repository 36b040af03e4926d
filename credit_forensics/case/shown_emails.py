"""Finds the e-mail addresses of a case that a text means, as they are or as they are shown."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property

from credit_forensics.case.case import Case
from credit_forensics.privacy.mask import Mask
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis

_MASKED = re.compile(r"email~[0-9a-f]+")


class ShownEmails:
    """The addresses of payers and accounts; read and masked once, when first asked for.

    Parameters
    ----------
    case
        the case.
    mask
        under which a shown address is found again.
    """

    def __init__(self, case: Case, mask: Mask) -> None:
        self._case, self._mask = case, mask

    def meant(self, text: str) -> list[str]:
        """The folded addresses that a text means; none where it looks like no address."""
        name = text.casefold()
        return self._folded[name] if "@" in name or _MASKED.fullmatch(name) else []

    @cached_property
    def _folded(self) -> dict[str, list[str]]:
        payments, users = Tables().payments, Tables().users
        keys = ibis.union(
            payments.select(given=payments.payer_email, folded=payments.payer_email_key),
            users.select(given=users.email, folded=users.email_key),
        ).distinct()
        keys = keys.filter(keys.given.notnull() & keys.folded.notnull())
        found: dict[str, set[str]] = defaultdict(set)
        rows = self._case.evidence.engine.frame(keys)
        for given, folded in zip(rows["given"], rows["folded"], strict=True):
            for name in (self._mask.value(given, "email"), given.casefold(), folded):
                found[name].add(folded)
        return defaultdict(list, {name: sorted(folded) for name, folded in found.items()})
