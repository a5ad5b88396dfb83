"""Queries of episodes whose text stands in their own support: a copy is found again, whatever a model has learned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from loreweave.corpus.counts import listed


def copied_queries(support: Iterable[str | Sequence[str]], query: Sequence[str | Sequence[str]]) -> list[int]:
    """Places of the queries whose text the support has too, whatever its case and white space.

    Args:
        support: texts (or tokens) of the support.
        query: texts (or tokens) of the queries.
    """
    known = set(map(_folded, support))
    return [place for place, text in enumerate(query) if _folded(text) in known]


def _folded(text: str | Sequence[str]) -> str:
    return " ".join((text if isinstance(text, str) else " ".join(text)).casefold().split())


def describe_copies(copied: Sequence[tuple[str, int]], queries: int) -> list[str]:
    """A line about them; none where there is no copy.

    Args:
        copied: of each copy the episode and its place among the queries.
        queries: all queries of all episodes.
    """
    if not copied:
        return []
    episodes = list(dict.fromkeys(episode for episode, _ in copied))
    named = listed(f"{episode}/{place}" for episode, place in copied)
    return [
        f"{len(copied)} of {queries} queries, in {len(episodes)} episodes, have a text that is also in their own "
        f"support, which even random weights "
        f"find again (episode/query {named}): the scores are too high"
    ]
