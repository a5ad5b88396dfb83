"""Reconstruct sentences from their typed words, by greedy search, beam search or sampling with cached keys; score them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from loreweave.errors import ConfigurationError
from loreweave.models.head_settings import DecodingMethod
from loreweave.models.reconstruction_decoder import DecoderCache
from loreweave.models.sparse_typing import Memory, SparseTypingModel

# Finished sentences leave the batch if it shrinks at least to this share, since the keys of the others are then copied.
_WORTH_A_COPY = 0.75


@dataclass(frozen=True, kw_only=True)
class DecodingConfig:
    """Settings of the reconstruction.

    Attributes:
        method: greedy search, beam search with `beams` beams, or sampling.
        stop_at_end: a sentence ends at its end token. Otherwise all sentences get `max_length` words, as in the demonstration
            of the released code.
        temperature: temperature of `sample`.

    Raises:
        ConfigurationError: `beams` is below 1, or `temperature` is not above 0.
    """

    method: DecodingMethod = "greedy"
    beams: int = 4
    temperature: float = 1.0
    stop_at_end: bool = True

    def __post_init__(self) -> None:
        if self.beams < 1:
            raise ConfigurationError(f"beams: found {self.beams}, expected 1 or more")
        if self.temperature <= 0:
            raise ConfigurationError(f"temperature: found {self.temperature}, expected more than 0")


class NextWords(NamedTuple):
    """Prediction of each word from the previous ones (teacher forcing): whether it is the most likely, and its log-probability.

    Both are [batch, words - 1], from the second word on; values after a sentence's end have no meaning.
    """

    correct: Tensor
    log_probabilities: Tensor


@torch.inference_mode()
def score_next_words(model: SparseTypingModel, memory: Memory, input_ids: Tensor, mask: Tensor) -> NextWords:
    """Score the words of sentences `input_ids` [batch, words] as the decoder sees them in training.

    Args:
        memory: memory of the sentences, from `SparseTypingModel.memory`.
        mask: 1 at words. [batch, words]
    """
    states = model.head.decode(model.encoder, input_ids[:, :-1], mask[:, :-1], memory)  # [batch, words - 1, hidden]
    targets = input_ids[:, 1:]
    correct, found = torch.zeros_like(targets, dtype=torch.bool), torch.zeros(targets.shape, device=targets.device)
    for row in range(len(input_ids)):  # one sentence at a time, because logits over the vocabulary are large
        scores = model.head.logits(model.encoder, states[row]).float().log_softmax(-1)  # [words - 1, vocabulary]
        correct[row] = scores.argmax(-1) == targets[row]
        found[row] = scores.gather(-1, targets[row, :, None])[:, 0]
    return NextWords(correct, found)


@torch.inference_mode()
def reconstruct(
    model: SparseTypingModel,
    memory: Memory,
    start_ids: Tensor,
    max_lengths: Tensor,
    end_id: int,
    config: DecodingConfig | None = None,
) -> list[list[int]]:
    """Generate the words of each sentence, including its start token.

    Args:
        memory: memory of the sentences, from `SparseTypingModel.memory`.
        start_ids: first token of each sentence. [batch]
        max_lengths: maximum number of words of each sentence, including its start token. [batch]
        end_id: token that ends a sentence.
    """
    config = config or DecodingConfig()
    if config.method == "beam":
        return _by_beams(model, memory, start_ids, max_lengths, end_id, config)
    last, rows = start_ids, [[int(first)] for first in start_ids]
    limits, cache = max_lengths.tolist(), DecoderCache()
    carried, finished = list(range(len(rows))), [length <= 1 for length in limits]
    for position in range(int(max_lengths.max()) - 1):
        scores = _scores(model, last, position, memory, cache)  # [carried, vocabulary]
        last = _chosen(scores, config)
        for row, word in zip(carried, last.tolist(), strict=True):
            if not finished[row]:
                rows[row].append(word)
                finished[row] = len(rows[row]) >= limits[row] or (config.stop_at_end and word == end_id)
        going_on = [place for place, row in enumerate(carried) if not finished[row]]
        if not going_on:
            break
        if len(going_on) <= _WORTH_A_COPY * len(carried):
            places = torch.tensor(going_on, device=last.device)
            last, memory = last[places], Memory(memory.states[places], memory.mask[places])
            carried = [carried[place] for place in going_on]
            cache.reorder(places)
    return rows


def _scores(model: SparseTypingModel, words: Tensor, position: int, memory: Memory, cache: DecoderCache) -> Tensor:
    head, encoder = model.head, model.encoder
    return head.logits(encoder, head.decode_step(encoder, words, position, memory, cache)).float()


def _chosen(scores: Tensor, config: DecodingConfig) -> Tensor:
    if config.method == "greedy":
        return scores.argmax(-1)
    return torch.multinomial((scores / config.temperature).softmax(-1), 1)[:, 0]


def _by_beams(
    model: SparseTypingModel, memory: Memory, start_ids: Tensor, max_lengths: Tensor, end_id: int, config: DecodingConfig
) -> list[list[int]]:
    """Beam search by the sum of log-probabilities, divided by the number of words if sentences may end early.

    All beams of all sentences go through the decoder as one batch [batch * beams]; a finished beam repeats its end token
    without cost.
    """
    batch, beams, device = len(start_ids), min(config.beams, model.head.config.vocab_size), start_ids.device
    wide = Memory(memory.states.repeat_interleave(beams, 0), memory.mask.repeat_interleave(beams, 0))
    words = start_ids[:, None, None].expand(batch, beams, 1)  # [batch, beams, words]
    totals = torch.full((batch, beams), -torch.inf, device=device)
    totals[:, 0] = 0.0  # all beams are equal at first: only one counts
    finished = (max_lengths <= 1)[:, None].expand(batch, beams)
    lengths = torch.ones(batch, beams, dtype=torch.long, device=device)
    cache, first_rows = DecoderCache(), torch.arange(batch, device=device)[:, None] * beams
    for position in range(int(max_lengths.max()) - 1):
        scores = _scores(model, words[:, :, -1].flatten(), position, wide, cache).log_softmax(-1)
        best, choices = scores.unflatten(0, (batch, beams)).topk(beams)  # [batch, beams, choices]
        best = torch.where(finished[..., None], torch.where(torch.arange(beams, device=device) == 0, 0.0, -torch.inf), best)
        choices = choices.masked_fill(finished[..., None], end_id)
        totals, order = (totals[..., None] + best).flatten(1).topk(beams)  # [batch, beams]
        parents = order // beams
        cache.reorder((first_rows + parents).flatten())
        chosen = choices.flatten(1).gather(1, order)
        words = torch.cat([words.gather(1, parents[..., None].expand_as(words)), chosen[..., None]], -1)
        was_finished = finished.gather(1, parents)
        lengths = lengths.gather(1, parents) + ~was_finished
        ended = (chosen == end_id) & config.stop_at_end
        finished = was_finished | ended | (lengths >= max_lengths[:, None])
        if bool(finished.all()):
            break
    quality = totals / (lengths - 1).clamp(min=1) if config.stop_at_end else totals
    winners = quality.argmax(-1)
    return [words[row, beam, : lengths[row, beam]].tolist() for row, beam in enumerate(winners.tolist())]
