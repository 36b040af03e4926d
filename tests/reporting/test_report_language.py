"""The languages say the same things, and format as their readers expect."""

from __future__ import annotations

import string

import pytest
from markupsafe import Markup, escape

from credit_forensics.errors import CaseError
from credit_forensics.findings.catalogue import FINDINGS
from credit_forensics.judgement.families import FAMILIES
from credit_forensics.reporting.elements import Code
from credit_forensics.reporting.language import LANGUAGES, Language

ENGLISH = LANGUAGES["en"]


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("code", list(LANGUAGES))
def test_every_language_has_every_sentence_with_the_same_places(code):
    sentences = LANGUAGES[code]
    assert set(sentences) == set(ENGLISH)
    wrong = [key for key in ENGLISH if places(sentences[key]) != places(ENGLISH[key])]
    assert wrong == []


@pytest.mark.parametrize("code", list(LANGUAGES))
def test_every_finding_and_family_has_a_name(code):
    language = Language(code)
    for finding in FINDINGS:
        assert language.has(f"finding.{finding.name}")
        assert language.has(f"sentence.{finding.name}")
        assert language.has(f"severity.{finding.severity}")
    for family in FAMILIES:
        assert language.has(f"family.{family.name}")


def test_an_unknown_language_is_a_clear_error():
    with pytest.raises(CaseError, match="no report language 'fr'"):
        Language("fr")


def test_sentences_escape_values_but_not_our_own_markup():
    text = Language("en").html(
        "answer.held", credits="<b>", payment=Code("<i>"), holders=Markup("<u>ours</u>")
    )
    assert "&lt;b&gt;" in text
    assert "<code>&lt;i&gt;</code>" in text
    assert "<u>ours</u>" in text


def test_braces_in_values_are_text():
    assert "{payment}" in Language("en").html(
        "answer.held", credits="{payment}", payment="p", holders="h"
    )


def test_a_cut_of_code_is_no_longer_code():
    assert escape(Code("abc")[:2]) == "ab"


@pytest.mark.parametrize(("share", "text"), [(0.0, "0 %"), (1.0, "100 %"), (1e-9, "< 0,1 %")])
def test_shares_are_never_rounded_to_certainty(share, text):
    assert Language("de").percent(share) == text
