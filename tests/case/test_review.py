"""The review queue and its labels, as an analyst uses them."""

import pandas as pd
import pytest

from credit_forensics.case.case import Case
from credit_forensics.case.labels import add_labels, read_labels
from credit_forensics.case.review_queue import review_queue
from credit_forensics.errors import CaseError
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world


@pytest.fixture(scope="module")
def world():
    return make_world(WorldSettings(payments=3000, wrong_session_rate=0.04), seed=9)


def opened(world, folder):
    from credit_forensics.case_file import CaseFile

    return Case.from_evidence(world.evidence(), CaseFile(folder=folder))


def test_the_queue_has_most_money_and_doubt_first_and_a_blind_sample(world, tmp_path):
    queue = review_queue(opened(world, tmp_path), blind=15)
    doubtful = queue[queue["stratum"] == "queue"]
    assert doubtful["priority"].is_monotonic_decreasing
    assert set(doubtful["verdict"]) <= {
        "ambiguous",
        "misattributed",
        "unverifiable",
        "paid_by_another",
    }
    blind = queue[queue["stratum"] == "blind"]
    assert len(blind) == 15
    assert set(blind["verdict"]) == {"confirmed"}
    again = review_queue(opened(world, tmp_path), blind=15)
    pd.testing.assert_frame_equal(queue, again)


def test_labels_are_kept_beside_the_case_and_recalibrate_it(world, tmp_path):
    case = opened(world, tmp_path)
    assert case.model["calibration"] == "model-based, uncalibrated"
    queue = review_queue(case, blind=60)
    truth = world.truth.set_index("payment_id")["wrong"].astype(bool)
    labels = pd.DataFrame(
        {
            "payment_id": queue["payment_id"],
            "label": ["wrong" if truth[p] else "right" for p in queue["payment_id"]],
            "stratum": queue["stratum"],
        }
    )
    assert add_labels(tmp_path / "labels.csv", labels) == len(labels)
    assert add_labels(tmp_path / "labels.csv", labels) == 0
    again = opened(world, tmp_path)
    assert again.model["calibration"].startswith("Platt on ")
    assert (review_queue(again, blind=0)["label"] != "").any()
    before = case.verdicts.set_index("payment_id")["probability_misattributed"].dropna()
    after = again.verdicts.set_index("payment_id")["probability_misattributed"].dropna()
    assert before.index.equals(after.index)
    assert (before - after).abs().max() > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("payment_id,label\ncs_1,maybe\n", "'maybe'; a label is right, wrong, unsure"),
        ("payment,verdict\ncs_1,right\n", "need the columns payment_id and label"),
        ("", "cannot be read"),
    ],
)
def test_a_bad_label_file_is_a_clear_error(tmp_path, text, message):
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CaseError, match=message):
        read_labels(path)


def test_the_last_word_on_a_payment_counts_and_ids_stay_text(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("payment_id,label\n00123,wrong\n00123,Right\n", encoding="utf-8")
    assert read_labels(path)[["payment_id", "label"]].to_numpy().tolist() == [["00123", "right"]]
