"""Small shops from their files: what is found where it was shown, and not said where it was not.

Each test has both sides of one rule: the fault in what was read, found; the same fault where what
was read would not have shown the contrary, and that it could not be judged is said.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from credit_forensics.case.case import Case
from credit_forensics.case.doctor import check_up
from credit_forensics.case_file import read_case_file
from credit_forensics.cli import main
from credit_forensics.repair.plan import make_plan

HOUR = 3_600
BEGAN = 1_756_720_800
ORDERS = 12


def when(seconds: int) -> str:
    return pd.Timestamp(seconds, unit="s", tz="UTC").isoformat()


@dataclass
class Shop:
    """Twelve orders, an hour each, of twelve people; what is wrong with it a test writes into it."""

    folder: Path
    sessions: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    entries: list[tuple[Any, ...]] = field(default_factory=list)
    balances: list[tuple[str, Any]] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    ledger: str = ""

    def __post_init__(self) -> None:
        for n in range(ORDERS):
            at, user = BEGAN + n * HOUR, f"u{n}"
            payer = {"email": f"{user}@example.com", "name": f"Name{n} Family{n}"}
            session = {
                "id": f"cs_live_order{n:03d}", "object": "checkout.session", "created": at,
                "livemode": True, "mode": "payment", "status": "complete", "amount_total": 900,
                "payment_status": "paid", "currency": "eur", "payment_intent": f"pi_order{n:03d}",
                "customer_details": payer, "metadata": {"user_id": user, "credits": "50"},
            }  # fmt: skip
            self.sessions.append(session)
            self.events.append({
                "id": f"evt_order{n:03d}", "object": "event", "created": at + 30,
                "type": "checkout.session.completed", "livemode": True, "data": {"object": session},
            })  # fmt: skip
            self.entries.append((user, 50, f"stripe_purchase:payment_{session['id']}", at + 60))
            self.users.append(user)
            self.log.append(
                f"[{when(at + 45)} - app.base - INFO] Received event evt_order{n:03d} of type "
                f"checkout.session.completed for session {session['id']}: credited 50 to {user}"
            )

    def write(self) -> Path:
        folder = self.folder
        for name in ("sessions", "events", "refunds"):
            rows = getattr(self, name)
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        (folder / "webhook.log").write_text("\n".join(self.log) + "\n")
        with sqlite3.connect(folder / "ledger.db") as ledger:
            ledger.execute("CREATE TABLE users (id TEXT, email TEXT, name TEXT, created_at TEXT)")
            ledger.executemany(
                "INSERT INTO users VALUES (?, ?, ?, ?)",
                [
                    (u, f"{u}@example.com", f"Name{u[1:]} Family{u[1:]}", when(BEGAN - 9 * HOUR))
                    for u in self.users
                ],
            )
            ledger.execute(
                "CREATE TABLE credit_ledger (id INTEGER PRIMARY KEY, user_id TEXT, delta INTEGER,"
                " reason TEXT, created_at TEXT)"
            )
            ledger.executemany(
                "INSERT INTO credit_ledger (user_id, delta, reason, created_at) VALUES (?, ?, ?, ?)",
                [(*entry[:3], when(entry[3])) for entry in self.entries],
            )
            if self.balances:
                ledger.execute("CREATE TABLE user_credits (user_id TEXT, total_credits TEXT)")
                ledger.executemany("INSERT INTO user_credits VALUES (?, ?)", self.balances)
        ledger.close()
        refunds = '\nrefunds = "refunds.jsonl"' if self.refunds else ""
        log = '\n[webhook_log]\nfiles = "webhook.log"' if self.log else ""
        (folder / "case.toml").write_text(
            f'[stripe]\nsessions = "sessions.jsonl"\nevents = "events.jsonl"{refunds}{log}\n'
            f'[ledger]\nurl = "sqlite:///ledger.db"\n{self.ledger}'
        )
        return folder / "case.toml"

    def case(self) -> Case:
        return Case.open(self.write(), store=False)

    def found(self, finding: str) -> list[str]:
        rows = self.case().findings
        rows = rows[rows["finding"] == finding]
        return [str(v) for v in rows["payment_id"].fillna(rows["credited_user_id"])]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def nameless(shop: Shop) -> None:
    """Entries that name no payment, of as many credits as gifts of every day."""
    shop.entries = [(user, 50, "credits added", at) for user, _, _, at in shop.entries]
    shop.entries += [("u0", 50, "credits added", BEGAN + n * 1_800) for n in range(24)]


@pytest.mark.parametrize("linked", [True, False])
def test_credits_are_missing_and_repaired_only_where_entries_name_their_payments(shop, linked):
    del shop.entries[6]
    if not linked:
        nameless(shop)
    case = shop.case()
    missing = case.findings[case.findings["finding"] == "missing_credit"]
    certain = missing[missing["probability"] >= 0.9]["payment_id"].tolist()
    assert certain == (["cs_live_order006"] if linked else [])
    plan = make_plan(case)
    assert [one.finding for one in plan.corrections] == (["missing_credit"] if linked else [])


@pytest.mark.parametrize("linked", [True, False])
def test_an_entry_is_an_orphan_only_where_the_others_name_payments_that_were_read(shop, linked):
    shop.entries.append(("u3", 50, "stripe_purchase:payment_cs_live_forged1", BEGAN + 5 * HOUR))
    if not linked:
        # Every entry names an order of another shop of the same people.
        shop.entries = [
            (u, d, reason.replace("cs_live_order", "cs_live_other"), at)
            for u, d, reason, at in shop.entries
        ]
    case = shop.case()
    orphans = case.findings[case.findings["finding"] == "orphan_credit"]
    assert len(orphans) == (1 if linked else 0)
    if not linked:
        assert not case.judged.enough(0.95)


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("its deliveries", "not_delivered"),
        ("another program's lines", "unknown"),
        ("none", "unknown"),
    ],
)
def test_a_log_shows_no_delivery_only_where_deliveries_were_recognised(shop, log, cause):
    del shop.entries[6], shop.log[6]
    if log == "none":
        shop.log = []
    elif log != "its deliveries":
        shop.log = [
            f"[{when(BEGAN + n * HOUR)} - app.base - INFO] cache is warm, {n} pages"
            for n in range(ORDERS)
        ]
    case = shop.case()
    missing = case.findings[case.findings["finding"] == "missing_credit"]
    assert missing[["payment_id", "cause"]].values.tolist() == [["cs_live_order006", cause]]


@pytest.mark.parametrize("joined", [True, False])
def test_an_id_has_no_account_only_where_the_table_is_that_of_the_ledgers_accounts(shop, joined):
    _, delta, reason, at = shop.entries[4]
    shop.entries[4] = ("u99", delta, reason, at)
    if not joined:
        shop.users = [f"staff-{n}" for n in range(40)]
    case = shop.case()
    found = set(case.findings["finding"])
    assert ("unknown_user" in found) is joined
    gaps = check_up(read_case_file(shop.folder), store=False).gaps
    assert ("not_joined" in set(gaps["problem"])) is not joined


@pytest.mark.parametrize("linked", [True, False])
def test_a_refund_was_not_reversed_only_where_reversals_name_their_payment(shop, linked):
    def refund(n: int) -> dict[str, Any]:
        return {
            "id": f"re_order{n:03d}", "object": "refund", "created": BEGAN + 20 * HOUR + n,
            "payment_intent": f"pi_order{n:03d}", "amount": 900, "currency": "eur",
            "status": "succeeded",
        }  # fmt: skip

    shop.refunds = [refund(n) for n in range(4)]
    for n in (0, 1, 2):
        # Weeks later, so that nothing but the name ties it.
        named = f"refund:payment_cs_live_order{n:03d}" if linked else "refund"
        shop.entries.append((f"u{n}", -50 if linked else -37, named, BEGAN + (900 + n) * HOUR))
    assert shop.found("refund_not_reversed") == (["cs_live_order003"] if linked else [])


@pytest.mark.parametrize(
    ("balances", "found", "problems"),
    [
        ([*((f"u{n}", 50) for n in range(11)), ("u11", 70)], ["u11"], set()),
        ([*((f"u{n}", 50) for n in range(10)), ("u10", "fifty"), ("u11", 70)], [], {"rejected"}),
        ([], [], {"missing_table"}),
    ],
    ids=["whole", "a row rejected", "none"],
)
def test_a_balance_drifts_only_where_balances_were_read_whole(shop, balances, found, problems):
    shop.balances = balances
    case = shop.case()
    drift = case.findings[case.findings["finding"] == "balance_drift"]
    assert drift["credited_user_id"].tolist() == found
    gaps = case.evidence.gaps
    assert set(gaps.loc[gaps["object"] == "balances", "problem"]) == problems


@pytest.mark.parametrize("known", [True, False])
def test_the_newest_payment_is_judged_where_the_ledger_is_known_to_be_read_later(shop, known):
    del shop.entries[-1]
    if known:
        shop.ledger = f'until = "{when(BEGAN + 40 * HOUR)}"\n'
    assert shop.found("missing_credit") == (["cs_live_order011"] if known else [])


@pytest.mark.parametrize("known", [True, False])
def test_an_orphan_after_the_last_payment_is_found_where_payments_are_known_until_later(
    shop, known
):
    shop.entries.append(("u3", 50, "stripe_purchase:payment_cs_live_forged1", BEGAN + 30 * HOUR))
    if known:
        # What a pull leaves beside the case: it asked later, and there was nothing more.
        span, window = [0, BEGAN + 40 * HOUR], [0, BEGAN + 40 * HOUR, BEGAN + 40 * HOUR]
        empty = {"size": 0, "rows": 0, "covered": span, "round": None, "problem": None}
        state = {
            "version": 1, "livemode": "live", "api_base": "https://api.stripe.com",
            "window": dict(zip(("since", "until", "asked"), window, strict=True)),
            "finished": True, "uncovered_events": [],
            "resources": dict.fromkeys(("sessions", "charges", "invoices"), empty),
        }  # fmt: skip
        (shop.folder / "stripe_pull").mkdir()
        (shop.folder / "stripe_pull" / "state.json").write_text(json.dumps(state))
    found = shop.case().findings
    orphans = found[found["finding"] == "orphan_credit"]
    assert len(orphans) == (1 if known else 0)


@pytest.mark.parametrize(
    ("unbooked", "ends"),
    [(0, (0, "none")), (6, (3, "no findings in the 50 % that could be judged"))],
)
def test_none_is_said_only_where_nearly_all_was_judged(shop, unbooked, ends, capsys, monkeypatch):
    # The last orders lie after the last entry, and until when the ledger was read is not known.
    shop.balances = [(f"u{n}", 50 if n < ORDERS - unbooked else 0) for n in range(ORDERS)]
    shop.entries = shop.entries[: ORDERS - unbooked]
    path = shop.write()
    out = str(shop.folder / "out")
    monkeypatch.setattr("sys.argv", ["credit-forensics", "analyze", str(path), "--out", out])
    with pytest.raises(SystemExit) as ended:
        main()
    status, said = ends
    assert (ended.value.code or 0) == status
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(("filled_in", "found"), [(5, ["cs_live_order002"]), (4, [])])
def test_a_ledger_that_was_filled_in_later_covers_the_payments_that_it_names(
    shop, filled_in, found
):
    """The entries of the first days have the minute of the script that wrote them."""
    later = BEGAN + 10 * HOUR
    entries = shop.entries
    # The third payment is left out; of the others before the script so many are named.
    named = [n for n in range(10) if n != 2][:filled_in]
    shop.entries = [(*entries[n][:3], later) for n in named] + entries[10:]
    shop.sessions = [shop.sessions[n] for n in (*named, 2, 10, 11)]
    shop.events = [shop.events[n] for n in (*named, 2, 10, 11)]
    assert shop.found("missing_credit") == found
