"""Predicts the latent types of sentences' sub-words, and reconstructs the sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from loreweave.checkpoints import latent_typing as side_files
from loreweave.checkpoints.word_tokenizers import read_word_tokenizer
from loreweave.encoding.collation import pad_ids
from loreweave.encoding.model_names import resolve
from loreweave.models.reconstruction import DecodingConfig, NextWords, reconstruct, score_next_words
from loreweave.models.sparse_typing import SparseTypingModel
from loreweave.tasks.contract import Execution
from loreweave.tasks.latent_types.record import Details, TypedText, TypedToken
from loreweave.tasks.starting_points import word_limit
from loreweave.training.batches import batches_by_length
from loreweave.training.devices import autocast, choose_device
from loreweave.training.inference import move

_BLOCK = 1024
"""Number of sentences that are sorted by length together."""


class TypePredictor:
    """Predicts latent types with a checkpoint of latent typing.

    Args:
        model: folder of a model or a run, or a name on the Hub.
        how: device, precision, batch size.
        max_length: maximum number of sub-words per sentence, with the special tokens; limited by the encoder's positions.

    Raises:
        CheckpointError: the model has no typer, or cannot be read.
    """

    def __init__(self, model: str | Path, how: Execution | None = None, *, max_length: int = 128) -> None:
        self.how = how or Execution()
        folder = resolve(model)
        self.device = choose_device(self.how.device)
        self.model: SparseTypingModel = move(side_files.load(folder), self.device)
        self.tokenizer: PreTrainedTokenizerFast = read_word_tokenizer(folder)
        self.max_length = word_limit(self.model.encoder, max_length, None) or max_length

    def predict(
        self, texts: Iterable[str], decoding: DecodingConfig | None = None, *, with_details: bool = False
    ) -> Iterator[TypedText]:
        """Type each text, in order, and reconstruct it if `decoding` is given."""
        stream = iter(texts)
        while block := list(islice(stream, _BLOCK)):
            encoded = [self._encode(text) for text in block]
            found: dict[int, TypedText] = {}
            for rows in batches_by_length([len(tokens.ids) for tokens in encoded], self.how.batch_size):
                typed = self._batch([encoded[row] for row in rows], [block[row] for row in rows], decoding, with_details)
                found.update(zip(rows, typed, strict=True))
                if self.how.advance is not None:
                    self.how.advance(len(rows))
            yield from (found[row] for row in range(len(block)))

    def _encode(self, text: str) -> _Encoded:
        whole = self.tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False)
        cut = max(0, len(whole["input_ids"]) - self.max_length)
        keep = len(whole["input_ids"]) - 1 - cut  # the end token stays
        columns = [list(whole[name]) for name in ("input_ids", "offset_mapping", "special_tokens_mask")]
        ids, offsets, special = (column[:keep] + column[-1:] for column in columns)
        return _Encoded(ids, offsets, special, cut)

    @torch.inference_mode()
    def _batch(
        self, encoded: Sequence[_Encoded], texts: Sequence[str], decoding: DecodingConfig | None, with_details: bool
    ) -> list[TypedText]:
        ids, mask = self._pad(encoded)
        with autocast(self.device, self.how.precision):
            states, typing = self.model(ids, mask)
            rebuilt = next_words = None
            if decoding is not None:
                memory = self.model.memory(states, typing, mask)
                end = int(self.tokenizer.sep_token_id)
                rebuilt = reconstruct(self.model, memory, ids[:, 0], mask.sum(1), end, decoding)
                next_words = score_next_words(self.model, memory, ids, mask) if with_details else None
        best = typing.logits[..., 1:].amax(-1)
        probabilities = typing.logits.softmax(-1)  # [batch, words, types]
        types, logits, largest = typing.types.tolist(), best.tolist(), probabilities.amax(-1).tolist()
        results = []
        for row, (given, text) in enumerate(zip(encoded, texts, strict=True)):
            numbers = zip(types[row], logits[row], largest[row], strict=True)
            tokens = [
                TypedToken(self._name(id) if special else text[start:end], start, end, *number, bool(special))
                for id, (start, end), special, number in zip(given.ids, given.offsets, given.special, numbers, strict=False)
            ]
            sentence = None if rebuilt is None else str(self.tokenizer.decode(rebuilt[row], skip_special_tokens=True))
            details = None
            if with_details:
                details = _details(row, given.ids, states, probabilities, None if rebuilt is None else rebuilt[row], next_words)
            results.append(TypedText(text, tokens, given.cut, sentence, details))
        return results

    def _name(self, id: int) -> str:
        return str(self.tokenizer.convert_ids_to_tokens(id))

    def _pad(self, encoded: Sequence[_Encoded]) -> tuple[Tensor, Tensor]:
        """Ids and mask [batch, words] of sentences of different lengths."""
        ids, mask = pad_ids([tokens.ids for tokens in encoded], self.tokenizer.pad_token_id)
        return ids.to(self.device), mask.to(self.device)


def _details(
    row: int, ids: list[int], states: Tensor, probabilities: Tensor, rebuilt: list[int] | None, next_words: NextWords | None
) -> Details:
    length = len(ids)
    kept = Details(states[row, :length].float().cpu().numpy(), probabilities[row, :length].cpu().numpy(), ids, rebuilt)
    if next_words is None:
        return kept
    correct, found = (values[row, : length - 1].cpu().numpy() for values in next_words)
    return replace(kept, next_correct=correct, next_log_probabilities=found)


@dataclass(frozen=True)
class _Encoded:
    ids: list[int]
    offsets: list[tuple[int, int]]
    special: list[int]
    cut: int
