from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from loreweave.encoding import EntityTokenizer, add_marker_tokens
from loreweave.encoding.words.tokenizer import WordTokenizer
from loreweave.errors import ConfigurationError, DataError


def fast(specials: tuple[str, ...] = ("[CLS]", "[SEP]", "[PAD]"), post: object = None) -> PreTrainedTokenizerFast:
    vocabulary = {token: number for number, token in enumerate((*specials, "a", "[UNK]"))}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    if post is not None:
        backend.post_processor = post
    names = dict(zip(("cls_token", "sep_token", "pad_token"), specials, strict=False))
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", **names)


def test_the_given_tokenizer_cannot_change_ours(bert: EntityTokenizer) -> None:
    theirs = bert.word_tokenizer
    ours = WordTokenizer(theirs)
    before = ours.encode(["tokyo is the capital"])
    theirs("tokyo is", truncation=True, max_length=3, padding="max_length")
    theirs.add_tokens(["capital of"])
    assert ours.encode(["tokyo is the capital"]) == before
    assert bert.word_tokenizer.get_vocab().keys() != theirs.get_vocab().keys()


def test_truncation_and_padding_of_a_file_are_switched_off(bert: EntityTokenizer) -> None:
    theirs = bert.word_tokenizer
    theirs.backend_tokenizer.enable_truncation(2)
    theirs.backend_tokenizer.enable_padding(length=8)
    assert [len(ids) for ids in WordTokenizer(theirs).encode(["tokyo is the capital", "tokyo"])] == [4, 1]


def test_equal_pieces_and_offsets(bert: EntityTokenizer, bpe: EntityTokenizer) -> None:
    assert bert.words.encode(["tokyo", "is", "tokyo"])[0] == bert.words.encode(["tokyo"])[0]
    ids, offsets = bpe.words.encode_with_offsets([" the fox", "é"])
    assert ids == bpe.words.encode([" the fox", "é"])
    assert offsets[0][0] == (1, 4) and offsets[0][-1][1] == 8
    assert offsets[1][-1] == (0, 1)


def test_which_tokenizers_notice_a_leading_space(bpe: EntityTokenizer, xlmr: EntityTokenizer, bert: EntityTokenizer) -> None:
    assert (bpe.words.leading_space, xlmr.words.leading_space, bert.words.leading_space) == (True, False, False)


def test_special_tokens_of_each_kind(bpe: EntityTokenizer, xlmr: EntityTokenizer, bert: EntityTokenizer) -> None:
    assert bpe.words.special.around([9], [8]) == [0, 9, 2, 2, 8, 2]
    assert xlmr.words.special.around([9]) == [0, 9, 2]
    assert bert.words.special.around([9], [8]) == [2, 9, 3, 8, 3]
    assert bert.words.special.second_segment == 1 and bpe.words.special.second_segment == 0


def test_special_tokens_are_added_although_the_post_processor_lost_them() -> None:
    repaired = WordTokenizer(fast())
    assert repaired.special.around([3], [3]) == [0, 3, 1, 3, 1]
    again = repaired.to_hugging_face()("a", "a", return_token_type_ids=True)
    assert (again["input_ids"], again["token_type_ids"]) == ([0, 3, 1, 3, 1], [0, 0, 0, 1, 1])
    roberta = WordTokenizer(fast(("<s>", "</s>", "<pad>")))
    assert roberta.special.around([3], [3]) == [0, 3, 1, 1, 3, 1]
    assert roberta.to_hugging_face()("a", "a")["input_ids"] == [0, 3, 1, 1, 3, 1]


def test_special_tokens_that_say_otherwise_are_an_error() -> None:
    strange = processors.TemplateProcessing(single="[SEP] $A [CLS]", pair="$A $B", special_tokens=[("[CLS]", 0), ("[SEP]", 1)])
    with pytest.raises(ConfigurationError, match=r"turns the words \[3\] into \[1, 3, 0\].*expected \[0, 3, 1\]"):
        WordTokenizer(fast(post=strange))


def test_tokenizers_that_do_not_fit() -> None:
    with pytest.raises(ConfigurationError, match="found the tokenizer str, expected a fast one"):
        WordTokenizer("bert")  # type: ignore[arg-type]  # what a careless caller passes
    with pytest.raises(ConfigurationError, match="without cls_token"):
        WordTokenizer(fast(()))


def test_a_tokenizer_that_does_not_fit_is_named(tmp_path: Path) -> None:
    """By the folder or the name on the Hub that it was loaded from."""
    strange = processors.TemplateProcessing(single="[SEP] $A [CLS]", pair="$A $B", special_tokens=[("[CLS]", 0), ("[SEP]", 1)])
    without_padding = (
        r"found a tokenizer without pad_token, expected one for an encoder, with a start, an end and a padding token"
    )
    for kind, tokenizer, message in (
        ("decoder", fast(("[CLS]", "[SEP]")), without_padding),
        ("strange", fast(post=strange), r"found a tokenizer that turns the words \[3\] into \[1, 3, 0\]"),
    ):
        tokenizer.save_pretrained(tmp_path / kind)
        loaded = AutoTokenizer.from_pretrained(tmp_path / kind)
        with pytest.raises(ConfigurationError, match=rf"^{re.escape(str(tmp_path / kind))}: {message}"):
            WordTokenizer(loaded)
        with pytest.raises(ConfigurationError, match=rf"^{message}"):
            WordTokenizer(tokenizer)


def test_half_a_surrogate_pair_is_named(bpe: EntityTokenizer) -> None:
    with pytest.raises(DataError, match=r"an unpaired surrogate in 'a\\ud83d'"):
        bpe.encode("a\ud83d")


@pytest.mark.parametrize(("order", "size"), [(("<ent>", "[MASK]"), 6), (("[MASK]", "<ent>"), 7)])
def test_entity_tokens_among_the_words_never_match(order: tuple[str, str], size: int) -> None:
    """Behind the others they are removed; before them (transformers < 5.18) they must not move the others' ids."""
    theirs = fast()
    theirs.add_tokens(list(order), special_tokens=True)
    ours = WordTokenizer(theirs)
    assert ours.id_of("<ent>") == theirs.convert_tokens_to_ids("<ent>") == 5 + order.index("<ent>")
    assert ours.encode(["[MASK]"]) == [[4]], "an unknown word"
    assert ours.size == size


def test_markers_are_added_once_and_last(bert: EntityTokenizer) -> None:
    words = fast()
    assert add_marker_tokens(words) == 2
    assert add_marker_tokens(words) == 0
    assert words.convert_tokens_to_ids(["<ent>", "<ent2>"]) == [5, 6]
    assert add_marker_tokens(words, ["[HIGHLIGHT]", "<ent>"]) == 1


def test_a_tokenizer_survives_pickling(bpe: EntityTokenizer) -> None:
    copy = pickle.loads(pickle.dumps(bpe))
    assert copy.encode("Tokyo is big", [(0, 5)]) == bpe.encode("Tokyo is big", [(0, 5)])


def test_the_word_side_for_transformers(bpe: EntityTokenizer) -> None:
    assert bpe.word_tokenizer("Tokyo is <mask>.")["input_ids"] == bpe.encode("Tokyo is <mask>.").input_ids
    assert len(bpe.word_tokenizer) == bpe.word_vocabulary_size
