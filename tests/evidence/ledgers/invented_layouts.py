"""Invents layouts of ledgers by chance, and says what their entries really are."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Invented:
    """A layout as SQL, and what its entries really are: (user, credits, session).

    ``open`` is a layout of which nobody could tell: with two kinds of credits in one table.
    """

    script: str
    truth: list[tuple[str, int, str | None]]
    balances: dict[str, int] | None
    open: bool = False


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def spaced(name: str) -> str:
    return name.replace("_", " ").capitalize()


def invent(dice: random.Random) -> Invented:
    """A shop's ledger with names, quoting, signs, scale, states and references by chance."""
    styled = dice.choices((str, camel, str.upper, spaced), (5, 4, 1, 1))[0]
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
    way = dice.choice(("column", "json", "deep", "orders", "chain", "text"))
    assets = dice.choice(("", "", "", "", "xp", "bonus_credits"))
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
        user: str,
        credits: int,
        word: object,
        session: str | None,
        *,
        counts: bool = True,
        asset: str = "credits",
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
        elif way == "deep":
            inner = {"checkout": {"session": {"id": session}}, "attempt": 1}
            row["payload"] = json.dumps({"stripe": inner if session else None, "v": 2})
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
        if assets:
            row["asset"] = asset
        rows.append(row)
        if counts and asset == "credits":
            truth.append((user, credits, session))

    for n in range(dice.randrange(6, 14)):
        entry(dice.choice(users), 100, words[0], f"cs_live_{n:04d}abcdef")
    for _ in range(dice.randrange(3, 8)):
        entry(dice.choice(users), -dice.randrange(1, 40), words[1], None)
    entry(dice.choice(users), dice.randrange(1, 9), words[2], None)
    if state:
        entry(users[0], 100, words[0], "cs_live_9999abcdef", counts=False)
    for _ in range(3 if assets else 0):
        entry(dice.choice(users), dice.randrange(1, 900), words[2], None, asset=assets)
    columns = list(rows[0])
    dice.shuffle(columns)
    kinds = {names[part]: dice.choice(choices) for part, choices in TYPES.items()}
    if isinstance(words[0], int):
        kinds[names["kind"]] = "INTEGER"
    older = {**rows[0], names["owner"]: rows[-1][names["owner"]]}
    script = dressed(dice, table, columns, kinds, rows=rows, older=older)
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
    return Invented("\n".join(script), truth, balances, assets == "bonus_credits")


def dressed(
    dice: random.Random,
    table: str,
    columns: list[str],
    kinds: dict[str, str],
    *,
    rows: list[dict[str, object]],
    older: dict[str, object],
) -> list[str]:
    """The entries' tables: as they are, with versions of a row, or in parts."""
    versions = dice.choice(("", "", "", "valid_to", "is_current", "version", "history", "images"))
    parts = dice.choice(("", "", "", "months", "archive")) if not versions else ""
    if versions == "images":
        changes: list[dict[str, object]] = [
            {"op": "c", "before": None, "after": json.dumps(row), "ts_ms": at}
            for at, row in enumerate([older, *rows[1:]])
        ]
        last = {"op": "u", "before": json.dumps(older), "after": json.dumps(rows[0])}
        return created(
            table, ["op", "before", "after", "ts_ms"], {}, [*changes, last | {"ts_ms": 99}]
        )
    if versions == "history":
        lines = [
            {**row, "operation": "INSERT", "history_id": n} for n, row in enumerate([older, *rows])
        ]
        lines[1] |= {"operation": "UPDATE"}
        wide = [*columns, "operation", "history_id"]
        return created(table, columns, kinds, rows) + created(
            f"{table}_history", wide, kinds, lines
        )
    if versions:
        now, then = {"valid_to": (None, "2025-09-30"), "is_current": (1, 0), "version": (2, 1)}[
            versions
        ]
        marked = [{**row, versions: now} for row in rows]
        stored = [*marked, {**older, versions: then}]
        dice.shuffle(stored)
        return created(table, [*columns, versions], kinds, stored)
    if parts == "months":
        half = len(rows) // 2
        return created(f"{table}_2025_08", columns, kinds, rows[:half]) + created(
            f"{table}_2025_09", columns, kinds, rows[half:]
        )
    if parts == "archive":
        third = len(rows) // 3
        # One was copied and not yet taken out.
        return created(table, columns, kinds, rows[third:]) + created(
            f"{table}_archive", columns, kinds, rows[: third + 1]
        )
    return created(table, columns, kinds, rows)


def created(
    table: str, columns: list[str], kinds: dict[str, str], rows: list[dict[str, object]]
) -> list[str]:
    quoted = ", ".join(f'"{column}" {kinds.get(column, "")}' for column in columns)
    return [f'CREATE TABLE "{table}" ({quoted});'] + [
        f'INSERT INTO "{table}" VALUES ({", ".join(literal(row[c]) for c in columns)});'
        for row in rows
    ]


def literal(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
