"""Frozen encoders of any kind, and the vectors of mentions in texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from loreweave.encoding import EntityTokenizer
from loreweave.encoding.collation import pad_encoded_texts, pad_ids
from loreweave.encoding.encoded_text import EncodedText, EncodingReport, Span
from loreweave.errors import DataError
from loreweave.experiments.probes.settings import States
from loreweave.models.segments import reads_segments
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import Batch, run_model

_PADDED = ("entity_ids", "entity_attention_mask", "entity_token_type_ids", "entity_position_ids")


class MentionStates(nn.Module):
    """An encoder that returns the states of mentions [batch, mentions, size] in fp32.

    Args:
        encoder: any encoder of transformers, or a `LukeModel`.
        layer: number of the layer; -1 for the last.
        entities: whether to return the states of entities instead of the mean states of words.
    """

    def __init__(self, encoder: PreTrainedModel, layer: int = -1, entities: bool = False) -> None:
        super().__init__()
        self.encoder, self.layer, self.entities = encoder, layer, entities

    def forward(self, shares: Tensor, **inputs: Tensor) -> Tensor:
        """States of mentions.

        Args:
            shares: share of each word in each mention [batch, mentions, words], rows that sum to 1.
            inputs: inputs of the encoder.
        """
        wanted = {} if self.layer == -1 else {"output_hidden_states": True}
        output = self.encoder(**inputs, **wanted)
        if self.entities:
            states = output.entity_hidden_states[self.layer] if wanted else output.entity_last_hidden_state
            return states.float()
        states = output.hidden_states[self.layer] if wanted else output.last_hidden_state
        with torch.autocast(states.device.type, enabled=False):
            return shares @ states.float()


@dataclass(frozen=True)
class MentionTexts:
    """Distinct texts with the mentions that are asked for, in the order of their first appearance."""

    texts: list[str]
    spans: list[list[Span]]

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, Sequence[Span]]]) -> MentionTexts:
        """Join the mentions of equal texts."""
        spans: dict[str, dict[Span, None]] = {}
        for text, asked in pairs:
            spans.setdefault(text, {}).update(dict.fromkeys(asked))
        return cls(list(spans), [sorted(found) for found in spans.values()])


@dataclass(frozen=True)
class MentionVectors:
    """Vectors of mentions; a mention that was cut off has none.

    Attributes:
        rows: text and span of a mention -> row of `values`.
        values: [mentions, size].
        report: counts of what was cut.
    """

    rows: dict[tuple[str, Span], int]
    values: np.ndarray
    report: EncodingReport

    def matrix(self, pairs: Sequence[tuple[str, Sequence[Span]]]) -> tuple[np.ndarray, np.ndarray]:
        """Concatenated vectors of the mentions of each pair, and whether all of them have one.

        Args:
            pairs: text and mentions; the same number of mentions in each.

        Returns:
            float32 [pairs, mentions * size], zero without a vector; bool [pairs].
        """
        rows = np.array([[self.rows.get((text, span), -1) for span in spans] for text, spans in pairs], np.int64)
        known: np.ndarray = np.all(rows >= 0, axis=1)
        found = self.values[rows].reshape(len(rows), -1)
        found[~known] = 0
        return found, known


@dataclass
class FrozenEncoder:
    """An encoder in evaluation mode with its tokenizer.

    Attributes:
        name: name as the user gave it.
        tokenizer: tokenizer of texts and mentions.
        states: vector of a mention.
        facts: facts about the encoder for the results.
    """

    name: str
    model: MentionStates
    tokenizer: EntityTokenizer
    states: States
    facts: dict[str, Any]
    batch_size: int = 32
    precision: str = "fp32"

    def vectors(
        self, pairs: Sequence[tuple[str, Sequence[Span]]], advance: Callable[[int], object] | None = None
    ) -> MentionVectors:
        """Vectors of all mentions; each distinct text is encoded once.

        Raises:
            CheckpointError: a state is not finite.
            DataError: all mentions were cut off.
        """
        asked = MentionTexts.of(pairs)
        encoded = self.tokenizer.encode_batch(asked.texts, asked.spans)
        whole = [_Example(text) for text in encoded]
        outputs = run_model(
            self.model, whole, self._collate, self._unpack,
            batch_size=self.batch_size, precision=self.precision, advance=advance,
        )  # fmt: skip
        rows: dict[tuple[str, Span], int] = {}
        for text, spans, found in zip(asked.texts, asked.spans, encoded, strict=True):
            for index in found.kept:
                rows[text, spans[index]] = len(rows)
        if not rows:
            limit = f"the first {self.tokenizer.max_length} of its text (max_length)"
            raise DataError(f"found no mention with a sub-word among {limit}")
        values = np.concatenate(outputs).astype(np.float32, copy=False)
        return MentionVectors(rows, values, sum((text.report for text in encoded), EncodingReport()))

    def _collate(self, examples: list[_Example]) -> Batch:
        texts = [example.encoded for example in examples]
        ids, mask = pad_ids([text.input_ids for text in texts], self.tokenizer.pad_token_id)
        batch = {"input_ids": ids, "attention_mask": mask}
        if reads_segments(self.model.encoder):
            batch["token_type_ids"] = torch.zeros_like(ids)
        most = max(1, *(len(text.kept) for text in texts))
        shares = torch.zeros(len(texts), most, ids.shape[1])
        for row, text in enumerate(texts):
            for mention, positions in enumerate(text.entity_position_ids):
                shares[row, mention, positions] = 1 / len(positions)
        if self.states == "entities":
            padded = pad_encoded_texts(
                texts,
                word_pad_id=self.tokenizer.pad_token_id,
                entity_pad_id=self.tokenizer.entity_vocabulary.pad_id,
                max_mention_length=self.tokenizer.max_mention_length,
            )
            batch |= {name: padded[name] for name in _PADDED}
        return batch | {"shares": shares}

    def _unpack(self, output: Tensor, batch: Any) -> Outputs:
        found = output.float().cpu().numpy()
        numbers = (batch["shares"].sum(-1) > 0).sum(-1).tolist()  # of mentions
        return [states[:number] for states, number in zip(found, numbers, strict=True)]


@dataclass(frozen=True)
class _Example:
    encoded: EncodedText

    @property
    def length(self) -> int:
        return len(self.encoded)
