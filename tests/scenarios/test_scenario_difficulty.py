"""The worlds are no easier than promised; measured from the truth, without the model."""

from __future__ import annotations

import pytest

from credit_forensics.scenarios import difficulty
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world


@pytest.mark.parametrize("rate", [0.005, 0.03])
def test_worlds_of_the_accuracy_table_are_hard_enough(rate: float) -> None:
    settings = WorldSettings(payments=100_000, wrong_session_rate=rate)
    world = make_world(settings, seed=21)
    found = difficulty.measure(world)
    assert found.wrong_independent <= difficulty.MOST_INDEPENDENT
    assert found.wrong_mapping_agrees >= difficulty.LEAST_MAPPING_AGREES
    assert found.majority_average_precision < difficulty.MOST_MAJORITY[rate]
    assert found.wrong_share == pytest.approx(rate, rel=0.15)
    assert found.wrong_in_bursts > 0.6
    assert found.wrong_by_household == pytest.approx(0.4, abs=0.1)
    assert found.preset_share == pytest.approx(0.36, abs=0.01)
    assert found.missing_metadata == pytest.approx(0.02, abs=0.004)
    assert found.email_match == pytest.approx(0.88, abs=0.01)
    assert found.name_equal == pytest.approx(0.78, abs=0.01)
    assert found.accounts_with_shared_name > 0.2
    assert (world.bursts["payments"] >= 20).all()


def test_an_easy_world_is_seen_to_be_easy() -> None:
    settings = WorldSettings(
        payments=30_000,
        wrong_session_rate=0.03,
        preset_share=0.0,
        guest_share=0.0,
        email_match=1.0,
        no_card_share=0.0,
        one_off_card_share=0.0,
        household_card_share=0.0,
        email_household=0.0,
    )
    found = difficulty.measure(make_world(settings, seed=22))
    assert found.wrong_independent > 0.99
    assert found.majority_average_precision > 0.9
