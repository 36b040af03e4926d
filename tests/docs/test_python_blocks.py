"""Every block of Python in the pages runs, in a folder and with the names that its page speaks of."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from page_folders import Place, stands_for, with_demo
from pages import Block, blocks

from credit_forensics import Case

# The reason, and what of the block is looked at all the same: what it imports of ours.
NOT_RUN = {
    "PapermillOperator": "needs Airflow",
    "run_kit": "plays 23 scenarios; tests/checks/test_handler_kit.py does so to every kind of handler",
    "render_report": "renders a page; tests/reporting/test_render_report.py",
}


def why_not(block: Block) -> str | None:
    return next((why for name, why in NOT_RUN.items() if name in block.text), None)


def names_of(page: str, case: Case) -> dict[str, Any]:
    """What a block of the page takes from the text around it."""
    if page == "checks.md":
        return {**names_of_checks(), "case": clean_case()}
    tables = {"payments": case.evidence.payments, "deliveries": case.evidence.deliveries}
    now = datetime(2025, 9, 30, tzinfo=UTC)
    return {"case": case, "engine": case.engine, "now": now, **tables}


def names_of_checks() -> dict[str, Any]:
    """A session whose metadata and e-mail name one account, and two accounts."""
    session = {
        "id": "cs_live_9",
        "object": "checkout.session",
        "created": 1_756_720_800,
        "payment_status": "paid",
        "metadata": {"user_id": "u-ada"},
        "customer_details": {"email": "ada@example.com"},
    }
    users = [
        {"user_id": "u-ada", "email": "ada@example.com"},
        {"user_id": "u-bo", "email": "bo@example.com"},
    ]
    return {"session": session, "users": users}


def clean_case() -> Case:
    """A case in which ``u-ada`` paid once and has 150 credits for it."""
    import pandas as pd

    from credit_forensics.evidence.evidence import Evidence

    evidence = Evidence()
    paid = {"payment_id": "cs_live_1", "created_at": "2025-09-01T10:00:00Z", "livemode": True}
    paid |= {"payment_status": "paid", "client_reference_id": "u-ada", "amount": 500}
    paid |= {"payer_email": "ada@example.com", "expected_credits": 150, "currency": "eur"}
    entry = {"entry_id": "1", "user_id": "u-ada", "delta": 150, "kind": "purchase"}
    entry |= {"payment_id": "cs_live_1", "created_at": "2025-09-01T10:01:00Z"}
    evidence.add("payments", pd.DataFrame([paid]))
    evidence.add("ledger", pd.DataFrame([entry]))
    evidence.add("users", pd.DataFrame([{"user_id": "u-ada", "email": "ada@example.com"}]))
    return Case.from_evidence(evidence)


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.id)
def test_a_block_of_python_imports_what_there_is(block):
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("credit_forensics"):
            for alias in node.names:
                assert hasattr(import_module(str(node.module)), alias.name), alias.name


@pytest.mark.parametrize("page", sorted({block.page for block in blocks("python")}))
def test_the_python_of_a_page_runs(page, place: Place):
    with_demo(place)
    space = names_of(page, Case.open("case.toml"))
    for block in blocks("python", page=page):
        if why_not(block):
            continue
        tree = ast.parse(stands_for(block.text, place), block.id)
        # As a notebook does, each line that is an expression is displayed.
        for node in tree.body:
            if isinstance(node, ast.Expr):
                value = eval(compile(ast.Expression(node.value), block.id, "eval"), space)
                if isinstance(node.value, ast.Attribute):
                    assert value is not None, ast.unparse(node)
            else:
                exec(compile(ast.Module([node], []), block.id, "exec"), space)
