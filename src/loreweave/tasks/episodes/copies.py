"""Queries of episodes whose text is in their own support set: a copy is easy to label, whatever a model has learned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.episodes import folded


def copied_queries(support: Iterable[str | Sequence[str]], query: Sequence[str | Sequence[str]]) -> list[int]:
    """Positions of the queries whose text is also in the support set, ignoring case and white space.

    Args:
        support: texts (or tokens) of the support set.
        query: texts (or tokens) of the queries.
    """
    known = set(map(folded, support))
    return [place for place, text in enumerate(query) if folded(text) in known]


Texts = Iterable[str | Sequence[str]]


def copies_in(episodes: Iterable[tuple[str, Texts, Texts]]) -> list[tuple[str, int]]:
    """Episode and position of each query whose text is also in its support set.

    Args:
        episodes: id of an episode, texts of its support set, texts of its queries.
    """
    return [(id, place) for id, support, query in episodes for place in copied_queries(support, list(query))]


def describe_copies(copied: Sequence[tuple[str, int]], queries: int) -> list[str]:
    """A line about copies; none if there are none.

    Args:
        copied: episode and position of each copy.
        queries: number of queries in all episodes.
    """
    if not copied:
        return []
    episodes = list(dict.fromkeys(episode for episode, _ in copied))
    named = listed(f"{episode}/{place}" for episode, place in copied)
    return [
        f"{len(copied)} of {counted(queries, 'query', 'queries')}, in {counted(len(episodes), 'episode')}: the text is also in "
        f"the support set of the episode (episode/query {named}). Even a model with random weights labels copies correctly, so "
        "the scores are too high"
    ]
