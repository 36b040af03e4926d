"""The analysis in idiomatic pandas, as a person would write it who knows the method."""

from __future__ import annotations

from functools import reduce
from operator import add, or_

import numpy as np
import pandas as pd
from resolution_fit import fuse

from credit_forensics.judgement import relations
from credit_forensics.judgement.families import NAME_BOUNDS
from credit_forensics.judgement.front_ends import VERSION_KEYS
from credit_forensics.judgement.pattern_arrays import mark_unit, most_marks, relation_unit
from credit_forensics.judgement.periods import choose_periods
from credit_forensics.judgement.persons import group_persons
from credit_forensics.resolution.handler_cascade import CASCADE
from credit_forensics.resolution.handler_log import HANDLER_NAMES
from credit_forensics.resolution.methods import METHODS

OTHERS = ("intent", "charge", "subscription", "invoice", "line")
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
    users = frames["users"]
    rows = claims_of(frames)
    accounts = users.sort_values(["created_at", "user_id"], na_position="last")["user_id"]
    persons = group_persons(links_of(frames, rows), accounts).set_index("user_id")["person_id"]
    people = rows[
        ["payment_id", "created_at", "payer_name_key", "name_owners", "preset", "prefilled", "echo"]
    ]
    people = people.assign(**{name: as_person(rows[name], persons) for name in IDS})
    shared = frames["user_names"].merge(
        people["payer_name_key"].drop_duplicates(), left_on="name_key", right_on="payer_name_key"
    )
    borne = pd.MultiIndex.from_arrays(
        [as_person(shared["user_id"], persons), shared["name_key"]]
    ).unique()
    people = heed_contradictions(people, rows, users)
    people = people.assign(
        period=periods_of(rows), front_end=front_ends_of(frames["metadata"], rows["payment_id"])
    )
    voices = first_voices(people, rows, users)
    judged = fuse_frame(voices, people, borne, len(accounts), without="session")
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
    judged = fuse_frame(voices, people, borne, len(accounts))
    verdicts = verdicts_of(rows, frames, people, voices, judged)
    histories = {
        "customer_history": customer.reindex(rows["payment_id"])["person"].to_numpy(),
        "card_history": card.reindex(rows["payment_id"])["person"].to_numpy(),
    }
    people, rows = people.assign(**histories), rows.assign(**histories)
    return {"claims": rows, "verdicts": verdicts, "choices": choices_of(rows, people, verdicts)}


def claims_of(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The wide matrix: pivots, maps, ``merge_asof``."""
    payments, metadata = frames["payments"], frames["metadata"]
    metadata = metadata.assign(key=metadata["role"].fillna(metadata["key"]))
    session = metadata[(metadata["source"] == "session") & metadata["payment_id"].notna()]
    ids = session[session["user_id"].notna() & session["valid"].fillna(False).astype(bool)]
    named = ids[ids["key"].isin(NAMED)].drop_duplicates(["payment_id", "key"])
    wide = named.pivot(index="payment_id", columns="key", values="user_id").reindex(columns=NAMED)
    emails = ("session_email", "user_email", "account_email")
    other = ids[~ids["key"].isin([*NAMED, *emails])].sort_values("position")
    other = other.drop_duplicates("payment_id").set_index("payment_id")["user_id"]
    known = session[session["key"].isin(emails) & session["email_key"].notna()]
    known = known.drop_duplicates("payment_id").set_index("payment_id")["email_key"]
    intent = metadata[metadata["source"].isin(OTHERS) & metadata["key"].isin(NAMED)]
    intent = intent[intent["user_id"].notna() & intent["valid"].fillna(False).astype(bool)]
    intent = intent.groupby("payment_id")["user_id"].max()
    users = frames["users"].dropna(subset=["email_key"]).groupby("email_key")
    undated = users["created_at"].count() < users.size()
    since = (users["created_at"].min() - pd.Timedelta(days=1)).mask(undated)
    users = users["user_id"].min()

    def owner_of(email: pd.Series) -> pd.Series:
        """The account of an e-mail, from when it had it."""
        later = (email.map(since) > payments["created_at"]).fillna(False)
        return email.map(users).mask(later)

    name_owners = frames["user_names"].groupby("name_key")["user_id"].agg(["min", "nunique"])
    single = name_owners.loc[name_owners["nunique"] == 1, "min"]
    of_payment = payments["payment_id"]
    keep = ["payment_id", "created_at", "customer_id", "card_fingerprint"]
    keep += ["payer_name_key", "payer_email_key"]
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
        session_email=owner_of(of_payment.map(known)),
        intent_metadata=of_payment.map(intent),
        payer_email=owner_of(payments["payer_email_key"]),
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
    ).set_index("payment_id")
    rows["customer_mapping"] = of_payment.map(mapped["user_id"])
    began = rows["customer_id"].map(first)
    rows["echo"] = (began <= of_payment.map(mapped["bound_at"])).fillna(False).astype("bool")
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
    other = ledger["delta"].where(ledger["kind"] == "other", 0)
    moved = other.groupby(ledger["payment_id"]).transform("sum") == 0
    several = ledger.groupby("payment_id")["delta"].transform("size") > 1
    moved &= several & (ledger["kind"] == "other")
    ledger = ledger[ledger["kind"].isin(kinds) | moved]
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
    typed = pd.DataFrame(
        {"user_id": rows["metadata_user_id"].fillna(rows["client_reference_id"]),
         "email_key": rows["payer_email_key"].mask(rows["prefilled"])}
    ).dropna()  # fmt: skip
    booked = pd.concat([frames["users"]["user_id"], frames["ledger"]["user_id"]])
    typed = typed[~typed["user_id"].isin(booked)]
    typed = typed.groupby("user_id")["email_key"].agg(["min", "nunique", "size"])
    typed = typed.loc[(typed["nunique"] == 1) & (typed["size"] > 1), "min"]
    by_typed = typed.map(emails["min"]).dropna().rename("linked_user_id").reset_index()
    by_typed = by_typed.assign(reason="typed_email", strength=0.6)
    signed = frames["sign_ins"].merge(emails["min"], left_on="email_key", right_index=True)
    by_sign_in = signed.rename(columns={"min": "linked_user_id"})
    by_sign_in = by_sign_in[["user_id", "linked_user_id"]].assign(reason="sign_in", strength=0.8)
    links = pd.concat([by_account, by_session, by_sign_in, by_typed, frames["user_links"]])
    return links[links["user_id"] != links["linked_user_id"]].drop_duplicates()


def as_person(ids: pd.Series, persons: pd.Series) -> pd.Series:
    """The person of each id: itself, where it is linked to no other."""
    return ids.map(persons).fillna(ids).astype("str")


def periods_of(rows: pd.DataFrame) -> pd.Series:
    """The period of each payment."""
    seconds = rows["created_at"].astype("int64") // 1_000_000
    low, high = seconds.quantile(0.25), seconds.quantile(0.75)
    reach = max(10 * (high - low), 30 * 86_400)
    near = seconds[seconds.between(low - reach, high + reach)]
    busy = int((near.quantile(0.95) - near.quantile(0.05)) // 0.9)
    periods = choose_periods(int(near.min()), int(near.max()), len(near), busy)
    return ((seconds - periods.start) // periods.width).clip(lower=0)


def front_ends_of(metadata: pd.DataFrame, payment_ids: pd.Series) -> pd.Series:
    """The number of the front end that made each payment's session; 0 where none is named."""
    key = metadata["key"].str.lower().str.replace("[_ -]", "", regex=True)
    named = metadata[(metadata["source"] == "session") & key.isin(VERSION_KEYS)]
    named = named[named["value"].fillna("") != ""].groupby("payment_id")["value"].min()
    weights = (7919, 6841, 5867, 4861, 3911, 2969, 2003, 1103)
    numbers = {}
    for version in named.unique():
        letters = zip(version[-8:], weights, strict=False)
        number = sum(ord(letter) * weight for letter, weight in letters) + len(version)
        numbers[version] = number % (most_marks(len(FAMILIES)) - 1) + 1
    return payment_ids.map(named.map(numbers)).fillna(0).astype("int64")


def heed_contradictions(
    people: pd.DataFrame, rows: pd.DataFrame, users: pd.DataFrame
) -> pd.DataFrame:
    """What the session was given is its own word, unless it contradicts the ids in the session."""
    own = [*IDS[:4], "session_email", "intent_metadata"]
    word = reduce(lambda one, other: one.fillna(other), (rows[name] for name in own))
    known = word.isin(users["user_id"])
    changed = {}
    for flag, name in (("preset", "customer_mapping"), ("prefilled", "payer_email")):
        copied = reduce(or_, ((people[name] == people[one]).fillna(False) for one in own))
        apart = people[name].notna() & known & ~copied
        changed[flag] = people[flag] & ~apart
    return people.assign(**changed)


def first_voices(people: pd.DataFrame, rows: pd.DataFrame, users: pd.DataFrame) -> pd.DataFrame:
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
    level = np.select([scan, said.isna(), differing > 0, speaking > 1], [5, 0, 3, 2], default=1)
    person = person.fillna(people["metadata_scan"])
    stated = reduce(lambda one, other: one.fillna(other), (rows[name] for name in IDS[:4]))
    foreign = ~stated.fillna(person).isin(users["user_id"]) & (person != people["ledger"])
    foreign &= person.notna() & people["ledger"].isin(users["user_id"])
    foreign = foreign.fillna(False).astype("bool")
    level = np.where(foreign, 4, level)
    free = ~people["preset"] & ~people["echo"]
    binding = people["customer_mapping"].where(free)
    email = people["payer_email"].where(~people["prefilled"])
    name_owners = people["name_owners"]
    levels = [name_owners.isna(), *(name_owners <= bound for bound in NAME_BOUNDS)]
    return pd.DataFrame(
        {
            "v_session": person.mask(foreign, people["ledger"]),
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


def fuse_frame(
    voices: pd.DataFrame,
    people: pd.DataFrame,
    borne: pd.MultiIndex,
    accounts: int,
    *,
    without: str | None = None,
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
    key = key + relations_of(voices, people) * relation_unit(len(FAMILIES))
    key = key + people["front_end"] * mark_unit(len(FAMILIES))
    cell = pd.DataFrame({"period": people["period"], "pattern": key})
    counts = cell.groupby(["period", "pattern"], as_index=False).size()
    thought = fuse(*(counts[name].to_numpy() for name in counts), accounts, without=without)
    thought = thought.to_pandas()
    return cell.merge(thought, on=["period", "pattern"], how="left")


def relations_of(voices: pd.DataFrame, people: pd.DataFrame) -> pd.Series:
    """What is known of payers whom the session does not name, and of accounts many name."""
    alone = voices["v_name"].where(people["name_owners"] == 1)
    known = pd.DataFrame(
        {
            "made": people["created_at"],
            "payment_id": people["payment_id"],
            "account": voices["v_session"].fillna(people["ledger"]),
            "credited": people["ledger"],
            "payer": voices["v_email"].fillna(alone).fillna(voices["v_card"]),
            "session": voices["v_session"],
        }
    )
    known = known.dropna(subset=["made", "credited", "payer"])
    known["own"] = known["payer"] == known["account"]
    known["apart"] = (~known["own"] & (known["session"] == known["account"])).fillna(False)
    apart = known[known["apart"]]
    payers = known["payer"].nunique()
    rows = known[(known["own"] | known["apart"]) & known["payer"].isin(apart["payer"])]
    rows = rows.sort_values(["made", "payment_id"])
    pair, payer = rows.groupby(["payer", "account"]), rows.groupby("payer")
    first, last = pair["made"].transform("min"), pair["made"].transform("max")
    own_at = rows["made"].where(rows["own"])
    own_last = own_at.groupby(rows["payer"]).ffill()
    between = (own_last > first).groupby([rows["payer"], rows["account"]]).transform("any")
    before = rows.groupby(["payer", "own"])["made"].shift()
    sitting = ~rows["own"] & ~(rows["made"] < before + pd.Timedelta(hours=12))
    others = rows["made"].mask(rows["own"]).groupby(rows["payer"])
    days = others.transform("max") >= others.transform("min") + pd.Timedelta(days=1)
    accounts = rows["account"].mask(rows["own"]).groupby(rows["payer"]).transform("nunique")
    sittings = sitting.groupby(rows["payer"]).transform("sum")
    owns = payer["own"].transform("sum")
    further = (sittings - 1).clip(lower=1).where(days, 0)
    further = np.maximum(further, (accounts - 1).where(accounts >= 3, 0))
    usual = 2 * apart["payer"].nunique() >= payers
    mutual = rows["account"].isin(apart["payer"]) & ((pair.cumcount() == 0) | usual)
    again = last >= first + pd.Timedelta(days=1)
    owning = rows["account"].isin(known.loc[known["own"], "account"])
    became = np.select(
        [again & (between | ((accounts > 1) & days)), ~again, owning],
        [relations.AGAIN_AND_OTHERS, relations.ONCE, relations.STUCK],
        default=relations.AGAIN,
    )
    none = relations.code(0, 0, 0)
    total = np.searchsorted(relations.TOTAL_BOUNDS, further + owns, side="right")
    several = np.where(further >= owns, relations.SEVERAL + 1, relations.SEVERAL)
    place = np.where(further >= relations.SEVERAL, several, further)
    code = none + mutual * relations.MUTUAL + became * (relations.code(0, 0, 1) - none)
    code += total * (relations.code(0, 1, 0) - none) + place * (relations.code(1, 0, 0) - none)
    pairs = apart[["account", "payer"]].drop_duplicates()
    of = pairs.groupby("account").size()
    many = of[of >= 4 + 4 * (len(pairs) - of) / max(len(of) - 1, 1)].index
    shared = voices["v_session"].isin(many).astype("int64") * relations.UNSHARED
    return code[~rows["own"]].reindex(voices.index, fill_value=0) + shared


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
    third = by_person[place == 2].set_index(key)
    keyed = keyed[keyed[key].isin(totals.index)]
    of = keyed[key]
    own = keyed["weight"].fillna(0)
    one, two = of.map(first["person"]), of.map(second["person"])
    left = of.map(first["sum"]) - own.where(keyed["person"] == one, 0)
    right = of.map(second["sum"]).fillna(0) - own.where((keyed["person"] == two).fillna(False), 0)
    overtaken = right > left
    chosen = right.where(overtaken, left)
    beaten = np.maximum(left.where(overtaken, right), of.map(third["sum"]).fillna(0))
    voted = pd.DataFrame(
        {
            "payment_id": keyed["payment_id"],
            "person": two.where(overtaken, one),
            "n": of.map(totals["size"]) - keyed["person"].notna().astype("int64"),
            "purity": chosen / (of.map(totals["sum"]) - own),
        }
    )
    return voted[(voted["n"] > 0) & (chosen > beaten)].set_index("payment_id")


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


def verdicts_of(
    rows: pd.DataFrame,
    frames: dict[str, pd.DataFrame],
    people: pd.DataFrame,
    voices: pd.DataFrame,
    judged: pd.DataFrame,
) -> pd.DataFrame:
    """One verdict a payment."""
    payments, ledger, spans = frames["payments"], frames["ledger"], frames["spans"]
    span = spans[spans["source"] == "ledger"]
    best, holder = best_of(judged, voices), people["ledger"]
    credit = rows["ledger"].notna()
    live = payments["livemode"].astype("boolean").fillna(True).astype("bool")
    status, sort = payments["payment_status"], payments["for_credits"].fillna("yes")
    free = (status == "no_payment_required") & (payments["for_credits"] == "yes")
    paid = ((status == "paid").fillna(False) | free.fillna(False)) & live
    returned = payments["amount_lost"].fillna(0) >= payments["amount"].fillna(1).clip(lower=1)
    when = payments["completed_at"].fillna(payments["created_at"])
    covered = when.between(span["first_at"].min(), span["last_at"].max())
    p, patron = judged["misattributed"], judged["patron"]
    same = (best == holder).fillna(False)
    by_session = (voices["v_session"] == holder).fillna(False)
    stated = reduce(lambda one, other: one.fillna(other), (rows[name] for name in IDS[:4]))
    signed_in = by_session & stated.isin(frames["users"]["user_id"])
    counting = holder.mask(signed_in, stated)
    split = same & (counting != rows["ledger"]).fillna(False)
    inferred = ledger[(ledger["tie"] == "inferred") & (ledger["kind"] == "purchase")]
    suspect = rows["payment_id"].isin(inferred["payment_id"].dropna())
    accusable = best.notna() & ~same & ~suspect
    pairs = pd.DataFrame({"payer": best, "account": holder})
    pairs = pairs[by_session & best.notna() & ~same & (p + patron >= 0.9)]
    accounts = pairs.groupby("payer")["account"].transform("nunique")
    lone = pairs.groupby("payer")["account"].transform("size") <= 2
    lone &= pairs.groupby("account")["payer"].transform("nunique") == 1
    lone &= judged["burst"].reindex(pairs.index) < 0.2
    own = best[same].value_counts().reindex(pairs["payer"]).fillna(0).to_numpy()
    lone &= own < 3
    often = pd.Series(np.select([accounts >= 3, lone], [0.9, 0.25], default=0.0), pairs.index)
    often *= pairs["payer"].nunique() < 10
    often = often.reindex(rows.index, fill_value=0.0)
    asked = often > 0
    habit = often * p
    elsewhere = unnamed_recipients(best, voices, patron)
    elsewhere = elsewhere.fillna(strangers(payments, people, voices, judged))
    elsewhere = elsewhere.where(same)
    moved = (p - habit).where(asked, p).mask(elsewhere.notna(), p + (1 - p) * elsewhere)
    log_odds = judged["log_odds"].mask(moved != p, np.log(moved / (1 - moved)))
    p = moved
    named = payments["for_recipient"].astype("boolean").fillna(False).astype("bool")
    sure = (p <= 0.02) & same
    denied = judged["available"] - judged["agreeing"] >= 2
    cases = [
        (~credit & ~paid, "not_paid"),
        (~credit & (sort == "no"), "not_for_credits"),
        (~credit & (returned | ~covered | (sort == "probably not")), "undetermined"),
        (~credit, "not_credited"),
        (split & (p < 0.5) & ~suspect, "split_identity"),
        (judged["available"] == 0, "unresolved"),
        (judged["available"] == 1, "unverifiable"),
        (named & by_session & accusable, "paid_by_another"),
        (named & ~by_session & same, "ambiguous"),
        ((p >= 0.9) & accusable, "misattributed"),
        ((p + patron + habit >= 0.9) & accusable, "paid_by_another"),
        (sure & (judged["independent"] >= 2) & ~denied, "confirmed"),
        (sure & (judged["agreeing"] >= 2) & (judged["independent"] < 2), "unverifiable"),
    ]
    verdict = np.select(
        [when for when, _ in cases], [name for _, name in cases], default="ambiguous"
    )
    return pd.DataFrame(
        {
            "payment_id": rows["payment_id"],
            "verdict": verdict,
            "credited_user_id": rows["ledger"],
            "rightful_user_id": best.mask(same, counting),
            "probability_misattributed": p.where(credit),
            "log_odds": log_odds.where(credit),
            "families_agreeing": judged["agreeing"],
            "families_available": judged["available"],
        }
    )


def unnamed_recipients(best: pd.Series, voices: pd.DataFrame, patron: pd.Series) -> pd.Series:
    """The share of a payer's other payments that are for others, where no session says for whom."""
    silent = voices["v_session"].isna()
    others = ((patron >= 0.5) & ~silent).groupby(best).sum()
    share = others / ((~silent).groupby(best).sum() + 1)
    return best.map(share[others > 0]).where(silent).astype("float64")


def strangers(
    payments: pd.DataFrame, people: pd.DataFrame, voices: pd.DataFrame, judged: pd.DataFrame
) -> pd.Series:
    """How likely the account is wrong of a payment whose payer matches nobody."""
    account = people["ledger"]
    given = payments["email_prefilled"].astype("boolean").fillna(False).astype("bool")
    typed = payments["payer_email"].notna() & ~given & people["payer_name_key"].notna()
    typed &= (voices["v_session"] == account).fillna(False)
    known = (voices["v_email"] == account).fillna(False)
    known |= (voices["v_name"] == account).fillna(False)
    typed &= account.isin(account[typed & known])
    mail, name = voices["v_email"].isna(), voices["l_name"] == 0
    both = typed & mail & name
    neither = (typed & ~mail & ~name).sum()
    if 2 * neither <= typed.sum():
        return pd.Series(np.nan, index=account.index)
    expected = (typed & mail & ~name).sum() * (typed & name & ~mail).sum() / neither
    beyond = both.sum() - expected - 2 * np.sqrt(expected + 1)
    share = 0.5 * beyond / max(both.sum(), 1)
    alone = both & (judged["available"] == 1) & (beyond > 0)
    return pd.Series(np.where(alone, share, np.nan), index=account.index)


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
