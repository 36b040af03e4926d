"""Invented layouts: inference is right about them or asks, and is never wrong without a word."""

from __future__ import annotations

import json
import random
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import load_ledgers

BUYS = ("purchase", "topup", "TOP_UP", "credit_purchase", "buy", "pack_purchase")
USES = ("usage", "spend", "DEDUCT", "consumption", "image_usage", "debit")
GIVES = ("bonus", "signup_bonus", "GIFT", "referral", "welcome")
TABLES = ("credit_transactions", "credits_ledger", "token_history", "points_log", "wallet_entries",
          "billing_credittransaction", "app_credit_movements", "credit_entry")  # fmt: skip
AMOUNTS = ("amount", "delta", "credits", "credit_change", "credit_amount", "quantity", "tokens")
OWNERS = ("user_id", "account_id", "owner_id", "member_id", "customer_ref", "user_uuid", "userid")
TIMES = ("created_at", "timestamp", "inserted_at", "occurred_at", "date_created", "booked_on")
KINDS = ("type", "kind", "entry_type", "category", "transaction_kind")
LINKS = ("stripe_session", "checkout_session_id", "reference", "external_ref", "payment_ref")


TYPES = {"owner": ("TEXT", "VARCHAR(64)", ""), "amount": ("INTEGER", "BIGINT", ""),
         "kind": ("TEXT", "VARCHAR(32)", ""), "time": ("TEXT", "TIMESTAMP", "")}  # fmt: skip

SESSIONS = pa.schema([("session_id", pa.string()), ("metadata", pa.map_(pa.string(), pa.string()))])


@dataclass(frozen=True)
class Invented:
    """A layout as SQL, and what its entries really are: (user, credits, session)."""

    script: str
    truth: list[tuple[str, int, str | None]]
    balances: dict[str, int] | None


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def invent(dice: random.Random) -> Invented:
    """A shop's ledger with names, quoting, signs, scale, states and references by chance."""
    styled = camel if dice.random() < 0.4 else str
    users = [f"u{n}-{dice.randrange(10**6):06d}" for n in range(5)]
    names = {
        "id": styled(dice.choice(("id", "entry_id"))),
        "owner": styled(dice.choice(OWNERS)),
        "amount": styled(dice.choice(AMOUNTS)),
        "kind": styled(dice.choice(KINDS)),
        "time": styled(dice.choice(TIMES)),
        "link": styled(dice.choice(LINKS)),
    }
    table = dice.choice(TABLES)
    table = camel(table)[0].upper() + camel(table)[1:] if styled is camel else table
    signs = dice.choice(("signed", "by type", "two columns"))
    scale = dice.choice((1, 1, 1, 100))
    way = dice.choice(("column", "json", "orders", "chain", "text"))
    state = dice.choice(("", "", "status", "isActive", "deleted_at"))
    held = dice.random() < 0.3  # by a wallet, which an account owns
    words: list[object] = [dice.choice(BUYS), dice.choice(USES), dice.choice(GIVES)]
    if dice.random() < 0.15:
        words = [1, 2, 3]
    if held:
        names["owner"] = styled(dice.choice(("wallet_id", "wallet_ref", "balance_id")))
    truth: list[tuple[str, int, str | None]] = []
    rows: list[dict[str, object]] = []
    orders = []

    def entry(
        user: str, credits: int, word: object, session: str | None, counts: bool = True
    ) -> None:
        units = credits * scale
        whose = f"wal-{user}" if held else user
        row: dict[str, object] = {names["id"]: len(rows) + 1, names["owner"]: whose}
        if signs == "two columns":
            row["debit"], row["credit"] = max(-units, 0), max(units, 0)
        else:
            row[names["amount"]] = abs(units) if signs == "by type" else units
        row[names["kind"]] = word
        if way == "json":
            row["metadata"] = json.dumps({"session": session} if session else {"note": "x"})
        elif way == "text":
            row["description"] = f"stripe checkout {session}" if session else "see above"
        elif way in ("orders", "chain"):
            row["order_id"] = f"ord-{len(rows):04d}" if session else None
            orders.append((row["order_id"], user, session))
        else:
            row[names["link"]] = session
        row[names["time"]] = f"2025-09-{1 + len(rows) % 28:02d} 10:00:{len(rows) % 60:02d}"
        if state == "status":
            row["status"] = "completed" if counts else "failed"
        elif state:
            good, bad = (1, 0) if state == "isActive" else (None, "2025-10-01 00:00:00")
            row[state] = good if counts else bad
        rows.append(row)
        if counts:
            truth.append((user, credits, session))

    for n in range(dice.randrange(6, 14)):
        entry(dice.choice(users), 100, words[0], f"cs_live_{n:04d}abcdef")
    for _ in range(dice.randrange(3, 8)):
        entry(dice.choice(users), -dice.randrange(1, 40), words[1], None)
    entry(dice.choice(users), dice.randrange(1, 9), words[2], None)
    if state:
        entry(users[0], 100, words[0], "cs_live_9999abcdef", counts=False)
    columns = list(rows[0])
    dice.shuffle(columns)
    kinds = {names[part]: dice.choice(choices) for part, choices in TYPES.items()}
    if isinstance(words[0], int):
        kinds[names["kind"]] = "INTEGER"
    quoted = ", ".join(f'"{column}" {kinds.get(column, "")}' for column in columns)
    script = [f'CREATE TABLE "{table}" ({quoted});']
    script += [
        f'INSERT INTO "{table}" VALUES ({", ".join(literal(row[c]) for c in columns)});'
        for row in rows
    ]
    script.append(f"CREATE TABLE {dice.choice(('users', 'profiles', 'members'))} (id, email);")
    people = script[-1].split()[2]
    script += [f"INSERT INTO {people} VALUES ('{u}', '{u}@example.com');" for u in users]
    if held:
        script.append(f"CREATE TABLE wallets (id, {dice.choice(('user_id', 'owner_id'))}, name);")
        script += [f"INSERT INTO wallets VALUES ('wal-{u}', '{u}', 'main');" for u in users]
    if way == "chain":
        script.append("CREATE TABLE orders (id, payment_id, status, currency);")
        script.append("CREATE TABLE payments (id, status, provider, provider_session);")
        script += [
            f"INSERT INTO orders VALUES ('{key}', 'pay-{key}', 'paid', 'usd'); "
            f"INSERT INTO payments VALUES ('pay-{key}', 'paid', 'stripe', '{session}');"
            for key, _, session in orders if key
        ]  # fmt: skip
    if way == "orders":
        script.append("CREATE TABLE orders (id, buyer, status, currency, stripe_session_id);")
        script += [
            f"INSERT INTO orders VALUES ('{key}', '{user}', 'paid', 'usd', '{session}');"
            for key, user, session in orders if key
        ]  # fmt: skip
    balances = None
    if dice.random() < 0.6 and not held:
        balances = {u: sum(c for who, c, _ in truth if who == u) for u in users}
        script.append("CREATE TABLE credit_balances (user_id, balance);")
        script += [
            f"INSERT INTO credit_balances VALUES ('{u}', {b * scale});" for u, b in balances.items()
        ]
    return Invented("\n".join(script), truth, balances)


def literal(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def outcome(invented: Invented) -> str:
    """Whether inference is ``right``, ``asks``, or in which respect it is wrong."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        connection = sqlite3.connect(folder / "ledger.db")
        connection.executescript(invented.script)
        connection.close()
        evidence = Evidence()
        sessions = sorted({session for _, _, session in invented.truth if session})
        who = {session: user for user, _, session in invented.truth if session}
        evidence.add("stripe_sessions", pa.Table.from_pylist([
            {"session_id": s, "metadata": [("user_id", who[s]), ("credits", "100")]}
            for s in sessions
        ], SESSIONS))  # fmt: skip
        case = CaseFile.model_validate({"ledger": {"url": "sqlite:///ledger.db"}, "folder": folder})
        try:
            load_ledgers(evidence, case)
        except CaseError as question:
            assert "[ledger.entries]" in str(question), str(question)
            return "asks"
        frame = evidence.ledger
        found = sorted(
            (row.user_id, row.delta, row.payment_id or "")
            for row in frame.astype(object).where(frame.notna(), None).itertuples()
        )
        if found != sorted(
            (user, credits, session or "") for user, credits, session in invented.truth
        ):
            return f"wrong entries: {found}"
        balances = dict(
            zip(evidence.balances["user_id"], evidence.balances["balance"], strict=True)
        )
        if balances and invented.balances and balances != invented.balances:
            return f"wrong balances: {balances}"
        return "right"


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.integers(min_value=0, max_value=2**32))
def test_inference_is_right_or_asks(seed: int) -> None:
    invented = invent(random.Random(seed))
    found = outcome(invented)
    assert found in ("right", "asks"), f"{found}\n{invented.script}"


@pytest.mark.accuracy
def test_inference_is_right_or_asks_for_nearly_all_of_three_hundred() -> None:
    found = [outcome(invent(random.Random(seed))) for seed in range(300)]
    assert [one for one in found if one not in ("right", "asks")] == []
    assert found.count("right") >= 285
