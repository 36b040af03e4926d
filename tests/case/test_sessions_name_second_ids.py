"""Sessions that name accounts by their old numbers, beside a ledger that names the new ids."""

from __future__ import annotations

import json
import sqlite3

import pytest
from test_small_shops import DAY, MARCH, PEOPLE, bought, charge, order, when

from credit_forensics.case.case import Case

OLD = {user: str(900 + number) for number, user in enumerate(PEOPLE)}


@pytest.mark.parametrize("since", [0, 10], ids=["all sessions", "sessions of the last days"])
def test_an_old_number_is_the_account_and_a_stranger_is_asked_about(tmp_path, since):
    objects = []
    for number in range(18):
        user = order(number)["metadata"]["user_id"]
        named = {"user_id": OLD[user] if number >= since else user}
        objects.append(order(number, metadata=named))
    (tmp_path / "stripe.jsonl").write_text(
        "".join(json.dumps(one) + "\n" for one in [*objects, *map(charge, objects)])
    )
    with sqlite3.connect(tmp_path / "ledger.db") as ledger:
        ledger.execute("CREATE TABLE users (id TEXT, legacy_id INTEGER, email TEXT, name TEXT,"
                       " created_at TEXT)")  # fmt: skip
        ledger.execute("CREATE TABLE credit_transactions (id INTEGER PRIMARY KEY, user_id TEXT,"
                       " amount INTEGER, type TEXT, reference TEXT, created_at TEXT)")  # fmt: skip
        for user, name in PEOPLE.items():
            row = (user, int(OLD[user]), f"{user}@example.com", name, when(MARCH - DAY))
            ledger.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?)", row)
        for number in range(18):
            own = order(number)
            entry = bought(own, "u4" if number == 12 else own["metadata"]["user_id"])
            row = (*entry[:4], when(entry[4]))
            ledger.execute("INSERT INTO credit_transactions VALUES (NULL, ?, ?, ?, ?, ?)", row)
    ledger.close()
    (tmp_path / "case.toml").write_text(
        '[stripe]\nfiles = "stripe.jsonl"\n[ledger]\nurl = "sqlite:///ledger.db"\n'
    )
    case = Case.open(tmp_path / "case.toml", store=False)
    verdicts = case.verdicts.set_index("payment_id")
    wrong = verdicts.loc[order(12)["id"]]
    assert set(verdicts["verdict"].drop(order(12)["id"])) == {"confirmed"}
    # Nothing explains a fault here: a question, and to whom the credits belong.
    assert [wrong["verdict"], wrong["rightful_user_id"]] == ["paid_by_another", "u1"]
    assert set(case.findings["finding"]) <= {"balance_unreadable"}
