"""What findings pass over as the shop's practice is a gap of the case, with its count."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.findings.balance_drift import find_balance_drift
from credit_forensics.findings.catalogue import FINDINGS, examine_with_practices
from credit_forensics.findings.practice import passed_over as of_all
from credit_forensics.findings.refund_not_reversed import find_refund_not_reversed
from credit_forensics.findings.refund_over_reversed import find_refund_over_reversed
from credit_forensics.findings.wrong_amount import find_wrong_amount
from credit_forensics.tables.catalogue import Tables

START = pd.Timestamp("2026-01-01", tz="UTC")


def passed_over(make, rows, findings=FINDINGS):
    """The gaps of practices; of all payments they must be the same as of odd ones."""
    engine = make.engine(rows)
    told = examine_with_practices(engine, findings).practices
    practices = [one for finding in findings for one in finding.practices]
    pd.testing.assert_frame_equal(told, of_all(engine, practices, Tables(), ""))
    return told


def kept_fees(make, taken):
    """Payments of 1000 of which 900 came back and so many of 50 credits were taken."""
    return {
        "payments": [
            make.payment(f"p{number}", amount=1000, amount_lost=900) for number in range(len(taken))
        ],
        "credited": [make.credit(f"p{number}", reversed=one) for number, one in enumerate(taken)],
    }


def in_parts(make, deltas):
    """Payments of unknown worth, each with its grants."""
    return {
        "payments": [make.payment(f"p{n}", expected_credits=None) for n in range(len(deltas))],
        "credited": [
            make.credit(f"p{n}", granted=sum(parts), grants=len(parts))
            for n, parts in enumerate(deltas)
        ],
        "ledger": [
            {
                "entry_id": f"e{n}-{delta}",
                "payment_id": f"p{n}",
                "user_id": "a",
                "delta": delta,
                "kind": "purchase",
                "created_at": START,
            }
            for n, parts in enumerate(deltas)
            for delta in parts
        ],
    }


@pytest.mark.parametrize(
    ("rows", "begins"),
    [
        (lambda make: kept_fees(make, [50, 50, 50]), "3 payments lost all credits though"),
        (lambda make: kept_fees(make, [50, 50]), ""),
        (lambda make: kept_fees(make, [50, 50, 50, 45]), ""),
        (lambda make: in_parts(make, [(100, 10), (100, 10)]), "2 payments were granted several"),
        (lambda make: in_parts(make, [(100, 10), (90, 10)]), ""),
    ],
    ids=["three fees", "two", "one in proportion", "parts", "no two alike"],
)
def test_a_practice_is_told_with_the_payments_that_it_covers(make, rows, begins):
    gaps = passed_over(make, rows(make))
    assert len(gaps) == bool(begins)
    assert all(sentence.startswith(begins) for sentence in gaps["consequence"])
    assert set(gaps["problem"]) <= {"by practice"}


def test_both_practices_at_once_are_two_gaps_in_the_order_of_findings(make):
    fees = {
        name: [{**row, "payment_id": f"r{row['payment_id']}"} for row in rows]
        for name, rows in kept_fees(make, [50] * 3).items()
    }
    parts = in_parts(make, [(100, 10), (100, 10)])
    rows = {name: [*fees.get(name, []), *parts[name]] for name in parts}
    assert passed_over(make, rows)["object"].tolist() == ["grants", "refunds"]


def test_a_finding_that_cannot_run_hides_no_practice_of_the_others(make):
    engine = make.engine(kept_fees(make, [50] * 3))
    engine.connection.execute("DROP TABLE balances")
    found = examine_with_practices(engine)
    assert "balance_drift" in found.runs[~found.runs["ran"]]["finding"].tolist()
    assert found.practices["object"].tolist() == ["refunds"]


def test_without_the_findings_that_pass_them_over_nothing_is_told(make):
    assert passed_over(make, kept_fees(make, [50] * 3), []).empty


DAY = pd.Timedelta(days=1)


def granted(make, grants, **columns):
    """Payments of 100 credits' worth, a day apart, each with its one grant and what it cost."""
    payments, credited, ledger = [], [], []
    for n, (amount, worth, credits) in enumerate(grants):
        at = START + n * DAY
        payments.append(
            make.payment(
                f"p{n:02}", amount=amount, expected_credits=worth, created_at=at, **columns
            )
        )
        credited.append(make.credit(f"p{n:02}", user=f"u{n}", granted=credits, grants=1))
        ledger.append(
            entry(f"e{n}", credits, payment_id=f"p{n:02}", user_id=f"u{n}", created_at=at)
        )
    return {"payments": payments, "credited": credited, "ledger": ledger}


def entry(name, delta, kind="purchase", **columns):
    base = {"entry_id": name, "payment_id": None, "user_id": "a", "created_at": START}
    return base | {"delta": delta, "kind": kind} | columns


def amounts_found(find, rows):
    return [row["payment_id"] for row in find(find_wrong_amount, **rows)]


SMALL, LARGE = (1000, 100, 100), (5000, 500, 550)


@pytest.mark.parametrize(
    ("grants", "found"),
    [
        # Ten per cent on top for all of the large ones; of four nobody knows.
        ([SMALL] * 3 + [LARGE] * 5, []),
        ([SMALL] * 3 + [LARGE] * 4, ["p03", "p04", "p05", "p06"]),
        # Two larger ones without it: seven of nine are nearly all, six of eight are not.
        ([LARGE, (6000, 600, 600)] * 2 + [LARGE] * 5, []),
        ([LARGE, (6000, 600, 600)] * 2 + [LARGE] * 4, ["p00", "p02", "p04", "p05", "p06", "p07"]),
        # Twenty more in one week, for whatever it was.
        ([SMALL] * 4 + [(1000, 100, 120), (3000, 300, 320)] * 3 + [SMALL] * 4, []),
        # Half as much again may be a bonus, more is a factor that went wrong.
        ([SMALL] * 3 + [(5000, 500, 750)] * 5, []),
        ([SMALL] * 3 + [(5000, 500, 760)] * 5, ["p03", "p04", "p05", "p06", "p07"]),
    ],
    ids=["large", "few", "most", "not most", "week", "half", "beyond half"],
)
def test_what_all_of_a_size_or_of_a_time_have_on_top_is_a_bonus(find, make, grants, found):
    assert amounts_found(find, granted(make, grants)) == found


@pytest.mark.parametrize(
    ("grants", "found"),
    [
        # The pack grew from 90 to 100: five before the change, three since.
        ([(1000, 100, 90)] * 5 + [SMALL] * 3, []),
        ([(1000, 100, 90)] * 4 + [SMALL] * 3, ["p00", "p01", "p02", "p03"]),
        ([(1000, 100, 90)] * 5 + [SMALL] * 2, ["p00", "p01", "p02", "p03", "p04"]),
        # One after the change is none of them; two worths before it are no former worth.
        ([(1000, 100, 90)] * 5 + [SMALL] * 3 + [(1000, 100, 90)], ["p08"]),
        ([(1000, 100, 90)] * 5 + [(1000, 100, 80)] + [SMALL] * 3, [f"p0{n}" for n in range(6)]),
    ],
    ids=["before", "four", "two since", "after", "two worths"],
)
def test_what_all_of_a_price_brought_until_a_day_was_its_worth(find, make, grants, found):
    assert amounts_found(find, granted(make, grants)) == found


@pytest.mark.parametrize(("filled", "found"), [(3, []), (2, ["p00", "p01"])])
def test_grants_that_fill_an_account_up_are_whole(find, make, filled, found):
    rows = granted(make, [(1000, 100, 70 + n) for n in range(filled)])
    rows["ledger"] += [
        entry(f"had{n}", 30 - n, kind="grant", user_id=f"u{n}", created_at=START - DAY)
        for n in range(filled)
    ]
    assert amounts_found(find, rows) == found
    # What came after the grant was not there yet.
    rows["ledger"].append(entry("later", 50, kind="grant", user_id="u0", created_at=START + DAY))
    assert amounts_found(find, rows) == found


def losses(make, taken, **columns):
    """Lost disputes of payments that were granted 50, and so many taken back of each."""
    return {
        "payments": [
            make.payment(f"p{n}", amount=1000, amount_lost=1000, disputed=True, **columns)
            for n in range(len(taken))
        ],
        "credited": [make.credit(f"p{n}", reversed=one) for n, one in enumerate(taken)],
    }


@pytest.mark.parametrize(
    ("taken", "found"),
    [
        ([65, 65, 65], []),
        ([65, 65], ["p0", "p1"]),
        # One that cost nothing more, or something else, shows that there is no such term.
        ([65, 65, 65, 50], ["p0", "p1", "p2"]),
        ([65, 65, 65, 60], ["p0", "p1", "p2", "p3"]),
        # Half of the grant may be a fee; the whole of it was taken twice.
        ([75, 75, 75], []),
        ([76, 76, 76], ["p0", "p1", "p2"]),
    ],
)
def test_credits_that_every_whole_loss_costs_beside_its_own_are_a_term(find, make, taken, found):
    rows = find(find_refund_over_reversed, **losses(make, taken))
    assert [row["payment_id"] for row in rows] == found


def cart(make, lost, taken, others=2400, pack=1600):
    """A pack of 50 credits beside something else, of which so much money and credits went back."""
    items = [("pack", pack, 50), ("shirt", others, None)]
    return {
        "payments": [make.payment("p", amount=pack + others, amount_lost=lost)],
        "credited": [make.credit("p", reversed=taken)],
        "payment_items": [
            {"payment_id": "p", "position": n, "price_id": name, "amount": cost, "credits": worth}
            for n, (name, cost, worth) in enumerate(items)
            if cost
        ],
    }


@pytest.mark.parametrize(
    ("lost", "taken", "left"),
    [
        # The shirt's price may be the shirt's; the pack's is the pack's.
        (2400, 0, None),
        (1600, 0, 50),
        (1600, 50, None),
        # Beyond the shirt's price the rest must be the pack's: 800 of 1600, half of the credits.
        (3200, 0, 25),
        (3200, 25, None),
        (4000, 0, 50),
    ],
)
def test_of_a_mixed_cart_only_what_must_be_the_packs_is_due(find, make, lost, taken, left):
    found = find(find_refund_not_reversed, **cart(make, lost, taken))
    assert [row["credits"] for row in found] == ([left] if left else [])


@pytest.mark.parametrize(
    ("lost", "taken", "beyond"), [(800, 25, None), (800, 40, 15), (2400, 50, None)]
)
def test_of_a_mixed_cart_no_more_than_may_be_the_packs_goes(find, make, lost, taken, beyond):
    found = find(find_refund_over_reversed, **cart(make, lost, taken))
    assert [row["credits"] for row in found] == ([beyond] if beyond else [])


def test_a_mixed_cart_of_which_no_line_is_told_is_a_gap(make):
    gap = passed_over(make, cart(make, 2400, 0)).iloc[0]
    # Nothing that the shop does: the evidence leaves it open.
    assert (gap["object"], gap["problem"]) == ("refunds", "untold")
    assert "which of them" in gap["consequence"]
    assert passed_over(make, cart(make, 1600, 0)).empty


def balances(*accounts):
    """Accounts with what is stored, and their entries: days and credits."""
    return {
        "balances": [
            {"user_id": f"u{n}", "balance": stored} for n, (stored, _) in enumerate(accounts)
        ],
        "ledger": [
            entry(f"e{n}-{day}", delta, "usage", user_id=f"u{n}", created_at=START + day * DAY)
            for n, (_, entries) in enumerate(accounts)
            for day, delta in entries.items()
        ],
    }


@pytest.mark.parametrize(
    ("accounts", "found"),
    [
        # Summed after day 3: what came since is not in two of them, and the third has nothing since.
        ([(50, {1: 50, 5: -5}), (40, {2: 40, 6: -5}), (30, {3: 30})], []),
        # One alone is no moment, nor is one before which another account's entry is missing.
        ([(50, {1: 50, 5: -5}), (30, {3: 30})], ["u0"]),
        ([(50, {1: 50, 3: -5}), (40, {4: 40, 6: -5})], ["u0", "u1"]),
        # An account that agrees with an entry of later shows that balances are kept up.
        ([(50, {1: 50, 5: -5}), (40, {2: 40, 6: -5}), (30, {7: 30})], ["u0", "u1"]),
        # A balance that was never right is found beside those of a moment.
        ([(50, {1: 50, 5: -5}), (40, {2: 40, 6: -5}), (77, {3: 30})], ["u2"]),
    ],
    ids=["a moment", "one", "no moment", "kept up", "one off"],
)
def test_balances_that_were_summed_at_one_moment(find, accounts, found):
    rows = find(find_balance_drift, **balances(*accounts))
    assert [row["credited_user_id"] for row in rows] == found


@pytest.mark.parametrize(
    ("accounts", "told"),
    [
        ([(50, {1: 50, 5: -5}), (40, {2: 40, 6: -5}), (30, {3: 30})], ["2 accounts"]),
        ([(50, {1: 50, 5: -5}), (30, {3: 30})], []),
    ],
)
def test_balances_of_a_moment_are_told_with_their_accounts(make, accounts, told):
    rows = balances(*accounts) | {"coverage": make.all_shown()}
    gaps = passed_over(make, rows)
    assert [one.split(" have ")[0] for one in gaps["consequence"]] == told
