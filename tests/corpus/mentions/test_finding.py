from __future__ import annotations

from collections.abc import Iterator

from hypothesis import example, given
from hypothesis import strategies as st

from loreweave.corpus.mentions.dictionary import MentionDictionary, NameCounts
from loreweave.corpus.mentions.normalisation import Normalisation
from loreweave.corpus.words import word_offsets

CHARACTERS = "abcß '’.-é\u0301東京\n"
NAMES = st.dictionaries(st.text(CHARACTERS, min_size=1, max_size=5), st.integers(0, 2), min_size=1, max_size=12)


def plain_search(text: str, names: set[str], rule: Normalisation) -> Iterator[tuple[int, int]]:
    """Names by trying every pair of word boundaries, from left to right, the longest first."""
    for piece in rule.pieces(text):
        places = word_offsets(piece.text)
        after = 0
        for start, _ in places:
            if start < after or start in piece.inside:
                continue
            ends = [end for _, end in reversed(places) if end > start and end not in piece.inside]
            found = next((end for end in ends if piece.text[start:end] in names), None)
            if found is not None:
                yield piece.original(start, found)
                after = found


def dictionary_of(names: dict[str, int], rule: Normalisation) -> MentionDictionary:
    counts = {name: NameCounts({"X": 1}, texts_linking=linking, texts=2) for name, linking in names.items()}
    return MentionDictionary.from_counts(counts, rule)


@given(NAMES, st.text(CHARACTERS, max_size=40), st.sampled_from([Normalisation(), Normalisation(case="keep", unicode="none")]))
@example({"a b": 1, "a": 1, "b c d": 1}, "a b c d", Normalisation())
@example({"s": 1, "'s": 1}, "a's 's", Normalisation())
@example({"s": 1}, "ß s", Normalisation())
def test_the_names_found_are_those_of_a_plain_search(names: dict[str, int], text: str, rule: Normalisation) -> None:
    dictionary = dictionary_of(names, rule)
    assert [(found.start, found.end) for found in dictionary.detect(text)] == list(plain_search(text, set(dictionary), rule))
    for least in (0.3, 0.8):
        likely = {name for name in dictionary if dictionary.link_probability(name) >= least}
        found = [(found.start, found.end) for found in dictionary.detect(text, min_link_probability=least)]
        assert found == list(plain_search(text, likely, rule))


@given(NAMES, st.text(CHARACTERS, max_size=40))
def test_all_names_in_a_text_are_found_for_counting(names: dict[str, int], text: str) -> None:
    rule = Normalisation(case="keep", unicode="none")
    dictionary = dictionary_of(names, rule)
    expected = set()
    for piece in rule.pieces(text):
        places = word_offsets(piece.text)
        expected |= {piece.text[start:end] for start, _ in places for _, end in places if end > start}
    assert dictionary.names_in(text) == expected & set(dictionary)
