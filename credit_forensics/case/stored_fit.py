"""A fitted model in files: written when a case is judged, read when it is explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from credit_forensics.judgement.families import Family
from credit_forensics.judgement.fit import Fit

_BY_FAMILY = ("accuracy", "voices", "right")


def write_fit(fit: Fit, path: Path) -> dict[str, Any]:
    """Write a fit's arrays to a file (.npz); what is left of it, as plain values."""
    arrays = {
        f"{name}_{place}": values
        for name in _BY_FAMILY
        for place, values in enumerate(getattr(fit, name))
    }
    np.savez(path, states=fit.states, **arrays)
    return {
        "accounts": fit.accounts,
        **fit.rates,
        "many": fit.many,
        "paid_for": fit.paid_for,
        "asked": fit.asked,
        "identifiable": fit.identifiable,
        "rounds": fit.rounds,
        "notes": list(fit.notes),
    }


def read_fit(path: Path, rest: dict[str, Any], families: tuple[Family, ...]) -> Fit:
    """The fit that ``write_fit`` wrote, exactly.

    Raises
    ------
    OSError, ValueError, KeyError
        when the file is not whole.
    """
    with np.load(path, allow_pickle=False) as arrays:
        accuracy, voices, right = (
            [arrays[f"{name}_{place}"] for place in range(len(families))] for name in _BY_FAMILY
        )
        return Fit(
            families=families,
            accuracy=accuracy,
            voices=voices,
            right=right,
            states=arrays["states"],
            **rest,
        )
