"""Sampling of N-way K~2K-shot episodes from sentences with typed spans (Few-NERD's sampler).

An episode draws N types. Its sentences have spans of these types and of no other. A random sentence is added if no type
would exceed 2K spans and one of its types is still below K, until every type has K. The query set is drawn in the same way
from the remaining sentences. A rejected sentence would always be rejected later, because counts only grow, so one pass over a
random order of the sentences is enough.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from loreweave.corpus.column_formats.tag_schemes import Scheme, TokenSpan, spans_of_tags
from loreweave.corpus.counts import counted
from loreweave.corpus.episodes import Episode, Sentences, folded
from loreweave.corpus.tokens import TaggedSentence
from loreweave.errors import ConfigurationError, DataError
from loreweave.random_streams import stream

_TRIES = 200
"""Maximum number of draws of types and sentences for one episode."""


@dataclass(kw_only=True)
class SamplerSettings:
    """Settings of an episode.

    Attributes:
        way: number of types per episode, N.
        shot: minimum number of spans of each type in the support set, K; the maximum is 2K.
        query_shot: minimum number of spans of each type in the query set; the maximum is twice that.
        scheme: `io` joins adjacent spans of one type, as the published files do; `prefixed` keeps them separate.
        legacy: the sampler of before August 2021: a type that would exceed 2K is ignored if a later type of the
            sentence is still below K (Few-NERD issue 15; the "v5" files).
        others_outside: remove spans of types that may not be drawn, instead of excluding their sentences: for a
            corpus that is split by types, not by sentences.
        distinct: no query has the text of a sentence in its support set, ignoring case and white space. (Few-NERD's sampler
            asks about such copies.)
        seed: seed of all draws.
    """

    way: int = 5
    shot: int = 1
    query_shot: int = 1
    scheme: Scheme = "io"
    legacy: bool = False
    others_outside: bool = False
    distinct: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.way, self.shot, self.query_shot) < 1:
            raise ConfigurationError("--way, --shot and --query-shot: expected 1 or more")


@dataclass
class EpisodeSampler:
    """Draws episodes from sources; `counts` has the number of sentences and of unsuccessful draws.

    Args:
        sources: lists of sentences; an episode takes its types and sentences from one source, drawn by its number of types.
        types: types that may be drawn; sentences with any other type are excluded (but see `others_outside`).

    Raises:
        DataError: no source has `way` types.
    """

    sources: Sequence[Sequence[TaggedSentence]]
    types: set[str]
    settings: SamplerSettings
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.settings.seed)
        others_outside = self.settings.others_outside
        sources = [[self._without_others(s) for s in source] if others_outside else source for source in self.sources]
        self._pools = [_Pool(sentences, self.types, self.settings.scheme) for sentences in sources]
        self._usable = [pool for pool in self._pools if len(pool.types) >= self.settings.way]
        if not self._usable:
            most = max((len(pool.types) for pool in self._pools), default=0)
            raise DataError(f"found {counted(most, 'type')} to draw, expected at least {self.settings.way} (--way)")

    def _without_others(self, sentence: TaggedSentence) -> TaggedSentence:
        kept = [span for span in sentence.spans if span.label in self.types]
        self.counts["spans of other types left out"] += len(sentence.spans) - len(kept)
        return _with_spans(sentence, kept)

    def episodes(self, count: int, advance: Callable[[], object] = lambda: None) -> Iterator[Episode]:
        """Yield `count` episodes, numbered from 0; `advance` is called after each.

        Raises:
            DataError: an episode could not be drawn in 200 draws; names the rarest types.
        """
        for number in range(count):
            episode = self._episode(str(number), self._random)
            self.counts.update(support_sentences=len(episode.support), query_sentences=len(episode.query))
            yield episode
            advance()

    def episode(self, number: int) -> Episode:
        """One episode by its number, independent of earlier draws, for training that is resumed.

        Raises:
            DataError: see `episodes`.
        """
        return self._episode(str(number), stream(self.settings.seed, "episodes", number))

    def _episode(self, id: str, random: np.random.Generator) -> Episode:
        settings, weights = self.settings, np.array([len(pool.types) for pool in self._usable], float)
        for _ in range(_TRIES):
            pool = self._usable[random.choice(len(self._usable), p=weights / weights.sum())]
            types = sorted(random.choice(pool.types, settings.way, replace=False).tolist())
            order = random.permutation(pool.candidates(types)).tolist()
            support = _greedy(pool, order, types, settings.shot, settings.legacy)
            if support is None:
                self.counts["draws without enough support"] += 1
                continue
            query = _greedy(pool, self._askable(pool, order, support), types, settings.query_shot, settings.legacy)
            if query is not None:
                return Episode(id, pool.pick(support), pool.pick(query), tuple(types), settings.scheme)
            self.counts["draws without enough query"] += 1
        raise DataError(
            f"found no {settings.way}-way episode in {_TRIES} draws, expected {settings.shot} + {settings.query_shot} spans of "
            f"each type in sentences without other types; usable spans: {self._rarest()}"
        )

    def _askable(self, pool: _Pool, order: Sequence[int], support: Sequence[int]) -> list[int]:
        """The sentences of a draw that may be queries."""
        chosen = set(support)
        left = [index for index in order if index not in chosen]
        if not self.settings.distinct:
            return left
        known = {pool.text(index) for index in chosen}
        askable = [index for index in left if pool.text(index) not in known]
        self.counts["copies_left_out_of_queries"] += len(left) - len(askable)
        return askable

    def _rarest(self, shown: int = 8) -> str:
        totals = Counter(dict.fromkeys(self.types, 0))
        for pool in self._usable:
            for counts in pool.counts:
                totals.update(counts)
        rows = sorted(totals.items(), key=lambda item: (item[1], item[0]))
        return ", ".join(f"{label} {count}" for label, count in rows[:shown]) + (", ..." if len(rows) > shown else "")


def types_of(sentences: Iterable[TaggedSentence]) -> set[str]:
    """Labels of all spans."""
    return {span.label for sentence in sentences for span in sentence.spans}


class _Pool:
    """Sentences of a source that an episode may use, with the number of their spans by type."""

    def __init__(self, sentences: Sequence[TaggedSentence], types: set[str], scheme: Scheme) -> None:
        self.sentences: list[TaggedSentence] = []
        self.counts: list[Counter[str]] = []
        for sentence in sentences:
            spans = spans_of_tags(sentence.labels(), "io") if scheme == "io" else list(sentence.spans)
            counts = Counter(span.label for span in spans)
            if counts and counts.keys() <= types:
                self.sentences.append(_with_spans(sentence, spans))
                self.counts.append(counts)
        self.types = sorted(set().union(*self.counts)) if self.counts else []
        self._by_types: dict[frozenset[str], list[int]] = {}
        for index, counts in enumerate(self.counts):
            self._by_types.setdefault(frozenset(counts), []).append(index)

    def candidates(self, types: Sequence[str]) -> list[int]:
        """Sentences without spans of other types, in order."""
        wanted = set(types)
        return sorted(chain.from_iterable(indices for found, indices in self._by_types.items() if found <= wanted))

    def text(self, index: int) -> str:
        """Text of a sentence, equal for copies."""
        return folded(self.sentences[index].tokens)

    def pick(self, indices: Iterable[int]) -> Sentences:
        return tuple(self.sentences[index] for index in indices)


def _with_spans(sentence: TaggedSentence, spans: Iterable[TokenSpan]) -> TaggedSentence:
    return TaggedSentence(sentence.tokens, tuple(spans), sentence.id)


def _greedy(pool: _Pool, order: Sequence[int], types: Sequence[str], shot: int, legacy: bool) -> list[int] | None:
    """Sentences in which every type has `shot` to 2 * `shot` spans; None if there are too few."""
    counts = Counter(dict.fromkeys(types, 0))
    taken: list[int] = []
    for index in order:
        if not _accepts(counts, pool.counts[index], shot, legacy):
            continue
        taken.append(index)
        counts.update(pool.counts[index])
        if min(counts.values()) >= shot:
            return taken
    return None


def _accepts(counts: Counter[str], new: Counter[str], shot: int, legacy: bool) -> bool:
    too_many = [counts[label] + number > 2 * shot for label, number in new.items()]
    missing = [counts[label] < shot for label in new]
    if not legacy:
        return any(missing) and not any(too_many)
    accepted = False
    for exceeds, lacks in zip(too_many, missing, strict=True):
        accepted = False if exceeds else accepted or lacks
    return accepted
