"""The claims in idiomatic pandas, and one payment at a time, as a person would write either."""

from __future__ import annotations

from typing import Any

import pandas as pd

NAMED = ("user_id", "user_id_backup", "session_user_id")


def in_pandas(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The claims in idiomatic pandas: pivots, maps, merges, ``merge_asof``."""
    payments, metadata = frames["payments"], frames["metadata"]
    session = metadata[(metadata["source"] == "session") & metadata["payment_id"].notna()]
    ids = session[session["user_id"].notna() & session["valid"].fillna(False).astype(bool)]
    named = ids[ids["key"].isin(NAMED)].drop_duplicates(["payment_id", "key"])
    wide = named.pivot(index="payment_id", columns="key", values="user_id").reindex(columns=NAMED)
    emails = ("session_email", "user_email", "account_email")
    other = ids[~ids["key"].isin([*NAMED, *emails])].sort_values("position")
    other = other.drop_duplicates("payment_id").set_index("payment_id")["user_id"]
    known = session[session["key"].isin(emails) & session["email_key"].notna()]
    known = known.drop_duplicates("payment_id").set_index("payment_id")["email_key"]
    intent = metadata[metadata["source"].isin(["intent", "charge"]) & metadata["key"].isin(NAMED)]
    intent = intent[intent["user_id"].notna()].drop_duplicates("payment_id")
    intent = intent.set_index("payment_id")["user_id"]
    users = frames["users"].dropna(subset=["email_key"]).groupby("email_key")["user_id"].min()
    bearers = frames["user_names"].groupby("name_key")["user_id"].agg(["min", "nunique"])
    single = bearers.loc[bearers["nunique"] == 1, "min"]
    of_payment = payments["payment_id"]
    rows = payments[["payment_id", "created_at", "customer_id"]].assign(
        **{f"metadata_{key}": of_payment.map(wide[key]) for key in NAMED},
        client_reference_id=payments["reference_user_id"].where(
            payments["reference_valid"].fillna(False).astype(bool)
        ),
        metadata_scan=of_payment.map(other),
        session_email=of_payment.map(known).map(users),
        intent_metadata=of_payment.map(intent),
        payer_email=payments["payer_email_key"].map(users),
        payer_name=payments["payer_name_key"].map(single),
    )
    customers = frames["customers"].dropna(subset=["customer_id", "user_id"])
    first = payments.dropna(subset=["customer_id"]).groupby("customer_id")["created_at"].min()
    customers = customers.assign(
        bound_at=customers["bound_at"].fillna(customers["customer_id"].map(first))
    )
    times = customers.dropna(subset=["bound_at"]).sort_values("bound_at")
    mapped = pd.merge_asof(
        rows.dropna(subset=["customer_id", "created_at"]).sort_values("created_at"),
        times[["customer_id", "bound_at", "user_id"]],
        left_on="created_at",
        right_on="bound_at",
        by="customer_id",
        allow_exact_matches=False,
    ).set_index("payment_id")["user_id"]
    rows["customer_mapping"] = of_payment.map(mapped)
    deliveries = frames["deliveries"].dropna(subset=["payment_id", "resolved_user_id"])
    deliveries = deliveries.assign(booked=deliveries["outcome"] != "credited").sort_values(
        ["booked", "received_at", "event_id", "source_line"]
    )
    log = deliveries.drop_duplicates("payment_id").set_index("payment_id")
    rows["handler_log"] = of_payment.map(log["resolved_user_id"])
    ledger = frames["ledger"].dropna(subset=["payment_id"])
    kinds = ["purchase", "reversal", "correction", "grant", "transfer"]
    ledger = ledger[ledger["kind"].isin(kinds)]
    held = ledger.groupby(["payment_id", "user_id"], as_index=False).agg(
        net=("delta", "sum"), at=("created_at", "min")
    )
    held = held[held["net"] > 0].sort_values(
        ["net", "at", "user_id"], ascending=[False, True, True]
    )
    held = held.drop_duplicates("payment_id").set_index("payment_id")["user_id"]
    rows["ledger"] = of_payment.map(held)
    cascade = rows["metadata_user_id"]
    for name in ("metadata_user_id_backup", "metadata_session_user_id", "customer_mapping",
                 "metadata_scan"):  # fmt: skip
        cascade = cascade.fillna(rows[name])
    rows["handler_cascade"] = cascade
    return rows


def loop(records: dict[str, list[dict[str, Any]]]) -> pd.DataFrame:
    """The claims one payment at a time, as the seed's handler goes through its methods."""
    emails: dict[str, str] = {}
    for user in records["users"]:
        key = user["email_key"]
        if isinstance(key, str):
            emails[key] = min(emails.get(key, user["user_id"]), user["user_id"])
    names: dict[str, set[str]] = {}
    for name in records["user_names"]:
        names.setdefault(name["name_key"], set()).add(name["user_id"])
    first: dict[str, Any] = {}
    for payment in records["payments"]:
        customer, at = payment["customer_id"], payment["created_at"]
        if isinstance(customer, str) and (customer not in first or at < first[customer]):
            first[customer] = at
    bindings: dict[str, list[tuple[Any, str]]] = {}
    for binding in records["customers"]:
        customer, at = binding["customer_id"], binding["bound_at"]
        at = first.get(customer) if at is None else at
        if at is not None:
            bindings.setdefault(customer, []).append((at, binding["user_id"]))
    for held in bindings.values():
        held.sort()
    entries: dict[str, list[dict[str, Any]]] = {}
    for entry in records["metadata"]:
        entries.setdefault(entry["payment_id"], []).append(entry)
    logged: dict[str, tuple[Any, ...]] = {}
    for delivery in records["deliveries"]:
        payment_id, user = delivery["payment_id"], delivery["resolved_user_id"]
        if isinstance(payment_id, str) and isinstance(user, str):
            rank = (delivery["outcome"] != "credited", delivery["received_at"], user)
            if payment_id not in logged or rank[:2] < logged[payment_id][:2]:
                logged[payment_id] = rank
    booked: dict[str, dict[str, int]] = {}
    kinds = {"purchase", "reversal", "correction", "grant", "transfer"}
    for entry in records["ledger"]:
        if isinstance(entry["payment_id"], str) and entry["kind"] in kinds:
            accounts = booked.setdefault(entry["payment_id"], {})
            accounts[entry["user_id"]] = accounts.get(entry["user_id"], 0) + entry["delta"]
    claims = []
    for payment in records["payments"]:
        payment_id = payment["payment_id"]
        claim: dict[str, Any] = {"payment_id": payment_id}
        for entry in sorted(entries.get(payment_id, ()), key=lambda one: one["position"]):
            key, user = entry["key"], entry["user_id"]
            if entry["source"] == "session":
                if key in NAMED and isinstance(user, str) and entry["valid"]:
                    claim.setdefault(f"metadata_{key}", user)
                elif key in ("session_email", "user_email", "account_email"):
                    claim.setdefault("session_email", emails.get(entry["email_key"]))
                elif isinstance(user, str) and entry["valid"]:
                    claim.setdefault("metadata_scan", user)
            elif entry["source"] in ("intent", "charge") and key in NAMED and isinstance(user, str):
                claim.setdefault("intent_metadata", user)
        if payment["reference_valid"] is True:
            claim["client_reference_id"] = payment["reference_user_id"]
        for at, user in bindings.get(payment["customer_id"], ()):
            if at < payment["created_at"]:
                claim["customer_mapping"] = user
        claim["payer_email"] = emails.get(payment["payer_email_key"])
        bears = names.get(payment["payer_name_key"], ())
        claim["payer_name"] = next(iter(bears)) if len(bears) == 1 else None
        claim["handler_log"] = logged.get(payment_id, (None,))[-1]
        accounts = booked.get(payment_id, {})
        held_by = sorted((-net, user) for user, net in accounts.items() if net > 0)
        claim["ledger"] = held_by[0][1] if held_by else None
        claim["handler_cascade"] = next(
            (
                claim[name]
                for name in ("metadata_user_id", "metadata_user_id_backup",
                             "metadata_session_user_id", "customer_mapping", "metadata_scan")
                if claim.get(name)
            ),
            None,
        )  # fmt: skip
        claims.append(claim)
    return pd.DataFrame(claims)
