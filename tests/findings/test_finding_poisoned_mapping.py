"""poisoned_mapping names the misattributed payment that wrote a binding."""

from __future__ import annotations

from credit_forensics.findings.poisoned_mapping import find_poisoned_mapping


def history(make, *days, **columns):
    """Payments p1, p2, … of one customer, a day apart."""
    return [
        make.payment(
            f"p{day}",
            customer_id="cus_1",
            created_at=make.at(f"2025-09-0{day} 12:00"),
            completed_at=make.at(f"2025-09-0{day} 12:02"),
            **columns,
        )
        for day in days
    ]


def run(find, make, *, wrong, bound_at, days=(1, 2, 3), user="b", credits=None):
    rows = [
        make.credit(f"p{day}", "b", credited_at=make.at(f"2025-09-0{day} 12:03")) for day in days
    ]
    return find(
        find_poisoned_mapping,
        payments=history(make, *days),
        customers=[
            {
                "customer_id": "cus_1",
                "user_id": user,
                "bound_at": make.at(bound_at) if bound_at else None,
            }
        ],
        verdicts=[
            make.verdict(f"p{day}", "misattributed" if day in wrong else "confirmed", "b", "a")
            for day in days
        ],
        credited=rows if credits is None else credits,
    )


def test_the_payment_during_which_the_binding_came_about_wrote_it(find, make):
    (row,) = run(find, make, wrong=(1, 2, 3), bound_at="2025-09-01 12:03:10")
    assert row["payment_id"] == "p1"
    assert (row["credited_user_id"], row["rightful_user_id"]) == ("b", "a")
    assert (row["cause"], row["severity"]) == ("bound_while_booked", "high")
    assert (row["probability"], row["credits"]) == (0.97, 50)
    assert "since then 2 payments of that customer went the same way" in row["explanation"]


def test_a_later_writer_counts_only_what_came_after_it(find, make):
    (row,) = run(find, make, wrong=(1, 2, 3), bound_at="2025-09-02 12:02:30")
    assert row["payment_id"] == "p2"
    assert "since then 1 payment of" in row["explanation"]


def test_a_binding_was_moved_where_earlier_payments_are_on_the_rightful_account(find, make):
    credited = [make.credit("p1", "a"), make.credit("p2", "b"), make.credit("p3", "b")]
    found = {
        bound_at: find(
            find_poisoned_mapping,
            payments=history(make, 1, 2, 3),
            customers=[{"customer_id": "cus_1", "user_id": "b", "bound_at": make.at(bound_at)}],
            verdicts=[
                make.verdict("p1", "confirmed", "a", "a"),
                make.verdict("p2", "misattributed", "b", "a"),
                make.verdict("p3", "misattributed", "b", "a"),
            ],
            credited=credited,
        )
        for bound_at in ("2025-09-01 11:59", "2025-09-02 11:59")
    }
    assert found["2025-09-01 11:59"] == []
    (row,) = found["2025-09-02 11:59"]
    assert (row["payment_id"], row["cause"]) == ("p2", "moved")
    assert row["explanation"] == (
        "Before payment p2 customer cus_1 was moved to b, and its earlier payments are of a; "
        "since then 1 payment of that customer went the same way."
    )


def test_a_binding_of_another_time_was_not_written_by_it(find, make):
    # p1 was created at 12:00 and booked at 12:03.
    for bound_at in ("2025-08-01", "2025-09-01 11:59:59", "2025-09-01 13:03:01"):
        assert run(find, make, wrong=(1, 2), bound_at=bound_at) == []
    for bound_at in ("2025-09-01 12:00", "2025-09-01 13:03"):
        assert len(run(find, make, wrong=(1, 2), bound_at=bound_at)) == 1


def test_without_a_time_only_the_customers_first_payment_can_have_written_it(find, make):
    (row,) = run(find, make, wrong=(1, 3), bound_at=None)
    assert (row["payment_id"], row["cause"]) == ("p1", "first_payment")
    assert "1 payment of" in row["explanation"]
    assert run(find, make, wrong=(2, 3), bound_at=None) == []


def test_a_customer_of_whom_a_payment_is_confirmed_for_the_bound_user_is_theirs(find, make):
    """The server handed a colleague's customer to the first payment: the binding is right."""

    def found(verdict):
        return find(
            find_poisoned_mapping,
            payments=history(make, 1, 2),
            customers=[{"customer_id": "cus_1", "user_id": "b", "bound_at": None}],
            verdicts=[
                make.verdict("p1", "misattributed", "b", "a"),
                make.verdict("p2", verdict, "b", "b"),
            ],
            credited=[make.credit("p1", "b"), make.credit("p2", "b")],
        )

    assert found("confirmed") == []
    assert [row["payment_id"] for row in found("ambiguous")] == ["p1"]


def test_a_right_payment_or_a_mended_binding_poisons_nothing(find, make):
    assert run(find, make, wrong=(), bound_at="2025-09-01 12:03:10") == []
    assert run(find, make, wrong=(1,), bound_at="2025-09-01 12:03:10", user="a") == []


def repaired(find, make, *, user="b", persons=(), mend="reversal"):
    """A payment that wrote a binding to ``b`` and whose credits stand on ``a`` since."""

    def entry(number, user_id, delta, kind):
        return {
            "entry_id": str(number),
            "user_id": user_id,
            "delta": delta,
            "kind": kind,
            "payment_id": "p1",
            "created_at": make.at(f"2025-09-01 12:0{number}"),
        }

    return find(
        find_poisoned_mapping,
        payments=history(make, 1),
        customers=[
            {"customer_id": "cus_1", "user_id": user, "bound_at": make.at("2025-09-01 12:03")}
        ],
        verdicts=[{**make.verdict("p1", "confirmed", "a", "a"), "probability_misattributed": 0.1}],
        ledger=[
            entry(3, "b", 50, "purchase"),
            entry(4, "b", -50, mend),
            entry(5, "a", 50, "correction"),
        ],
        persons=[{"user_id": one, "person_id": "x"} for one in persons],
    )


def test_the_binding_of_a_repaired_payment_stays_found_until_it_is_mended(find, make):
    (row,) = repaired(find, make)
    assert (row["payment_id"], row["cause"]) == ("p1", "bound_while_booked")
    assert (row["credited_user_id"], row["rightful_user_id"]) == ("b", "a")
    assert (row["probability"], row["credits"]) == (0.9, 50)
    assert repaired(find, make, user="a") == []


def test_credits_moved_between_ids_of_one_person_or_spent_poison_nothing(find, make):
    assert repaired(find, make, persons=("a", "b")) == []
    assert repaired(find, make, mend="usage") == []


def test_a_missing_booking_time_falls_back_to_the_completion(find, make):
    (row,) = run(find, make, wrong=(1,), bound_at="2025-09-01 12:30", credits=[])
    assert row["payment_id"] == "p1"


def test_guests_and_other_customers_do_not_meet(find, make):
    found = find(
        find_poisoned_mapping,
        payments=[make.payment("p1", customer_id=None), make.payment("p2", customer_id="cus_2")],
        customers=[
            {"customer_id": None, "user_id": "b"},
            {"customer_id": "cus_1", "user_id": "b"},
        ],
        verdicts=[make.verdict(name, "misattributed", "b", "a") for name in ("p1", "p2")],
    )
    assert found == []
