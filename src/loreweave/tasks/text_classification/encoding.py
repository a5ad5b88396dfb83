"""Encodes records: one text or two, with the special tokens of the encoder. The target is a class or a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from loreweave.encoding import EntityTokenizer
from loreweave.encoding.collation import WORD_INPUTS
from loreweave.encoding.encoded_text import EncodedText, EncodingReport
from loreweave.errors import DataError
from loreweave.tasks.text_classification.record import TextRecord
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import Batch


@dataclass(frozen=True)
class TextExample:
    """An encoded record; `target` is the number of a class, a number to predict, or None."""

    encoded: EncodedText
    target: int | float | None = None

    @property
    def length(self) -> int:
        """Number of sub-words."""
        return len(self.encoded)


@dataclass
class TextEncoding:
    """Encoding for any encoder, including the words of a LUKE.

    Attributes:
        tokenizer: tokenizer with its limit.
        segments: whether the encoder distinguishes the second text by `token_type_ids`.
        pairs: whether inputs are pairs; None for both.
        saved: tokenizer that is saved with the model: that of transformers, or for a LUKE this one.
        done: counts of what did not fit.
    """

    classes_of_examples = (TextExample, EncodedText, EncodingReport)

    tokenizer: EntityTokenizer
    segments: bool = False
    pairs: bool | None = None
    saved: Any = None
    done: EncodingReport = EncodingReport()

    def encode(self, records: Sequence[TextRecord], labels: Sequence[str] | None = None) -> list[TextExample]:
        """Tokenize all records; the longer text of a pair is truncated first.

        Raises:
            DataError: a single text for a model of pairs, or a pair for a model of single texts.
        """
        for record in records:
            self._check(record)
        encoded: dict[int, EncodedText] = {}
        for pair in (False, True):
            chosen = [number for number, record in enumerate(records) if (record.text_pair is not None) == pair]
            seconds = [records[number].text_pair or "" for number in chosen] if pair else None
            texts = self.tokenizer.encode_batch([records[number].text for number in chosen], text_pairs=seconds)
            encoded |= dict(zip(chosen, texts, strict=True))
        self.done = sum((text.report for text in encoded.values()), self.done)
        index = {label: number for number, label in enumerate(labels or ())}
        return [
            TextExample(encoded[number], None if labels is None else _target(record, index))
            for number, record in enumerate(records)
        ]

    def collate(self, examples: list[TextExample]) -> Batch:
        """Pad to the longest input of the batch."""
        padded = self.tokenizer.pad([example.encoded for example in examples])
        batch = {name: padded[name] for name in WORD_INPUTS if self.segments or name != "token_type_ids"}
        targets = [example.target for example in examples if example.target is not None]
        return batch | ({"labels": torch.tensor(targets)} if targets else {})

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """One row of logits per example."""
        return list(output.logits.float().cpu().numpy())

    def join(self, examples: Sequence[TextExample], outputs: Outputs) -> Outputs:
        """Each record is one example."""
        return outputs

    def report(self) -> str:
        """Counts of what did not fit."""
        return self.done.of_losses()

    def save_pretrained(self, folder: Path) -> None:
        """Save the tokenizer in transformers' format."""
        (self.saved or self.tokenizer).save_pretrained(folder)

    def _check(self, record: TextRecord) -> None:
        if self.pairs is None or self.pairs == (record.text_pair is not None):
            return
        found, expected = ("one text", "a pair") if self.pairs else ("a pair of texts", "one text")
        fields = "text and text_pair" if self.pairs else "text alone"
        problem = f"found {found}, expected {expected}, which the model was trained on ({fields})"
        raise DataError(problem, record=f"record {record.id}", field="text_pair")


def _target(record: TextRecord, index: Mapping[str, int]) -> int | float:
    assert record.label is not None, "`unfit` refuses such training records"
    return record.label if isinstance(record.label, float) else index[record.label]
