"""The N-way K~2K-shot sampler: its promises for any sentences, the old sampler, and what it cannot do."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.build.episodes import EpisodeSampler, SamplerSettings, _accepts, types_of
from loreweave.corpus.column_formats.tag_schemes import Scheme, TokenSpan, spans_of_tags
from loreweave.corpus.episodes import Episode, Sentences
from loreweave.corpus.tokens import TaggedSentence
from loreweave.errors import ConfigurationError, DataError

TYPES = ["a", "b", "c", "d"]
LABELS = st.lists(st.sampled_from(["O", *TYPES]), min_size=1, max_size=6)


def sentence(labels: list[str], number: int) -> TaggedSentence:
    tokens = tuple(f"{number}.{place}" for place in range(len(labels)))
    return TaggedSentence(tokens, tuple(spans_of_tags(labels, "io")), str(number))


def singles(times: int) -> list[TaggedSentence]:
    """Sentences of one span, so that every draw can be made."""
    return [sentence([label, "O"], 1000 + index) for index, label in enumerate(TYPES * times)]


def count(half: Sentences) -> Counter[str]:
    return Counter(span.label for each in half for span in each.spans)


@given(st.lists(LABELS, max_size=20), st.integers(1, 3), st.integers(1, 2), st.integers(0, 99))
def test_every_type_has_k_to_2k_spans_and_the_halves_share_no_sentence(
    rows: list[list[str]], shot: int, query_shot: int, seed: int
) -> None:
    sentences = [sentence(row, number) for number, row in enumerate(rows)] + singles(6)
    settings = SamplerSettings(way=3, shot=shot, query_shot=query_shot, seed=seed)
    episodes = list(EpisodeSampler([sentences], set(TYPES), settings).episodes(4))
    for episode in episodes:
        assert len(episode.types) == 3
        for half, least in ((episode.support, shot), (episode.query, query_shot)):
            assert count(half).keys() == set(episode.types)
            assert all(least <= number <= 2 * least for number in count(half).values())
        used = [each.id for each in episode.support + episode.query]
        assert len(used) == len(set(used))
    assert episodes == list(EpisodeSampler([sentences], set(TYPES), settings).episodes(4))


def copies(episodes: list[Episode]) -> int:
    """Number of queries with the words of a support sentence."""
    halves = [({each.tokens[0].casefold() for each in episode.support}, episode.query) for episode in episodes]
    return sum(each.tokens[0].casefold() in known for known, query in halves for each in query)


def test_no_query_is_a_copy_of_a_support_sentence_if_asked() -> None:
    words = [("Ann", "a"), ("ann", "a"), ("Bob", "a"), ("Oslo", "b"), ("OSLO", "b"), ("Bergen", "b")]
    sentences = [TaggedSentence((word,), (TokenSpan(0, 1, label),), str(n)) for n, (word, label) in enumerate(words)]
    plain = EpisodeSampler([sentences], {"a", "b"}, SamplerSettings(way=2))
    distinct = EpisodeSampler([sentences], {"a", "b"}, SamplerSettings(way=2, distinct=True))
    assert copies(list(plain.episodes(30))) > 0 and plain.counts["copies_left_out_of_queries"] == 0
    assert copies(list(distinct.episodes(30))) == 0
    assert distinct.counts["copies_left_out_of_queries"] > 0
    only_copies = EpisodeSampler([sentences[:2] + sentences[3:5]], {"a", "b"}, SamplerSettings(way=2, distinct=True))
    with pytest.raises(DataError, match="found no 2-way episode in 200 draws"):
        list(only_copies.episodes(1))


def test_episodes_of_distinct_sentences_are_the_same() -> None:
    settings = {"way": 3, "seed": 5}
    plain, distinct = (
        EpisodeSampler([singles(5)], set(TYPES), SamplerSettings(**settings, distinct=each)) for each in (False, True)
    )
    assert list(plain.episodes(6)) == list(distinct.episodes(6))


def test_sentences_with_other_types_are_never_taken() -> None:
    mixed = [sentence(["a", "O", "x"], number) for number in range(50)]
    sampler = EpisodeSampler([mixed + singles(4)], set(TYPES), SamplerSettings(way=2))
    for episode in sampler.episodes(20):
        assert types_of(episode.support + episode.query) == set(episode.types) <= set(TYPES)
    assert sampler.counts["support_sentences"] >= 40


def test_types_that_may_not_be_drawn_can_be_outside() -> None:
    """Only sentences that have a type that none may draw can make this episode, once these spans are none."""
    sentences = [sentence([label, "x", "O"], number) for number, label in enumerate(["a", "b"] * 3)]
    refusing = EpisodeSampler([[*sentences, *singles(1)]], {"a", "b"}, SamplerSettings(way=2))
    with pytest.raises(DataError, match="found no 2-way episode"):
        list(refusing.episodes(1))
    sampler = EpisodeSampler([sentences], {"a", "b"}, SamplerSettings(way=2, others_outside=True))
    (episode,) = sampler.episodes(1)
    assert count(episode.support).keys() == {"a", "b"} and all(each.labels()[1] == "O" for each in episode.support)
    assert sampler.counts["spans of other types left out"] == 6


def test_an_episode_of_one_source_stays_in_it() -> None:
    other = [TaggedSentence(("z",), (TokenSpan(0, 1, label),), f"z{index}") for index, label in enumerate(["a", "b"] * 4)]
    sampler = EpisodeSampler([singles(4), other], set(TYPES), SamplerSettings(way=2))
    kinds = {frozenset(each.id[0] for each in episode.support + episode.query) for episode in sampler.episodes(40)}
    assert kinds == {frozenset("1"), frozenset("z")}


def test_touching_spans_are_one_or_two() -> None:
    touching = [TaggedSentence(("x", "y"), (TokenSpan(0, 1, "a"), TokenSpan(1, 2, "a")), str(n)) for n in range(9)]
    schemes: list[tuple[Scheme, int]] = [("io", 1), ("prefixed", 2)]
    for scheme, spans in schemes:
        settings = SamplerSettings(way=1, scheme=scheme)
        (episode,) = EpisodeSampler([touching], {"a"}, settings).episodes(1)
        assert len(episode.support) == 1 and len(episode.support[0].spans) == spans


def test_the_old_sampler_lets_a_later_type_make_good_for_too_many() -> None:
    counts, new = Counter({"a": 2, "b": 0}), Counter({"a": 1, "b": 1})
    assert not _accepts(counts, new, 1, legacy=False) and _accepts(counts, new, 1, legacy=True)
    assert not _accepts(counts, Counter({"b": 1, "a": 1}), 1, legacy=True)
    assert not _accepts(counts, Counter({"a": 1}), 1, legacy=True)


def test_what_cannot_be_sampled_is_said() -> None:
    with pytest.raises(DataError, match="found 4 types to draw, expected at least 5"):
        EpisodeSampler([singles(1)], set(TYPES), SamplerSettings(way=5))
    rare = [each for each in singles(3) if each.spans[0].label != "c"] + singles(1)
    with pytest.raises(DataError, match=r"no 4-way episode in 200 draws, expected 2 \+ 2 spans .* usable spans: c 1, a 4"):
        list(EpisodeSampler([rare], set(TYPES), SamplerSettings(way=4, shot=2, query_shot=2)).episodes(1))
    with pytest.raises(ConfigurationError, match="expected 1 or more"):
        SamplerSettings(way=0)
