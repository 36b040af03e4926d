"""What only a person can tell of whose account a payment is, however sure it is who paid."""

from __future__ import annotations

from credit_forensics.case.case import Case
from credit_forensics.judgement.families import CARD_MORE
from credit_forensics.judgement.judge import Judgement
from credit_forensics.judgement.verdicts import person_of_best
from credit_forensics.resolution.family_names import CARD, NAME, SESSION
from credit_forensics.tables.expressions import ibis, ir

_PATRON_AT_MOST = 0.05
_PAYS_FOR_OTHERS_FROM = 0.5
PATRON = "who paid may pay for the account that has the credits"
PAYS_FOR_OTHERS = "who paid also pays for accounts of others, and no session says for which"
FOUND = "repair_found"
"""The table of the payments that have a finding, on a case's engine."""
HOUSEHOLD = "only a card or a name tells who paid, which people who live together share"


def read_questions(case: Case) -> dict[str, str]:
    """The question about each payment that has one, by payment.

    Parameters
    ----------
    case
        the case; the payments to look at lie on its engine, ``payment_id`` in ``FOUND``.

    Notes
    -----
    1. The chance is above 5 % that another paid for this account, and rightly, in a shop where
       somebody pays for others elsewhere.
    2. No session names who paid, and that person pays for accounts of others elsewhere (with a
       chance of a half or more).
    3. Nobody but a card and a name names who paid, unless the card's payments are several and all
       that person's and only one account has the name.

    A payment that a person called wrong, or whose pair of payer and account, has no question.
    """
    judgement = case.judgement
    questions = judgement.over("repair-questions", lambda: _questions(judgement))
    asked = case.evidence.engine.frame(questions)
    told = _told_by_a_person(case)
    return {
        str(payment): str(text)
        for payment, text in zip(asked["payment_id"], asked["question"], strict=True)
        if text and payment not in told
    }


def _questions(judgement: Judgement) -> ir.Table:
    judged, families = judgement.judged, judgement.families
    best = person_of_best(judged, families)
    patrons = judged.filter((judged.patron >= _PAYS_FOR_OTHERS_FROM) & (best != judged.credited))
    patrons = patrons.select(patron_id=person_of_best(patrons, families)).distinct()
    rows = judged.semi_join(ibis.table({"payment_id": "string"}, name=FOUND), "payment_id")
    rows = rows.mutate(best_person=person_of_best(rows, families))
    rows = rows.left_join(patrons, rows.best_person == patrons.patron_id)
    rows = rows.cross_join(patrons.view().aggregate(patrons=lambda table: table.count()))

    def names_best(family: str) -> ir.BooleanValue:
        return ibis.coalesce(rows[f"v_{family}"] == rows.best_person, False)

    others = [one.name for one in families if one.name not in (CARD, NAME)]
    household = ~ibis.or_(*(names_best(name) for name in others))
    firm = names_best(CARD) & (rows[f"l_{CARD}"] == CARD_MORE) & names_best(NAME)
    firm &= rows.name_owners == 1
    question = ibis.cases(
        ((rows.patrons > 0) & ibis.coalesce(rows.patron > _PATRON_AT_MOST, False), PATRON),
        (rows.patron_id.notnull() & ~names_best(SESSION), PAYS_FOR_OTHERS),
        (household & ~firm, HOUSEHOLD),
        else_="",
    )
    return rows.select("payment_id", question=question)


def _told_by_a_person(case: Case) -> frozenset[str]:
    """Payments that a label calls wrong, and those of the same payer and account."""
    wrong = case.labels[case.labels["label"] == "wrong"]
    if wrong.empty:
        return frozenset()
    pair = ["rightful_user_id", "credited_user_id"]
    verdicts = case.verdicts[case.verdicts["verdict"] == "misattributed"]
    named = verdicts[verdicts["payment_id"].isin(wrong["payment_id"])][pair].drop_duplicates()
    return frozenset(verdicts.merge(named, on=pair)["payment_id"])
