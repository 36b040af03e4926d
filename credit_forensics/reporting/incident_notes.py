"""Reads what people note of incidents: ``notes.toml`` beside the case, retained between reports."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from credit_forensics.did_you_mean import did_you_mean
from credit_forensics.errors import CaseError

FILE = "notes.toml"
_KEYS = ("owner", "note")


@dataclass(frozen=True)
class Note:
    """Who looks after an incident, and what there is to know of it."""

    owner: str = ""
    note: str = ""


def read_notes(folder: Path) -> dict[str, Note]:
    """The notes by the id of their incident; none where there is no file.

    The file has a table an incident::

        [wrong_user-stale_session-20250911T085800Z]
        owner = "Ada"
        note = "2.9.1-hotfix is rolled back; support writes to the ten accounts."

    Raises
    ------
    CaseError
        when the file is no TOML, or holds something else.
    """
    path = folder / FILE
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CaseError(f"{path} cannot be read as TOML: {error}.") from None
    notes = {}
    for incident, values in told.items():
        if not isinstance(values, Mapping):
            raise CaseError(f"{FILE}: '{incident}' must be a table, as [{incident}].")
        for key, value in values.items():
            if key not in _KEYS:
                raise CaseError(f"{FILE}: [{incident}] has no '{key}'; {did_you_mean(key, _KEYS)}")
            if not isinstance(value, str):
                raise CaseError(f"{FILE}: {key} of [{incident}] must be text.")
        notes[incident] = Note(**values)
    return notes
