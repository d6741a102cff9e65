"""How functions are compiled and kept, and the random numbers that they draw."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from lti_tool.matching.compiled import cache

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bits = NDArray[np.uint64]

Function = TypeVar("Function", bound=Callable[..., Any])

numba.config.CACHE_DIR = str(cache.folder())  # type: ignore[attr-defined]


def compiled(function: Function) -> Function:
    """Machine code at the first call, or from the cache; runs without Python's global lock.

    Compiled code counts no references (``_nrt``), which makes passing around a record of forty arrays ten times
    faster; so it may read and write arrays but make none.
    """
    return _compiled(function)


def inlined(function: Function) -> Function:
    """The same, copied into every compiled function that calls it.

    A call hands on each array of a record as seven numbers, which takes longer than most steps of the search.
    """
    return _compiled(function, forceinline=True)


def _compiled(function: Function, **options: bool) -> Function:
    make = cast("Any", numba.njit)
    return cast("Function", make(cache=True, nogil=True, _nrt=False, **options)(function))


@compiled
def draw(rng: Bits) -> Any:
    """The next 64 random bits (xorshift64*)."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return x * np.uint64(2685821657736338717)


@compiled
def below(rng: Bits, end: int) -> int:
    """A whole number from 0 to end - 1; end is less than 2**31."""
    return int(np.int64(((draw(rng) >> np.uint64(33)) * np.uint64(end)) >> np.uint64(31)))


@compiled
def unit_interval(rng: Bits) -> float:
    """A number above 0 and at most 1."""
    return (np.float64(draw(rng) >> np.uint64(11)) + 1.0) * (1.0 / 9007199254740992.0)


@compiled
def ones(bits: Any) -> int:
    """How many of 64 bits are set."""
    x = bits - ((bits >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int(np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56)))


def seeded(seed: int) -> Bits:
    """The state of a generator; neighbouring seeds give unrelated numbers."""
    mixed = hashlib.sha256(seed.to_bytes(16, "little", signed=True)).digest()[:8]
    return np.array([int.from_bytes(mixed, "little") | 1], dtype=np.uint64)
