"""How a long step says how far it is."""

from __future__ import annotations

from collections.abc import Callable

# What is being done, which step of how many.
Progress = Callable[[str, int, int], None]
# What is being read, and how many rows of it so far.
RowProgress = Callable[[str, int], None]
