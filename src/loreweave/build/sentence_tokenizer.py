"""Tokenizes sentences into sub-words with character offsets, each sentence as if it were inside its paragraph.

Fast tokenizers treat the space before the first word differently: byte-level BPE (RoBERTa) sees it as a character,
SentencePiece (XLM-R) adds one itself, WordPiece (BERT) ignores it. Here the caller states whether the sentence follows
white space, for all families.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tokenizers import Tokenizer

from loreweave.errors import ConfigurationError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# A rare ideograph in front of a sentence that follows no white space: it receives the tokenizer's own space.
_SENTINEL = "\u9fa5"


class SubWords(NamedTuple):
    """Ids of the sub-words of a sentence, and the characters of the sentence that each covers."""

    ids: list[int]
    offsets: list[tuple[int, int]]

    def range_of(self, start: int, end: int) -> tuple[int, int] | None:
        """First and last + 1 of the sub-words that cover the characters [start, end); None if there are none.

        A sub-word that crosses a boundary of the mention is included.
        """
        covering = [i for i, (first, last) in enumerate(self.offsets) if first < end and last > start]
        return (covering[0], covering[-1] + 1) if covering else None


class SentenceTokenizer:
    """A private copy of a fast tokenizer without truncation, padding, special tokens and added spaces.

    Special tokens that occur literally in the text (`<mask>`) are split like any other characters.

    Attributes:
        unknown_id: see `unknown_id_of`.

    Raises:
        ConfigurationError: the tokenizer is not a fast one.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase | Tokenizer) -> None:
        """Copy the tokenizer's rules; the tokenizer itself is not changed."""
        state = json.loads(backend_of(tokenizer).to_str())
        self._spaced_prefix, self._glued_prefix = _prefixes(state)
        self._state = json.dumps(state, ensure_ascii=False)
        self._tokenizer = _from_state(self._state)
        self.unknown_id = unknown_id_of(state)

    def __getstate__(self) -> tuple[str, str, str, int | None]:
        """State for another process."""
        return self._spaced_prefix, self._glued_prefix, self._state, self.unknown_id

    def __setstate__(self, state: tuple[str, str, str, int | None]) -> None:
        """Restore the tokenizer (its treatment of special tokens is not serialised)."""
        self._spaced_prefix, self._glued_prefix, self._state, self.unknown_id = state
        self._tokenizer = _from_state(self._state)

    def encode(self, sentences: Sequence[str], spaced: Sequence[bool], with_offsets: Sequence[bool]) -> Iterator[SubWords]:
        """Tokenise sentences in one batch.

        Args:
            sentences: sentences without surrounding white space.
            spaced: whether each sentence follows white space or begins a paragraph.
            with_offsets: whether offsets are needed (they cost more than the ids); otherwise they are empty.
        """
        prefixes = [self._spaced_prefix if space else self._glued_prefix for space in spaced]
        inputs = [prefix + sentence for prefix, sentence in zip(prefixes, sentences, strict=True)]
        encodings = self._tokenizer.encode_batch(inputs, add_special_tokens=False)
        for encoding, prefix, wanted in zip(encodings, prefixes, with_offsets, strict=True):
            ids, offsets = encoding.ids, encoding.offsets if wanted or prefix == _SENTINEL else []
            if prefix == _SENTINEL:
                first = next((i for i, (_, end) in enumerate(offsets) if end > 1), len(offsets))
                ids, offsets = ids[first:], offsets[first:]
            if prefix:
                offsets = [(max(0, start - 1), end - 1) for start, end in offsets]
            yield SubWords(ids, offsets)


def backend_of(tokenizer: PreTrainedTokenizerBase | Tokenizer) -> Tokenizer:
    """The `tokenizers.Tokenizer` inside a fast tokenizer."""
    backend = tokenizer if isinstance(tokenizer, Tokenizer) else getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        message = f"found the slow tokenizer {type(tokenizer).__name__}, expected a fast one"
        raise ConfigurationError(f"{message}: mentions need character offsets")
    return backend


def unknown_id_of(state: Mapping[str, Any]) -> int | None:
    """Id of the sub-word that stands for what a tokenizer does not know; None if it knows everything, as byte-level ones do.

    Args:
        state: the tokenizer as JSON.
    """
    model = state["model"]
    token = model.get("unk_token")
    found: int | None = model.get("unk_id") if token is None else model["vocab"].get(token)
    return found


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerBase | Tokenizer) -> str:
    """SHA-256 of the rules and the vocabulary of a fast tokenizer (not of its truncation and padding)."""
    state = json.loads(backend_of(tokenizer).to_str())
    state["truncation"] = state["padding"] = None
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def use_one_thread_a_process() -> None:
    """Keep the tokenizer from starting threads in a worker process."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def _from_state(state: str) -> Tokenizer:
    tokenizer = Tokenizer.from_str(state)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def _prefixes(state: dict[str, Any]) -> tuple[str, str]:
    """Switch off automatic spaces if the family can express both cases; return what to write before a sentence.

    Returns:
        Prefix of a sentence that follows white space, and of one that does not.
    """
    steps = list(_steps(state.get("pre_tokenizer")))
    kinds = {step["type"] for step in steps}
    if "ByteLevel" in kinds:
        for step in steps:
            if step["type"] == "ByteLevel":
                step["add_prefix_space"] = False
        return " ", ""
    if "Metaspace" in kinds:
        if kinds & {"WhitespaceSplit", "Whitespace"}:  # spaces are removed before Metaspace, which must add its own
            return "", _SENTINEL
        for step in steps:
            if step["type"] == "Metaspace":
                step["prepend_scheme"] = "never"
        return " ", ""
    return "", ""


def _steps(step: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The pre-tokenizer and those inside it."""
    if step is not None:
        yield step
        for inner in step.get("pretokenizers", ()):
            yield from _steps(inner)
