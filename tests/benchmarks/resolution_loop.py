"""The analysis one payment at a time, as the original handler goes through its methods."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from resolution_fit import fuse

from credit_forensics.judgement.families import NAME_BOUNDS
from credit_forensics.judgement.periods import choose_periods
from credit_forensics.judgement.persons import group_persons
from credit_forensics.resolution.handler_cascade import CASCADE
from credit_forensics.resolution.handler_log import HANDLER_NAMES
from credit_forensics.resolution.methods import METHODS

Records = dict[str, list[dict[str, Any]]]
NAMED = ("user_id", "user_id_backup", "session_user_id")
FAMILIES = ("session", "mapping", "email", "card", "name")
NAMES = [method.name for method in METHODS]
COLUMNS = (*NAMES, "handler_log", "log_method", "ledger", "handler_cascade", "cascade_method",
           "session_email_key")  # fmt: skip
COPIES = [*NAMES[:4], "session_email", "intent_metadata"]


def loop(records: Records) -> dict[str, pd.DataFrame]:
    """Claims, verdicts and choices."""
    payments = records["payments"]
    claims = claims_of(records)
    ages = sorted(
        records["users"],
        key=lambda user: (user["created_at"] is None, user["created_at"], user["user_id"]),
    )
    accounts = pd.Series([user["user_id"] for user in ages])
    grouped = group_persons(links_of(records, claims), accounts)
    person_of = dict(zip(grouped["user_id"], grouped["person_id"], strict=True))
    borne = {
        (person_of.get(name["user_id"], name["user_id"]), name["name_key"])
        for name in records["user_names"]
    }
    people = []
    for claim in claims:
        person = {name: person_of.get(claim[name], claim[name]) for name in (*NAMES, "ledger")}
        people.append(person)
    seconds = [int(payment["created_at"].timestamp()) for payment in payments]
    periods = choose_periods(min(seconds), max(seconds), len(payments))
    numbers = [max((second - periods.start) // periods.width, 0) for second in seconds]
    voices = [voices_of(claim, person) for claim, person in zip(claims, people, strict=True)]

    def fused() -> list[dict[str, Any]]:
        keys = [
            pattern_of(
                voice, person["ledger"], claim["name_owners"], payment["payer_name_key"], borne
            )
            for voice, person, claim, payment in zip(voices, people, claims, payments, strict=True)
        ]
        counts = sorted(Counter(zip(numbers, keys, strict=True)).items())
        period = np.array([cell[0] for cell, _ in counts])
        key = np.array([cell[1] for cell, _ in counts])
        number = np.array([count for _, count in counts])
        thought = fuse(period, key, number, len(accounts)).to_pylist()
        of_cell = {(row["period"], row["pattern"]): row for row in thought}
        return [of_cell[cell] for cell in zip(numbers, keys, strict=True)]

    judged = fused()
    owners = []
    for row, voice in zip(judged, voices, strict=True):
        best = voice[FAMILIES[row["best"]]][0] if row["best"] >= 0 else None
        weight = int(row["best_probability"] * 1_000_000 + 0.5)
        owners.append((best, weight) if best is not None and weight >= 500_000 else None)
    customer = votes_of([payment["customer_id"] for payment in payments], owners)
    card = votes_of([payment["card_fingerprint"] for payment in payments], owners)
    for place, voice in enumerate(voices):
        hear(voice, claims[place]["preset"], customer[place], card[place])
        for name, vote in (("customer_history", customer[place]), ("card_history", card[place])):
            claims[place][name] = people[place][name] = vote[0] if vote else None
    judged = fused()
    span = [row for row in records["spans"] if row["source"] == "ledger"]
    first = min(row["first_at"] for row in span)
    last = max(row["last_at"] for row in span)
    verdicts, choices = [], []
    for payment, claim, person, voice, row in zip(
        payments, claims, people, voices, judged, strict=True
    ):
        verdict = verdict_of(payment, claim, person, voice, row, first, last)
        verdicts.append(verdict)
        if claim["ledger"] is not None:
            choices.append(choice_of(claim, person, verdict["rightful_user_id"]))
    return {
        "claims": pd.DataFrame(claims),
        "verdicts": pd.DataFrame(verdicts),
        "choices": pd.DataFrame(choices),
    }


def claims_of(records: Records) -> list[dict[str, Any]]:
    """The claims of each payment, by tables looked up in dictionaries."""
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
            booked_first = delivery["outcome"] != "credited"
            rank = (booked_first, delivery["received_at"], delivery["method"], user)
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
        claim: dict[str, Any] = dict.fromkeys(COLUMNS)
        claim["payment_id"] = payment_id
        for entry in sorted(entries.get(payment_id, ()), key=lambda one: one["position"]):
            key, user = entry["key"], entry["user_id"]
            if entry["source"] == "session":
                if key in NAMED and isinstance(user, str) and entry["valid"]:
                    claim[f"metadata_{key}"] = user
                elif key in ("session_email", "user_email", "account_email"):
                    claim["session_email_key"] = entry["email_key"]
                    claim["session_email"] = emails.get(entry["email_key"])
                elif isinstance(user, str) and entry["valid"]:
                    claim["metadata_scan"] = claim["metadata_scan"] or user
            elif entry["source"] in ("intent", "charge") and key in NAMED and isinstance(user, str):
                claim["intent_metadata"] = user
        if payment["reference_valid"]:
            claim["client_reference_id"] = payment["reference_user_id"]
        for at, user in bindings.get(payment["customer_id"], ()):
            if at < payment["created_at"]:
                claim["customer_mapping"] = user
        claim["payer_email"] = emails.get(payment["payer_email_key"])
        has_name = names.get(payment["payer_name_key"], ())
        claim["payer_name"] = next(iter(has_name)) if len(has_name) == 1 else None
        claim["name_owners"] = len(has_name) or None
        method, claim["handler_log"] = logged.get(payment_id, (None, None, None, None))[2:]
        if method is not None:
            scanned = method.startswith("EMERGENCY_SCAN_")
            method = "metadata_scan" if scanned else HANDLER_NAMES.get(method, method.lower())
        claim["log_method"] = method
        accounts = booked.get(payment_id, {})
        held_by = sorted((-net, user) for user, net in accounts.items() if net > 0)
        claim["ledger"] = held_by[0][1] if held_by else None
        for name in CASCADE:
            if claim[name] is not None:
                claim["cascade_method"], claim["handler_cascade"] = name, claim[name]
                break
        customer, preset = payment["customer_id"], payment["customer_preset"]
        claim["preset"] = customer is not None if preset is None else preset
        claim["prefilled"] = bool(payment["email_prefilled"])
        claims.append(claim)
    return claims


def links_of(records: Records, claims: list[dict[str, Any]]) -> pd.DataFrame:
    """Every link between ids."""
    of_email: dict[str, set[str]] = {}
    known = set()
    for user in records["users"]:
        known.add(user["user_id"])
        if user["email_key"] is not None:
            of_email.setdefault(user["email_key"], set()).add(user["user_id"])
    links = set()
    for held in of_email.values():
        if len(held) > 1:
            links |= {(user, min(held), "account_email", 0.9) for user in held}
    carried: dict[str, set[str]] = {}
    for claim in claims:
        user = claim["metadata_user_id"] or claim["client_reference_id"]
        if user is not None and claim["session_email_key"] is not None and user not in known:
            carried.setdefault(user, set()).add(claim["session_email_key"])
    steady = {user: min(keys) for user, keys in carried.items() if len(keys) == 1}
    smallest: dict[str, str] = {}
    for user, key in steady.items():
        smallest[key] = min(smallest.get(key, user), user)
    for user, key in steady.items():
        links.add((user, min(of_email.get(key, {smallest[key]})), "session_email", 0.7))
    for line in records["sign_ins"]:
        if line["email_key"] in of_email:
            links.add((line["user_id"], min(of_email[line["email_key"]]), "sign_in", 0.8))
    for link in records["user_links"]:
        links.add(tuple(link.values()))
    columns = ["user_id", "linked_user_id", "reason", "strength"]
    return pd.DataFrame([link for link in sorted(links) if link[0] != link[1]], columns=columns)


def voices_of(claim: dict[str, Any], person: dict[str, Any]) -> dict[str, tuple[Any, int]]:
    """The voice and level of each family, without histories."""
    copies = [person[name] for name in COPIES]
    if claim["preset"]:
        copies.append(person["customer_mapping"])
    if claim["prefilled"]:
        copies.append(person["payer_email"])
    copies = [copy for copy in copies if copy is not None]
    if not copies:
        session = (person["metadata_scan"], 4 if person["metadata_scan"] is not None else 0)
    else:
        unlike = [copy for copy in copies if copy != copies[0]]
        other = unlike[0] if unlike else None
        outvoted = copies.count(other) > len(copies) - len(unlike) if unlike else False
        level = 3 if unlike else 2 if len(copies) > 1 else 1
        session = (other if outvoted else copies[0], level)
    binding = None if claim["preset"] else person["customer_mapping"]
    email = None if claim["prefilled"] else person["payer_email"]
    name_owners, level = claim["name_owners"], 0
    if name_owners is not None:
        level = 1 + sum(name_owners > bound for bound in NAME_BOUNDS)
    return {
        "session": session,
        "mapping": (binding, int(binding is not None)),
        "email": (email, int(email is not None)),
        "card": (None, 0),
        "name": (person["payer_name"], level),
    }


def pattern_of(
    voice: dict[str, tuple[Any, int]],
    credited: str | None,
    name_owners: int | None,
    name: str | None,
    borne: set[tuple[Any, Any]],
) -> int:
    """Who agrees with whom, how strongly, and who has the typed name, as one integer."""
    slots: list[int] = []
    seen: dict[str, int] = {}
    for index, family in enumerate(FAMILIES, start=1):
        person = voice[family][0]
        slots.append(0 if person is None else seen.setdefault(person, index))
    held = 0 if credited is None else seen.get(credited, len(FAMILIES) + 1)
    named = voice["name"][0]
    marks = []
    for index, family in enumerate((*FAMILIES, "credited"), start=1):
        person, slot = (credited, held) if family == "credited" else (
            voice[family][0], slots[index - 1])  # fmt: skip
        has_name = False
        if slot == index and name_owners is not None:
            has_name = person == named if name_owners == 1 else (person, name) in borne
        marks.append(has_name)
    key = held
    for family, slot in zip(reversed(FAMILIES), reversed(slots), strict=True):
        key = (key * 8 + voice[family][1]) * 7 + slot
    for mark in (marks[-1], *reversed(marks[:-1])):
        key = key * 2 + mark
    return key


def votes_of(keys: list[Any], owners: list[Any]) -> list[Any]:
    """``(person, n, purity)`` of each payment: whom the other payments of its key belong to."""
    held: dict[Any, dict[str, int]] = {}
    number: Counter[Any] = Counter()
    for key, owner in zip(keys, owners, strict=True):
        if key is not None and owner is not None:
            persons = held.setdefault(key, {})
            persons[owner[0]] = persons.get(owner[0], 0) + owner[1]
            number[key] += 1
    votes: list[Any] = []
    for key, owner in zip(keys, owners, strict=True):
        vote = None
        if key in held:
            persons = dict(held[key])
            if owner is not None:
                persons[owner[0]] -= owner[1]
            left = number[key] - (owner is not None)
            chosen = min(persons, key=lambda person: (-persons[person], person))
            if left > 0 and persons[chosen] > 0:
                vote = (chosen, left, persons[chosen] / sum(persons.values()))
        votes.append(vote)
    return votes


def hear(voice: dict[str, tuple[Any, int]], preset: bool, customer: Any, card: Any) -> None:
    """Let the histories speak in the voices."""
    binding = voice["mapping"][0]
    if customer is not None and not preset:
        person, number, purity = customer
        if purity < 0.9 or (binding is not None and person != binding):
            level = 5
        elif binding is not None:
            level = 2
        else:
            level = 4 if number > 1 else 3
        voice["mapping"] = (person, level)
    if card is not None:
        person, number, purity = card
        voice["card"] = (person, 3 if purity < 0.9 else 2 if number > 1 else 1)


def verdict_of(  # noqa: PLR0917
    payment: dict[str, Any],
    claim: dict[str, Any],
    person: dict[str, Any],
    voice: dict[str, tuple[Any, int]],
    row: dict[str, Any],
    first: Any,
    last: Any,
) -> dict[str, Any]:
    """One verdict."""
    best = voice[FAMILIES[row["best"]]][0] if row["best"] >= 0 else None
    held, p = claim["ledger"], row["misattributed"]
    same = best is not None and best == person["ledger"]
    if held is None:
        paid = payment["payment_status"] == "paid" and payment["livemode"] is not False
        amount = 1 if payment["amount"] is None else payment["amount"]
        when = payment["completed_at"] or payment["created_at"]
        if not paid:
            verdict = "not_paid"
        elif (payment["amount_lost"] or 0) >= amount or not first <= when <= last:
            verdict = "undetermined"
        else:
            verdict = "not_credited"
    elif same and person["ledger"] != held and p < 0.5:
        verdict = "split_identity"
    elif row["available"] < 2:
        verdict = "unverifiable" if row["available"] else "unresolved"
    elif p >= 0.9 and best is not None and not same:
        verdict = "misattributed"
    elif p <= 0.02 and row["agreeing"] >= 2 and same:
        verdict = "confirmed"
    else:
        verdict = "ambiguous"
    return {
        "payment_id": payment["payment_id"],
        "verdict": verdict,
        "credited_user_id": held,
        "rightful_user_id": best,
        "probability_misattributed": None if held is None else p,
        "log_odds": None if held is None else row["log_odds"],
        "families_agreeing": row["agreeing"],
        "families_available": row["available"],
    }


def choice_of(
    claim: dict[str, Any], person: dict[str, Any], rightful: str | None
) -> dict[str, Any]:
    """How the credited account came to be chosen, and what would have chosen right."""
    held = claim["ledger"]
    if claim["handler_log"] == held:
        explaining = claim["log_method"]
    elif claim["handler_cascade"] == held:
        explaining = claim["cascade_method"]
    else:
        explaining = next((name for name in NAMES if claim[name] == held), None)
    right = [name for name in NAMES if rightful is not None and person[name] == rightful]
    return {
        "payment_id": claim["payment_id"],
        "log_method": claim["log_method"],
        "log_user_id": claim["handler_log"],
        "cascade_method": claim["cascade_method"],
        "cascade_user_id": claim["handler_cascade"],
        "explaining_method": explaining,
        "correct_methods": ",".join(right) or None,
    }
