from __future__ import annotations

import dataclasses
import datetime as dt

import pandas as pd

from credit_forensics.monitoring.checks import CHECKS, TITLES
from credit_forensics.monitoring.credited_wrongly import (
    balance_anomalies,
    duplicates,
    misattributions,
    other_findings,
)
from credit_forensics.monitoring.disagreement import disagreement
from credit_forensics.monitoring.failed_deliveries import failed_deliveries
from credit_forensics.monitoring.observation import ITEM_COLUMNS, CheckSettings, Watched
from credit_forensics.monitoring.paid_not_credited import paid_not_credited
from credit_forensics.monitoring.resolution_failures import resolution_failures
from credit_forensics.monitoring.silence import silence
from credit_forensics.tables.catalogue import conform

NOW = dt.datetime(2025, 9, 1, 12, tzinfo=dt.UTC)
SETTINGS = CheckSettings()


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"2025-09-01T{text}Z")


def rows(table: str, *records: dict) -> pd.DataFrame:
    frame = pd.DataFrame(list(records))
    return conform(table, frame).to_pandas()


def payment(payment_id: str, time: str, **more: object) -> dict:
    return {
        "payment_id": payment_id,
        "created_at": at(time),
        "livemode": True,
        "mode": "payment",
        "payment_status": "paid",
        "amount": 399,
        "currency": "eur",
        "expected_credits": 50,
        **more,
    }


def delivery(event_id: str | None, time: str, outcome: str, **more: object) -> dict:
    return {"event_id": event_id, "received_at": at(time), "outcome": outcome, **more}


def entry(payment_id: str | None, time: str, event_id: str | None = None) -> dict:
    return {"payment_id": payment_id, "event_id": event_id, "created_at": at(time), "delta": 50}


def finding(name: str, payment_id: str | None, **more: object) -> dict:
    return {
        "finding": name,
        "payment_id": payment_id,
        "severity": "high",
        "created_at": at("10:00"),
        **more,
    }


def test_every_check_runs_on_an_empty_case_and_says_so():
    for check in CHECKS:
        seen = check(Watched(has_log=True, has_ledger=True), SETTINGS, NOW)
        assert seen.check == check.__name__
        assert seen.summary
        assert len(seen.items) == 0
        assert list(seen.items.columns) == list(ITEM_COLUMNS)
        assert seen.check in TITLES


def test_failed_deliveries_are_told_by_outcome_unless_a_retry_made_them_good():
    log = rows(
        "deliveries",
        delivery("evt_1", "10:00", "database_error", resolved_user_id="b", credits=50),
        delivery("evt_2", "10:01", "database_error"),
        delivery("evt_2", "10:09", "credited"),
        delivery("evt_3", "10:02", "credited"),
        delivery("evt_3", "10:03", "no_credits"),
        delivery(None, "10:04", "signature_refused", request_id="req-7"),
        delivery(None, "10:05", "signature_refused", source_file="w.log", source_line=9),
        delivery("evt_4", "11:57", "incomplete"),
        delivery("evt_5", "11:40", "incomplete"),
        delivery("evt_6", "10:06", "ignored"),
        delivery("evt_1", "10:30", "database_error"),
    )
    found = failed_deliveries(Watched(deliveries=log), SETTINGS, NOW).items
    assert found[["item", "cause", "severity"]].values.tolist() == [
        ["evt_1", "database_error", "critical"],
        ["evt_5", "incomplete", "critical"],
        ["evt_3", "no_credits", "critical"],
        ["req-7", "signature_refused", "warning"],
        ["w.log:9", "signature_refused", "warning"],
    ]
    assert found.iloc[0]["user_id"] == "b"
    assert found.iloc[0]["at"] == at("10:00")


def test_resolution_failures_warn():
    log = rows(
        "deliveries",
        delivery("evt_1", "10:00", "resolution_failed"),
        delivery("evt_2", "10:00", "resolution_failed"),
        delivery("evt_2", "10:20", "credited"),
    )
    seen = resolution_failures(Watched(deliveries=log), SETTINGS, NOW)
    assert seen.items[["item", "severity"]].values.tolist() == [["evt_1", "warning"]]


def test_findings_go_to_the_check_of_their_kind_and_to_no_other():
    found = rows(
        "findings",
        finding(
            "wrong_user", "cs_1", severity="critical", cause="stale_session", credited_user_id="b"
        ),
        finding("split_identity", "cs_2"),
        finding("duplicate_credit", "cs_3"),
        finding("balance_drift", None, severity="medium", credited_user_id="u1"),
        finding("balance_unreadable", None),
        finding("orphan_credit", None, event_id="evt_9"),
        finding("wrong_amount", "cs_4", severity="medium"),
        finding("missing_credit", "cs_5"),
        finding("failed_delivery", "cs_6", severity="medium"),
    )
    watched = Watched(findings=found)

    def items(check):
        return check(watched, SETTINGS, NOW).items[["item", "cause", "severity"]].values.tolist()

    assert items(misattributions) == [
        ["cs_2", "split_identity", "warning"],
        ["cs_1", "wrong_user: stale_session", "critical"],
    ]
    assert items(duplicates) == [["cs_3", "duplicate_credit", "warning"]]
    assert items(balance_anomalies) == [
        ["u1", "balance_drift", "info"],
        ["balance_unreadable", "balance_unreadable", "info"],
    ]
    assert items(other_findings) == [
        ["evt_9", "orphan_credit", "warning"],
        ["cs_4", "wrong_amount", "info"],
    ]


def test_paid_and_not_credited_beyond_the_grace():
    payments = rows(
        "payments",
        payment("cs_booked", "09:10"),
        payment("cs_by_event", "09:20"),
        payment("cs_lost", "09:30"),
        payment("cs_fresh", "11:30"),
        payment("cs_late_paid", "09:00", completed_at=at("11:20")),
        payment("cs_before_the_ledger", "08:00"),
        payment("cs_test", "09:40", livemode=False),
        payment("cs_unpaid", "09:40", payment_status="unpaid"),
        payment("cs_setup", "09:40", mode="setup"),
        payment("cs_refunded", "09:40", amount_refunded=399),
        payment("cs_partly_refunded", "09:45", amount_refunded=100),
    )
    ledger = rows(
        "ledger", entry(None, "08:30"), entry("cs_booked", "09:11"), entry(None, "09:21", "evt_2")
    )
    events = rows("events", {"event_id": "evt_2", "payment_id": "cs_by_event"})
    watched = Watched(payments=payments, ledger=ledger, events=events, has_ledger=True)
    seen = paid_not_credited(watched, SETTINGS, NOW)
    assert seen.items["item"].tolist() == ["cs_lost", "cs_partly_refunded"]
    assert seen.items["credits"].tolist() == [50, 50]
    assert set(seen.items["severity"]) == {"critical"}
    longer = paid_not_credited(watched, CheckSettings(grace_minutes=10), NOW)
    assert longer.items["item"].tolist() == [
        "cs_lost",
        "cs_partly_refunded",
        "cs_late_paid",
        "cs_fresh",
    ]
    assert len(paid_not_credited(Watched(payments=payments), SETTINGS, NOW).items) == 0
    unlinked = dataclasses.replace(watched, unlinked="no ledger entry is tied to a payment")
    nothing = paid_not_credited(unlinked, SETTINGS, NOW)
    assert len(nothing.items) == 0
    assert nothing.summary == "nothing is said: no ledger entry is tied to a payment"


def test_silence_needs_payments_after_the_last_delivery():
    payments = rows(
        "payments", payment("cs_1", "09:00"), payment("cs_2", "10:30"), payment("cs_3", "11:50")
    )
    log = rows("deliveries", delivery("evt_1", "09:01", "credited"))
    watched = Watched(payments=payments, deliveries=log, has_log=True)
    seen = silence(watched, SETTINGS, NOW)
    assert seen.items["item"].tolist() == ["cs_2", "cs_3"]
    assert seen.summary == "2 payments and no delivery since"
    # Any delivery breaks it, also a refused one.
    heard = pd.concat([log, rows("deliveries", delivery(None, "11:55", "signature_refused"))])
    assert silence(
        Watched(payments=payments, deliveries=heard, has_log=True), SETTINGS, NOW
    ).items.empty
    assert silence(Watched(payments=payments, has_log=False), SETTINGS, NOW).items.empty
    early = dt.datetime(2025, 9, 1, 11, tzinfo=dt.UTC)
    assert silence(watched, SETTINGS, early).items.empty


def history(days: int, per_day: int, wrong_share: float, wrong_today: int) -> Watched:
    made = []
    for day in range(days + 1):
        start = pd.Timestamp(NOW) - pd.Timedelta(days=days - day)
        for n in range(per_day):
            wrong = n < wrong_today if day == days else n < wrong_share * per_day
            made.append((f"cs_{day}_{n}", start - pd.Timedelta(minutes=n), 2 - wrong))
    frame = pd.DataFrame(made, columns=["payment_id", "created_at", "families_agreeing"])
    verdicts = frame[["payment_id", "families_agreeing"]].assign(families_available=2)
    return Watched(payments=frame[["payment_id", "created_at"]], verdicts=verdicts)


def test_disagreement_is_judged_against_the_cases_own_history():
    usual = disagreement(history(20, 50, 0.1, 6), SETTINGS, NOW)
    assert usual.items.empty
    assert usual.summary == "families disagree on 6 of 50 payments, before on 100 of 1000"
    worse = disagreement(history(20, 50, 0.1, 20), SETTINGS, NOW)
    assert len(worse.items) == 20
    assert disagreement(history(20, 50, 0.0, 2), SETTINGS, NOW).items.empty
    assert len(disagreement(history(20, 50, 0.0, 4), SETTINGS, NOW).items) == 4
    # Without a history there is nothing to compare with.
    assert disagreement(history(0, 50, 0.0, 40), SETTINGS, NOW).items.empty


def test_the_order_of_rows_changes_nothing():
    log = rows(
        "deliveries",
        *(delivery(f"evt_{n % 3}", f"10:{n:02d}", "database_error") for n in range(9)),
    )
    first = failed_deliveries(Watched(deliveries=log), SETTINGS, NOW).items
    other = failed_deliveries(Watched(deliveries=log.sample(frac=1, random_state=3)), SETTINGS, NOW)
    pd.testing.assert_frame_equal(first, other.items)
