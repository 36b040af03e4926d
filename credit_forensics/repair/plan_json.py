"""A plan as a document that is reviewed, and its hash, by which it is known when it is booked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from credit_forensics.databases.urls import parse_url
from credit_forensics.errors import CaseError
from credit_forensics.repair.entries import Correction
from credit_forensics.repair.read_again import OTHER
from credit_forensics.repair.repair_plan import RepairPlan
from credit_forensics.repair.target import Target

FORMAT = "credit-forensics repair plan 1"


def plan_document(plan: RepairPlan) -> dict[str, Any]:
    """``plan.json``: where to write, what, the sum of it, and the hash of all that.

    What changes from day to day and decides nothing (balances before) is not in it.
    """
    corrections = [_correction(one) for one in plan.corrections]
    entries = [entry for one in plan.corrections for entry in one.entries]
    # By which entries the ledger is known again may change with each one that is added.
    work = plan.script.work if plan.script is not None else ()
    script = ";\n".join(statement for statement in work if OTHER not in statement)
    document: dict[str, Any] = {
        "format": FORMAT,
        "case": plan.case_name,
        "threshold": plan.threshold,
        "allow_negative": plan.allow_negative,
        "target": None if plan.target is None else _target(plan.target),
        "entries": len(entries),
        "credits_given": sum(entry.delta for entry in entries if entry.delta > 0),
        "credits_taken": -sum(entry.delta for entry in entries if entry.delta < 0),
        "credits_sum": sum(entry.delta for entry in entries),
        "corrections": corrections,
        "transaction_sha256": hashlib.sha256(script.encode("utf-8")).hexdigest(),
    }
    return document | {"sha256": document_hash(document)}


def document_hash(document: dict[str, Any]) -> str:
    """The SHA-256 of a plan's document without its own hash, written one way.

    Examples
    --------
    >>> document_hash({"a": 1, "sha256": "x"}) == document_hash({"a": 1})
    True
    """
    rest = {key: value for key, value in document.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def document_bytes(document: dict[str, Any]) -> bytes:
    """The document for people to read."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_plan_document(path: Path) -> dict[str, Any]:
    """A reviewed plan.

    Raises
    ------
    CaseError
        when it is not there, no plan, or not what its own hash says.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CaseError(f"The plan {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise CaseError(f"{path} is no repair plan: it is not JSON.") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CaseError(f"{path} is no repair plan of this version.")
    if document.get("sha256") != document_hash(document):
        raise CaseError(f"{path} was changed after it was written: its hash does not fit.")
    return document


def moved_on(reviewed: dict[str, Any], now: dict[str, Any]) -> str:
    """How the case differs from the plan that was reviewed, in words; empty where it does not.

    Examples
    --------
    >>> moved_on({"sha256": "a"}, {"sha256": "a"})
    ''
    """
    if reviewed.get("sha256") == now["sha256"]:
        return ""
    before = {json.dumps(one, sort_keys=True) for one in reviewed.get("corrections", ())}
    after = {json.dumps(one, sort_keys=True) for one in now.get("corrections", ())}
    found = []
    if reviewed.get("target") != now.get("target"):
        found.append("it is another ledger")
    for name in ("threshold", "allow_negative", "case"):
        if reviewed.get(name) != now.get(name):
            found.append(f"{name.replace('_', '-')} is {now.get(name)}, not {reviewed.get(name)}")
    if before != after:
        found.append(f"{len(after - before)} corrections are new, {len(before - after)} are gone")
    return "; ".join(found) or "the ledger's entries of these payments are not those that it saw"


def _correction(one: Correction) -> dict[str, Any]:
    binding = one.rebinding
    return {
        "finding": one.finding,
        "cause": one.cause,
        "payment_id": one.payment_id,
        "probability": round(one.probability, 6),
        "entries": [
            {"kind": e.kind, "user_id": e.user_id, "delta": e.delta, "key": e.key}
            for e in one.entries
        ],
        "rebinding": None
        if binding is None
        else {
            "customer_id": binding.customer_id,
            "from": binding.old_user_id,
            "to": binding.new_user_id,
        },
        "note": one.note,
    }


def _target(target: Target) -> dict[str, Any]:
    url = parse_url(target.url, "ledger")
    return {
        "dialect": target.dialect,
        "host": url.host,
        "port": url.port,
        "database": url.database,
        "table": target.entries.name,
        "intake": target.intake is not None,
    }
