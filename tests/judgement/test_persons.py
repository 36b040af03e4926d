"""Links make persons from a strength on, and the oldest account names the person."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.judgement.persons import group_persons


def links(*rows):
    frame = pd.DataFrame(rows, columns=["user_id", "linked_user_id", "strength"])
    return frame.assign(reason="alias")


@pytest.mark.parametrize(("strength", "persons"), [(0.5, {"ada", "ada-2"}), (0.499, set())])
def test_a_link_of_one_half_or_more_makes_one_person(strength, persons):
    found = group_persons(links(("ada-2", "ada", strength)), pd.Series(["ada"]))
    assert set(found["user_id"]) == persons


def test_the_oldest_account_names_the_person_and_links_chain():
    oldest_first = pd.Series(["zoe", "ada"])
    found = group_persons(links(("ada", "new-1", 0.9), ("new-1", "zoe", 0.9)), oldest_first)
    assert dict(zip(found["user_id"], found["person_id"], strict=True)) == {
        "ada": "zoe",
        "new-1": "zoe",
        "zoe": "zoe",
    }
