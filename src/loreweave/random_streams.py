"""Random numbers by purpose: every generator that is derived from a seed is a named stream of it.

A stream is a pure function of the seed, its name and a place (an epoch, an item, a number). No state advances, so a run
resumes anywhere with the numbers that it would have had, and a new stream changes no other.
"""

from __future__ import annotations

import numpy as np

STREAMS: dict[str, tuple[int, ...]] = {
    "draws of an epoch": (0,),
    "rows of a set": (1,),
    "masks": (2,),
    "micro-batches of a pool": (3,),
    "neighbourhoods": (3,),
    "corrupted triples": (4,),
    "batches of an epoch": (),
    "episodes": (),
}
"""Name -> what stands between the seed and the place. These numbers settle which random numbers come out: runs that were
begun earlier resume with them, so they never change. A new stream takes a number that none has (next: 5).

Two streams with one number have the same generators at the same place. That is so for pools and neighbourhoods, which use
them for different things (a permutation, choices among edges), and for the last two, which never meet in one run."""


def entropy(seed: int, name: str, *place: int) -> list[int]:
    """What seeds the stream `name` at a place, for `numpy.random.SeedSequence`."""
    return [seed, *STREAMS[name], *place]


def stream(seed: int, name: str, *place: int) -> np.random.Generator:
    """A new generator of the stream `name` at a place.

    Args:
        seed: of the run (or of what is built).
        name: one of `STREAMS`.
        place: such as an epoch or the number of an item.

    Example:
        >>> int(stream(0, "episodes", 7).integers(100)) == int(np.random.default_rng([0, 7]).integers(100))
        True
    """
    return np.random.default_rng(entropy(seed, name, *place))


def process_seed(seed: int, process: int) -> int:
    """The seed of torch in one of several processes, so that they drop out different units."""
    return seed + process
