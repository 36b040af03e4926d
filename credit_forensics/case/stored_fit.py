"""A fitted model in files: written when a case is judged, read when it is explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from credit_forensics.judgement.families import Family
from credit_forensics.judgement.fit import Fit, FitsInOrder

_BY_FAMILY = ("accuracy", "voices", "right")
_OF_ORDER = ("starts", "before", "fit_of")


def write_fit(fit: Fit, path: Path) -> dict[str, Any]:
    """Write a fit's arrays to a file (.npz); what is left of it, as plain values."""
    arrays = _arrays(fit)
    rest = _rest(fit)
    if fit.in_order is not None:
        order = fit.in_order
        arrays |= {f"order_{name}": getattr(order, name) for name in _OF_ORDER}
        for place, one in enumerate(order.fits):
            arrays |= {f"fit{place}_{name}": values for name, values in _arrays(one).items()}
        rest["in_order"] = [_rest(one) for one in order.fits]
    np.savez(path, **arrays)
    return rest


def _arrays(fit: Fit) -> dict[str, Any]:
    by_family = {
        f"{name}_{place}": values
        for name in _BY_FAMILY
        for place, values in enumerate(getattr(fit, name))
    }
    return {"states": fit.states, **by_family}


def _rest(fit: Fit) -> dict[str, Any]:
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

        def fit_of(prefix: str, values: dict[str, Any]) -> Fit:
            accuracy, voices, right = (
                [arrays[f"{prefix}{name}_{place}"] for place in range(len(families))]
                for name in _BY_FAMILY
            )
            return Fit(
                families=families,
                accuracy=accuracy,
                voices=voices,
                right=right,
                states=arrays[f"{prefix}states"],
                **values,
            )

        order = rest.get("in_order")
        fit = fit_of("", {name: value for name, value in rest.items() if name != "in_order"})
        if order is None:
            return fit
        fits = tuple(fit_of(f"fit{place}_", one) for place, one in enumerate(order))
        whole = {name: arrays[f"order_{name}"] for name in _OF_ORDER}
        return replace(fit, in_order=FitsInOrder(**whole, fits=fits))
