"""Few-shot relations with a frozen encoder: the nearest mean vector of a relation's support."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from loreweave.build.relation_episodes import EpisodeDraws, EpisodeShape
from loreweave.errors import DataError
from loreweave.experiments.probes.examples import ProbeData
from loreweave.experiments.probes.predictions import SAVED_EPISODES, Row, query_rows
from loreweave.experiments.probes.scores import Measure, Outcome
from loreweave.experiments.probes.settings import Distance, ProbeConfig
from loreweave.models.gaussian_embeddings import inner_products, squared_distances
from loreweave.tasks.episodes.copies import copies_in, describe_copies

_BLOCK = 256
"""Number of episodes that are scored at once."""


def episode_measures(data: ProbeData, vectors: np.ndarray, known: np.ndarray, config: ProbeConfig) -> Outcome:
    """Accuracy of prototypes over episodes, for each number of shots, and the predictions for the first episodes.

    A query without a vector is wrong, and a support sentence without a vector is left out of the mean.

    Args:
        vectors: vectors of the pairs [examples, size].
        known: whether an example has a vector [examples].

    Raises:
        DataError: there are fewer relations with enough sentences than an episode has.
    """
    measures, rows = list[Measure](), list[Row]()
    if config.unit_length:
        vectors = unit_length(vectors, len(data.train[0].spans))
    for shot in config.shots:
        draws = draws_of(data, shot, config)
        right = np.zeros((config.episodes, 2), np.int64)
        for start in range(0, config.episodes, _BLOCK):
            block = [draws.draw(number) for number in range(start, min(start + _BLOCK, config.episodes))]
            support, query = np.stack([draw.support for draw in block]), np.stack([draw.query for draw in block])
            predicted = nearest(vectors[support], known[support], vectors[query], config.distance)  # [episodes, queries]
            targets = np.stack([draw.targets for draw in block])
            right[start : start + len(block), 0] = ((predicted == targets) & known[query]).sum(1)
            right[start : start + len(block), 1] = targets.shape[1]
            for number, (drawn, guesses) in enumerate(zip(block, predicted, strict=True), start):
                if number < SAVED_EPISODES:
                    rows += query_rows(data.train, known, shot, number, drawn, guesses)
        measures.append(Measure(data.probe, data.name, _what(shot, config), shot, "accuracy", right[None], config.episodes))
    return Outcome(measures, rows)


def draws_of(data: ProbeData, shot: int, config: ProbeConfig) -> EpisodeDraws:
    """Episodes of a number of shots.

    Raises:
        DataError: too few relations have enough sentences.
    """
    labels = [example.labels[0] for example in data.train]
    shape = EpisodeShape(way=config.way, shot=shot, queries=config.queries)
    try:
        return EpisodeDraws(labels, shape, config.seed)
    except DataError as error:
        raise DataError(f"{error.message} (settings way, shots and queries)", path=data.path) from None


def check_episodes(data: ProbeData, config: ProbeConfig) -> None:
    """Raise an error if the episodes of a number of shots cannot be drawn.

    Raises:
        DataError: see `draws_of`.
    """
    for shot in config.shots:
        draws_of(data, shot, config)


def copied_texts(data: ProbeData, config: ProbeConfig) -> tuple[dict[str, int], list[str]]:
    """Number of queries whose text is also in the support of their episode, for each number of shots, and lines about them.

    Raises:
        DataError: see `draws_of`.
    """
    counts, lines = dict[str, int](), list[str]()
    texts = [example.text for example in data.train]
    for shot in config.shots:
        draws, copies, queries = draws_of(data, shot, config), list[tuple[str, int]](), 0
        for number in range(config.episodes):
            drawn = draws.draw(number)
            support, query = ([texts[row] for row in rows.ravel()] for rows in (drawn.support, drawn.query))
            copies += copies_in([(str(number), support, query)])
            queries += len(query)
        what = _what(shot, config)
        counts[what] = len(copies)
        lines += [f"{what}: {line}" for line in describe_copies(copies, queries)]
    return counts, lines


def _what(shot: int, config: ProbeConfig) -> str:
    return f"{config.way}-way {shot}-shot"


def unit_length(vectors: np.ndarray, parts: int) -> np.ndarray:
    """Scale each of the joined vectors to length 1.  # [examples, parts * size] -> the same"""
    split = torch.from_numpy(vectors).unflatten(-1, (parts, -1))
    found: np.ndarray = F.normalize(split, dim=-1).flatten(-2).numpy()
    return found


def nearest(support: np.ndarray, known: np.ndarray, query: np.ndarray, distance: Distance) -> np.ndarray:
    """Number of the class with the nearest prototype.

    Args:
        support: [episodes, way, shot, size].
        known: whether a support example has a vector [episodes, way, shot]. A class without any is never predicted.
        query: [episodes, queries, size].
        distance: similarity.

    Returns:
        int [episodes, queries]; the first of equally near classes, -1 if no class has a vector.
    """
    weights = torch.from_numpy(known).float()[..., None]
    count = weights.sum(-2)
    prototypes = (torch.from_numpy(support) * weights).sum(-2) / count.clamp_min(1)
    queries = torch.from_numpy(query)
    if distance == "cosine":
        similarity = inner_products(F.normalize(queries, dim=-1), F.normalize(prototypes, dim=-1))
    else:
        similarity = -squared_distances(queries, prototypes)
    similarity = similarity.masked_fill((count == 0).transpose(-1, -2), float("-inf"))
    found: np.ndarray = similarity.argmax(-1).masked_fill(similarity.isneginf().all(-1), -1).numpy()
    return found
