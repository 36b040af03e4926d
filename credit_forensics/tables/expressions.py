"""Ibis, imported when the first expression is built.

Importing it takes longer than judging a small case from kept SQL, which builds no expression
(``engines.recipes``). So files take ``ibis`` and ``ir`` from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from credit_forensics.extras import Later

if TYPE_CHECKING:
    import ibis
    import ibis.expr.types as ir
else:
    ibis = Later("ibis")
    ir = Later("ibis.expr.types")

__all__ = ["ibis", "ir"]
