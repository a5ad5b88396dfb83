"""What a task's model reads, for the tests of tasks whose inputs are texts with mentions."""

from __future__ import annotations

from loreweave.encoding import EntityTokenizer
from loreweave.tasks.mentions.inputs import MentionEncoding
from loreweave.training.task_model import TaskModel


def tokenizer_of(made: TaskModel) -> EntityTokenizer:
    """The tokenizer of such a model."""
    assert isinstance(made.encoding, MentionEncoding)
    return made.encoding.tokenizer


def pieces_of(made: TaskModel, ids: list[int]) -> list[str]:
    """The sub-words of an input."""
    return list(tokenizer_of(made).word_tokenizer.convert_ids_to_tokens(ids))
