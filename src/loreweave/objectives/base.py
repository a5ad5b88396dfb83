"""What every objective over windows of text offers: it chooses targets in a window, and gives a loss at the targets."""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import ConfigurationError


@dataclass
class WordVocabulary:
    """What masking must know of a word tokenizer.

    Attributes:
        size: number of word ids without added tokens; random replacements are drawn below it.
        continues: for each id, whether it continues the word begun by the token before it. [size of the tokenizer]
    """

    size: int
    pad_id: int
    mask_id: int
    start_id: int
    end_id: int
    continues: np.ndarray

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> WordVocabulary:
        """Read ids and word boundaries from a fast tokenizer (WordPiece, byte-level BPE or SentencePiece)."""
        continues = np.zeros(len(tokenizer), dtype=bool)
        rule = _continuation_rule(tokenizer)
        special = set(tokenizer.all_special_ids)
        for token, token_id in tokenizer.get_vocab().items():
            continues[token_id] = token_id not in special and rule(token)
        start = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
        end = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        return cls(tokenizer.vocab_size, tokenizer.pad_token_id, tokenizer.mask_token_id, start, end, continues)


def _is_punctuation(character: str) -> bool:
    """BERT's definition: every ASCII character that is no letter, digit or space, and Unicode's P categories."""
    if ord(character) < 128:
        return not character.isalnum() and not character.isspace()
    return unicodedata.category(character).startswith("P")


def _continuation_rule(tokenizer: PreTrainedTokenizerFast) -> Callable[[str], bool]:
    """The test "does this token continue a word?": specs/luke.md 3.1 for BPE and WordPiece, `▁` for SentencePiece."""
    vocabulary = tokenizer.get_vocab()
    if any(token.startswith("##") for token in vocabulary):
        return lambda token: token.startswith("##")
    if any(token.startswith("Ġ") for token in vocabulary):
        decode = tokenizer.backend_tokenizer.decoder.decode

        def continues_bpe(token: str) -> bool:
            text = decode([token])
            return bool(text) and not text[0].isspace() and not _is_punctuation(text[0])

        return continues_bpe
    return lambda token: not token.startswith("▁")


class Targets(NamedTuple):
    """Where a loss is computed, and what is right there. Word position -1 is the start token before the words."""

    positions: np.ndarray  # [targets]
    labels: np.ndarray  # [targets]

    @classmethod
    def none(cls) -> Targets:
        """No target in this window."""
        return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


@dataclass
class Window:
    """One example of the text stream: sub-words without special tokens, and the entities that they mention.

    Objectives replace ids in `word_ids` and `entity_ids` (copies of the stored ones) and leave `targets` by their name.
    """

    word_ids: np.ndarray  # [words]
    entity_ids: np.ndarray  # [entities]
    entity_starts: np.ndarray  # [entities], index into word_ids
    entity_lengths: np.ndarray  # [entities], in sub-words
    page_entity_id: int = -1
    targets: dict[str, Targets] = field(default_factory=dict)


@dataclass
class ObjectiveLoss:
    """The sums of a micro-batch: the engine divides by the targets of all processes and accumulation steps."""

    total: Tensor  # [] summed loss
    correct: Tensor  # [] number of targets predicted right


class Objective(ABC):
    """Chooses targets in a window, and scores the encoder's states at them."""

    name: ClassVar[str]
    side: ClassVar[Literal["words", "entities"]]
    weight: float

    @classmethod
    @abstractmethod
    def build(cls, config: Any, words: WordVocabulary, entities: EntityVocabulary | None) -> Objective | None:
        """The objective with these settings, or None where they switch it off; `entities` is None in a word-only run."""

    @abstractmethod
    def mask(self, window: Window, rng: np.random.Generator) -> Targets:
        """Choose targets; replace ids of `window` where the objective hides them."""

    @abstractmethod
    def head(self, model: PreTrainedModel) -> nn.Module:
        """The part of `model` that predicts; it is made where the model has none and the objective owns it."""

    @abstractmethod
    def loss(self, head: nn.Module, states: Tensor, labels: Tensor) -> ObjectiveLoss:
        """Summed loss of `states` [targets, hidden] against `labels` [targets]."""


def entities_of_run(objective: type[Objective], entities: EntityVocabulary | None) -> EntityVocabulary:
    """The entity vocabulary that an objective needs.

    Raises:
        ConfigurationError: a word-only run has none.
    """
    if entities is None:
        raise ConfigurationError(f"word_only leaves entities out: set objectives.{objective.name} to null")
    return entities


def cross_entropy_sum(logits: Tensor, labels: Tensor) -> ObjectiveLoss:
    """Summed softmax cross-entropy in float32 of `logits` [targets, classes]; also counts the right predictions."""
    total = nn.functional.cross_entropy(logits.float(), labels, reduction="sum")
    with torch.no_grad():
        correct = (logits.argmax(-1) == labels).sum()
    return ObjectiveLoss(total, correct)
