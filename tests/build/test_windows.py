"""Windows: packing, mention ranges and the counts, worked out by hand and as properties."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from loreweave.build.sentence_tokenizer import SentenceTokenizer
from loreweave.build.windows import BuildReport, Window, WindowMaker, WindowSettings
from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import ConfigurationError

VOCABULARY = EntityVocabulary.from_counts({"A": 3, "B": 2, "Page": 1})  # ids 3, 4, 5


def make(
    tokenizer: PreTrainedTokenizerFast, texts: AnnotatedText | list[AnnotatedText], **options: object
) -> tuple[list[Window], BuildReport]:
    maker = WindowMaker(SentenceTokenizer(tokenizer), VOCABULARY, WindowSettings(**options))
    return maker(texts if isinstance(texts, list) else [texts])


def annotate(marked: str, id: str = "t", **more: object) -> AnnotatedText:
    """`W1 [A:w2 w3] w4.` -> a text with the mention `w2 w3` of A; `[:w2]` has no entity."""
    text, mentions = "", []
    for index, piece in enumerate(marked.replace("]", "[").split("[")):
        if index % 2:
            entity, _, surface = piece.partition(":")
            mentions.append(Mention(len(text), len(text) + len(surface), entity or None))
            piece = surface
        text += piece
    return AnnotatedText(id, text, tuple(mentions), **more)


def test_whole_sentences_are_packed_within_a_text(one_word_one_id: PreTrainedTokenizerFast) -> None:
    text = annotate("W0 [A:w1 w2] w3. W4 w5 [B:w6].\nW7 [B:w8] w9. W10 [X:w11].", id="Page")
    windows, report = make(one_word_one_id, [text, annotate("[A:w1] w2.", id="other")], max_length=11, min_sentence_length=2)
    # Sentences of 5, 4, 4 and 3 sub-words; 9 fit beside the two special tokens.
    assert [(w.text_id, w.word_ids, w.entity_ids, w.entity_starts, w.entity_lengths, w.page_entity_id) for w in windows] == [
        ("Page", [4, 5, 6, 7, 3, 8, 9, 10, 3], [3, 4], [1, 7], [2, 1], 5),
        ("Page", [11, 12, 13, 3, 14, 15, 3], [4], [1], [1], 5),
        ("other", [5, 6, 3], [3], [0], [1], -1),
    ]
    assert (report.texts, report.paragraphs, report.sentences, report.windows, report.sub_words) == (2, 3, 5, 3, 19)
    assert (report.mentions, report.mentions_kept, report.mentions_dropped_unknown) == (5, 4, 1)


def test_short_and_long_sentences_are_dropped_and_counted(one_word_one_id: PreTrainedTokenizerFast) -> None:
    text = annotate("[A:w1]. W1 w2 w3 w4 w5 [B:w6] w7. W1 [B:w2] w3.")
    windows, report = make(one_word_one_id, text, max_length=8, min_sentence_length=3)
    assert [window.word_ids for window in windows] == [[5, 6, 7, 3]]
    assert (report.sentences_dropped_short, report.sentences_dropped_long) == (1, 1)
    assert report.mentions_dropped_with_sentence == 2


def test_limits_of_mentions(one_word_one_id: PreTrainedTokenizerFast) -> None:
    text = annotate("[A:w0 w1 w2 w3] [B:w4] [A:w5] w6.")
    (window,), report = make(one_word_one_id, text, max_entities=2, max_mention_length=3)
    assert (window.entity_ids, window.entity_starts, window.entity_lengths) == ([3, 4], [0, 4], [3, 1])
    assert (report.mentions_kept_cut, report.mentions_dropped_over_limit) == (1, 1)


def test_windows_without_entities(one_word_one_id: PreTrainedTokenizerFast) -> None:
    text = annotate("w0 w1 w2 w3 [:w4].")
    windows, report = make(one_word_one_id, text)
    assert (windows, report.windows_dropped_without_entities, report.mentions_dropped_unlinked) == ([], 1, 1)
    windows, report = make(one_word_one_id, text, include_windows_without_entities=True)
    assert (len(windows), report.windows, windows[0].entity_ids) == (1, 1, [])


def test_unknown_entities_become_unk_on_request(one_word_one_id: PreTrainedTokenizerFast) -> None:
    (window,), report = make(one_word_one_id, annotate("w0 w1 [X:w2] w3 w4."), include_unknown_entities=True)
    assert window.entity_ids == [VOCABULARY.unk_id]
    assert report.mentions_kept_as_unknown == 1


def test_paragraphs_come_from_metadata(one_word_one_id: PreTrainedTokenizerFast) -> None:
    text = annotate("w0 [A:w1]\nw2 w3 w4. [B:w5] w6 w7 w8.", metadata={"paragraphs": [[0, 15, "p"], [16, 28, "x"]]})
    (window,), report = make(one_word_one_id, text)
    assert window.word_ids == [4, 5, 6, 7, 8, 3]  # a line break inside a paragraph is a space
    assert (report.paragraphs, report.paragraphs_dropped_kind, report.mentions_dropped_outside_paragraphs) == (1, 1, 1)
    (window,), _ = make(one_word_one_id, text, paragraph_kinds=("p", "x"))
    assert len(window.word_ids) == 11


@pytest.mark.parametrize("options", [{"max_length": 6}, {"max_entities": 0}, {"max_mention_length": 0}])
def test_impossible_limits_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        WindowSettings(**options)


def test_a_mention_over_a_boundary_joins_the_sentences(one_word_one_id: PreTrainedTokenizerFast) -> None:
    (window,), report = make(one_word_one_id, annotate("w0 w1 [A:w2. W3] w4 w5."), min_sentence_length=7)
    assert (window.entity_starts, window.entity_lengths) == ([2], [3])
    assert report.sentences == 1


def test_spaces_collapse_and_mentions_move_along(byte_level: PreTrainedTokenizerFast) -> None:
    text = annotate("Tokyo \t\u00a0 is   the [A:capital  of\u3000Japan]  , and  [B:Tokyo]  !")
    (window,), _ = make(byte_level, text)
    decoded = [
        byte_level.decode(window.word_ids[s : s + n]) for s, n in zip(window.entity_starts, window.entity_lengths, strict=True)
    ]
    assert decoded == [" capital of Japan", " Tokyo"]
    assert byte_level.decode(window.word_ids) == " Tokyo is the capital of Japan , and Tokyo !"


def test_half_characters_are_replaced_and_counted(byte_level: PreTrainedTokenizerFast) -> None:
    windows, report = make(byte_level, AnnotatedText("t", "Tokyo \ud83d is the city", (Mention(9, 11, "A"),)))
    assert report.characters_replaced == 1
    assert byte_level.decode(windows[0].word_ids) == " Tokyo \ufffd is the city"


def test_titles_are_looked_up_in_the_language_of_the_text(one_word_one_id: PreTrainedTokenizerFast) -> None:
    vocabulary = EntityVocabulary({"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "de:A": 3, "fr:A": 4}, languages=("de", "fr"))
    maker = WindowMaker(SentenceTokenizer(one_word_one_id), vocabulary, WindowSettings())
    windows, _ = maker([annotate("[A:w0] w1 w2 w3 w4.", language=language) for language in ("de", "fr", "xx")])
    assert [window.entity_ids for window in windows] == [[3], [4]]


def test_a_space_in_a_title_is_an_underscore(one_word_one_id: PreTrainedTokenizerFast) -> None:
    """In links and in the titles of texts; the spelling of the link itself comes first."""
    ids = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "New York": 3, "Great_tit": 4, "El Paso": 5, "El_Paso": 6}
    maker = WindowMaker(SentenceTokenizer(one_word_one_id), EntityVocabulary(ids), WindowSettings())
    windows, report = maker([annotate("[New_York:w0] w1 [Great tit:w2] [El_Paso:w3] [Oslo:w4] w5.", "Great tit")])
    assert [(window.entity_ids, window.page_entity_id) for window in windows] == [([3, 4, 6], 4)]
    assert report.mentions_dropped_unknown == 1


word = st.sampled_from(["Tokyo", "is", "the", "city.", "Dr.", "東京。", "Café", "\U0001f600", "x.", "1999", "¿qué?"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(word, st.sampled_from([" ", "  ", "\n", "\t", " "]), st.booleans()), max_size=40), st.data())
def test_every_mention_decodes_to_its_surface_and_is_counted(
    byte_level: PreTrainedTokenizerFast, words: list[tuple[str, str, bool]], data: st.DataObject
) -> None:
    text, mentions = "", []
    for surface, space, linked in words:
        if linked:
            mentions.append(Mention(len(text), len(text) + len(surface), data.draw(st.sampled_from(["A", "B", "X", None]))))
        text += surface + space
    annotated = AnnotatedText("t", text, tuple(mentions), language=data.draw(st.sampled_from(["en", "ja", None])))
    windows, report = make(byte_level, annotated, max_length=30, min_sentence_length=3, max_entities=4, max_mention_length=9)
    decoded = []
    for window in windows:
        assert 0 < len(window.word_ids) <= 28
        assert 0 < len(window.entity_ids) <= 4
        for id, start, length in zip(window.entity_ids, window.entity_starts, window.entity_lengths, strict=True):
            assert 0 <= start < start + length <= len(window.word_ids)
            decoded.append((VOCABULARY.title_of(id), byte_level.decode(window.word_ids[start : start + length]).strip()))
    expected = [(mention.entity, annotated.surface(mention)) for mention in mentions if mention.entity in ("A", "B")]
    remaining = iter(expected)
    if not report.mentions_kept_cut:
        assert all(pair in remaining for pair in decoded)  # a subsequence: in order, some dropped
    counts = report.to_dict()
    dropped = sum(count for name, count in counts.items() if name.startswith("mentions_dropped"))
    assert report.mentions == len(mentions) == report.mentions_kept + dropped
    assert report.mentions_kept == len(decoded)


def test_a_mention_with_spaces_around_it_is_kept(one_word_one_id: PreTrainedTokenizerFast) -> None:
    """The sentence has none; a blank mention covers no sub-word."""
    windows, report = make(one_word_one_id, annotate("[A: w1 ]w2.\n[B: w3] w4[A: ]w5.", id="t"), min_sentence_length=1)
    assert [(w.entity_ids, w.entity_starts, w.entity_lengths) for w in windows] == [([3, 4], [0, 3], [1, 1])]
    assert (report.mentions_kept, report.mentions_dropped_without_sub_words) == (2, 1)


def test_unknown_sub_words_of_windows_are_counted(
    one_word_one_id: PreTrainedTokenizerFast, byte_level: PreTrainedTokenizerFast
) -> None:
    """Not those of dropped windows; a byte-level tokenizer knows everything."""
    text = annotate("[A:w0] what w2 why.\nWhy what why w1.")
    _, report = make(one_word_one_id, text, max_length=7, min_sentence_length=2)
    assert (report.sub_words, report.sub_words_unknown, report.windows_dropped_without_entities) == (5, 2, 1)
    _, report = make(one_word_one_id, text, max_length=7, include_windows_without_entities=True, min_sentence_length=2)
    assert (report.sub_words, report.sub_words_unknown) == (10, 5)
    _, report = make(byte_level, text)
    assert report.sub_words > 10 and report.sub_words_unknown == 0
