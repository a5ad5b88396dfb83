"""Sub-words that continue the word of the previous one."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from tokenizers import Tokenizer

from loreweave.encoding.families import BYTE_LEVEL_BPE, SENTENCEPIECE, WORDPIECE, SubwordKind


def continuation_rule(backend: Tokenizer) -> Callable[[str], bool] | None:
    """The test "does this token continue a word?", or None if the tokens do not show it (those that mark a word's end).

    It is that of LUKE's released code for byte-level BPE and WordPiece, and uses the mark for SentencePiece. It depends on the
    algorithm, not on single tokens: RoBERTa's byte-level BPE has a token `##` too.
    """
    algorithm = type(backend.model).__name__
    if algorithm == "WordLevel":
        return lambda token: False
    if algorithm == WORDPIECE.algorithm:
        prefix = backend.model.continuing_subword_prefix
        return lambda token: token.startswith(prefix)
    vocabulary = backend.get_vocab()
    if algorithm == BYTE_LEVEL_BPE.algorithm and _has(vocabulary, BYTE_LEVEL_BPE):
        return _continues_bytes(backend)
    if _has(vocabulary, SENTENCEPIECE):
        return lambda token: not token.startswith(SENTENCEPIECE.mark)
    prefix = getattr(backend.model, "continuing_subword_prefix", None)
    return (lambda token: token.startswith(prefix)) if prefix else None


def _has(vocabulary: dict[str, int], kind: SubwordKind) -> bool:
    return any(token.startswith(kind.mark) for token in vocabulary)


def _continues_bytes(backend: Tokenizer) -> Callable[[str], bool]:
    """Tokens are bytes written as letters, so their decoded text is tested."""
    decode = backend.decoder.decode

    def continues(token: str) -> bool:
        text = decode([token])
        return bool(text) and not text[0].isspace() and not _is_punctuation(text[0])

    return continues


def _is_punctuation(character: str) -> bool:
    """BERT's definition: every ASCII character that is not a letter, digit or space, and Unicode's P categories."""
    if ord(character) < 128:
        return not character.isalnum() and not character.isspace()
    return unicodedata.category(character).startswith("P")
