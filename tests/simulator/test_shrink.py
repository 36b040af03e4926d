from __future__ import annotations

import pytest
from shrink import shrink


@pytest.mark.parametrize("needed", [{3}, {0, 39}, {5, 6, 31}])
def test_what_is_left_of_a_run_is_what_it_fails_of(needed: set[int]) -> None:
    assert set(shrink(range(40), lambda steps: needed <= set(steps), most_runs=500)) == needed


def test_no_more_runs_are_played_than_asked() -> None:
    played: list[int] = []

    def fails(steps: object) -> bool:
        played.append(1)
        return False

    assert shrink(range(100), fails, most_runs=7) == list(range(100))
    assert len(played) == 7
