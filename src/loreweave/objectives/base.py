"""What an objective offers: batches and a loss.

There are three kinds. A `WindowObjective` chooses targets in the windows of the text stream that all of its kind share, and
scores the encoder's states there. A `TextObjective` reads the same windows, but whole and before anything is hidden. A
`StreamObjective` has batches of its own. The last two encode what they need themselves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding.word_boundaries import continuation_rule
from loreweave.errors import ConfigurationError


def check_shares(probability: float, random_probability: float, unchanged_probability: float) -> None:
    """Raise a `ValueError` where these are no probabilities, or the two replacements are more than all."""
    given = {"probability": probability, "random_probability": random_probability}
    for name, value in (given | {"unchanged_probability": unchanged_probability}).items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name}: found {value}, expected a number from 0 to 1")
    if random_probability + unchanged_probability > 1:
        both = random_probability + unchanged_probability
        raise ValueError(f"random_probability + unchanged_probability: found {both:g}, expected at most 1")


@dataclass
class WordVocabulary:
    """What masking must know of a word tokenizer.

    Attributes:
        size: number of word ids without added tokens; random replacements are drawn below it.
        continues: for each id, whether it continues the word begun by the token before it [size of the tokenizer]; None where
            the tokens do not say it.
        special_ids: of all special tokens, that of unknown words among them.
    """

    size: int
    pad_id: int
    mask_id: int | None
    start_id: int
    end_id: int
    continues: np.ndarray | None
    special_ids: tuple[int, ...] = ()

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> WordVocabulary:
        """Read ids and word boundaries from a fast tokenizer (WordPiece, byte-level BPE or SentencePiece)."""
        rule = continuation_rule(tokenizer.backend_tokenizer)
        special, tokens = set(tokenizer.all_special_ids), tokenizer.get_vocab()
        continues = None
        if rule is not None:
            continues = np.zeros(max(tokens.values()) + 1, dtype=bool)
            continues[[token_id for token, token_id in tokens.items() if token_id not in special and rule(token)]] = True
        start = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
        end = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        return cls(tokenizer.vocab_size, tokenizer.pad_token_id, tokenizer.mask_token_id, start, end, continues, tuple(special))


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
    whole: np.ndarray | None = None  # [words], `word_ids` before objectives hid some, where one reads them


@dataclass
class ObjectiveLoss:
    """The sums of a micro-batch: the engine divides by the targets of all processes and accumulation steps."""

    total: Tensor  # [] summed loss
    correct: Tensor  # [] number of targets predicted right
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    """What else is logged, each [] and times the number of targets."""


@dataclass(frozen=True)
class Materials:
    """What a run has for its objectives to be built from.

    Attributes:
        tokenizer: the fast word tokenizer; None in a run without an encoder.
        words: what masking must know of it.
        entities: None in a word-only run.
        seed: of the run.
        micro_steps: items of an update, over all processes and accumulation steps.
    """

    tokenizer: PreTrainedTokenizerFast | None = None
    words: WordVocabulary | None = None
    entities: EntityVocabulary | None = None
    seed: int = 0
    micro_steps: int = 1


class Objective(ABC):
    """A loss that adds up with others; `<name>_labels` in a batch has one element per target."""

    name: ClassVar[str]
    weight: float

    @classmethod
    @abstractmethod
    def build(cls, config: Any, materials: Materials) -> Objective | None:
        """The objective with these settings, or None where they switch it off."""

    @abstractmethod
    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """The part of `model` that predicts; it is made where the model has none and the objective owns it."""

    def on_resume(self, update: int) -> list[str]:
        """What is other in a run that is resumed after so many updates than in one that never stopped; lines for the user."""
        return []


class WindowObjective(Objective):
    """Chooses targets in a window, and scores the encoder's states at them."""

    side: ClassVar[Literal["words", "entities"]]

    @abstractmethod
    def mask(self, window: Window, rng: np.random.Generator) -> Targets:
        """Choose targets; replace ids of `window` where the objective hides them."""

    @abstractmethod
    def loss(self, head: nn.Module, states: Tensor, labels: Tensor) -> ObjectiveLoss:
        """Summed loss of `states` [targets, hidden] against `labels` [targets]."""


class EncodingObjective(Objective):
    """Encodes what it reads itself, and has a head that is kept beside the encoder."""

    @abstractmethod
    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Mapping[str, Tensor]) -> ObjectiveLoss:
        """Summed loss of a micro-batch."""

    @abstractmethod
    def save(self, encoder: nn.Module | None, head: nn.Module, folder: Path) -> None:
        """Write what evaluation needs of the head beside the encoder's files."""

    @abstractmethod
    def summary(self) -> list[str]:
        """Lines that tell the user what it reads, and what was left out."""


class TextObjective(EncodingObjective):
    """Reads the windows of the text stream as they are before anything is hidden."""

    @abstractmethod
    def inputs(self, input_ids: Tensor, attention_mask: Tensor, item: int) -> dict[str, Tensor]:
        """What `loss` needs of micro-batch number `item`, its words [batch, words] with their mask; every name begins with the
        objective's."""


class StreamObjective(EncodingObjective):
    """Has micro-batches of its own."""

    @abstractmethod
    def batch(self, item: int) -> dict[str, Tensor]:
        """Micro-batch number `item`, a pure function of the run's seed; every name begins with the objective's."""

    def longest_text(self) -> int:
        """Most sub-words, special tokens included, of a text that the encoder is to read; 0 where it reads none."""
        return 0

    @property
    @abstractmethod
    def micro_batches_per_epoch(self) -> int:
        """How many micro-batches show everything once."""


def words_of_run(materials: Materials) -> WordVocabulary:
    """The word vocabulary that an objective over text needs.

    Raises:
        ConfigurationError: a run without an encoder has none.
    """
    if materials.words is None:
        raise ConfigurationError("model is null: a run without an encoder has no words to predict")
    return materials.words


def entities_of_run(objective: type[Objective], materials: Materials) -> EntityVocabulary:
    """The entity vocabulary that an objective needs.

    Raises:
        ConfigurationError: a word-only run has none.
    """
    if materials.entities is None:
        raise ConfigurationError(f"word_only leaves entities out: set objectives.{objective.name} to null")
    return materials.entities


def cross_entropy_sum(logits: Tensor, labels: Tensor) -> ObjectiveLoss:
    """Summed softmax cross-entropy in float32 of `logits` [targets, classes]; also counts the right predictions."""
    total = nn.functional.cross_entropy(logits.float(), labels, reduction="sum")
    with torch.no_grad():
        correct = (logits.argmax(-1) == labels).sum()
    return ObjectiveLoss(total, correct)
