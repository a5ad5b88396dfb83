"""Inputs of tasks that classify one mention or a pair of mentions: markers around the mentions, a window of long texts.

Two encodings use them: for a LUKE each mention is also an entity, for a plain encoder the positions of its markers are added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from loreweave.encoding import EntityTokenizer
from loreweave.encoding.collation import WORD_INPUTS, pad_encoded_texts
from loreweave.encoding.encoded_text import EncodedText, EncodingReport
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import Batch

MentionTask = Literal["entity_classification", "entity_pair_classification"]
Span = tuple[int, int]

_BRACKETS = {"-LRB-": "(", "-LCB-": "(", "-LSB-": "(", "-RRB-": ")", "-RCB-": ")", "-RSB-": ")"}
_NO_ENTITIES: dict[str, Any] = {"entity_ids": [], "entity_position_ids": [], "entity_token_type_ids": []}
_NOT_INPUTS = ("entity_start_positions", "entity_end_positions")


@dataclass(frozen=True)
class MentionExample:
    """An encoded record; `target` is a class number, a row of 0 and 1, or None."""

    encoded: EncodedText
    target: Any = None

    @property
    def length(self) -> int:
        """Number of sub-words."""
        return len(self.encoded)


@dataclass
class MentionEncoding:
    """Encoding for a LUKE.

    Attributes:
        tokenizer: tokenizer with its limits and its rule for splitting texts.
        task: one mention or a pair.
        mentions_of: record -> (text, character spans).
        targets: (records, labels) -> one target each.
        brackets: convert bracket codes to brackets, as LUKE's typing code does and its relation code does not.
    """

    classes_of_examples = (MentionExample, EncodedText, EncodingReport)

    tokenizer: EntityTokenizer
    task: MentionTask
    mentions_of: Callable[[Any], tuple[str, Sequence[Span]]]
    targets: Callable[[Sequence[Any], Sequence[str]], Sequence[Any]]
    brackets: bool = True
    done: EncodingReport = EncodingReport()

    def encode(self, records: Sequence[Any], labels: Sequence[str] | None = None) -> list[MentionExample]:
        """Tokenize all records in one call."""
        pairs = [self.mentions_of(record) for record in records]
        if self.brackets:
            pairs = [normalise_brackets(*pair) for pair in pairs]
        texts, spans = [text for text, _ in pairs], [spans for _, spans in pairs]
        encoded = self.tokenizer.encode_batch(texts, spans, task=self.task, max_length=self.max_length())
        self.done = sum((text.report for text in encoded), self.done)
        targets = [None] * len(records) if labels is None else self.targets(records, labels)
        return [MentionExample(text, target) for text, target in zip(encoded, targets, strict=True)]

    def max_length(self) -> int | None:
        """Maximum number of sub-words without the tokenizer's special tokens; None for no limit."""
        return self.tokenizer.max_length

    def collate(self, examples: list[MentionExample]) -> Batch:
        """Pad to the longest text of the batch."""
        batch = self.tokenizer.pad([example.encoded for example in examples])
        batch = {name: tensor for name, tensor in batch.items() if name not in _NOT_INPUTS}
        return batch | _targets(examples)

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """One row of logits per example."""
        return list(output.logits.float().cpu().numpy())

    def join(self, examples: Sequence[MentionExample], outputs: Outputs) -> Outputs:
        """Each record is one example."""
        return outputs

    def report(self) -> str:
        """Counts of what did not fit."""
        return self.done.of_losses()

    def save_pretrained(self, folder: Path) -> None:
        """Write the tokenizer."""
        self.tokenizer.save_pretrained(folder)


@dataclass
class MarkerEncoding(MentionEncoding):
    """Encoding for a plain encoder: word tensors and `state_positions` [batch, mentions].

    The tokenizer must keep all positions of a mention (`max_mention_length`): the last one is the closing marker.

    Attributes:
        end_markers: token ids that close the mentions, if they differ from those that open them.
        shift: 0 reads the opening marker, 1 the token after it.
        second_end: add another end token after the last one; it counts towards the limit.
    """

    end_markers: tuple[int, ...] = ()
    shift: int = 0
    second_end: bool = False

    def max_length(self) -> int | None:
        """The limit, reduced by a second end token."""
        limit = super().max_length()
        return None if limit is None else limit - self.second_end

    def encode(self, records: Sequence[Any], labels: Sequence[str] | None = None) -> list[MentionExample]:
        """Encode as for a LUKE, then add the closing markers and the second end."""
        examples = super().encode(records, labels)
        for example in examples:
            ids = example.encoded.input_ids
            for positions, marker in zip(example.encoded.entity_position_ids, self.end_markers, strict=False):
                ids[positions[-1]] = marker
            if self.second_end:
                ids.append(self.tokenizer.words.special.end)
                example.encoded.token_type_ids.append(0)
        return examples

    def collate(self, examples: list[MentionExample]) -> Batch:
        """Word tensors, with the positions to read."""
        words = [replace(example.encoded, **_NO_ENTITIES) for example in examples]
        padded = pad_encoded_texts(words, word_pad_id=self.tokenizer.pad_token_id, entity_pad_id=0, max_mention_length=1)
        batch = {name: padded[name] for name in WORD_INPUTS}
        starts = [[positions[0] for positions in example.encoded.entity_position_ids] for example in examples]
        batch["state_positions"] = torch.tensor(starts) + self.shift  # [batch, mentions]
        return batch | _targets(examples)

    def save_pretrained(self, folder: Path) -> None:
        """Save the word tokenizer in transformers' format."""
        self.tokenizer.word_tokenizer.save_pretrained(folder)


def normalise_brackets(text: str, spans: Sequence[Span]) -> tuple[str, list[Span]]:
    """Convert the bracket codes of treebanks (`-LRB-`) to brackets, piece by piece, and move the spans with
    them.
    """
    if not any(code in text for code in _BRACKETS):
        return text, list(spans)
    boundaries = sorted({0, len(text), *(place for span in spans for place in span)})
    places, pieces, length = {0: 0}, [], 0
    for start, end in zip(boundaries, boundaries[1:], strict=False):
        piece = text[start:end]
        for code, bracket in _BRACKETS.items():
            piece = piece.replace(code, bracket)
        pieces.append(piece)
        length += len(piece)
        places[end] = length
    return "".join(pieces), [(places[start], places[end]) for start, end in spans]


def _targets(examples: Sequence[MentionExample]) -> Batch:
    if examples[0].target is None:
        return {}
    targets = np.asarray([example.target for example in examples])
    kind = np.float32 if targets.dtype.kind == "f" else np.int64
    return {"labels": torch.from_numpy(targets.astype(kind))}
