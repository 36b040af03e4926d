"""Says what was judged, in numbers and in one English sentence a subject."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from credit_forensics.coverage.reasons import NOT_JUDGED, REASONS

if TYPE_CHECKING:
    import pandas as pd

WHY: dict[str, tuple[str, str]] = {**REASONS, **NOT_JUDGED}
"""Every reason, in English and in German."""
SUBJECTS = {
    "money": ("of the paid money", "des bezahlten Geldes"),
    "credits": ("of the ledger's credits", "der Credits im Ledger"),
    "log": ("of the log's deliveries", "der Zustellungen im Protokoll"),
}
# Of the log nothing is asked: without it the causes are not known, the findings are.
_DECIDING = ("money", "credits")


@dataclass(frozen=True)
class Judged:
    """The table ``judged_shares``, and what follows from it; ``to_come`` of what is not judged yet.

    ``refused`` are rows of the inputs that could not be read. Where the others hold no payment,
    these may have been the payments, and nothing found means nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"subject": ["money", "money"], "reason": ["", "outside"],
    ...     "share": [0.25, 0.75], "rows": [1, 3]})
    >>> judged = Judged(rows)
    >>> judged.least, judged.enough(0.95), judged.nothing_found(0.95)
    (0.25, False, 'no findings in the 25 % that could be judged')
    >>> print(judged)
    Judged: 25 % of the paid money
    Not judged: 75 % of the paid money: paid at a time that the ledger does not cover (3)
    """

    rows: pd.DataFrame
    to_come: bool = False
    refused: int = 0

    @cached_property
    def shares(self) -> dict[str, float]:
        """The judged share of each subject that there is."""
        judged = self.rows[self.rows["reason"] == ""]
        return {str(k): float(v) for k, v in zip(judged["subject"], judged["share"], strict=True)}

    @property
    def unjudged(self) -> list[dict[str, Any]]:
        """What was not judged: subject, reason, share and rows, the largest share first."""
        rows = self.rows[self.rows["reason"] != ""]
        ordered = rows.sort_values(["share", "subject", "reason"], ascending=[False, True, True])
        return [{str(k): v for k, v in row.items()} for row in ordered.to_dict("records")]

    @property
    def least(self) -> float:
        """The smaller of the shares of money and credits; 1 where there was nothing to judge."""
        if self._unread:
            return 0.0
        return min((self.shares[s] for s in _DECIDING if s in self.shares), default=1.0)

    def enough(self, at_least: float) -> bool:
        """Whether so much was judged that to have found nothing means that nothing is there."""
        return self.least >= at_least

    def nothing_found(self, at_least: float) -> str:
        """What to say where nothing was found."""
        if self.enough(at_least):
            return "none"
        return f"no findings in the {percent(self.least)} that could be judged"

    @property
    def _unread(self) -> bool:
        return self.refused > 0 and "money" not in self.shares

    @property
    def headline(self) -> str:
        """What was judged, in a line."""
        shares = [
            f"{percent(self.shares[s])} {words[0]}"
            for s, words in SUBJECTS.items()
            if s in self.shares
        ]
        words = "Can be judged" if self.to_come else "Judged"
        if self._unread:
            shares.append(f"no payment (rows that could not be read: {self.refused:,})")
        return f"{words}: {', '.join(shares) or 'nothing: no money was paid'}"

    def __str__(self) -> str:
        lines = [self.headline]
        for row in self.unjudged:
            why = WHY[row["reason"]][0]
            share = f"{percent(row['share'])} {SUBJECTS[row['subject']][0]}"
            words = "Cannot be judged" if self.to_come else "Not judged"
            lines.append(f"{words}: {share}: {why}{_counted(row['rows'])}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The shares and what was not judged, as plain values."""
        return {
            "shares": self.shares,
            "not_judged": [
                {"subject": r["subject"], "reason": r["reason"], "share": float(r["share"])}
                for r in self.unjudged
            ],
        }


def percent(share: float) -> str:
    """A share as a whole percentage, rounded down, so that none reads as reaching what it misses.

    Examples
    --------
    >>> percent(1.0), percent(0.949), percent(0.0), percent(0.001), percent(0.33)
    ('100 %', '94 %', '0 %', '1 %', '33 %')
    """
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", " %")
    return f"{min(max(int(share * 100 + 1e-9), 1), 99)} %"


def _counted(rows: int) -> str:
    return f" ({rows:,})" if rows else ""
