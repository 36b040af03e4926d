"""``store``: what is stored beside a case, and its removal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from credit_forensics.case_file import read_case_file
from credit_forensics.commands.json_output import JsonOption, print_json
from credit_forensics.commands.options import CaseArgument
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.evidence.stored import whether_current
    from credit_forensics.store import store as stored
else:
    whether_current = Later("credit_forensics.evidence.stored.whether_current")
    stored = Later("credit_forensics.store.store")

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def store(
    case: CaseArgument,
    clear: Annotated[bool, typer.Option("--clear", help="Remove all that is stored.")] = False,
    json_: JsonOption = False,
) -> None:
    """Show what is stored beside a case, how big it is, and why each part was made anew.

    Example: credit-forensics store case.toml

    Example: credit-forensics store case.toml --clear
    """
    case_file = read_case_file(case)
    found = whether_current.case_store(case_file)
    if clear:
        removed = found.clear()
        facts = {"folder": str(found.folder), "removed_bytes": removed}
        text = f"Removed {_size(removed)} from {found.folder}"
    else:
        part = found.part(whether_current.EVIDENCE)
        stale = whether_current.why_stale(found, part, case_file) if part else "nothing is stored"
        facts = {**stored.describe(found), "stale_because": stale}
        text = _text(facts)
    if json_:
        print_json("store-cleared" if clear else "store", facts)
    else:
        typer.echo(text)


def _text(facts: dict[str, object]) -> str:
    parts = facts["parts"]
    assert isinstance(parts, list)
    lines = [f"Store  {facts['folder']}, {_size(facts['bytes'])}"]
    width = max((len(part["part"]) for part in parts), default=0)
    for part in parts:
        lines.append(
            f"  {part['part']:<{width}}  {_size(part['bytes']):>9}  "
            f"made anew because: {part['made_anew_because']}"
        )
    stale = facts["stale_because"]
    lines.append(f"Now    {stale}" if stale else "Now    all of it holds")
    return "\n".join(lines)


def _size(size: object) -> str:
    """Bytes in the unit that fits.

    Examples
    --------
    >>> _size(512), _size(2_500_000)
    ('512 bytes', '2.5 MB')
    """
    amount, unit = float(str(size)), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"
