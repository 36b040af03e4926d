"""The analysis in idiomatic pandas, as a person would write it who knows the method."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pandas as pd
from resolution_fit import fuse

from credit_forensics.judgement.families import NAME_BOUNDS
from credit_forensics.judgement.periods import Periods, choose_periods
from credit_forensics.judgement.persons import group_persons
from credit_forensics.resolution.handler_cascade import CASCADE
from credit_forensics.resolution.handler_log import HANDLER_NAMES
from credit_forensics.resolution.methods import METHODS

NAMED = ("user_id", "user_id_backup", "session_user_id")
FAMILIES = ("session", "mapping", "email", "card", "name")
IDS = (
    "metadata_user_id",
    "metadata_user_id_backup",
    "metadata_session_user_id",
    "client_reference_id",
    "metadata_scan",
    "session_email",
    "intent_metadata",
    "customer_mapping",
    "payer_email",
    "payer_name",
    "ledger",
)


def in_pandas(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Claims, verdicts and choices."""
    payments, users = frames["payments"], frames["users"]
    rows = claims_of(frames)
    accounts = users.sort_values(["created_at", "user_id"], na_position="last")["user_id"]
    persons = group_persons(links_of(frames, rows), accounts).set_index("user_id")["person_id"]
    people = rows[
        ["payment_id", "created_at", "payer_name_key", "name_owners", "preset", "prefilled"]
    ]
    people = people.assign(**{name: as_person(rows[name], persons) for name in IDS})
    shared = frames["user_names"].merge(
        people["payer_name_key"].drop_duplicates(), left_on="name_key", right_on="payer_name_key"
    )
    borne = pd.MultiIndex.from_arrays(
        [as_person(shared["user_id"], persons), shared["name_key"]]
    ).unique()
    seconds = rows["created_at"].astype("int64") // 1_000_000
    periods = choose_periods(int(seconds.min()), int(seconds.max()), len(rows))
    voices = first_voices(people)
    judged = fuse_frame(voices, people, borne, seconds, periods, len(accounts))
    owned = pd.DataFrame(
        {
            "payment_id": rows["payment_id"],
            "person": best_of(judged, voices),
            "weight": np.floor(judged["best_probability"] * 1_000_000 + 0.5).astype("int64"),
        }
    )
    owned = owned[owned["person"].notna() & (owned["weight"] >= 500_000)]
    customer = votes_of(rows, "customer_id", owned)
    card = votes_of(rows, "card_fingerprint", owned)
    hear(voices, people, customer, card)
    judged = fuse_frame(voices, people, borne, seconds, periods, len(accounts))
    verdicts = verdicts_of(rows, payments, frames["spans"], people, voices, judged)
    histories = {
        "customer_history": customer.reindex(rows["payment_id"])["person"].to_numpy(),
        "card_history": card.reindex(rows["payment_id"])["person"].to_numpy(),
    }
    people, rows = people.assign(**histories), rows.assign(**histories)
    return {"claims": rows, "verdicts": verdicts, "choices": choices_of(rows, people, verdicts)}


def claims_of(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The wide matrix: pivots, maps, ``merge_asof``."""
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
    name_owners = frames["user_names"].groupby("name_key")["user_id"].agg(["min", "nunique"])
    single = name_owners.loc[name_owners["nunique"] == 1, "min"]
    of_payment = payments["payment_id"]
    keep = ["payment_id", "created_at", "customer_id", "card_fingerprint", "payer_name_key"]
    preset = payments["customer_preset"].astype("boolean").fillna(payments["customer_id"].notna())
    rows = payments[keep].assign(
        preset=preset.astype("bool"),
        prefilled=payments["email_prefilled"].astype("boolean").fillna(False).astype("bool"),
        name_owners=payments["payer_name_key"].map(name_owners["nunique"]),
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
    names = log["method"].map(HANDLER_NAMES).fillna(log["method"].str.lower())
    scanned = log["method"].str.startswith("EMERGENCY_SCAN_", na=False)
    rows["log_method"] = of_payment.map(names.mask(scanned, "metadata_scan"))
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
    named_by = rows["metadata_user_id"]
    method = pd.Series("metadata_user_id", index=rows.index, dtype="str").where(named_by.notna())
    for name in CASCADE[1:]:
        method = method.mask(named_by.isna() & rows[name].notna(), name)
        named_by = named_by.fillna(rows[name])
    return rows.assign(
        handler_cascade=named_by, cascade_method=method, session_email_key=of_payment.map(known)
    )


def links_of(frames: dict[str, pd.DataFrame], rows: pd.DataFrame) -> pd.DataFrame:
    """Every link between ids."""
    users = frames["users"].dropna(subset=["email_key"])
    emails = users.groupby("email_key")["user_id"].agg(["min", "nunique"])
    shared = users[users["email_key"].map(emails["nunique"]) > 1]
    by_account = pd.DataFrame(
        {"user_id": shared["user_id"], "linked_user_id": shared["email_key"].map(emails["min"])}
    ).assign(reason="account_email", strength=0.9)
    seen = pd.DataFrame(
        {
            "user_id": rows["metadata_user_id"].fillna(rows["client_reference_id"]),
            "email_key": rows["session_email_key"],
        }
    ).dropna()
    seen = seen[~seen["user_id"].isin(frames["users"]["user_id"])]
    carried = seen.groupby("user_id")["email_key"].agg(["min", "nunique"])
    steady = carried.loc[carried["nunique"] == 1, "min"]
    smallest = steady.reset_index().groupby("min")["user_id"].min()
    linked = steady.map(emails["min"]).fillna(steady.map(smallest))
    by_session = linked.rename("linked_user_id").reset_index()
    by_session = by_session.assign(reason="session_email", strength=0.7)
    signed = frames["sign_ins"].merge(emails["min"], left_on="email_key", right_index=True)
    by_sign_in = signed.rename(columns={"min": "linked_user_id"})
    by_sign_in = by_sign_in[["user_id", "linked_user_id"]].assign(reason="sign_in", strength=0.8)
    links = pd.concat([by_account, by_session, by_sign_in, frames["user_links"]])
    return links[links["user_id"] != links["linked_user_id"]].drop_duplicates()


def as_person(ids: pd.Series, persons: pd.Series) -> pd.Series:
    """The person of each id: itself, where it is linked to no other."""
    return ids.map(persons).fillna(ids).astype("str")


def first_voices(people: pd.DataFrame) -> pd.DataFrame:
    """A voice and a level a family, without histories."""
    copies = [people[name] for name in IDS[:4]]
    copies += [people["session_email"], people["intent_metadata"]]
    copies += [people["customer_mapping"].where(people["preset"])]
    copies += [people["payer_email"].where(people["prefilled"])]
    said = reduce(lambda one, other: one.fillna(other), copies)
    speaking = reduce(add, (copy.notna().astype("int64") for copy in copies))
    unlike = [copy.notna() & (copy != said) for copy in copies]
    differing = reduce(add, (one.astype("int64") for one in unlike))
    other = reduce(
        lambda one, two: one.fillna(two),
        (copy.where(differs) for copy, differs in zip(copies, unlike, strict=True)),
    )
    others = reduce(add, ((copy.notna() & (copy == other)).astype("int64") for copy in copies))
    person = said.mask((others > speaking - differing).fillna(False), other)
    scan = person.isna() & people["metadata_scan"].notna()
    level = np.select([scan, said.isna(), differing > 0, speaking > 1], [4, 0, 3, 2], default=1)
    free = ~people["preset"]
    binding = people["customer_mapping"].where(free)
    email = people["payer_email"].where(~people["prefilled"])
    name_owners = people["name_owners"]
    levels = [name_owners.isna(), *(name_owners <= bound for bound in NAME_BOUNDS)]
    return pd.DataFrame(
        {
            "v_session": person.fillna(people["metadata_scan"]),
            "l_session": level,
            "v_mapping": binding,
            "l_mapping": binding.notna().astype("int64"),
            "v_email": email,
            "l_email": email.notna().astype("int64"),
            "v_card": pd.Series(None, index=people.index, dtype="str"),
            "l_card": 0,
            "v_name": people["payer_name"],
            "l_name": np.select(levels, range(len(levels)), default=len(levels)),
        }
    )


def fuse_frame(  # noqa: PLR0917
    voices: pd.DataFrame,
    people: pd.DataFrame,
    borne: pd.MultiIndex,
    seconds: pd.Series,
    periods: Periods,
    accounts: int,
) -> pd.DataFrame:
    """The posterior of each row's cell."""
    credited = people["ledger"]
    places = {}
    for index, family in enumerate((*FAMILIES, "credited")):
        person = credited if family == "credited" else voices[f"v_{family}"]
        same = [(person == voices[f"v_{earlier}"]).fillna(False) for earlier in FAMILIES[:index]]
        places[family] = np.select(
            [person.isna(), *same], [0, *range(1, len(same) + 1)], default=index + 1
        )
    key = places["credited"].astype("int64")
    for family in reversed(FAMILIES):
        key = (key * 8 + voices[f"l_{family}"].to_numpy()) * 7 + places[family]
    marks = []
    alone, several = people["name_owners"] == 1, people["name_owners"] > 1
    for index, family in enumerate((*FAMILIES, "credited"), start=1):
        person = credited if family == "credited" else voices[f"v_{family}"]
        asked = places[family] == index
        named = pd.MultiIndex.from_arrays([person, people["payer_name_key"]]).isin(borne)
        same_name = (person == voices["v_name"]).fillna(False)
        marks.append(asked & ((several & named) | (alone & same_name)).to_numpy())
    for mark in [marks[-1], *reversed(marks[:-1])]:
        key = key * 2 + mark
    cell = pd.DataFrame(
        {"period": ((seconds - periods.start) // periods.width).clip(lower=0), "pattern": key}
    )
    counts = cell.groupby(["period", "pattern"], as_index=False).size()
    thought = fuse(*(counts[name].to_numpy() for name in counts), accounts).to_pandas()
    return cell.merge(thought, on=["period", "pattern"], how="left")


def best_of(judged: pd.DataFrame, voices: pd.DataFrame) -> pd.Series:
    """The person whom the posterior favours."""
    best = pd.Series(None, index=voices.index, dtype="str")
    for index, family in enumerate(FAMILIES):
        best = best.mask(judged["best"] == index, voices[f"v_{family}"])
    return best


def votes_of(rows: pd.DataFrame, key: str, owned: pd.DataFrame) -> pd.DataFrame:
    """``person, n, purity`` by payment: whom the other payments of a key belong to."""
    keyed = rows[["payment_id", key]].dropna().merge(owned, on="payment_id", how="left")
    held = keyed.dropna(subset=["person"])
    by_person = held.groupby([key, "person"], as_index=False)["weight"].agg(["sum", "size"])
    by_person = by_person.sort_values([key, "sum", "person"], ascending=[True, False, True])
    place = by_person.groupby(key).cumcount()
    totals = by_person.groupby(key)[["sum", "size"]].sum()
    first = by_person[place == 0].set_index(key)
    second = by_person[place == 1].set_index(key)
    keyed = keyed[keyed[key].isin(totals.index)]
    of = keyed[key]
    own = keyed["weight"].fillna(0)
    one, two = of.map(first["person"]), of.map(second["person"])
    left = of.map(first["sum"]) - own.where(keyed["person"] == one, 0)
    right = of.map(second["sum"]).fillna(0) - own.where((keyed["person"] == two).fillna(False), 0)
    overtaken = (right > left) | ((right == left) & (two < one).fillna(False))
    chosen = right.where(overtaken, left)
    voted = pd.DataFrame(
        {
            "payment_id": keyed["payment_id"],
            "person": two.where(overtaken, one),
            "n": of.map(totals["size"]) - keyed["person"].notna().astype("int64"),
            "purity": chosen / (of.map(totals["sum"]) - own),
        }
    )
    return voted[(voted["n"] > 0) & (chosen > 0)].set_index("payment_id")


def hear(
    voices: pd.DataFrame, people: pd.DataFrame, customer: pd.DataFrame, card: pd.DataFrame
) -> None:
    """Let the histories speak in the voices."""
    said = customer.reindex(people["payment_id"]).set_index(people.index)
    history = said["person"].where(~people["preset"])
    binding = voices["v_mapping"]
    mixed = (said["purity"] < 0.9) | (binding.notna() & (history != binding))
    voices["l_mapping"] = np.select(
        [history.isna() & binding.isna(), history.isna(), mixed, binding.notna(), said["n"] > 1],
        [0, 1, 5, 2, 4],
        default=3,
    )
    voices["v_mapping"] = history.fillna(binding)
    told = card.reindex(people["payment_id"]).set_index(people.index)
    voices["v_card"] = told["person"].astype("str")
    voices["l_card"] = np.select(
        [told["person"].isna(), told["purity"] < 0.9, told["n"] > 1], [0, 3, 2], default=1
    )


def verdicts_of(  # noqa: PLR0917
    rows: pd.DataFrame,
    payments: pd.DataFrame,
    spans: pd.DataFrame,
    people: pd.DataFrame,
    voices: pd.DataFrame,
    judged: pd.DataFrame,
) -> pd.DataFrame:
    """One verdict a payment."""
    span = spans[spans["source"] == "ledger"]
    best = best_of(judged, voices)
    credit = rows["ledger"].notna()
    live = payments["livemode"].astype("boolean").fillna(True).astype("bool")
    paid = (payments["payment_status"] == "paid").fillna(False) & live
    returned = payments["amount_lost"].fillna(0) >= payments["amount"].fillna(1)
    when = payments["completed_at"].fillna(payments["created_at"])
    covered = when.between(span["first_at"].min(), span["last_at"].max())
    p = judged["misattributed"]
    same = (best == people["ledger"]).fillna(False)
    split = same & (people["ledger"] != rows["ledger"]).fillna(False)
    verdict = np.select(
        [
            ~credit & ~paid,
            ~credit & (returned | ~covered),
            ~credit,
            split & (p < 0.5),
            judged["available"] == 0,
            judged["available"] == 1,
            (p >= 0.9) & best.notna() & ~same,
            (p <= 0.02) & (judged["agreeing"] >= 2) & same,
        ],
        [
            "not_paid",
            "undetermined",
            "not_credited",
            "split_identity",
            "unresolved",
            "unverifiable",
            "misattributed",
            "confirmed",
        ],
        default="ambiguous",
    )
    return pd.DataFrame(
        {
            "payment_id": rows["payment_id"],
            "verdict": verdict,
            "credited_user_id": rows["ledger"],
            "rightful_user_id": best,
            "probability_misattributed": p.where(credit),
            "log_odds": judged["log_odds"].where(credit),
            "families_agreeing": judged["agreeing"],
            "families_available": judged["available"],
        }
    )


def choices_of(rows: pd.DataFrame, people: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """How each credited account came to be chosen, and what would have chosen right."""
    credit = rows["ledger"].notna()
    rows, people = rows[credit], people[credit]
    rightful = verdicts.loc[credit, "rightful_user_id"]
    explaining = pd.Series(None, index=rows.index, dtype="str")
    correct = pd.Series("", index=rows.index, dtype="str")
    by_log = (rows["handler_log"] == rows["ledger"]).fillna(False)
    by_cascade = (rows["handler_cascade"] == rows["ledger"]).fillna(False)
    for method in reversed(METHODS):
        explains = (rows[method.name] == rows["ledger"]).fillna(False)
        explaining = explaining.mask(explains, method.name)
    explaining = explaining.mask(by_cascade, rows["cascade_method"])
    explaining = explaining.mask(by_log, rows["log_method"])
    for method in METHODS:
        right = (people[method.name] == rightful).fillna(False)
        correct = correct.mask(right, correct + f",{method.name}")
    correct = correct.str[1:]
    return pd.DataFrame(
        {
            "payment_id": rows["payment_id"],
            "log_method": rows["log_method"],
            "log_user_id": rows["handler_log"],
            "cascade_method": rows["cascade_method"],
            "cascade_user_id": rows["handler_cascade"],
            "explaining_method": explaining,
            "correct_methods": correct.mask(correct == ""),
        }
    )
