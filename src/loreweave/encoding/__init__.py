"""Turns texts and character spans into the tensors of a model of words and entities."""

from loreweave.encoding.encoded_text import EncodedText, EncodingReport, Task
from loreweave.encoding.entity_tokenizer import EntityTokenizer
from loreweave.encoding.words.tokenizer import MARKER_TOKENS, add_marker_tokens

__all__ = [
    "MARKER_TOKENS",
    "EncodedText",
    "EncodingReport",
    "EntityTokenizer",
    "Task",
    "add_marker_tokens",
]
