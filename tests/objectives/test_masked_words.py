"""Which words are hidden, and how."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from loreweave.errors import ConfigurationError
from loreweave.objectives import MaskedWords, MaskedWordsConfig, RunContext, Targets, Window, WordVocabulary

MASK = 4


def vocabulary(size: int = 100) -> WordVocabulary:
    """Ids from 50 on continue a word."""
    continues = np.arange(size) >= 50
    return WordVocabulary(size=size, pad_id=0, mask_id=MASK, start_id=2, end_id=3, continues=continues)


def masked_words(config: MaskedWordsConfig, words: WordVocabulary) -> MaskedWords:
    return MaskedWords(config, RunContext(words=words))


def window(words: list[int], starts: list[int] = (), lengths: list[int] = ()) -> Window:
    return Window(np.array(words), np.arange(10, 10 + len(starts)), np.array(starts, int), np.array(lengths, int))


def test_budget_and_labels() -> None:
    """15 % of 40 words are 6 targets, and labels are what stood there."""
    words = list(range(5, 45))
    example = window(words)
    targets = masked_words(MaskedWordsConfig(), vocabulary()).mask(example, np.random.default_rng(0))
    assert len(targets.positions) == 6
    assert [words[p] for p in targets.positions] == targets.labels.tolist()
    untouched = np.setdiff1d(np.arange(40), targets.positions)
    assert (example.word_ids[untouched] == np.array(words)[untouched]).all()


def test_whole_words_stay_together() -> None:
    """Each word is one head and two continuations: all three are hidden, or none."""
    words = [5, 50, 51] * 20
    config = MaskedWordsConfig(random_probability=0, unchanged_probability=0)
    for seed in range(20):
        example = window(words)
        targets = masked_words(config, vocabulary()).mask(example, np.random.default_rng(seed))
        assert len(targets.positions) == 9
        hidden = (example.word_ids == MASK).reshape(20, 3)
        assert (hidden.all(1) | ~hidden.any(1)).all()


def test_words_larger_than_the_budget_are_skipped_and_something_is_masked() -> None:
    """One word of ten sub-words and a budget of two: one sub-word is masked all the same."""
    targets = masked_words(MaskedWordsConfig(), vocabulary()).mask(window([5] + [50] * 9), np.random.default_rng(0))
    assert len(targets.positions) == 1


@pytest.mark.parametrize(("random", "unchanged"), [(0.1, 0.1), (0.3, 0.0), (0.0, 0.5)])
def test_shares_of_replacements(random: float, unchanged: float) -> None:
    """Mask, random and unchanged come in the shares asked for (4 standard errors of 3,000 draws)."""
    config = MaskedWordsConfig(unit="subword", random_probability=random, unchanged_probability=unchanged)
    objective = masked_words(config, vocabulary(size=100_000))
    masked = same = total = 0
    for seed in range(100):
        example = window([7] * 200)
        targets = objective.mask(example, np.random.default_rng(seed))
        after = example.word_ids[targets.positions]
        masked += int((after == MASK).sum())
        same += int((after == 7).sum())
        total += len(after)
    assert total == 3000
    assert masked / total == pytest.approx(1 - random - unchanged, abs=0.037)
    assert same / total == pytest.approx(unchanged, abs=0.037)


def test_words_of_masked_mentions_come_first_and_may_exceed_the_budget() -> None:
    """The mention of six sub-words was masked as an entity: with the option, all six words are hidden."""
    example = window(list(range(5, 25)), starts=[3, 12], lengths=[6, 2])
    example.targets["masked_entities"] = Targets(np.array([0]), np.array([10]))
    config = MaskedWordsConfig(mask_words_in_mentions=True)
    targets = masked_words(config, vocabulary()).mask(example, np.random.default_rng(0))
    assert targets.positions.tolist() == [3, 4, 5, 6, 7, 8]
    assert (example.word_ids[3:9] == MASK).all()


@given(words=st.lists(st.integers(5, 99), min_size=1, max_size=60), seed=st.integers(0, 2**32 - 1))
def test_never_more_than_the_budget(words: list[int], seed: int) -> None:
    """Positions are distinct, sorted, within the window and within max(1, round(15 %))."""
    targets = masked_words(MaskedWordsConfig(), vocabulary()).mask(window(words), np.random.default_rng(seed))
    assert 1 <= len(targets.positions) <= max(1, round(len(words) * 0.15))
    assert (np.diff(targets.positions) > 0).all()
    assert targets.positions.min() >= 0
    assert targets.positions.max() < len(words)


def test_a_byte_level_vocabulary_with_a_token_of_two_hashes() -> None:
    """As RoBERTa's: that token is no sign of WordPiece."""
    ids = {token: id for id, token in enumerate(["<s>", "<pad>", "</s>", "<mask>", "Ġriver", "bank", "##", "Ġa"])}
    backend = Tokenizer(BPE(ids, [], unk_token="<pad>"))
    backend.decoder = ByteLevel()
    names = {"bos_token": "<s>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "mask_token": "<mask>"}
    words = WordVocabulary.of(PreTrainedTokenizerFast(tokenizer_object=backend, **names))
    assert words.continues is not None and words.continues.tolist() == [False] * 4 + [False, True, False, False]


def test_word_pieces_that_continue(minilm_dir) -> None:
    """WordPiece marks continuations with ##."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(minilm_dir)
    words = WordVocabulary.of(tokenizer)
    ids = tokenizer("unaffable", add_special_tokens=False)["input_ids"]
    assert words.continues is not None and words.continues[ids].tolist() == [False] + [True] * (len(ids) - 1)
    assert (words.pad_id, words.mask_id, words.start_id, words.end_id) == (0, 103, 101, 102)


def test_sub_words_that_do_not_say_where_a_word_begins() -> None:
    """Those of BPE with a mark at the end of a word, as XLM's."""
    ids = {token: id for id, token in enumerate(["<s>", "<pad>", "</s>", "<mask>", "ri", "ver</w>"])}
    backend = Tokenizer(BPE(ids, [], unk_token="<pad>", end_of_word_suffix="</w>"))
    names = {"bos_token": "<s>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "mask_token": "<mask>"}
    words = WordVocabulary.of(PreTrainedTokenizerFast(tokenizer_object=backend, **names))
    assert words.continues is None
    with pytest.raises(ConfigurationError, match="expected objectives.masked_words.unit=subword"):
        masked_words(MaskedWordsConfig(), words)
    chosen = masked_words(MaskedWordsConfig(unit="subword"), words).mask(window([4, 5] * 10), np.random.default_rng(0))
    assert len(chosen.positions) == 3, "15 percent of 20"


def test_a_tokenizer_without_a_mask_token() -> None:
    words = WordVocabulary(100, 0, None, 2, 3, np.zeros(100, dtype=bool))
    with pytest.raises(ConfigurationError, match="the tokenizer has no mask token"):
        masked_words(MaskedWordsConfig(), words)


def test_independent_draws_have_their_share_and_spare_special_tokens() -> None:
    """Each word by itself (4 standard errors of 20,000 draws); ids 3 and 1 are special, and 1 stands for unknown words."""
    words = WordVocabulary(100, 0, MASK, 2, 3, np.zeros(100, dtype=bool), special_ids=(0, 1, 2, 3, MASK))
    objective = masked_words(MaskedWordsConfig(unit="subword", draw="independent"), words)
    chosen, counts = 0, set()
    for seed in range(100):
        example = window([7, 1, 8, 3] * 100)
        targets = objective.mask(example, np.random.default_rng(seed))
        assert set(targets.labels.tolist()) <= {7, 8}
        chosen, counts = chosen + len(targets.positions), counts | {len(targets.positions)}
    assert chosen / 20_000 == pytest.approx(0.15, abs=0.011) and len(counts) > 5


def test_independent_draws_keep_whole_words_together_and_may_hide_nothing() -> None:
    config = MaskedWordsConfig(draw="independent", random_probability=0, unchanged_probability=0)
    sizes = set()
    for seed in range(30):
        example = window([5, 50, 51] * 3)
        targets = masked_words(config, vocabulary()).mask(example, np.random.default_rng(seed))
        hidden = (example.word_ids == MASK).reshape(3, 3)
        assert (hidden.all(1) | ~hidden.any(1)).all()
        sizes.add(len(targets.positions))
    assert {0, 3} <= sizes


def test_independent_draws_have_no_budget_for_mentions() -> None:
    with pytest.raises(ValueError, match="mask_words_in_mentions"):
        MaskedWordsConfig(draw="independent", mask_words_in_mentions=True)


def test_padding_after_all_words_leaves_words_to_draw() -> None:
    """ModernBERT's special tokens come after its words."""
    words = replace(vocabulary(size=100), pad_id=110, mask_id=111)
    objective = masked_words(MaskedWordsConfig(unit="subword", random_probability=1.0, unchanged_probability=0.0), words)
    example = window([7] * 200)
    targets = objective.mask(example, np.random.default_rng(0))
    drawn = example.word_ids[targets.positions]
    assert len(set(drawn.tolist())) > 5 and drawn.max() < 100
