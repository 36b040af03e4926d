"""What inference decided about a part of a ledger, in words and as a mapping for the case file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MARK = "inferred "


@dataclass
class Decision:
    """One part as it was understood.

    ``columns`` are the targets with the column (or expression) each comes from, ``where`` the
    rows that count, ``sign`` the types that take credits, ``scale`` the units that one credit is.
    """

    part: str
    table: str
    columns: dict[str, str] = field(default_factory=dict)
    where: str = ""
    sign: Mapping[str, int] = field(default_factory=dict)
    scale: int = 1
    certainty: float = 1.0
    notes: list[str] = field(default_factory=list)
    example: str = ""

    def sentence(self) -> str:
        """One line: for the doctor and the manifest.

        Examples
        --------
        >>> Decision("balances", "wallets", {"user_id": "owner"}, certainty=0.9).sentence()
        'inferred balances from wallets (certainty 0.90): user_id = owner'
        """
        parts = [", ".join(f"{target} = {column}" for target, column in self.columns.items())]
        parts += [f"where {self.where}"] if self.where else []
        taken = [label for label, sign in self.sign.items() if sign < 0]
        parts += [f"takes credits: {', '.join(taken)}"] if taken else []
        parts += [f"scale {self.scale}"] if self.scale != 1 else []
        parts += self.notes
        parts += [f"example {self.example}"] if self.example else []
        return (
            f"{MARK}{self.part} from {self.table} (certainty {self.certainty:.2f}): "
            + "; ".join(parts)
        )

    def as_toml(self) -> str:
        """The mapping that says the same in the case file."""
        lines = [f"[ledger.{self.part}]", f"table = {json.dumps(self.table)}"]
        if self.columns:
            inside = ", ".join(f"{t} = {json.dumps(c)}" for t, c in self.columns.items())
            lines.append(f"columns = {{ {inside} }}")
        if self.where:
            lines.append(f"where = {json.dumps(self.where)}")
        if self.sign:
            inside = ", ".join(f"{json.dumps(k)} = {v}" for k, v in self.sign.items())
            lines.append(f"sign = {{ {inside} }}")
        if self.scale != 1:
            lines.append(f"scale = {self.scale}")
        return "\n".join(lines)


def inferred_parts(notes: Iterable[str]) -> list[str]:
    """What was decided, of all notes of an input, without the columns.

    Examples
    --------
    >>> inferred_parts(["read wallets", Decision("balances", "wallets").sentence()])
    ['balances from wallets (certainty 1.00)']
    """
    return [n.removeprefix(MARK).partition("): ")[0] + ")" for n in notes if n.startswith(MARK)]


@dataclass
class Inferred:
    """What was inferred: the query and the decision of each part, and what is lost."""

    queries: dict[str, str] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    gaps: list[tuple[str, str, str]] = field(default_factory=list)


class Question(Exception):  # noqa: N818
    """Something that inference cannot decide: what it is, and the mapping that would settle it."""

    def __init__(self, text: str, mapping: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.mapping = mapping
