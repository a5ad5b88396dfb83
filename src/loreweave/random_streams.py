"""Random numbers by purpose: every generator derived from a seed is a named stream of it.

A stream depends only on the seed, its name and a place (an epoch, an item, a number). There is no state, so a run
resumes anywhere with the same numbers, and a new stream does not change the others.
"""

from __future__ import annotations

import numpy as np

STREAMS: dict[str, tuple[int, ...]] = {
    "draws of an epoch": (0,),
    "shuffled knowledge": (0,),
    "rows of a set": (1,),
    "masks": (2,),
    "micro-batches of a pool": (3,),
    "neighbourhoods": (3,),
    "corrupted triples": (4,),
    "texts of a probe": (5,),
    "labels of a probe": (6,),
    "negatives of masked entities": (7,),
    "windows with occurrences": (8,),
    "pairs of a window": (9,),
    "facts of a relation": (10,),
    "masked mentions": (11,),
    "batches of an epoch": (),
    "episodes": (),
    "common words": (),
    "trials of a search": (),
    "comparisons of systems": (),
}
"""Name -> numbers between the seed and the place. They determine the random numbers, and earlier runs resume with them, so
they never change. A new stream gets an unused number (next: 12).

Two streams with one number have the same generators at the same place. This is the case for pools and neighbourhoods, which
use them for different things (a permutation, choices among edges), for draws and shuffled knowledge, which draw among different
things (windows, entities), and for the last five, which are never used in one run."""


def entropy(seed: int, name: str, *place: int) -> list[int]:
    """Entropy of the stream `name` at a place, for `numpy.random.SeedSequence`."""
    return [seed, *STREAMS[name], *place]


def stream(seed: int, name: str, *place: int) -> np.random.Generator:
    """A new generator of the stream `name` at a place.

    Args:
        seed: seed of the run (or of what is built).
        name: one of `STREAMS`.
        place: place in the stream, such as an epoch or the number of an item.

    Example:
        >>> int(stream(0, "episodes", 7).integers(100)) == int(np.random.default_rng([0, 7]).integers(100))
        True
    """
    return np.random.default_rng(entropy(seed, name, *place))


def process_seed(seed: int, process: int) -> int:
    """Seed of torch in one of several processes, so that their dropout masks differ."""
    return seed + process
