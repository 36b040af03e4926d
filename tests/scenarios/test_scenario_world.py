"""The worlds: their truth, their determinism, what their tables agree on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from credit_forensics.scenarios.settings import FaultRates, WorldSettings
from credit_forensics.scenarios.world import World, make_world

PLAIN = WorldSettings(payments=4_000, wrong_session_rate=0.02)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(PLAIN, seed=3)


def frame(world: World, name: str) -> pd.DataFrame:
    return world.tables[name].to_pandas()


def test_the_same_seed_gives_the_same_world(world: World) -> None:
    again = make_world(PLAIN, seed=3)
    for name, table in world.tables.items():
        assert table.equals(again.tables[name]), name
    pd.testing.assert_frame_equal(world.truth, again.truth)
    pd.testing.assert_frame_equal(world.truth_findings, again.truth_findings)


def test_another_seed_gives_another_world(world: World) -> None:
    other = make_world(PLAIN, seed=4)
    assert not world.tables["payments"].equals(other.tables["payments"])


def test_ids_are_unique(world: World) -> None:
    for name, key in (
        ("payments", "payment_id"),
        ("events", "event_id"),
        ("ledger", "entry_id"),
        ("customers", "customer_id"),
        ("users", "user_id"),
        ("balances", "user_id"),
    ):
        assert frame(world, name)[key].is_unique, name


def test_the_ledger_holds_what_the_truth_says(world: World) -> None:
    ledger = frame(world, "ledger")
    purchases = ledger[(ledger["kind"] == "purchase") & ledger["payment_id"].notna()]
    first = purchases.drop_duplicates("payment_id").set_index("payment_id")["user_id"]
    told = world.truth.set_index("payment_id")["credited_user_id"].dropna()
    assert first.sort_index().equals(told.sort_index().rename("user_id"))


def test_wrong_means_another_person(world: World) -> None:
    person = world.people.set_index("user_id")["person_id"]
    truth = world.truth
    credited = truth["credited_user_id"].map(person)
    wrong = credited.notna() & (credited != truth["payer_person_id"])
    assert wrong.equals(truth["wrong"])
    assert truth.loc[truth["wrong"], "cause"].notna().all()
    assert truth.loc[~truth["wrong"], "cause"].isna().all()


def test_balances_are_the_sums_but_for_the_planted_drift(world: World) -> None:
    sums = frame(world, "ledger").groupby("user_id")["delta"].sum()
    stored = frame(world, "balances").set_index("user_id")["balance"]
    drifting = stored.index[stored != sums.reindex(stored.index)]
    planted = world.truth_findings.query("finding == 'balance_drift'")["user_id"]
    assert sorted(drifting) == sorted(planted)
    assert len(planted) > 0


def test_bindings_are_of_the_first_writer(world: World) -> None:
    customers = frame(world, "customers")
    payments = frame(world, "payments")
    ledger = frame(world, "ledger").query("kind == 'purchase'")
    booked = ledger.merge(payments[["payment_id", "customer_id"]], on="payment_id")
    first = booked.sort_values("created_at").drop_duplicates("customer_id")
    both = customers.merge(first, on="customer_id", suffixes=("", "_booked"))
    written = both[both["bound_at"] >= payments["created_at"].min()]
    assert len(written) > 100
    assert (written["user_id"] == written["user_id_booked"]).mean() > 0.99


def test_a_session_writes_its_copies_together(world: World) -> None:
    metadata = frame(world, "metadata").pivot(index="payment_id", columns="key", values="value")
    both = metadata.dropna(subset=["user_id", "session_user_id"])
    assert (both["user_id"] == both["session_user_id"]).all()
    assert (both["user_id"] == both["user_id_backup"]).all()
    emails = frame(world, "users").set_index("user_id")["email"]
    of_account = both["user_id"].map(emails)
    assert (both["session_email"][of_account.notna()] == of_account.dropna()).all()


def test_a_preset_session_prefills_its_own_account(world: World) -> None:
    payments = frame(world, "payments")
    preset = payments[payments["customer_preset"] & (payments["status"] == "complete")]
    assert preset["email_prefilled"].all()
    assert preset["customer_id"].notna().all()
    metadata = frame(world, "metadata").query("key == 'session_email'")
    session = preset["payment_id"].map(metadata.set_index("payment_id")["value"])
    session = session[session.notna() & (session != "unknown")]
    assert (preset.loc[session.index, "payer_email"] == session).all()


def test_bursts_are_dense_and_short(world: World) -> None:
    assert len(world.bursts) >= 1
    span = world.bursts["end"] - world.bursts["onset"]
    assert (span <= pd.Timedelta("6h")).all()
    assert (world.bursts["payments"] >= 20).all()
    created = frame(world, "payments").set_index("payment_id")["created_at"]
    for burst in world.bursts.itertuples():
        inside = created[(created >= burst.onset) & (created <= burst.end)].index
        wrong = world.truth.set_index("payment_id").loc[inside, "wrong"]
        assert 0.25 <= wrong.mean() <= 1.0


def test_a_versioned_burst_has_a_front_end_of_its_own() -> None:
    settings = replace(PLAIN, bursts=replace(PLAIN.bursts, versioned_share=1.0))
    world = make_world(settings, seed=5)
    version = frame(world, "metadata").query("key == 'frontend_version'")
    version = version.set_index("payment_id")["value"]
    truth = world.truth.assign(version=world.truth["payment_id"].map(version))
    inside = truth[truth["burst_id"].notna() & truth["version"].notna()]
    assert inside["version"].str.endswith("-hotfix").all()
    assert len(inside) >= 20


def test_every_planted_rate_is_met() -> None:
    rates = replace(FaultRates(), split_with_account=0.002, id_namespace=0.001)
    world = make_world(replace(PLAIN, faults=rates), seed=6)
    found = world.truth_findings.groupby("finding").size()
    assert found["duplicate_credit"] == 12
    assert found["test_mode_credit"] == 6
    assert found["wrong_amount"] == 8
    assert found["orphan_credit"] == 4
    assert found["split_identity"] == 16
    causes = set(world.truth_findings.query("finding == 'missing_credit'")["cause"])
    assert causes == {
        "not_delivered",
        "signature_refused",
        "resolution_failed",
        "acknowledged_not_applied",
    }
    assert "id_namespace" in set(world.truth["cause"].dropna())


def test_without_faults_only_wrong_sessions_are_left() -> None:
    settings = replace(PLAIN, faults=FaultRates.none(), missing_metadata=0.0)
    found = make_world(settings, seed=7).truth_findings
    assert set(found["finding"]) == {"wrong_user", "poisoned_mapping"}
    assert set(found.query("finding == 'wrong_user'")["cause"]) == {"stale_session"}


def test_no_poisoned_mapping_when_switched_off() -> None:
    world = make_world(replace(PLAIN, poisoned_mappings=False), seed=8)
    assert "poisoned_mapping" not in set(world.truth_findings["finding"])


@pytest.mark.parametrize(("scheme", "pattern"), [("integer", r"\d+"), ("cuid", r"c[0-9a-z]{24}")])
def test_id_schemes(scheme: str, pattern: str) -> None:
    world = make_world(replace(PLAIN, payments=300, id_scheme=scheme), seed=9)
    assert frame(world, "users")["user_id"].str.fullmatch(pattern).all()
    world.evidence()


def test_uuids_pass_the_handlers_strict_check(world: World) -> None:
    strict = r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert frame(world, "users")["user_id"].str.fullmatch(strict).all()


def test_relogin_ids_share_the_account_email() -> None:
    settings = replace(PLAIN, relogin_share=0.2, relogin_account_share=0.5)
    world = make_world(settings, seed=10)
    split = world.truth_findings.query("finding == 'split_identity'")
    assert len(split) > 300
    users = frame(world, "users").set_index("user_id")["email"]
    truth = world.truth.set_index("payment_id")
    payer_email = truth.loc[split["payment_id"], "payer_user_id"].map(users)
    told = frame(world, "metadata").query("key == 'session_email'").set_index("payment_id")["value"]
    assert (told.reindex(split["payment_id"]).to_numpy() == payer_email.to_numpy()).all()
    with_account = split["user_id"].isin(users.index)
    assert 0.3 < with_account.mean() < 0.7


def test_seed_ids_are_the_first_wrong_payment() -> None:
    payer, wrong = "e747de39-1b54-4cd0-96eb-e68f155931e2", "7675e93c-341b-412d-a41c-cfe1dc519172"
    world = make_world(replace(PLAIN, original_ids=(payer, wrong)), seed=11)
    first = world.truth[world.truth["wrong"] & (world.truth["payer_user_id"] == payer)]
    assert wrong in set(first["credited_user_id"])


def test_spans_are_those_of_the_tables(world: World) -> None:
    spans = world.evidence().frame("spans").set_index("source")
    payments = frame(world, "payments")
    assert spans.loc["payments", "row_count"] == len(payments)
    assert spans.loc["payments", "first_at"] == payments["created_at"].min()
    assert set(spans.index) == {"payments", "events", "deliveries", "ledger"}


def test_a_world_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two"):
        make_world(WorldSettings(payments=1), seed=1)


def test_amounts_halve_without_a_rest(world: World) -> None:
    payments = frame(world, "payments")
    assert (payments["amount"] % 2 == 0).all()
    refunded = payments[payments["amount_refunded"] > 0]
    assert set(np.round(refunded["amount_refunded"] / refunded["amount"], 3)) <= {0.5, 1.0}
