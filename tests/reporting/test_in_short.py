"""The first paragraph names what happened, to whom, when, why and what to do; and no wrong culprit."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from credit_forensics.coverage.judged import Judged
from credit_forensics.incidents.shared_traits import rank_traits
from credit_forensics.reporting import in_short
from credit_forensics.reporting.incident_report import case_view
from credit_forensics.reporting.language import Language


def words(markup):
    return re.sub(r"<[^>]+>", "", str(markup)).replace("&lt;", "<")


def test_a_reader_finds_the_seven_facts(case):
    said = [words(line) for line in in_short.in_short(case_view(case))]
    happened, apart, besides, judged, now = said
    assert judged.startswith("Judged: ")
    assert "Wrong user (stale session): 5 payments" in happened  # what, and how many
    assert "1 account hit" in happened  # whom
    assert "25.00 EUR" in happened  # how much
    assert re.search(r"from 2025-09-0\d \d\d:\d\d UTC to 2025-09-0\d \d\d:\d\d UTC", happened)
    assert happened.endswith("It may still go on.")
    # Five of five have the version, and five of eighteen others: too few to name a culprit.
    assert apart == "Nothing that was recorded sets the wrong payments apart from the others."
    assert besides.startswith("Besides: 1 × balance drift, 1 × duplicate credit")
    assert "credit-forensics repair case.toml writes a plan of 8 corrections" in now


def test_it_is_said_in_german(case):
    said = " ".join(words(line) for line in in_short.in_short(case_view(case, language="de")))
    assert "5 Zahlungen, 1 Konto betroffen, 25,00 EUR" in said
    assert "Jetzt: credit-forensics repair case.toml schreibt einen Plan" in said


@pytest.mark.parametrize(("share", "shown"), [(0.949, "94 %"), (0.95, "95 %"), (1.0, "100 %")])
def test_the_report_rounds_a_judged_share_down_as_the_command_line_does(share, shown):
    row = {"subject": "money", "reason": "", "share": share, "rows": 1}
    judged = Judged(pd.DataFrame([row]))
    view = SimpleNamespace(language=Language("en"), case=SimpleNamespace(judged=judged))
    assert in_short.judged_facts(view)[0].startswith(f"Judged: {shown} of the paid money")
    assert shown in str(judged)


TRAITS = ("trait", "value", "wrong", "right")


@pytest.mark.parametrize(
    ("counts", "culprit"),
    [
        # Everybody has it: 9 of 10 wrong payments do, and so do the others.
        ([("handler_method", "PRIMARY", 9, 980), ("handler_method", "EMAIL", 1, 20)], None),
        # Half of the wrong ones have it and few others: it is named, not what everybody has.
        (
            [
                ("handler_method", "PRIMARY", 9, 980),
                ("handler_method", "EMAIL", 1, 20),
                ("frontend_version", "2.9.1-hotfix", 6, 10),
                ("frontend_version", "2.9.0", 4, 990),
            ],
            "2.9.1-hotfix",
        ),
        # One wrong payment by chance, however large its lift, sets nothing apart.
        ([("price", "gold", 1, 30), ("price", "silver", 9, 970)], None),
        # Surely more frequent, but by less than twice: no cause to name.
        ([("browser", "Chrome", 900, 5000), ("browser", "Safari", 100, 4000)], None),
    ],
)
def test_what_everybody_has_is_no_culprit(counts, culprit):
    view = SimpleNamespace(traits=rank_traits(pd.DataFrame(counts, columns=list(TRAITS))))
    found = in_short.trait_apart(view)
    assert (found["value"] if found else None) == culprit


def test_the_largest_of_the_gravest_incidents_comes_first():
    rows = [
        ("small-critical", "critical", 1, 100),
        ("large-critical", "critical", 9, 100),
        ("dear-critical", "critical", 9, 500),
        ("largest-high", "high", 50, 9_000),
        ("no-money", "critical", 9, None),
    ]
    table = pd.DataFrame(rows, columns=["incident_id", "severity", "findings", "amount"])
    order = in_short.largest_first(table)["incident_id"].tolist()
    assert order == [
        "dear-critical",
        "large-critical",
        "no-money",
        "small-critical",
        "largest-high",
    ]
