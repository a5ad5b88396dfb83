"""Cached decoding word by word against the decoder over whole sentences."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    RobertaConfig,
    RobertaModel,
)

from loreweave.errors import ConfigurationError
from loreweave.models.reconstruction import DecodingConfig, reconstruct
from loreweave.models.sparse_typing import Memory, SparseTypingHead, SparseTypingModel

START, END = 2, 3
SIZES = {"vocab_size": 12, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
IDS = torch.tensor([[2, 7, 8, 9, 10, 3], [2, 11, 7, 3, 0, 0], [2, 5, 6, 4, 3, 0]])
MASK = (IDS != 0).long()


def make(kind: str = "bert", **settings: object) -> SparseTypingModel:
    torch.manual_seed(3)
    if kind == "bert":
        encoder = BertModel(BertConfig(**SIZES, pad_token_id=0), add_pooling_layer=False)
    else:
        encoder = RobertaModel(RobertaConfig(**SIZES, pad_token_id=0), add_pooling_layer=False)
    model = SparseTypingModel(encoder, SparseTypingHead.of(encoder, types=4, **settings)).eval()
    with torch.no_grad():  # so that logits differ, and some words are not selected
        encoder.get_input_embeddings().weight.mul_(20)
        model.head.bias.normal_()
    return model


def memory_of(model: SparseTypingModel) -> Memory:
    with torch.no_grad():
        return model.memory(*model(IDS, MASK), MASK)


def whole(model: SparseTypingModel, words: Tensor, memory: Memory) -> Tensor:
    """Log-probabilities after each word, by one pass over all: [batch, words, vocabulary]."""
    with torch.no_grad():
        states = model.head.decode(model.encoder, words, torch.ones_like(words), memory)
        return model.head.logits(model.encoder, states).log_softmax(-1)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("settings", [{}, {"double_embedding": False}, {"mask_unselected": True}], ids=str)
def test_greedy_words_are_those_of_the_whole_decoder(kind: str, settings: dict[str, object]) -> None:
    model = make(kind, **settings)
    memory = memory_of(model)
    lengths = MASK.sum(1)
    ours = reconstruct(model, memory, IDS[:, 0], lengths, END, DecodingConfig(stop_at_end=False))
    assert [len(row) for row in ours] == lengths.tolist()
    words = IDS[:, :1]
    for _ in range(5):
        words = torch.cat([words, whole(model, words, memory)[:, -1:].argmax(-1)], 1)
    assert ours == [row[:length] for row, length in zip(words.tolist(), lengths.tolist(), strict=True)]
    assert len({tuple(row) for row in ours}) > 1


def test_a_sentence_ends_with_its_end_token() -> None:
    model = make()
    with torch.no_grad():
        model.head.bias.zero_()
        model.head.bias[END] = 100.0
    assert reconstruct(model, memory_of(model), IDS[:, 0], MASK.sum(1), END) == [[START, END]] * 3


@pytest.mark.parametrize("stop", [False, True])
def test_sentences_that_leave_the_batch_do_not_change_the_others(stop: bool) -> None:
    model = make()
    torch.manual_seed(1)
    memory = Memory(torch.randn(20, 6, 16), torch.ones(20, 6, dtype=torch.long))
    start, lengths = torch.randint(4, 12, (20,)), torch.randint(1, 12, (20,))
    config = DecodingConfig(stop_at_end=stop)
    together = reconstruct(model, memory, start, lengths, END, config)
    for row, found in enumerate(together):
        alone = slice(row, row + 1)
        own = Memory(memory.states[alone], memory.mask[alone])
        assert [found] == reconstruct(model, own, start[alone], lengths[alone], END, config)
    assert len({len(found) for found in together}) > 3


@pytest.mark.parametrize("stop", [False, True])
def test_beams_as_wide_as_the_vocabulary_find_the_best_of_all_sentences(stop: bool) -> None:
    """Two more words: the first step keeps all twelve beginnings, the second sees every sentence."""
    model = make()
    if stop:
        with torch.no_grad():
            model.head.bias[END] += 2.0
    memory, lengths = memory_of(model), torch.full((3,), 3)
    ours = reconstruct(model, memory, IDS[:, 0], lengths, END, DecodingConfig(method="beam", beams=12, stop_at_end=stop))
    everything = [(START, *more) for more in product(range(12), repeat=2)]
    if stop:
        everything = [(START, END) if words[1] == END else words for words in everything]
    for row, found in enumerate(ours):
        own = Memory(memory.states[row : row + 1], memory.mask[row : row + 1])
        quality = {words: _quality(model, words, own, stop) for words in everything}
        assert quality[tuple(found)] == pytest.approx(max(quality.values()), abs=1e-5)


def _quality(model: SparseTypingModel, words: tuple[int, ...], memory: Memory, mean: bool) -> float:
    given = torch.tensor([words])
    scores = whole(model, given[:, :-1], memory)[0].gather(1, given[0, 1:, None])
    return float(scores.mean() if mean else scores.sum())


def test_more_beams_than_words_are_fine() -> None:
    model = make()
    config = DecodingConfig(method="beam", beams=40)
    assert len(reconstruct(model, memory_of(model), IDS[:, 0], MASK.sum(1), END, config)) == 3


def test_samples_come_by_their_probability() -> None:
    model = make()
    with torch.no_grad():
        model.head.bias.zero_()
    memory = memory_of(model)
    first = Memory(memory.states[:1].expand(4000, -1, -1), memory.mask[:1].expand(4000, -1))
    torch.manual_seed(0)
    config = DecodingConfig(method="sample", temperature=2.0)
    ours = reconstruct(model, first, IDS[:1, 0].expand(4000), torch.full((4000,), 2), END, config)
    shares = torch.bincount(torch.tensor([row[1] for row in ours]), minlength=12) / 4000
    wanted = (whole(model, IDS[:1, :1], Memory(memory.states[:1], memory.mask[:1]))[0, -1] / 2.0).softmax(-1)
    assert float((shares - wanted).abs().max()) < 4 * math.sqrt(0.25 / 4000)


def test_an_encoder_without_an_embedding_module_is_refused() -> None:
    model = BertModel(BertConfig(**SIZES), add_pooling_layer=False)
    model.embeddings = torch.nn.Identity()
    with pytest.raises(ConfigurationError, match="does not accept inputs_embeds"):
        SparseTypingHead.of(model)


def test_sizes_must_agree() -> None:
    small = BertModel(BertConfig(**SIZES | {"hidden_size": 8}), add_pooling_layer=False)
    with pytest.raises(ConfigurationError, match="hidden size 8"):
        SparseTypingModel(small, make().head)


def test_an_encoder_with_narrow_word_vectors_is_refused() -> None:
    """ELECTRA's small models and ALBERT widen them behind the embedding, whose output the decoder shares."""
    narrow = ElectraModel(ElectraConfig(**SIZES, embedding_size=8))
    with pytest.raises(ConfigurationError, match="word vectors of 8 and states of 16"):
        SparseTypingHead.of(narrow)


def test_an_encoder_that_names_its_sizes_otherwise() -> None:
    distil = DistilBertModel(DistilBertConfig(vocab_size=12, dim=16, n_layers=1, n_heads=2, hidden_dim=24))
    assert SparseTypingHead.of(distil).config.inner_size == 64
    assert SparseTypingHead.of(distil, inner_size=24).config.inner_size == 24


@pytest.mark.parametrize(("settings", "message"), [({"beams": 0}, "beams"), ({"temperature": 0.0}, "temperature")])
def test_wrong_settings_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        DecodingConfig(**settings)
