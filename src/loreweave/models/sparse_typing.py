"""Sparse Latent Typing (Ren et al. 2022): an encoder, a typer of its states, and a decoder that reconstructs the sentence.

The encoder is an untouched `AutoModel`. Its word table is also the decoder's input and output.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from loreweave.errors import ConfigurationError
from loreweave.models.dropout_settings import hidden_dropout
from loreweave.models.latent_typer import LatentTyper, Typing
from loreweave.models.reconstruction_decoder import DecoderCache, ReconstructionDecoder


@dataclass(frozen=True, kw_only=True)
class SparseTypingConfig:
    """Sizes and behaviour of typer and decoder; the defaults are those of the released code.

    Attributes:
        types: number of types, including type 0, "not selected".
        hidden_size, heads, inner_size, vocab_size: those of the encoder, but `inner_size` may differ.
        dropout: dropout everywhere in the decoder.
        layer_drop: probability with which training skips the decoder's only layer.
        double_embedding: apply the encoder's embedding module to the decoder's input twice, as the released code does:
            positions and segment are added twice, and normalised twice.
        mask_unselected: hide tokens of type 0 from the decoder (in training, those with most weight on type 0), except one
            empty place. The released code leaves them visible as zero vectors.
    """

    hidden_size: int
    heads: int
    inner_size: int
    vocab_size: int
    types: int = 64
    dropout: float = 0.1
    layer_drop: float = 0.1
    double_embedding: bool = True
    mask_unselected: bool = False


class Memory(NamedTuple):
    """Input of the decoder: gated states [batch, places, hidden], and 1 at visible places [batch, places]."""

    states: Tensor
    mask: Tensor


class SparseTypingHead(nn.Module):
    """Typer, decoder and the bias of predicted words: all that Sparse Latent Typing adds to an encoder."""

    def __init__(self, config: SparseTypingConfig) -> None:
        super().__init__()
        self.config = config
        self.typer = LatentTyper(config.hidden_size, config.types)
        self.decoder = ReconstructionDecoder(
            config.hidden_size, config.heads, config.inner_size, config.dropout, config.layer_drop
        )
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    @classmethod
    def of(cls, encoder: PreTrainedModel, **settings: Any) -> SparseTypingHead:
        """Create a head with the sizes of an encoder.

        Raises:
            ConfigurationError: the encoder lacks an embedding module that accepts vectors, which the decoder shares, or its
                width differs from that of the states.
        """
        _embedding_argument(encoder)
        found, (vocabulary, width) = encoder.config, _word_table(encoder).shape
        if width != found.hidden_size:
            widths = f"word vectors of {width} and states of {found.hidden_size}"
            raise ConfigurationError(f"{type(encoder).__name__}: found {widths}, expected equal widths")
        sizes = {
            "hidden_size": width,
            "heads": found.num_attention_heads,
            "inner_size": getattr(found, "intermediate_size", 4 * width),
            "vocab_size": vocabulary,
            "dropout": hidden_dropout(found),
        }
        return cls(SparseTypingConfig(**sizes | settings))

    def memory(self, states: Tensor, typing: Typing, mask: Tensor) -> Memory:
        """States [batch, words, hidden] multiplied element by element by their type vectors; `mask` [batch, words]."""
        gated = states * typing.vectors
        if not self.config.mask_unselected:
            return Memory(gated, mask)
        visible = mask * (typing.chosen != 0)
        return Memory(functional.pad(gated, (0, 0, 1, 0)), functional.pad(visible, (1, 0), value=1))

    def decode(self, encoder: PreTrainedModel, input_ids: Tensor, mask: Tensor, memory: Memory) -> Tensor:
        """Decoder states at the words [batch, words], each of which sees the previous words: [batch, words, hidden]."""
        return self.decoder(self.embed(encoder, input_ids), mask, memory.states, memory.mask)

    def decode_step(
        self, encoder: PreTrainedModel, input_ids: Tensor, position: int, memory: Memory, cache: DecoderCache
    ) -> Tensor:
        """Decoder state at the words `input_ids` [batch] at `position`: [batch, hidden]."""
        embedded = self.embed(encoder, input_ids[:, None], position)
        return self.decoder.step(embedded, memory.states, memory.mask, cache)[:, 0]

    def embed(self, encoder: PreTrainedModel, input_ids: Tensor, first: int = 0) -> Tensor:
        """Decoder input [batch, words, hidden] of words [batch, words] at the positions from `first`."""
        vectors = encoder.get_input_embeddings()(input_ids)
        for _ in range(2 if self.config.double_embedding else 1):
            vectors = _embedded(encoder, vectors, first)
        return vectors

    def logits(self, encoder: PreTrainedModel, states: Tensor) -> Tensor:
        """Scores of the words: [..., hidden] -> [..., vocabulary]."""
        return functional.linear(states, _word_table(encoder), self.bias)


class SparseTypingModel(nn.Module):
    """An encoder and its `SparseTypingHead`, for typing and reconstructing sentences.

    Raises:
        ConfigurationError: their sizes differ.
    """

    def __init__(self, encoder: PreTrainedModel, head: SparseTypingHead) -> None:
        super().__init__()
        if encoder.config.hidden_size != head.config.hidden_size:
            found = f"an encoder of hidden size {encoder.config.hidden_size} and a typer of {head.config.hidden_size}"
            raise ConfigurationError(f"found {found}, expected equal sizes")
        self.encoder = encoder
        self.head = head

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Typing]:
        """States [batch, words, hidden] and the typing of words [batch, words]."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states, self.head.typer(states)

    def memory(self, states: Tensor, typing: Typing, mask: Tensor) -> Memory:
        """See `SparseTypingHead.memory`."""
        return self.head.memory(states, typing, mask)


def _word_table(encoder: PreTrainedModel) -> Tensor:
    table = encoder.get_input_embeddings().weight  # [vocabulary, hidden]
    assert isinstance(table, Tensor)
    return table


def _embedding_module(encoder: PreTrainedModel) -> nn.Module:
    module = getattr(encoder, "embeddings", None)
    if not isinstance(module, nn.Module):
        raise ConfigurationError(f"{type(encoder).__name__} has no embedding module, which the decoder shares")
    return module


def _embedding_argument(encoder: PreTrainedModel) -> set[str]:
    """Argument names of the encoder's embedding module, which must include `inputs_embeds`."""
    module = _embedding_module(encoder)
    names = set(inspect.signature(module.forward).parameters)
    if "inputs_embeds" not in names:
        raise ConfigurationError(f"{type(module).__name__} does not accept inputs_embeds, so the decoder cannot share it")
    return names


def _embedded(encoder: PreTrainedModel, vectors: Tensor, first: int) -> Tensor:
    """Apply the encoder's embedding module to word vectors [batch, words, hidden] at the positions from `first`."""
    names = _embedding_argument(encoder)
    module = _embedding_module(encoder)
    inputs: dict[str, Any] = {name: None for name in ("input_ids", "token_type_ids") if name in names}
    if "position_ids" in names:
        offset = getattr(module, "padding_idx", None)  # RoBERTa and LUKE count from the row after padding
        begin = first + (0 if offset is None else offset + 1)
        inputs["position_ids"] = torch.arange(begin, begin + vectors.shape[1], device=vectors.device)[None]
    return module(inputs_embeds=vectors, **inputs)
