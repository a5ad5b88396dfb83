"""Masked words: predict masked sub-words (BERT; with the variant of LUKE, Yamada et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from torch import nn
from transformers import PreTrainedModel

from loreweave.errors import ConfigurationError
from loreweave.models.masked_word_head import masked_word_head
from loreweave.objectives.base import (
    ObjectiveConfig,
    ObjectiveLoss,
    RunContext,
    Tensors,
    WindowObjective,
    check_replacements,
    cross_entropy_sum,
    model_of_run,
    words_of_run,
)
from loreweave.objectives.masked_entities import MaskedEntities
from loreweave.objectives.windows import Targets, Window
from loreweave.training.settings.ranges import SHARE, Ranges


@dataclass(kw_only=True)
class MaskedWordsConfig(ObjectiveConfig):
    """Settings of the masked-word objective; the defaults are those of LUKE's pre-training."""

    RANGES: ClassVar[Ranges] = {("probability", "random_probability", "unchanged_probability"): SHARE}

    probability: float = 0.15
    """Share of the sub-words of a window that become targets; at least one becomes a target."""
    unit: Literal["whole_word", "subword"] = "whole_word"
    """Whether all sub-words of a word are chosen together, or each sub-word alone."""
    draw: Literal["budget", "independent"] = "budget"
    """How units are chosen. `budget`: in random order until `probability` is reached, as LUKE does. `independent`: each unit
    with `probability`, as BERT in transformers does; it never chooses special tokens (also not `[UNK]`), and random ids come
    from the whole vocabulary."""
    random_probability: float = 0.1
    """Share of the chosen units that are replaced by random ids instead of the mask token."""
    unchanged_probability: float = 0.1
    """Share of the chosen units that are not replaced."""
    mask_words_in_mentions: bool = False
    """Whether all sub-words of masked mentions are chosen first (`--mask-words-in-entity-span` of LUKE's code). They may exceed
    the budget."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_replacements(self.random_probability, self.unchanged_probability)
        if self.draw == "independent" and self.mask_words_in_mentions:
            raise ValueError("mask_words_in_mentions: found true, expected false with draw=independent, which has no budget")


class MaskedWords(WindowObjective):
    """Whole words (or sub-words) are masked; the masked-word head predicts them."""

    name: ClassVar[str] = "masked_words"
    settings = MaskedWordsConfig
    side = "words"
    config: MaskedWordsConfig

    def __init__(self, config: MaskedWordsConfig, context: RunContext) -> None:
        super().__init__(config, context)
        self.vocabulary = words_of_run(context)
        if self.vocabulary.mask_id is None:
            raise ConfigurationError(f"{self.name}: the tokenizer has no mask token, which is needed to mask words")
        if config.unit == "whole_word" and self.vocabulary.continues is None:
            raise ConfigurationError(
                f"{self.name}.unit: found whole_word, but the tokenizer's sub-words do not mark where a word begins; expected "
                f"objectives.{self.name}.unit=subword"
            )

    @classmethod
    def build(cls, config: MaskedWordsConfig, context: RunContext) -> Self | None:
        """Off at probability 0."""
        return cls(config, context) if config.probability > 0 else None

    def mask(self, window: Window, rng: np.random.Generator) -> Targets:
        """Choose units in random order until the budget is met, skipping those larger than the rest of it."""
        length = len(window.word_ids)
        if length == 0:
            return Targets.none()
        if self.config.draw == "independent":
            return self._mask_independently(window, rng)
        inside = self._words_of_masked_mentions(window)
        chosen = [np.flatnonzero(inside)]
        budget = max(1, round(length * self.config.probability)) - len(chosen[0])
        starts = self._unit_starts(window.word_ids)
        ends = np.append(starts[1:], length)
        actions = [np.zeros(len(chosen[0]))]
        for unit in rng.permutation(len(starts)):
            if budget <= 0:
                break
            if ends[unit] - starts[unit] > budget or inside[starts[unit] : ends[unit]].any():
                continue
            chosen.append(np.arange(starts[unit], ends[unit]))
            actions.append(np.full(len(chosen[-1]), rng.random()))
            budget -= len(chosen[-1])
        positions, action = np.concatenate(chosen), np.concatenate(actions)
        if len(positions) == 0:  # every word is larger than the budget
            positions, action = np.array([rng.integers(length)]), np.array([0.0])
        return self._hide(window, positions, action, rng)

    def _mask_independently(self, window: Window, rng: np.random.Generator) -> Targets:
        units = np.cumsum(np.isin(np.arange(len(window.word_ids)), self._unit_starts(window.word_ids))) - 1  # [words]
        chosen, action = rng.random((2, units[-1] + 1))
        hidden = (chosen < self.config.probability)[units] & ~np.isin(window.word_ids, self.vocabulary.special_ids)
        positions = np.flatnonzero(hidden)
        return self._hide(window, positions, action[units[positions]], rng, lowest=0)

    def _hide(
        self, window: Window, positions: np.ndarray, action: np.ndarray, rng: np.random.Generator, lowest: int | None = None
    ) -> Targets:
        """Replace words; random ids are drawn from `lowest` on (None: from the id after the padding, as in LUKE, or from 0 if
        the padding comes after all words)."""
        labels = window.word_ids[positions].astype(np.int64)
        vocabulary, config = self.vocabulary, self.config
        masked = action < 1 - config.random_probability - config.unchanged_probability
        replaced = ~masked & (action < 1 - config.unchanged_probability)
        window.word_ids[positions[masked]] = vocabulary.mask_id
        if lowest is None:
            lowest = vocabulary.pad_id + 1 if vocabulary.pad_id + 1 < vocabulary.size else 0
        random_ids = rng.integers(lowest, vocabulary.size, size=int(replaced.sum()))
        window.word_ids[positions[replaced]] = random_ids
        order = np.argsort(positions)
        return Targets(positions[order], labels[order])

    def _unit_starts(self, word_ids: np.ndarray) -> np.ndarray:
        if self.config.unit == "subword":
            return np.arange(len(word_ids))
        assert self.vocabulary.continues is not None, "checked in the constructor"
        begins = ~self.vocabulary.continues[word_ids]
        begins[0] = True
        return np.flatnonzero(begins)

    def _words_of_masked_mentions(self, window: Window) -> np.ndarray:
        inside = np.zeros(len(window.word_ids), dtype=bool)
        if self.config.mask_words_in_mentions and MaskedEntities.name in window.targets:
            for entity in window.targets[MaskedEntities.name].positions:
                start = window.entity_starts[entity]
                inside[start : start + window.entity_lengths[entity]] = True
        return inside

    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """The module that scores words in a model with a masked-word head; see `masked_word_head`."""
        return masked_word_head(model_of_run(self, model))

    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        """Cross-entropy over the word vocabulary."""
        return cross_entropy_sum(head(batch["states"]), batch["labels"])
