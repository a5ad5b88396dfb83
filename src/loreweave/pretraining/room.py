"""Check that the encoder has positions for all texts of a run; torch only reports "index out of range"."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedModel

from loreweave.build.pretraining_set import PretrainingSet
from loreweave.errors import ConfigurationError
from loreweave.models.word_positions import usable_positions
from loreweave.objectives import Objective
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.stream import longest_window


def check_positions(
    config: PretrainingConfig, sets: Sequence[PretrainingSet], objectives: Sequence[Objective], model: PreTrainedModel
) -> None:
    """Compare the encoder's positions with the longest window and the longest text of each graph.

    Raises:
        ConfigurationError: one of these texts is longer.
    """
    positions = usable_positions(model)
    if positions is None:
        return
    for data in sets:
        longest = 0
        if min(config.max_words, data.manifest["settings"]["max_length"]) > positions:  # only then are all windows counted
            longest = min(config.max_words, longest_window(data.dataset))
        if longest > positions:
            raise ConfigurationError(
                f"max_words: found {config.max_words}, and {data.path} has windows of {longest} sub-words with their special "
                f"tokens, but {config.model} has positions for {positions}: expected max_words={positions}, which cuts them, "
                f"or data that was built with --max-length {positions}"
            )
    for objective in objectives:
        if (longest := objective.longest_text()) > positions:
            setting = f"objectives.{objective.name}.text.max_length"
            raise ConfigurationError(
                f"{setting}: its texts have up to {longest} sub-words with their special tokens, but {config.model} has "
                f"positions for {positions}: expected {setting}={positions} or less"
            )
