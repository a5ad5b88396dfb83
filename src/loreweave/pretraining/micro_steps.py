"""Items of a pre-training run, and how they are built from its settings.

Item s is one micro-step over all streams, so each stream has its own batch size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from loreweave.build.pretraining_set import PretrainingSet
from loreweave.corpus.counts import tallied
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import ConfigurationError
from loreweave.objectives import (
    Batch,
    Objective,
    RunContext,
    StreamObjective,
    TextObjective,
    WindowObjective,
    WordVocabulary,
    objectives,
)
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.room import check_positions
from loreweave.pretraining.start import Start, common_vocabulary
from loreweave.pretraining.stream import TextStream

_READS_TEXT = (WindowObjective, TextObjective)
_DECIMALS = 9
"""Decimals of a number of updates before it is rounded up: 1.1 x 100 windows are 110, not 110.00000000000001."""


class MicroSteps(torch.utils.data.Dataset[Batch]):
    """A map-style data set: the micro-batch of the text stream, and those of the objectives with streams of their own.

    Args:
        text: None in a run without text.
        objectives: all objectives of the run.
        length: number of micro-steps of the whole run, over all processes.
    """

    def __init__(self, text: TextStream | None, objectives: Sequence[Objective], length: int) -> None:
        self.text = text
        self.objectives = list(objectives)
        self.length = length
        self._own = [o for o in self.objectives if isinstance(o, StreamObjective)]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, item: int) -> Batch:
        batch = {} if self.text is None else self.text[item]
        return batch | {objective.name: objective.batch(item) for objective in self._own}


def to_device(batch: Batch, device: torch.device) -> Batch:
    """A micro-batch on a device."""
    return {name: {key: tensor.to(device) for key, tensor in tensors.items()} for name, tensors in batch.items()}


def build_stream(config: PretrainingConfig, sets: Sequence[PretrainingSet], begun: Start, processes: int) -> MicroSteps:
    """Micro-steps of the whole run, over all processes.

    Raises:
        ConfigurationError: the encoder has fewer positions than the longest text has sub-words.
    """
    micro_steps = config.accumulation_steps(processes) * processes
    chosen = _built(config, sets, begun, micro_steps)
    length = number_of_updates(config, sets, chosen) * micro_steps
    settings = {"smoothing": config.sampling_smoothing, "pool": config.pool, "seed": config.seed}
    text = _text(config, sets, begun, chosen, length, config.micro_batch_size, **settings) if sets else None
    return MicroSteps(text, chosen, length)


def build_pass(
    config: PretrainingConfig,
    sets: Sequence[PretrainingSet],
    begun: Start,
    batch_size: int,
    seed: int,
    links: EntityVocabulary | None = None,
) -> MicroSteps:
    """Micro-steps that read each window of the sets once, with masks that `seed` determines.

    Args:
        links: entity vocabulary of the links, for sets of plain text. Default: that of the sets.

    Raises:
        ConfigurationError: see `build_stream`.
    """
    chosen = _built(config, sets, begun, 1, links)
    windows = sum(len(data.dataset) for data in sets)
    length = math.ceil(windows / batch_size)
    text = _text(config, sets, begun, chosen, length, batch_size, smoothing=1.0, pool=1, seed=seed, draws=windows)
    return MicroSteps(text, chosen, length)


def _built(
    config: PretrainingConfig,
    sets: Sequence[PretrainingSet],
    begun: Start,
    micro_steps: int,
    links: EntityVocabulary | None = None,
) -> list[Objective]:
    """The objectives, whose texts the encoder has room for."""
    words = None if begun.words is None else WordVocabulary.of(begun.words)
    links = links or common_vocabulary(sets)
    context = RunContext(begun.words, words, begun.vocabulary, links, sets, config.seed, micro_steps)
    chosen = _objectives(config, context)
    if begun.model is not None:
        check_positions(config, sets, chosen, begun.model)
    return chosen


def _text(
    config: PretrainingConfig,
    sets: Sequence[PretrainingSet],
    begun: Start,
    chosen: Sequence[Objective],
    length: int,
    batch_size: int,
    **settings: Any,
) -> TextStream:
    """The windows of the sets as micro-batches; `settings` are those of `TextStream`."""
    assert begun.words is not None
    return TextStream(
        [data.dataset for data in sets],
        [objective for objective in chosen if isinstance(objective, WindowObjective)],
        WordVocabulary.of(begun.words),
        None if begun.vocabulary is None else begun.vocabulary.pad_id,
        batch_size=batch_size,
        length=length,
        max_words=config.max_words,
        max_entities=config.max_entities,
        readers=[objective for objective in chosen if isinstance(objective, TextObjective)],
        **settings,
    )


def number_of_updates(config: PretrainingConfig, sets: Sequence[PretrainingSet], objectives: Sequence[Objective]) -> int:
    """Number of updates: `steps`, or enough for `epochs`."""
    if config.steps is not None:
        return config.steps
    epoch, update = epoch_and_update(config, sets, objectives)
    return math.ceil(round(epoch * config.epochs / update, _DECIMALS))


def epoch_and_update(
    config: PretrainingConfig, sets: Sequence[PretrainingSet], objectives: Sequence[Objective]
) -> tuple[int, int]:
    """Windows of an epoch and of an update; without text, micro-batches of the first graph."""
    if sets:
        return sum(len(data.dataset) for data in sets), config.batch_size
    first = next(objective for objective in objectives if isinstance(objective, StreamObjective))
    return first.micro_batches_per_epoch, config.batch_size // config.micro_batch_size


def _objectives(config: PretrainingConfig, context: RunContext) -> list[Objective]:
    known = objectives()
    for name in config.objectives:
        if issubclass(known[name], _READS_TEXT) and not config.data:
            raise ConfigurationError(f"data: found no pre-training set, expected one for objectives.{name}")
    built = [known[name].build(settings, context) for name, settings in config.objectives.items()]
    found = [objective for objective in built if objective is not None]
    if not found:
        raise ConfigurationError(f"objectives: all are off, expected one or more of {', '.join(known)}")
    if config.data and not any(isinstance(objective, _READS_TEXT) for objective in found):
        raise ConfigurationError("data: found pre-training sets, but no objective reads them; expected none")
    return found


def cut_by_limits(config: PretrainingConfig, sets: Sequence[PretrainingSet], stream: MicroSteps) -> str:
    """Counts of what `max_words` and `max_entities` remove from the windows; empty if they remove nothing."""
    stored = [data.manifest["settings"] for data in sets]
    within = all(config.max_words >= s["max_length"] and config.max_entities >= s["max_entities"] for s in stored)
    return "" if stream.text is None or within else tallied(stream.text.left_out())


def check_weights(objectives: Sequence[Objective]) -> None:
    """Refuse to train without any weight.

    Raises:
        ConfigurationError: the weights of all objectives are 0.
    """
    if not any(objective.weight for objective in objectives):
        names = " and ".join(f"objectives.{objective.name}.weight" for objective in objectives)
        raise ConfigurationError(f"{names}: found 0, with which nothing is trained; expected a weight above 0")
