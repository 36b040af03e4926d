"""Masks personal data: what is not on the allow-list is replaced by a keyed hash.

The hash is HMAC-SHA-256 under a key of the case, cut to ten hexadecimal digits: the same person
looks the same in every report of the case, and nobody without the key can test a guess.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

import pandas as pd

from credit_forensics.case_file import CaseFile, from_environment
from credit_forensics.engines.recipes import Recipe
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.privacy.shown_columns import ID_COLUMNS, SHOWN_COLUMNS
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.evidence import EVIDENCE
from credit_forensics.tables.expressions import ibis, ir

KEY_FILE = ".mask_key"
_DIGITS = 10
_MOST_NAMES = 5_000
"""So many ids that are names are looked for in texts; a shop whose ids are names has a few."""
# What the evidence calls by a method's name is another thing: an e-mail, a name.
_EVIDENCE_COLUMNS = frozenset(column for table in EVIDENCE for column in table.column_names)

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"'=]+@[^\s@<>()\[\],;:\"'=]+")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])")
_CARD = re.compile(r"(?<![\w.\-])\d(?:[ \-]?\d){12,18}(?![\w\-])")
# What lets one in is shown to nobody, wherever it stands and whoever asks.
_SECRET = re.compile(
    r"(?<![\w-])(?:(?:sk|rk)_(?:live|test)_\w{8,}|whsec_\w{8,}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abeprs]-[\w-]{10,}|A[KS]IA[0-9A-Z]{16}"
    r"|AIza[\w-]{30,}|bearer\s+[\w.~+/=-]{12,})",
    re.IGNORECASE,
)
_NAME_LIKE = re.compile(
    r"[^\W\d_]{2,}(?:['’.\-]?[^\W\d_]*)*(?: +[^\W\d_]+(?:['’.\-][^\W\d_]*)*\.?)+"
)
_ID_LIKE = re.compile(r"(?=.*\d)[\w\-:.|<>*\[\]]{1,128}\Z", re.ASCII)


class Mask:
    """Masks values, texts and tables under one key.

    Parameters
    ----------
    key
        the case's key.
    known_ids
        user ids that accounts or the ledger bear; they are shown whatever they look like, unless
        they hold an e-mail or an IP address, are a name, or let one in.
    names
        names of accounts; an id that is one of them is a name, too.
    reveal
        show everything; the report then says so.
    methods
        names of methods: their columns hold user ids, wherever the name is no evidence column's.

    Examples
    --------
    >>> mask = Mask(b"key", known_ids=["bob"])
    >>> mask.value("Bob Example", "name") == mask.value("bob  example", "name")
    True
    >>> mask.user_id("bob"), mask.user_id("00123"), mask.user_id("Alice")[:3]
    ('bob', '00123', 'id~')
    """

    def __init__(
        self,
        key: bytes,
        known_ids: Iterable[str] = (),
        *,
        reveal: bool = False,
        methods: Iterable[str] = (),
        names: Iterable[str] = (),
    ) -> None:
        self._key = key
        self.methods = frozenset(methods)
        self.reveal = reveal
        self._known: Collection[str] = frozenset(str(value) for value in known_ids)
        called = {_folded_name(name) for name in names}
        self._named = {
            one: _folded_name(one)
            for one in self._known
            if _NAME_LIKE.fullmatch(one) or _folded_name(one) in called
        }
        longest = sorted(self._named, key=lambda one: (-len(one), one))[:_MOST_NAMES]
        self._names = (
            re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest)) + r")(?!\w)")
            if longest
            else None
        )

    def value(self, value: object, kind: str) -> str:
        """A value as its mask: the kind and ten digits. Case and spaces do not matter.

        Examples
        --------
        >>> Mask(b"key").value("anna@example.com", "email")
        'email~d68c923551'
        """
        text = str(value)
        if self.reveal:
            return self._without_secrets(text)
        folded = " ".join(text.split()).casefold()
        digest = hmac.new(self._key, f"{kind}:{folded}".encode(), hashlib.sha256).hexdigest()
        return f"{kind}~{digest[:_DIGITS]}"

    def text(self, text: object) -> str:
        """Text with the e-mail and IP addresses and card numbers in it masked.

        Examples
        --------
        >>> Mask(b"key").text("from 192.0.2.7 at 12:30:00")
        'from ip~5a5401565b at 12:30:00'
        """
        result = self._without_secrets(str(text))
        if self.reveal:
            return result
        if self._names is not None:
            result = self._names.sub(lambda m: self.value(self._named[m[0]], "name"), result)
        if "@" in result:
            result = _EMAIL.sub(lambda m: self.value(m[0], "email"), result)
        if "." in result:
            result = _IPV4.sub(self._address, result)
        if ":" in result:
            result = _IPV6.sub(self._address, result)
        return _CARD.sub(self._card, result)

    def user_id(self, value: object) -> str:
        """A user id, masked if it is not known and does not look like one (names, e-mails)."""
        text = self._without_secrets(str(value))
        if self.reveal or text != str(value):
            return text
        if text in self._named:
            return self.value(self._named[text], "name")
        if text in self._known or _ID_LIKE.match(text):
            return self.text(text)
        return self.value(text, "email" if "@" in text else "id")

    def frame(self, rows: pd.DataFrame, table: str) -> pd.DataFrame:
        """A table with every column masked that the allow-list does not name; absent stays absent.

        Parameters
        ----------
        rows
            any rows; not changed.
        table
            the table they come from, for columns that may be shown in one table only.
        """
        if self.reveal:
            return rows.apply(self._revealed)
        masked = {}
        for name in rows.columns:
            column = rows[name]
            if self._holds_ids(str(name), table):
                masked[name] = _map(column, self.user_id)
            elif name in SHOWN_COLUMNS or f"{table}.{name}" in SHOWN_COLUMNS:
                # Numbers and times hold no text that could leak.
                shown = column.dtype == object or pd.api.types.is_string_dtype(column.dtype)
                masked[name] = _map(column, self.text) if shown else column
            else:
                kind = kind_of_column(str(name))
                masked[name] = _map(column, lambda value, kind=kind: self.value(value, kind))
        return pd.DataFrame(masked, index=rows.index, columns=rows.columns)

    def _holds_ids(self, name: str, table: str) -> bool:
        if name in self.methods and (table == "matrix" or name not in _EVIDENCE_COLUMNS):
            return True
        return name in ID_COLUMNS or f"{table}.{name}" in ID_COLUMNS

    def _revealed(self, column: pd.Series) -> pd.Series:
        if column.dtype != object and not pd.api.types.is_string_dtype(column.dtype):
            return column
        shown = _map(column, lambda v: self._without_secrets(v) if isinstance(v, str) else v)
        return column if shown.equals(column.astype(object)) else shown

    def _without_secrets(self, text: str) -> str:
        """Text with tokens and keys in it replaced, also where all else is revealed."""

        def hidden(match: re.Match[str]) -> str:
            digest = hmac.new(self._key, b"secret:" + match[0].encode(), hashlib.sha256)
            return f"secret~{digest.hexdigest()[:_DIGITS]}"

        return _SECRET.sub(hidden, text)

    def _address(self, match: re.Match[str]) -> str:
        try:
            ipaddress.ip_address(match[0])
        except ValueError:
            return match[0]
        return self.value(match[0], "ip")

    def _card(self, match: re.Match[str]) -> str:
        if match[0] in self._known:
            return match[0]
        digits = re.sub(r"\D", "", match[0])
        return self.value(digits, "card") if _luhn(digits) else match[0]


def _folded_name(text: str) -> str:
    """A name however it is written as an id: ``Anna.Schmidt`` and ``anna_schmidt`` are one."""
    return " ".join(re.split(r"[\s._\-]+", text)).casefold().strip()


def kind_of_column(name: str) -> str:
    """The kind that a mask shows for a column, so that one person's e-mail is one mask everywhere.

    Examples
    --------
    >>> [kind_of_column(name) for name in ("payer_email_key", "card_fingerprint", "value")]
    ['email', 'card', 'value']
    """
    for kind in ("email", "name", "address", "card", "phone"):
        if kind in name:
            return kind
    return "ip" if name in {"ip", "client_ip", "ip_address"} else name


def case_mask(
    evidence: Evidence,
    case_file: CaseFile,
    *,
    reveal: bool = False,
    methods: Iterable[str] = (),
) -> Mask:
    """The mask of a case: under its own key, showing the ids that its evidence knows.

    ``methods`` are the names of the case's methods, whose columns hold ids.

    Raises
    ------
    CaseError
        as ``case_mask_key``.
    """
    return Mask(
        case_mask_key(case_file),
        known_user_ids(evidence),
        reveal=reveal,
        methods=methods,
        names=evidence.engine.frame(Recipe("names-of-users", _names))["name"].tolist(),
    )


def known_user_ids(evidence: Evidence) -> list[str]:
    """User ids that accounts, the ledger or bindings bear: these are shown as they are.

    Examples
    --------
    >>> evidence = Evidence()
    >>> evidence.add("users", pd.DataFrame({"user_id": ["00123", "00123"]}))
    >>> known_user_ids(evidence)
    ['00123']
    """
    rows = evidence.engine.frame(Recipe("known-user-ids", _user_ids))
    return list(rows["user_id"].tolist())


def _names() -> ir.Table:
    users = Tables().users
    return users.filter(users.name.notnull()).select("name").distinct()


def _user_ids() -> ir.Table:
    tables = Tables()
    named = [table.select("user_id") for table in (tables.users, tables.ledger, tables.customers)]
    every = ibis.union(*named, distinct=True)
    return every.filter(every.user_id.notnull()).order_by("user_id")


def case_mask_key(case_file: CaseFile) -> bytes:
    """The case's key: ``[report] mask_key = "env:NAME"``, else the file ``.mask_key`` beside it.

    The file is made on first use, readable by its owner alone. Where the folder cannot be written,
    or the case has none, the key lives for this run only, and masks differ from one run to the
    next.

    Raises
    ------
    CaseError
        when the key stands in the case file itself, or its environment variable is not set.
    """
    setting = case_file.report.mask_key
    if setting is not None:
        if not setting.startswith("env:"):
            raise CaseError(
                "report.mask_key must name an environment variable (env:NAME), so that no secret "
                "stands in the case file."
            )
        return from_environment(setting, "report.mask_key").encode()
    if "folder" not in case_file.model_fields_set:
        # Evidence loaded by hand lies beside no case file, so no key is left in somebody's folder.
        return _key_of_this_run()
    path = case_file.folder / KEY_FILE
    key = secrets.token_hex(32)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _kept_key(path)
    except OSError:
        return key.encode()
    with os.fdopen(descriptor, "w") as file:
        file.write(key + "\n")
    return key.encode()


@cache
def _key_of_this_run() -> bytes:
    return secrets.token_hex(32).encode()


def _kept_key(path: Path) -> bytes:
    try:
        kept = path.read_bytes().strip()
    except OSError as error:
        raise CaseError(f"{path} cannot be read: {error.strerror}.") from None
    if len(kept) < 16:
        raise CaseError(f"{path} holds no usable key; remove it and a new one is made.")
    return kept


def _map(column: pd.Series, mask: object) -> pd.Series:
    assert callable(mask)
    # Distinct values once: a column of a million rows names few users.
    distinct = {value: mask(value) for value in column.dropna().unique()}
    return column.astype(object).map(lambda value: distinct.get(value, value), na_action="ignore")


def _luhn(digits: str) -> bool:
    total = 0
    for i, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + i % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0
