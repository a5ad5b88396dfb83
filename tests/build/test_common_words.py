"""Common words as mentions without an entity."""

from __future__ import annotations

from collections import Counter

import pytest
from transformers import PreTrainedTokenizerFast

from loreweave.build.common_words import mark_common_words
from loreweave.build.pretraining_set import make_windows
from loreweave.build.sentence_tokenizer import SentenceTokenizer
from loreweave.build.windows import BuildReport, WindowMaker, WindowSettings
from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.entity_vocabulary import EntityVocabulary

TEXT = "Oslo is a large city by the sea, and the river of Oslo is well-known as Akerselva in 2001."


def marked(text: str, per_mention: float, seed: int = 0, id: str = "1") -> list[str]:
    counts: Counter[str] = Counter()
    (found,) = mark_common_words([AnnotatedText(id, text, (Mention(0, 4, "Oslo"),))], per_mention, seed, counts)
    added = found.mentions[1:]
    assert all(mention.entity == "[UNK]" for mention in added) and counts["common_words"] == len(added)
    return [found.surface(mention) for mention in added]


def test_all_words_in_lower_case_but_once_each() -> None:
    """Neither names nor numbers, single letters and parts of words; "the", "is" and "of" once."""
    assert sorted(marked(TEXT, 100)) == sorted(["is", "large", "city", "by", "the", "sea", "and", "river", "of", "as", "in"])


def test_as_many_as_asked_and_the_same_again() -> None:
    assert len(marked(TEXT, 3)) == 3 and marked(TEXT, 0) == []
    assert marked(TEXT, 3, 5) == marked(TEXT, 3, 5)
    assert len({tuple(marked(TEXT, 3, seed)) for seed in range(10)}) > 5
    assert len({tuple(marked(TEXT, 3, id=str(number))) for number in range(10)}) > 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("isn't it", ["it"]),
        ("isn\u2019t it", ["it"]),  # the apostrophe of print
        ("isn`t it, wasn\u00b4t he", ["he", "it"]),
        ("they're his dogs' friends", ["dogs", "friends", "his"]),
        ("o'clock l'eau", []),
        ("she is n't and they 're and ca n't", ["and", "she", "they"]),  # tokens of a treebank with blanks between
        ("we 've said 'the river'", ["river", "said", "the", "we"]),
    ],
)
def test_parts_of_contractions_are_no_words(text: str, words: list[str]) -> None:
    assert sorted(marked(f"Oslo, {text}", 100)) == words


def test_words_far_from_a_mention_are_left_out() -> None:
    assert marked(f"Oslo grows. {'X' * 95} tree", 100) == ["grows"]


def test_mentions_without_a_link_get_no_words() -> None:
    """They are in no window, so that its only mentions would be common words; nothing inside them is a common word."""
    far = f"Oslo grows. {'X' * 200} the old Bergen sleeps"
    bergen = Mention(far.index("the old"), far.index(" sleeps"), label="town")
    texts = [AnnotatedText("1", far, (Mention(0, 4, "Oslo"), bergen)), AnnotatedText("2", far, (bergen,))]
    first, second = mark_common_words(texts, 1)
    assert [first.surface(mention) for mention in first.mentions if mention.entity == "[UNK]"] == ["grows"]
    assert second.mentions == (bergen,)
    near = AnnotatedText("3", TEXT, (Mention(0, 4, "Oslo"), *(Mention(i, i + 1, label="x") for i in range(50, 54))))
    (found,) = mark_common_words([near], 2)
    assert sum(mention.entity == "[UNK]" for mention in found.mentions) == 2


def test_scripts_without_cases_have_none() -> None:
    assert marked("Oslo 東京 は 日本", 10) == []


def test_they_are_mentions_of_unk_in_windows(byte_level: PreTrainedTokenizerFast) -> None:
    vocabulary = EntityVocabulary.from_counts({"Tokyo": 1})
    texts = [AnnotatedText("1", "The Tokyo tower stands in the city.", (Mention(4, 9, "Tokyo"),), "en")]
    maker = WindowMaker(SentenceTokenizer(byte_level), vocabulary, WindowSettings(max_length=64))
    (window,) = make_windows(mark_common_words(texts, 2), maker, BuildReport())
    assert sorted(window.entity_ids) == sorted([vocabulary.unk_id, vocabulary.unk_id, vocabulary.id_of("Tokyo") or -1])
