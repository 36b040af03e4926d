"""The review queue and its labels, as an analyst uses them."""

import pandas as pd
import pytest

from credit_forensics.case.case import Case
from credit_forensics.case.comparable_amounts import comparable_amounts
from credit_forensics.case.labels import add_labels, read_labels
from credit_forensics.case.review_queue import blind_needed, review_queue
from credit_forensics.errors import CaseError
from credit_forensics.scenarios.settings import BurstSettings, FaultRates, WorldSettings
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
    assert "learned of " in again.model["calibration"]
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


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """Case, truth: a team's boss pays for others, some sessions are wrong, 80 answers were given.

    Once as said, and once with nothing wrong at all.
    """
    cases = {}
    for name, rate in (("faulty", 0.02), ("clean", 0.0)):
        settings = WorldSettings(
            payments=1500,
            days=15.0,
            wrong_session_rate=rate,
            faults=FaultRates.none(),
            mechanisms={"team": 0.15},
            bursts=BurstSettings(share_in_bursts=0.0),
        )
        world = make_world(settings, seed=4)
        truth = world.truth.set_index("payment_id")["wrong"].astype(bool)
        folder = tmp_path_factory.mktemp(name)
        before = opened(world, folder)
        asked = review_queue(before, blind=20).groupby("stratum").head(60)
        label = asked["payment_id"].map(truth.map({True: "wrong", False: "right"}))
        add_labels(folder / "labels.csv", asked[["payment_id", "stratum"]].assign(label=label))
        cases[name] = (before, opened(world, folder), truth)
    return cases


def accused(case):
    verdicts = case.verdicts
    return set(verdicts["payment_id"][verdicts["verdict"] == "misattributed"])


def test_answers_find_wrong_payments_that_nobody_was_asked_about(answered):
    before, after, truth = answered["faulty"]
    wrong = set(truth.index[truth])
    found, unasked = accused(after), accused(after) - set(after.labels["payment_id"])
    assert len(found & wrong) >= len(accused(before) & wrong) + 10
    assert len(found - wrong) <= 0.1 * len(found)
    p = after.verdicts.set_index("payment_id")["probability_misattributed"].dropna()
    y, q = truth.reindex(p.index), before.verdicts.set_index("payment_id")
    q = q["probability_misattributed"].reindex(p.index)
    unlabelled = ~p.index.isin(after.labels["payment_id"])
    assert ((p - y) ** 2)[unlabelled].mean() < ((q - y) ** 2)[unlabelled].mean(), unasked


def test_where_nothing_is_wrong_no_answer_accuses_anybody(answered):
    before, after, truth = answered["clean"]
    assert (after.labels["label"] == "wrong").sum() == truth.sum()
    assert accused(after) - set(truth.index[truth]) == set()
    open_ = ["paid_by_another", "ambiguous"]
    asked = [int(case.verdicts["verdict"].isin(open_).sum()) for case in (before, after)]
    assert asked[1] < asked[0]


def test_a_pair_is_one_question_and_one_answer(answered):
    before, after, _ = answered["clean"]
    asked = ["paid_by_another", "ambiguous", "misattributed"]
    queue = review_queue(before, blind=0)
    of_two = queue[queue["verdict"].isin(asked) & (queue["payments"] > 1)]
    assert (
        len(of_two)
        and not queue.duplicated(["rightful_user_id", "credited_user_id"])[of_two.index].any()
    )
    answered_ones = of_two.merge(after.labels, on="payment_id")
    pair = ["rightful_user_id", "credited_user_id"]
    all_of_them = before.verdicts.merge(answered_ones[[*pair, "label_y"]], on=pair)
    all_of_them = all_of_them[all_of_them["verdict"].isin(asked)]
    now = after.verdicts.set_index("payment_id")["verdict"].reindex(all_of_them["payment_id"])
    assert len(all_of_them) > len(answered_ones)
    assert set(now) == {"confirmed"}


def test_a_label_decides_its_own_payment_whatever_the_verdict(world, tmp_path):
    case = opened(world, tmp_path)
    confirmed = case.verdicts[case.verdicts["verdict"] == "confirmed"]["payment_id"].iloc[:2]
    alone = case.verdicts[case.verdicts["verdict"] == "unverifiable"]["payment_id"].iloc[:1]
    labels = pd.DataFrame(
        {"payment_id": [*confirmed, *alone], "label": ["wrong", "right", "right"]}
    )
    add_labels(tmp_path / "labels.csv", labels)
    after = opened(world, tmp_path).verdicts.set_index("payment_id")
    # Wrong, and nobody is named whose it is: that is no accusation of the one who holds it.
    assert after["verdict"].reindex(labels["payment_id"]).tolist() == [
        "ambiguous",
        "confirmed",
        "confirmed",
    ]
    assert after["probability_misattributed"][confirmed.iloc[0]] == pytest.approx(0.99)


def test_the_blind_sample_stays_while_payments_come(world, tmp_path):
    case = opened(world, tmp_path)
    few, more = (review_queue(case, blind=count) for count in (10, 30))
    blind = [set(one["payment_id"][one["stratum"] == "blind"]) for one in (few, more)]
    assert blind[0] < blind[1]
    confirmed = int((case.verdicts["verdict"] == "confirmed").sum())
    assert (review_queue(case)["stratum"] == "blind").sum() == blind_needed(confirmed)


@pytest.mark.parametrize(("confirmed", "needed"), [(0, 0), (1, 1), (49, 47), (50, 39), (2500, 142)])
def test_as_many_blind_ones_as_show_that_confirmed_may_be_called_so(confirmed, needed):
    assert blind_needed(confirmed) == needed


def test_amounts_of_several_currencies_are_compared_by_what_a_credit_costs():
    payments = pd.DataFrame(
        {
            "amount": [1000, 2000, 150_000, None],
            "currency": ["usd", "usd", "jpy", "jpy"],
            "expected_credits": [100, 200, 100, 100],
        }
    )
    assert comparable_amounts(payments).tolist() == [1000.0, 2000.0, 1000.0, 0.0]
    without = payments.assign(expected_credits=None)
    assert comparable_amounts(without).tolist() == [1000.0, 2000.0, 1500.0, 0.0]
    one = payments.assign(currency="jpy")
    assert comparable_amounts(one).tolist() == [1000.0, 2000.0, 150_000.0, 0.0]
