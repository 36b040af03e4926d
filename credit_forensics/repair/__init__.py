"""Plans what puts a case's ledger right; nothing here writes but ``apply``, when told to."""

from __future__ import annotations

from credit_forensics.repair.plan import make_plan
from credit_forensics.repair.repair_plan import RepairPlan

__all__ = ["RepairPlan", "make_plan"]
