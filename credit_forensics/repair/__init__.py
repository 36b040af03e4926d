"""Plans what puts a case's ledger right; nothing here writes but ``apply``, when told to."""

from __future__ import annotations

from credit_forensics.repair.plan import RepairPlan, make_plan

__all__ = ["RepairPlan", "make_plan"]
