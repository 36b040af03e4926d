"""The disk of a SQLite ledger is full: a plan is booked whole or not at all, and can be booked later."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from credit_forensics.errors import CaseError
from credit_forensics.repair import make_plan
from credit_forensics.repair.apply import apply_plan


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_plan_is_booked_whole_or_not_at_all_wherever_the_disk_ends(
    books: Callable[[str], Any],
) -> None:
    shop = books("poisoned_mapping")
    plan = make_plan(shop.case())
    assert plan.corrections
    before = shop.everything()
    ledger = shop.path.parent / "ledger.db"
    # Journal and database grow by pages: the disk ends at the first, the second, and so on.
    refused = 0
    for size in range(0, ledger.stat().st_size + 4096, 2048):
        try:
            with files_no_larger_than(size):
                apply_plan(plan)
        except CaseError as error:
            assert "nothing was changed" in str(error)
            refused += 1
            assert shop.everything() == before
        else:
            break
    assert refused
    booked = apply_plan(plan)
    assert booked.complete
    assert shop.everything() != before
    entries = shop.rows("SELECT count(*) FROM credit_ledger")
    apply_plan(plan)
    assert shop.rows("SELECT count(*) FROM credit_ledger") == entries
    drift = shop.rows(
        "SELECT user_id FROM user_credits AS b WHERE total_credits <> "
        "(SELECT sum(delta) FROM credit_ledger AS l WHERE l.user_id = b.user_id)"
    )
    assert drift == []
