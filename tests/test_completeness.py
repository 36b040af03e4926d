"""Every method and finding has all that belongs to it; what is missing is named.

And one of each made here, in one place, goes the whole way through a case.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from credit_forensics.findings.catalogue import FINDINGS
from credit_forensics.findings.finding import FOR_A_PERSON, Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows
from credit_forensics.privacy.mask import Mask
from credit_forensics.repair.corrections import RULES, Desk, NeedsPersonError, correct
from credit_forensics.repair.entries import Keys
from credit_forensics.repair.holdings import Holdings
from credit_forensics.repair.manual_fixes import Regrants
from credit_forensics.repair.payment_evidence import UNKNOWN
from credit_forensics.reporting.corrections import correction_of
from credit_forensics.reporting.language import LANGUAGES
from credit_forensics.resolution.method import Method
from credit_forensics.resolution.methods import METHODS

DOCS = Path(__file__).resolve().parent.parent / "docs"
CAUSES = next(finding for finding in FINDINGS if finding.name == "wrong_user")


def missing_of_method(method: Method, page: str) -> list[str]:
    """What a method lacks, in words."""
    lacks = []
    rows = [
        line for line in page.splitlines() if line.startswith("|") and f"`{method.name}`" in line
    ]
    if not any(method.family in row for row in rows):
        lacks.append("a row in docs/method.md with its family")
    if not method.reads:
        lacks.append("reads: what it reads, in English")
    if not method.reads_de:
        lacks.append("reads_de: what it reads, in German")
    for code, sentences in LANGUAGES.items():
        if f"family.{method.family}" not in sentences and method.family_words is None:
            lacks.append(f"family_words: what its family is called ({code})")
    if method.cause != "unknown" and method.cause not in CAUSES.en.causes:
        lacks.append(f"words for its cause {method.cause} in findings/wrong_user.py")
    if f"| `{method.cause}` |" not in (DOCS / "findings.md").read_text(encoding="utf-8"):
        lacks.append(f"a row for its cause {method.cause} in docs/findings.md")
    return lacks


def missing_of_finding(finding: Finding, page: str) -> list[str]:
    """What a finding lacks, in words."""
    lacks = []
    sections = [
        part for part in re.split(r"(?m)^#+ ", page) if f"`{finding.name}`" in part.split("\n")[0]
    ]
    if not sections:
        lacks.append("a section in docs/findings.md")
    elif finding.severity not in sections[0].split("\n")[0]:
        lacks.append("its severity in the heading of its section")
    elif finding.correction.text not in sections[0]:
        lacks.append(f"its correction in its section: {finding.correction.text}")
    if finding.correction is FOR_A_PERSON or not finding.correction.done:
        lacks.append("correction: how it is put right")
    if finding.correction.rule and finding.correction.rule not in RULES:
        lacks.append(f"a rule of the repair that is called {finding.correction.rule}")
    causes = {cause for cause, _ in finding.correction.person_for}
    for code, words in (("en", finding.en), ("de", finding.de)):
        if words is None or not words.name or not words.sentence:
            lacks.append(f"{code}: its words")
        elif set(words.causes) != set(finding.en.causes if finding.en else ()) or (
            causes - set(words.causes)
        ):
            lacks.append(f"{code}: words for each of its causes")
    return lacks


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_lacks_nothing(method):
    assert missing_of_method(method, (DOCS / "method.md").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_a_finding_lacks_nothing(finding):
    assert missing_of_finding(finding, (DOCS / "findings.md").read_text(encoding="utf-8")) == []


def test_what_is_missing_is_named():
    bare = Method(
        "new_one", "phone", "", history=None, rows=lambda tables: tables.payments, cause="x"
    )
    lacks = " ".join(missing_of_method(bare, ""))
    for what in ("docs/method.md", "reads:", "reads_de:", "family_words", "findings/wrong_user.py"):
        assert what in lacks
    found = " ".join(missing_of_finding(Finding("new", "low", "Never.", lambda tables: tables), ""))
    for what in ("docs/findings.md", "correction:", "en: its words", "de: its words"):
        assert what in found


def test_places_are_each_one_ones_own():
    for known in (METHODS, FINDINGS):
        places = [one.place for one in known]
        assert places == sorted(set(places))


class View:
    """What corrections ask of a report's view: nothing was booked by hand."""

    def __init__(self, catalogue):
        self.catalogue, self.manual_by_user = catalogue, {}


@pytest.mark.parametrize(
    ("finding", "cause"),
    [(one, cause) for one in FINDINGS for cause in (*one.en.causes, None)],
    ids=lambda value: getattr(value, "name", value) or "no cause",
)
def test_report_and_plan_say_the_same_of_who_decides(finding, cause):
    """With everything else sure, both leave a finding to a person, or both put it right."""
    row = {"finding": finding.name, "cause": cause, "payment_id": "cs_1", "credits": None}
    row |= {"credited_user_id": "b", "rightful_user_id": "a", "probability": 1.0}
    row["created_at"] = None
    needed = correction_of(View(FINDINGS), row)
    why = finding.correction.why_a_person(cause)
    desk = Desk(0.9, frozenset("ab"), frozenset(), Keys([]), Regrants(_no_entries()))
    if needed is None:
        assert not finding.correction.needed
        return
    with_person = needed.key == "answer.correct_review"
    assert with_person == bool(why)
    # The plan stops at the table's own reason before it looks at what the ledger holds.
    with pytest.raises(NeedsPersonError) as stopped:
        correct(row, UNKNOWN, Holdings(), desk)
    assert (str(stopped.value) == why) == with_person


def _no_entries():
    import pandas as pd

    return pd.DataFrame(
        {"entry_id": [], "user_id": [], "delta": [], "reason": [], "created_at": []}
    )


def test_an_orphan_credit_is_for_a_person():
    orphan = next(one for one in FINDINGS if one.name == "orphan_credit")
    assert orphan.correction.person == "the entry may be forged, or its payment not exported"
    assert not orphan.correction.rule


ADA, BEN = "Ada", "Ben"
USERS = [{"user_id": ADA, "email": "ada@example.com"}, {"user_id": BEN, "email": "ben@example.com"}]


def by_price(tables):
    return tables.payments.select("payment_id", user_id=tables.payments.price_id)


def a_case(literal_case, method, **options):
    payment = {"payment_id": "cs_1", "created_at": "2025-09-01T10:00:00Z", "price_id": BEN}
    payment |= {"client_reference_id": ADA, "payment_status": "paid", "livemode": True}
    payment |= options.pop("payment", {})
    return literal_case(payments=[payment], users=USERS, methods=[method], **options)


@pytest.mark.parametrize("family", ["mapping", "email", "card", "name", "phone"])
def test_a_method_of_ones_own_has_a_voice_in_any_family(literal_case, family):
    case = a_case(literal_case, Method("phone_owner", family, "a phone", rows=by_price))
    bars = case.explain("cs_1").bars.set_index("family")
    assert bars.loc[family, "person_id"] == BEN
    assert bars.loc[family, "methods"] == "phone_owner"
    assert bars.loc[family, "weight"] > 0
    assert case.verdicts["families_available"].tolist() == [2]


def test_a_method_of_ones_own_is_one_copy_of_the_session(literal_case):
    case = a_case(literal_case, Method("phone_owner", "session", "a phone", rows=by_price))
    bars = case.explain("cs_1").bars
    assert bars[["family", "level"]].values.tolist() == [["session", "split"]]
    assert "phone_owner" not in bars["methods"].tolist()[0]


def test_a_weak_method_is_shown_as_speaking_only_where_it_spoke(literal_case):
    method = Method("phone_owner", "session", "a phone", rows=by_price, voice="weak")
    agreeing = a_case(literal_case, method, payment={"client_reference_id": BEN})
    assert agreeing.explain("cs_1").bars["methods"].tolist() == ["client_reference_id"]
    alone = a_case(literal_case, method, payment={"client_reference_id": None})
    assert alone.explain("cs_1").bars["methods"].tolist() == ["phone_owner"]


def test_the_sessions_own_word_moves_a_method_to_its_family(literal_case):
    method = Method("p", "phone", "a phone", rows=by_price, session_when="email_prefilled")
    given = {"email_prefilled": True, "client_reference_id": BEN}
    assert set(a_case(literal_case, method, payment=given).explain("cs_1").bars["family"]) == {
        "session"
    }
    # What contradicts the session's ids is no copy of them.
    contradicting = a_case(literal_case, method, payment=given | {"client_reference_id": ADA})
    assert set(contradicting.explain("cs_1").bars["family"]) == {"session", "phone"}


def test_the_ids_of_a_method_of_ones_own_are_shown_as_ids(literal_case):
    case = a_case(literal_case, Method("phone_owner", "phone", "a phone", rows=by_price))
    shown = case.mask.frame(case.matrix, "matrix")
    assert shown["phone_owner"].tolist() == [BEN]
    unknown = Mask(b"k" * 32).frame(case.matrix, "matrix")
    assert unknown["phone_owner"].tolist() != [BEN]


def test_a_method_explains_a_wrong_user_by_its_own_cause(literal_case):
    method = Method("phone_owner", "phone", "a phone", rows=by_price, cause="email_match")
    payment = {"client_reference_id": ADA, "payer_email": "ada@example.com", "amount": 500}
    payment |= {"currency": "eur", "expected_credits": 50, "email_prefilled": False}
    bought = {"entry_id": "1", "user_id": BEN, "delta": 50, "kind": "purchase"}
    bought |= {"payment_id": "cs_1", "created_at": "2025-09-01T10:01:00Z"}
    case = a_case(literal_case, method, payment=payment, ledger=[bought])
    found = case.findings.set_index("finding")
    assert found.loc["wrong_user", "cause"] == "email_match"


def find_cheap(tables):
    rows = tables.payments.filter(tables.payments.amount < 100)
    return finding_rows(rows, "cheap", "low", payment_id=rows.payment_id, credits=5)


def test_a_finding_of_ones_own_goes_the_whole_way(literal_case):
    from credit_forensics.checks.assertions import assert_no_findings
    from credit_forensics.repair.plan import make_plan

    cheap = Finding(
        "cheap",
        "low",
        "A payment of less than one unit.",
        find_cheap,
        Correction("Nothing is booked.", person="it may be a trial"),
        en=Words("cheap", "A cheap payment."),
        de=Words("billig", "Eine billige Zahlung."),
    )
    case = a_case(
        literal_case,
        Method("phone_owner", "phone", "a phone", rows=by_price),
        payment={"amount": 50},
        findings=[cheap],
    )
    assert case.findings["finding"].tolist() == ["cheap"]
    plan = make_plan(case).rows
    assert plan[["finding", "status", "note"]].values.tolist() == [
        ["cheap", "needs a person", "it may be a trial"]
    ]
    assert_no_findings(case, severity="low", allow=["cheap"])
