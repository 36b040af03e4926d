"""The errors that a user can mend: one clear sentence each, shown without a traceback."""

from __future__ import annotations


class CaseError(Exception):
    """The case or its inputs cannot be used. The message is one sentence that says what to do.

    Commands end with exit status 2 on it.
    """
