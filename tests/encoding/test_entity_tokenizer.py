from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding import EncodingReport, EntityTokenizer
from loreweave.errors import ConfigurationError, DataError

TYPING, PAIR, SPAN = "entity_classification", "entity_pair_classification", "entity_span_classification"
TEXT = "Tokyo is the capital of Japan, they say."
KINDS = ("bpe", "xlmr", "bert")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> EntityTokenizer:
    tokenizer: EntityTokenizer = request.getfixturevalue(request.param)
    return tokenizer


def ids_of(tokenizer: EntityTokenizer, *pieces: str) -> list[int]:
    return [token for ids in tokenizer.words.encode(pieces) for token in ids]


# ---- words and positions ---------------------------------------------------------------------------------------------


def test_words_are_those_of_the_pieces_between_special_tokens(kind: EntityTokenizer) -> None:
    encoded = kind.encode(TEXT, [(0, 5), (24, 29)])
    special = kind.words.special
    words = ids_of(kind, "Tokyo", " is the capital of", " Japan", ", they say.")
    assert encoded.input_ids == [special.start, *words, special.end]
    before = len(ids_of(kind, "Tokyo", " is the capital of"))
    first, second = len(ids_of(kind, "Tokyo")), len(ids_of(kind, " Japan"))
    assert encoded.entity_position_ids == [
        list(range(1, 1 + first)),
        list(range(1 + before, 1 + before + second)),
    ]
    assert encoded.entity_ids == [2, 2] and encoded.kept == [0, 1]


def test_wordpiece_by_hand(bert: EntityTokenizer) -> None:
    # [CLS]=2 [SEP]=3 tokyo=5 is=6 the=7 capital=8 of=9 japan=10 comma after the letters and digits
    encoded = bert.encode("TOKYO is the capital", [(0, 5)])
    assert encoded.input_ids == [2, 5, 6, 7, 8, 3]
    assert encoded.entity_position_ids == [[1]]


def test_a_cut_inside_a_word_splits_it(bert: EntityTokenizer) -> None:
    whole, cut = bert.encode("tokyois"), bert.encode("tokyois", [(0, 5)])
    assert cut.input_ids == [2, 5, 6, 3]
    assert whole.input_ids != cut.input_ids


def test_spans_with_surrounding_spaces_mean_the_same_words(kind: EntityTokenizer) -> None:
    plain = kind.encode(TEXT, [(13, 20)])
    assert TEXT[13:20] == "capital"
    assert kind.encode(TEXT, [(12, 20)]) == plain
    wide = kind.encode(TEXT, [(13, 21)])
    assert (wide.input_ids, wide.entity_position_ids) == (plain.input_ids, plain.entity_position_ids)


def test_overlapping_nested_touching_and_equal_mentions(kind: EntityTokenizer) -> None:
    text = "Los Angeles Tokyo"
    encoded = kind.encode(text, [(0, 11), (4, 17), (4, 11), (11, 17), (4, 11)])
    los_angeles, angeles_tokyo, angeles, tokyo, again = encoded.entity_position_ids
    assert los_angeles[-1] == angeles[-1] and set(angeles) < set(los_angeles)
    assert angeles + tokyo == angeles_tokyo and again == angeles


def test_emoji_and_combining_characters(kind: EntityTokenizer) -> None:
    text = "Beyonce\u0301 🙂👩‍👩‍👧 x"
    for spans in ([(0, 7)], [(7, 8)], [(9, 10)], [(10, 11), (11, 15)], [(0, len(text))]):
        encoded = kind.encode(text, spans)
        assert len(encoded.kept) + encoded.report.dropped_without_tokens == len(spans)
        assert max(encoded.input_ids) < kind.word_vocabulary_size
        assert all(0 < p < len(encoded) - 1 for mention in encoded.entity_position_ids for p in mention)


def test_a_mention_without_tokens_is_dropped_and_counted(kind: EntityTokenizer) -> None:
    encoded = kind.encode("Tokyo is", [(5, 6), (0, 5)])
    assert encoded.kept == [1]
    assert (encoded.report.dropped_without_tokens, encoded.report.mentions_kept) == (1, 1)


def test_empty_text(kind: EntityTokenizer) -> None:
    encoded = kind.encode("")
    assert encoded.input_ids == [kind.words.special.start, kind.words.special.end]
    assert encoded.entity_ids == []


def test_literal_entity_tokens_are_text(bpe: EntityTokenizer, xlmr: EntityTokenizer) -> None:
    for tokenizer in (bpe, xlmr):
        text = "a [MASK] [PAD] [UNK] [MASK2] <ent> b"
        encoded = tokenizer.encode(text, [(2, 8)])
        assert max(encoded.input_ids) == tokenizer.words.id_of("<ent>") < tokenizer.word_vocabulary_size
        assert len(encoded.entity_position_ids[0]) > 1, "more than one word: not one special token"


def test_the_legacy_rule(bpe: EntityTokenizer) -> None:
    encoded = bpe.encode("Tokyo, Japan", [(0, 5)], task=TYPING, piece_rule="legacy")
    marker = bpe.words.id_of("<ent>")
    assert encoded.input_ids == [0, marker, *ids_of(bpe, " Tokyo"), marker, *ids_of(bpe, " , Japan"), 2]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_batch_is_its_texts_one_by_one(data: st.DataObject, bpe: EntityTokenizer) -> None:
    texts = data.draw(st.lists(st.text(alphabet="Tokyo is,é🙂 ", max_size=15), min_size=1, max_size=4))
    spans = []
    for text in texts:
        start = data.draw(st.integers(0, max(0, len(text) - 1)))
        spans.append([(start, data.draw(st.integers(start + 1, len(text))))] if text else [])
    batch = bpe.encode_batch(texts, spans)
    assert batch == [bpe.encode(text, mentions) for text, mentions in zip(texts, spans, strict=True)]


# ---- entities --------------------------------------------------------------------------------------------------------


def test_titles_ids_and_masks(bpe: EntityTokenizer) -> None:
    encoded = bpe.encode("a b c d", [(0, 1), (2, 3), (4, 5), (6, 7)], ["Tokyo", 4, None, "Atlantis"])
    assert encoded.entity_ids == [3, 4, 2, 1]
    assert encoded.report.unknown_entities == 1


def test_titles_of_a_language(bpe: EntityTokenizer) -> None:
    ids = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "en:Tokyo": 3, "de:Tokio": 3, "de:Tokyo": 4}
    tokenizer = EntityTokenizer(bpe.word_tokenizer, EntityVocabulary(ids, languages=("de", "en")))
    assert tokenizer.encode("x", [(0, 1)], ["Tokyo"], language="de").entity_ids == [4]
    assert tokenizer.encode("x", [(0, 1)], ["en:Tokyo"]).entity_ids == [3]


def test_wrong_entities(bpe: EntityTokenizer) -> None:
    with pytest.raises(DataError, match="found 1 entity, expected 2, one for each span"):
        bpe.encode("a b", [(0, 1), (2, 3)], ["Tokyo"])
    with pytest.raises(DataError, match="found the entity id 6, expected an id below 6"):
        bpe.encode("a", [(0, 1)], [6])


@pytest.mark.parametrize("span", [(2, 2), (3, 2), (-1, 2), (0, 4)])
def test_wrong_spans_name_the_text(bpe: EntityTokenizer, span: tuple[int, int]) -> None:
    with pytest.raises(DataError, match=r"text 1: found the span \(.*expected 0 <= start < end <= 3 characters"):
        bpe.encode_batch(["abc", "abc"], [[], [span]])


# ---- tasks -----------------------------------------------------------------------------------------------------------


def test_typing_marks_the_mention(kind: EntityTokenizer) -> None:
    encoded = kind.encode(TEXT, [(24, 29)], task=TYPING)
    marker = kind.words.id_of("<ent>")
    japan = ids_of(kind, " Japan")
    left = ids_of(kind, "Tokyo is the capital of")
    assert encoded.input_ids[1:-1] == [*left, marker, *japan, marker, *ids_of(kind, ", they say.")]
    assert encoded.entity_position_ids == [list(range(len(left) + 1, len(left) + len(japan) + 3))]
    assert encoded.entity_ids == [2]


def test_a_pair_keeps_the_order_head_tail(kind: EntityTokenizer) -> None:
    head, tail = kind.words.id_of("<ent>"), kind.words.id_of("<ent2>")
    encoded = kind.encode(TEXT, [(24, 29), (0, 5)], task=PAIR)
    first, second = encoded.entity_position_ids
    assert encoded.entity_ids == [2, 5]
    assert [encoded.input_ids[first[0]], encoded.input_ids[first[-1]]] == [head, head]
    assert [encoded.input_ids[second[0]], encoded.input_ids[second[-1]]] == [tail, tail]
    assert second[-1] < first[0]


def test_span_classification_gives_first_and_last_token(bpe: EntityTokenizer) -> None:
    encoded = bpe.encode(TEXT, [(0, 5), (13, 29)], task=SPAN)
    for mention, start, end in zip(
        encoded.entity_position_ids, encoded.entity_start_positions, encoded.entity_end_positions, strict=True
    ):
        assert (start, end) == (mention[0], mention[-1])


def test_the_last_token_of_a_cut_mention_is_its_own(bpe: EntityTokenizer) -> None:
    tokenizer = EntityTokenizer(bpe.word_tokenizer, bpe.entity_vocabulary, max_mention_length=2)
    encoded = tokenizer.encode("one two three four", [(0, 18)], task=SPAN)
    assert encoded.entity_position_ids == [[1, 2]]
    assert encoded.entity_end_positions == [len(encoded) - 2]
    assert encoded.report.mentions_cut == 1


def test_what_a_task_needs(bpe: EntityTokenizer) -> None:
    with pytest.raises(DataError, match="found 1 span in text 0, expected 2"):
        bpe.encode("a b", [(0, 1)], task=PAIR)
    with pytest.raises(ConfigurationError, match="which sets them itself"):
        bpe.encode("a b", [(0, 1)], ["Tokyo"], task=TYPING)
    with pytest.raises(ConfigurationError, match="found a pair of texts"):
        bpe.encode("a b", [(0, 1)], task=SPAN, text_pair="c")
    with pytest.raises(ConfigurationError, match="found task='typing', expected one of entity_classification"):
        bpe.encode("a b", [(0, 1)], task="typing")  # type: ignore[arg-type]  # what a careless caller passes
    with pytest.raises(ConfigurationError, match="expected a list of texts"):
        bpe.encode_batch("a b")


def test_missing_markers_and_missing_mask2(bpe: EntityTokenizer) -> None:
    lite = EntityVocabulary({"[PAD]": 0, "[UNK]": 1, "[MASK]": 2})
    with pytest.raises(ConfigurationError, match=r"without \[MASK2\].*with_mask2"):
        EntityTokenizer(bpe.word_tokenizer, lite).encode("a b", [(0, 1), (2, 3)], task=PAIR)
    plain = EntityTokenizer(bpe.word_tokenizer, lite, entity_token_1="<other>")
    with pytest.raises(ConfigurationError, match="add_marker_tokens"):
        plain.encode("a b", [(0, 1)], task=TYPING)


# ---- pairs of texts --------------------------------------------------------------------------------------------------


def test_a_pair_of_texts(bpe: EntityTokenizer) -> None:
    encoded = bpe.encode("Who?", [(0, 3)], ["Tokyo"], text_pair="Tokyo.", spans_pair=[(0, 5)], entities_pair=[4])
    first, second = ids_of(bpe, "Who", "?"), ids_of(bpe, "Tokyo", ".")
    assert encoded.input_ids == [0, *first, 2, 2, *second, 2]
    assert encoded.second_start == len(first) + 3
    assert encoded.entity_ids == [3, 4]
    assert encoded.entity_position_ids[1][0] == len(first) + 3
    assert set(encoded.token_type_ids) == {0}
    assert (encoded.kept, encoded.kept_pair) == ([0], [0])


def test_segments_of_bert(bert: EntityTokenizer) -> None:
    encoded = bert.encode("tokyo", [(0, 5)], text_pair="is japan", spans_pair=[(3, 8)])
    assert encoded.input_ids == [2, 5, 3, 6, 10, 3]
    assert encoded.token_type_ids == [0, 0, 0, 1, 1, 1]
    assert encoded.entity_position_ids == [[1], [4]]
    assert encoded.entity_token_type_ids == [0, 1]


# ---- what does not fit -----------------------------------------------------------------------------------------------


def test_truncation_drops_mentions_that_do_not_fit_whole(bert: EntityTokenizer) -> None:
    encoded = bert.encode("tokyo is the capital of japan", [(0, 5), (9, 20), (24, 29)], max_length=5)
    assert encoded.input_ids == [2, 5, 6, 7, 3]
    assert encoded.kept == [0]
    assert encoded.report == EncodingReport(
        texts=1, texts_truncated=1, tokens_dropped=3, mentions=3, mentions_kept=1, dropped_by_truncation=2
    )


def test_pairs_are_cut_longest_first(bert: EntityTokenizer) -> None:
    encoded = bert.encode("tokyo is the capital", text_pair="of japan", max_length=6)
    assert encoded.input_ids == [2, 5, 6, 3, 9, 3]
    encoded = bert.encode("tokyo is the capital", text_pair="of japan", max_length=6, truncation="only_first")
    assert encoded.input_ids == [2, 5, 3, 9, 10, 3]


@pytest.mark.parametrize("start", [0, 300, 594])
def test_typing_keeps_its_mention_in_a_long_text(bert: EntityTokenizer, start: int) -> None:
    words = ["is"] * 200
    text = " ".join([*words[: start // 3], "tokyo", *words[start // 3 :]])
    encoded = bert.encode(text, [(start, start + 5)], task=TYPING, max_length=20)
    assert len(encoded) == 20
    positions = encoded.entity_position_ids[0]
    assert [encoded.input_ids[p] for p in positions] == [bert.words.id_of("<ent>"), 5, bert.words.id_of("<ent>")]
    if start == 300:
        assert 7 <= positions[1] <= 12
    assert encoded.report.texts_truncated == 1 and encoded.report.dropped_by_truncation == 0


def test_a_pair_far_apart_keeps_both(bert: EntityTokenizer) -> None:
    text = "tokyo " + "is " * 100 + "japan"
    encoded = bert.encode(text, [(len(text) - 5, len(text)), (0, 5)], task=PAIR, max_length=16)
    assert len(encoded) == 16
    assert [[encoded.input_ids[p] for p in mention][1] for mention in encoded.entity_position_ids] == [10, 5]
    assert encoded.report.mentions_cut == 0


def test_a_mention_longer_than_the_window_is_cut_and_counted(bert: EntityTokenizer) -> None:
    text = "tokyo " * 50
    encoded = bert.encode(text, [(0, 299)], task=TYPING, max_length=12)
    marker = bert.words.id_of("<ent>")
    assert encoded.input_ids == [2, marker, *[5] * 8, marker, 3]
    assert encoded.report.mentions_cut == 1


def test_max_entity_length(bert: EntityTokenizer) -> None:
    tokenizer = EntityTokenizer(bert.word_tokenizer, bert.entity_vocabulary, max_entity_length=2)
    encoded = tokenizer.encode("tokyo is the", [(0, 5), (6, 8), (9, 12)])
    assert encoded.kept == [0, 1] and encoded.report.dropped_by_entity_limit == 1


def test_max_length_comes_from_the_tokenizer(bert: EntityTokenizer) -> None:
    words = bert.word_tokenizer
    words.model_max_length = 5
    assert EntityTokenizer(words, bert.entity_vocabulary).encode("tokyo " * 9).input_ids == [2, 5, 5, 5, 3]
    with pytest.raises(ConfigurationError, match="found max_length=1, expected at least 2"):
        bert.encode("tokyo", max_length=1)


def test_reports_add_up(bert: EntityTokenizer) -> None:
    batch = bert.encode_batch(["tokyo is", "is"], [[(0, 5)], [(0, 2)]], [["Atlantis"], None])
    report = sum((text.report for text in batch), EncodingReport())
    assert (report.texts, report.mentions_kept, report.unknown_entities) == (2, 2, 1)
    assert str(report) == "texts (2), mentions (2), mentions kept (2), unknown entities (1)"


# ---- tokens and offsets ----------------------------------------------------------------------------------------------


def test_offsets_point_at_the_text(kind: EntityTokenizer) -> None:
    encoded = kind.encode(TEXT, [(24, 29)], task=TYPING, with_offsets=True)
    assert encoded.offsets is not None and len(encoded.offsets) == len(encoded)
    assert encoded.offsets[0] is None and encoded.offsets[-1] is None
    mention = [encoded.offsets[p] for p in encoded.entity_position_ids[0]]
    assert mention[0] is None and mention[-1] is None
    inside = [span for span in mention if span is not None]
    assert TEXT[inside[0][0] : inside[-1][1]] == "Japan"
    assert encoded.input_ids == kind.encode(TEXT, [(24, 29)], task=TYPING).input_ids


def test_offsets_of_a_pair_belong_to_their_own_text(bert: EntityTokenizer) -> None:
    encoded = bert.encode("tokyo is", text_pair="the capital", with_offsets=True, max_length=6)
    assert encoded.offsets == [None, (0, 5), (6, 8), None, (0, 3), None]


def test_offsets_with_a_forced_space(bpe: EntityTokenizer) -> None:
    encoded = bpe.encode("Tokyo.", [(0, 5)], piece_rule="legacy", with_offsets=True)
    spans = [span for span in encoded.offsets or [] if span is not None]
    assert spans[0][0] == 0 and spans[-1] == (5, 6)


def test_pieces_with_and_without_space(bpe: EntityTokenizer, bert: EntityTokenizer) -> None:
    spaced = bpe.tokenize_pieces(["the", "'s", ""], leading_space=[True, False, True])
    assert spaced == bpe.words.encode([" the", "'s", ""])
    assert bert.tokenize_pieces(["the"], leading_space=True) == [[7]]
