from __future__ import annotations

import numpy as np

from loreweave.corpus.mentions.word_pairs import have_pairs, make_pairs, word_number


def found(pairs: np.ndarray, *words: str) -> list[bool]:
    return have_pairs(pairs, np.array([word_number(word) for word in words], np.uint64)).tolist()


def test_pairs_of_the_set_are_found() -> None:
    pairs = make_pairs([("new", "york"), ("el", "paso")])
    assert found(pairs, "new", "york", "el", "paso") == [True, False, True, False]
    assert found(pairs, "york", "new") == [False, False]
    assert found(pairs, "new") == [False]
    assert found(pairs) == []
    assert found(make_pairs([]), "new", "york") == [False, False]


def test_few_other_pairs_seem_to_be_in_the_set() -> None:
    pairs = make_pairs([(f"a{number}", f"b{number}") for number in range(1000)])
    assert len(pairs) == 2**14 // 8  # the power of two above 16 bits for each of 1,000
    assert all(found(pairs, f"a{number}", f"b{number}")[0] for number in range(1000))
    assert sum(found(pairs, f"a{number}", f"b{number + 1}")[0] for number in range(1000)) < 120
