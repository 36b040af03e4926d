"""Makes identifiers in bulk: Stripe's, and user ids of several schemes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios.settings import IdScheme

_BASE62 = np.frombuffer(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype=np.uint8
)
_BASE36 = np.frombuffer(b"0123456789abcdefghijklmnopqrstuvwxyz", dtype=np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def stream(seed: int, name: str) -> np.random.Generator:
    """A random stream of its own for each part, so that a change in one leaves the others.

    Examples
    --------
    >>> int(stream(1, "people").integers(1000)) == int(stream(1, "people").integers(1000))
    True
    """
    return np.random.default_rng([seed, *name.encode()])


def tokens(rng: np.random.Generator, prefix: str, count: int, length: int = 24) -> pa.Array:
    """``count`` ids of ``prefix`` and ``length`` random characters, as Stripe writes them."""
    letters = _BASE62[rng.integers(0, 62, (count, length))]
    return _texts(_prefixed(prefix, letters))


def user_ids(rng: np.random.Generator, scheme: IdScheme, count: int) -> pa.Array:
    """``count`` distinct user ids of a scheme, in random order."""
    if scheme == "integer":
        return pa.array(1_001 + rng.permutation(count)).cast(pa.string())
    if scheme == "cuid":
        return _texts(_prefixed("c", _BASE36[rng.integers(0, 36, (count, 24))]))
    letters = _HEX[rng.integers(0, 16, (count, 32))]
    letters[:, 12] = ord("4")
    letters[:, 16] = _HEX[8:12][rng.integers(0, 4, count)]
    dashed = np.full((count, 36), ord("-"), dtype=np.uint8)
    dashed[:, [i for i in range(36) if i not in (8, 13, 18, 23)]] = letters
    return _texts(dashed)


def _prefixed(prefix: str, letters: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    head = np.frombuffer(prefix.encode(), dtype=np.uint8)
    return np.hstack([np.broadcast_to(head, (len(letters), len(head))), letters])


def _texts(letters: npt.NDArray[np.uint8]) -> pa.Array:
    count, width = letters.shape
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(
        count, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(letters))
    )


def take(values: pa.Array, positions: Ints) -> pa.Array:
    """Values at the positions; a negative position gives an empty value."""
    index = pa.array(np.maximum(positions, 0), mask=positions < 0)
    return pc.take(values, index)


def instants(microseconds: Ints, absent: Bools | None = None) -> pa.Array:
    """UTC timestamps from microseconds since 1970, empty where ``absent``.

    Whole seconds, as Stripe and the handler's log tell them.
    """
    seconds = microseconds // 1_000_000 * 1_000_000
    return pa.array(seconds, mask=absent).cast(pa.timestamp("us", tz="UTC"))
