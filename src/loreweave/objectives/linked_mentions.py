"""Shared part of the objectives over linked mentions: which mentions of a window are targets, and the states of their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import ConfigurationError
from loreweave.objectives.base import Objective, ObjectiveConfig, RunContext, Tensors, WindowObjective
from loreweave.objectives.windows import Targets, Window, WordVocabulary
from loreweave.training.settings.ranges import POSITIVE, POSITIVE_SHARE, SHARE, Ranges


@dataclass(kw_only=True)
class LinkedMentionsConfig(ObjectiveConfig):
    """Settings of every objective over linked mentions."""

    RANGES: ClassVar[Ranges] = {("probability",): POSITIVE_SHARE, ("masked_share",): SHARE, ("temperature",): POSITIVE}

    probability: float = 1.0
    """Fraction of the linked mentions that become targets, among those whose entity has types or relations."""
    masked_share: float = 0.5
    """Fraction of the targets in which all sub-words are replaced by the mask token, so that the model must use the context. A
    LUKE then does not see the entity of the mention either. Two objectives over linked mentions hide the same mentions; with
    different shares, all those of the larger share."""
    temperature: float = 0.1
    """Temperature: similarities are divided by it."""
    shuffled: bool = False
    """Give the types of each entity to a random other entity, or the relations of each pair to a random other pair. This is a
    control with as many targets: what an encoder gains in this way does not come from knowledge."""


class LinkedMentionsObjective(WindowObjective):
    """Base of the objectives over linked mentions; a mention's vector is the mean of the states of its sub-words."""

    side = "words"
    reads_links = True
    config: LinkedMentionsConfig

    def __init__(self, config: LinkedMentionsConfig, context: RunContext) -> None:
        super().__init__(config, context)
        if context.words is None or context.tokenizer is None:
            raise ConfigurationError(f"model is null: {self.name} needs an encoder")
        self.words: WordVocabulary = context.words
        if self.words.mask_id is None and config.masked_share > 0:
            raise ConfigurationError(
                f"{self.name}: the tokenizer has no mask token; expected objectives.{self.name}.masked_share=0"
            )
        links_of_run(type(self), context)
        self._is_watched = False
        self.mask_entity_id = None if context.entities is None else context.entities.mask_id

    def hide(self, window: Window, mentions: np.ndarray, rng: np.random.Generator) -> None:
        """Mask the sub-words of a random share of the mentions, and their entities in a LUKE.

        A mention has one random number, which the first objective draws: objectives with the same share hide the same mentions,
        and together no more than the largest share.
        """
        drawn = rng.random(len(mentions))
        if window.hiding is None:
            window.hiding = np.full(len(window.entity_starts), np.nan)
        before = window.hiding[mentions]
        window.hiding[mentions] = numbers = np.where(np.isnan(before), drawn, before)
        for mention in mentions[numbers < self.config.masked_share]:
            start = window.entity_starts[mention]
            window.word_ids[start : start + window.entity_lengths[mention]] = self.words.mask_id
            if self.mask_entity_id is not None:
                window.entity_ids[mention] = self.mask_entity_id

    def batch(self, windows: Sequence[Window], width: int) -> Tensors:
        """Flattened `positions` of the sub-words of all targets, `mentions` with the number of each one's target, and the
        `labels`, the entity of each target."""
        places, lengths, labels = [], [], []
        for row, window in enumerate(windows):
            found = window.targets[self.name]
            first = row * width + 1  # the start token comes before the words
            for mention in found.positions:
                places.append(first + window.entity_starts[mention] + np.arange(window.entity_lengths[mention]))
                lengths.append(window.entity_lengths[mention])
            labels.append(found.labels)
        return {
            "positions": integers(np.concatenate(places) if places else np.empty(0)),
            "mentions": integers(np.repeat(np.arange(len(lengths)), lengths)),
            "labels": integers(np.concatenate(labels)),
        }

    def choose(self, window: Window, known: np.ndarray, rng: np.random.Generator) -> Targets:
        """Choose among the mentions of `known` entities [rows of the vocabulary], and hide some."""
        assert window.links is not None, "the stream keeps them for objectives that read them"
        mentions = np.flatnonzero(known[window.links] & (window.entity_lengths > 0))
        mentions = mentions[rng.random(len(mentions)) < self.config.probability]
        self.hide(window, mentions, rng)
        return Targets(mentions, window.links[mentions].astype(np.int64))

    def watch(self, metrics: Mapping[str, float], step: int, steps: int) -> list[str]:
        """Warn about targets that nothing can be told from, after the first log line."""
        first, self._is_watched = not self._is_watched, True
        if first and metrics and metrics.get("loss") == 0:
            alone = "there is nothing to tell its targets from; use a larger micro_batch_size, or more types or relations"
            return [f"warning: up to step {step}, the loss of {self.name} is 0: {alone}"]
        return []


def links_of_run(objective: type[Objective], context: RunContext) -> EntityVocabulary:
    """The vocabulary of the links of the data.

    Raises:
        ConfigurationError: the data has no links.
    """
    if context.links is None:
        raise ConfigurationError(
            f"data: found sets of plain text alone, expected one with links (loreweave build pretraining) for "
            f"objectives.{objective.name}"
        )
    return context.links


def integers(values: np.ndarray) -> Tensor:
    """A tensor of int64."""
    return torch.from_numpy(np.asarray(values).astype(np.int64))
